// What is shown of the picture: tokens or words, and what is hidden. What that leaves out is said in a line below.

import { h } from '../dom.js';
import { BLOCKS } from '../hidden.js';
import { choice } from './controls.js';

/** @typedef {import('../types.js').Selection} Selection */

/** Steps of the slider. They follow the square, so that small weights, of which there are most, have most of them. */
const STEPS = 100;

/** @param {number} step */
const leastAt = (step) => Number(((step / STEPS) ** 2).toFixed(3));
/** @param {number} least */
const stepOf = (least) => Math.round(Math.sqrt(least) * STEPS);

/**
 * @param {HTMLElement} el
 * @param {{onChange: (patch: Partial<Selection>) => void}} options
 */
export function createSight(el, { onChange }) {
  const toggle = (/** @type {string} */ text, /** @type {string} */ title, /** @type {() => void} */ run) => (
    h('button.toggle', { type: 'button', title, 'aria-pressed': 'false', onclick: run }, text));
  /** @type {Readonly<Selection>|null} */
  let now = null;
  const token = toggle('tokens', 'A row and a column for each token', () => onChange({ group: 'token' }));
  const word = toggle('words', 'Tokens of a word together: added up as keys, averaged as queries', () => onChange({ group: 'word' }));
  const special = toggle('special tokens', 'Leave out tokens that are no text, such as [CLS] and [SEP]', () => onChange({ hideSpecial: !now?.hideSpecial }));
  const sink = toggle('sink', 'Leave out the key on which a head parks its attention', () => onChange({ hideSink: !now?.hideSink }));
  const slider = h('input.slider', { id: 'least', type: 'range', min: 0, max: STEPS, step: 1 });
  const value = h('output.slider-value', { for: 'least' });
  const pair = choice('Pair', 'segments', (to) => onChange({ segments: to === '' ? null : /** @type {Selection['segments']} */ (to) }));
  slider.addEventListener('input', () => onChange({ least: leastAt(Number(slider.value)) }));
  el.append(
    h('div.control', {}, h('span.label', { id: 'group-label' }, 'By'), h('div.toggles', { role: 'group', 'aria-labelledby': 'group-label' }, token, word)),
    h('div.control', {}, h('span.label', { id: 'hide-label' }, 'Hide'), h('div.toggles', { role: 'group', 'aria-labelledby': 'hide-label' }, special, sink)),
    h('div.control', {}, h('label.label', { for: 'least' }, 'Below'), slider, value),
    pair.box);

  return {
    /**
     * @param {Readonly<Selection>} state
     * @param {boolean} sight the view heeds it
     * @param {boolean} isPair there are two sentences
     */
    update(state, sight, isPair) {
      now = state;
      el.hidden = !sight;
      token.setAttribute('aria-pressed', String(state.group === 'token'));
      word.setAttribute('aria-pressed', String(state.group === 'word'));
      special.setAttribute('aria-pressed', String(state.hideSpecial));
      sink.setAttribute('aria-pressed', String(state.hideSink));
      const step = String(stepOf(state.least));
      if (slider.value !== step) slider.value = step;
      const words = state.least === 0 ? 'none' : String(state.least);
      slider.setAttribute('aria-valuetext', state.least === 0 ? 'nothing is hidden' : `below ${state.least}`);
      value.textContent = words;
      pair.box.hidden = !isPair;
      pair.update(state.segments ?? '', [
        { value: '', title: 'A and B', note: 'All of both sentences' },
        ...Object.entries(BLOCKS).map(([block, title]) => ({ value: block, title, note: 'Only what the first looks at in the second' })),
      ]);
    },
  };
}
