// The model picker: a combobox over the models that are here, in which the id of any other can be typed.

import { h, replace } from '../dom.js';
import { grouped, modelSize } from '../format.js';

/** @typedef {import('../types.js').Model} Model */

/**
 * @param {HTMLElement} el
 * @param {{onPick: (id: string) => void}} options
 */
export function createPicker(el, { onPick }) {
  /** @type {Model[]} */
  let models = [];
  let current = '';
  /** The last one that was there: an empty box goes back to it. */
  let good = '';
  /** @type {string[]} */
  let offered = [];
  let active = -1;

  const input = h('input.picker-input', {
    id: 'model', type: 'text', role: 'combobox', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', maxlength: 200,
    'aria-expanded': 'false', 'aria-controls': 'model-list', 'aria-autocomplete': 'list', 'aria-describedby': 'model-facts',
  });
  const list = h('ul.picker-list', { id: 'model-list', role: 'listbox', 'aria-label': 'Models', hidden: true });
  const facts = h('p.picker-facts', { id: 'model-facts' });
  const arrow = h('span.picker-arrow', { 'aria-hidden': 'true' }, '▾');
  replace(el, h('label.label', { for: 'model' }, 'Model'), h('div.picker-box', {}, input, arrow, list), facts);

  const open = () => !list.hidden;

  function show() {
    const typed = input.value.trim();
    const filter = typed === current ? '' : typed.toLowerCase();
    const found = models.filter(({ id, name }) => `${id} ${name}`.toLowerCase().includes(filter));
    offered = found.map(({ id }) => id);
    const other = typed !== '' && !models.some(({ id }) => id === meant(models, typed)) ? typed : null;
    if (other) offered.push(other);
    if (active >= offered.length) active = -1;
    replace(list, found.map((model, i) => option(i, model.id, row(model))),
      other && option(offered.length - 1, other, [h('span.picker-name', {}, other), h('span.picker-meta', {}, 'load it by this id')]),
      !offered.length && h('li.picker-none', { role: 'presentation' }, 'Type the id of a model, as org/name.'));
    list.hidden = false;
    input.setAttribute('aria-expanded', 'true');
    mark();
  }

  /** @param {number} index @param {string} id @param {import('../dom.js').Child[]} children */
  function option(index, id, children) {
    return h('li.picker-option', {
      id: `model-option-${index}`, role: 'option', 'aria-selected': String(id === current),
      onpointerdown: (/** @type {Event} */ event) => event.preventDefault(),
      onclick: () => pick(id),
      onpointermove: () => { if (active !== index) { active = index; mark(); } },
    }, ...children);
  }

  function mark() {
    [...list.children].forEach((child, i) => child.classList.toggle('active', i === active));
    if (active >= 0) {
      input.setAttribute('aria-activedescendant', `model-option-${active}`);
      list.children[active]?.scrollIntoView({ block: 'nearest' });
    } else input.removeAttribute('aria-activedescendant');
  }

  function close() {
    list.hidden = true;
    active = -1;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  }

  /** @param {string} typed an id, in any case; nothing: the last good one */
  function pick(typed) {
    const id = typed === '' ? good || current : meant(models, typed);
    close();
    input.value = id;
    if (id !== current) onPick(id);
  }

  input.addEventListener('focus', () => input.select());
  input.addEventListener('click', show);
  input.addEventListener('input', () => { active = -1; show(); });
  input.addEventListener('blur', () => {
    if (input.value.trim() === '') pick('');
    close();
    input.value = current;
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (!open()) show();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      active = offered.length ? (active + step + offered.length) % offered.length : -1;
      mark();
    } else if (event.key === 'Enter') {
      event.preventDefault();
      pick((active >= 0 ? offered[active] : undefined) ?? input.value.trim());
    } else if (event.key === 'Escape' && open()) {
      event.stopPropagation();
      input.value = current;
      close();
    }
  });

  return {
    /** @param {Model[]} all @param {string} id the one chosen */
    update(all, id) {
      models = all;
      current = id;
      if (document.activeElement !== input || !open()) input.value = id;
      const model = all.find((one) => one.id === id);
      if (model) good = id;
      replace(facts, model ? describe(model) : id ? 'Not loaded yet' : 'Choose a model');
      if (open()) show();
    },
    focus: () => input.focus(),
  };
}

/**
 * The id as the catalogue writes it, where it has one that differs in case only.
 * @param {readonly Model[]} models
 * @param {string} typed
 */
export function meant(models, typed) {
  return models.find(({ id }) => id === typed)?.id ?? models.find(({ id }) => id.toLowerCase() === typed.toLowerCase())?.id ?? typed;
}

/** @param {Model} model @returns {import('../dom.js').Child[]} */
function row(model) {
  return [
    h('span.picker-name', {}, model.id, model.name !== model.id && h('span.picker-full', {}, model.name)),
    h('span.picker-meta', {},
      [model.kind, modelSize(model)].filter(Boolean).join(' · '),
      h(model.loaded ? 'span.dot.on' : 'span.dot', { title: model.loaded ? 'loaded' : 'not loaded' },
        h('span.hidden-visually', {}, model.loaded ? ', loaded' : ', not loaded'))),
  ];
}

/** @param {Model} model */
function describe(model) {
  const shape = model.layers !== null && model.heads !== null ? `${model.layers} layers × ${model.heads} heads` : '';
  const tokens = model.max_tokens === null ? '' : `${grouped(model.max_tokens)} tokens`;
  return [model.kind ?? 'kind not known yet', shape, tokens].filter(Boolean).join(' · ');
}
