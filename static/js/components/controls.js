// What is looked at: stack, layer, head, lens. Steppers take a number typed, the arrows beside it, or the keys.

import { h, replace } from '../dom.js';
import { LENSES, lensOf } from '../lenses.js';

/** @typedef {import('../types.js').Selection} Selection */
/** @typedef {import('../types.js').Run} Run */

const OPTIONS = LENSES.map(({ id, meaning }) => ({ value: id, title: id, note: meaning }));

/**
 * @param {HTMLElement} el
 * @param {{onChange: (patch: Partial<Selection>) => void}} options
 */
export function createControls(el, { onChange }) {
  const stack = choice('Stack', 'stack', (value) => onChange({ stack: /** @type {Selection['stack']} */ (value) }));
  const layer = stepper('Layer', 'layer', (value) => onChange({ layer: value }));
  const head = stepper('Head', 'head', (value) => onChange({ head: value }));
  const lens = choice('Lens', 'lens', (value) => onChange({ lens: /** @type {Selection['lens']} */ (value) }), true);
  replace(el, stack.box, layer.box, head.box, lens.box);

  return {
    /**
     * @param {Readonly<Selection>} state
     * @param {Run} run
     * @param {import('../types.js').Stack} current
     */
    update(state, run, current) {
      const one = ['map', 'grid', 'roles', 'neuron', 'compare', 'whatif', 'lenses', 'causes', 'generate', 'attribution'].includes(state.view);
      const looksAtHeads = one || state.view === 'heads';
      const looksThrough = state.view === 'heads' || state.view === 'map';
      el.hidden = !looksAtHeads && run.stacks.length === 1;
      stack.box.hidden = run.stacks.length === 1;
      layer.box.hidden = !looksAtHeads;
      lens.box.hidden = !looksThrough;
      head.box.hidden = !one;
      stack.update(current.name, run.stacks.map(({ name }) => ({ value: name, title: name, note: '' })));
      layer.update(state.layer, current.layers, false);
      head.update(state.head, current.heads, looksThrough && !lensOf(state.lens).heads);
      lens.update(state.lens, OPTIONS);
    },
  };
}

/**
 * @param {string} label
 * @param {string} id
 * @param {(value: number) => void} onChange
 */
function stepper(label, id, onChange) {
  let [value, count] = [0, 1];
  const input = h('input.stepper-value', { id, type: 'text', inputmode: 'numeric', autocomplete: 'off', maxlength: 4, role: 'spinbutton', 'aria-valuemin': 0 });
  const of = h('span.stepper-of', { 'aria-hidden': 'true' });
  const go = (/** @type {number} */ to) => { if (to >= 0 && to < count && to !== value) onChange(to); };
  const less = h('button.stepper-button', { type: 'button', 'aria-label': `Previous ${label.toLowerCase()}`, onclick: () => go(value - 1) }, '‹');
  const more = h('button.stepper-button', { type: 'button', 'aria-label': `Next ${label.toLowerCase()}`, onclick: () => go(value + 1) }, '›');
  const box = h('div.control', {}, h('label.label', { for: id }, label), h('div.stepper', {}, less, input, of, more));

  input.addEventListener('focus', () => input.select());
  input.addEventListener('change', () => {
    const typed = /^\d+$/.test(input.value.trim()) ? Number(input.value) : value;
    go(Math.min(typed, count - 1));
    input.value = String(value);
  });
  input.addEventListener('keydown', (event) => {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    go(value + step);
  });

  return {
    box,
    /** @param {number} now @param {number} all @param {boolean} off */
    update(now, all, off) {
      [value, count] = [now, all];
      input.value = off ? '–' : String(now);
      input.disabled = off;
      less.disabled = off || now === 0;
      more.disabled = off || now === all - 1;
      input.setAttribute('aria-valuenow', String(now));
      input.setAttribute('aria-valuemax', String(all - 1));
      replace(of, off ? 'all' : `of 0–${all - 1}`);
      box.title = off ? 'This lens has one map for all heads' : '';
    },
  };
}

/**
 * @param {string} label
 * @param {string} id
 * @param {(value: string) => void} onChange
 * @param {boolean} [explained] each option says what it means
 */
export function choice(label, id, onChange, explained = false) {
  const select = h('select.select', { id });
  // where a select can be styled, its button shows the name alone; elsewhere it is not drawn
  const face = explained ? h('button', { type: 'button' }, document.createElement('selectedcontent')) : null;
  select.classList.toggle('explained', explained);
  select.addEventListener('change', () => onChange(select.value));
  const box = h('div.control', {}, h('label.label', { for: id }, label), select);
  return {
    box,
    /** @param {string} value @param {{value: string, title: string, note: string}[]} options */
    update(value, options) {
      const names = options.map((option) => option.value).join();
      if (select.dataset.options !== names) {
        replace(select, face, options.map((option) => h('option', { value: option.value },
          h('span.option-name', {}, option.title), explained && [' ', h('span.option-note', {}, option.note)])));
        select.dataset.options = names;
      }
      select.value = value;
      box.title = options.find((option) => option.value === value)?.note ?? '';
    },
  };
}
