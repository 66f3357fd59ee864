/** The sliders, the search and the draw of Next word. Changes are sent on as they come, but not more often than can be answered. */

import { h } from '../dom.js';

/** Milliseconds between two changes that are sent on while a slider moves. */
const PAUSE = 60;

/** What the slider of top-k stops at; 0 is off. */
export const TOP_K = [0, 1, 2, 3, 4, 5, 8, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000, 2000, 5000];

/** What is set when nothing is changed. */
const PLAIN = Object.freeze({ temperature: 1, topK: 0, topP: 1, minP: 0 });

/** @typedef {Partial<import('../types.js').Selection>} Patch */

/** @param {{set: (patch: Patch) => void}} react */
export function controls(react) {
  const send = throttled(react.set);
  const temperature = slider('Temperature', 'divides the logits: below 1 sharper, above 1 flatter, 0 greedy',
    { min: 0, max: 2, step: 0.05 }, (at) => send({ temperature: at }));
  const topK = slider('Top-k', 'keep the k likeliest', { min: 0, max: TOP_K.length - 1, step: 1 }, (at) => send({ topK: TOP_K[at] }));
  const topP = slider('Top-p', 'keep the fewest that together reach p', { min: 0.05, max: 1, step: 0.01 }, (at) => send({ topP: at }));
  const minP = slider('Min-p', 'drop what is less likely than p times the likeliest', { min: 0, max: 0.5, step: 0.01 }, (at) => send({ minP: at }));
  const reset = h('button.button.small', { type: 'button', onclick: () => react.set(PLAIN) }, 'Reset');
  const search = h('input.next-search', { type: 'search', placeholder: 'a word piece', autocomplete: 'off', spellcheck: 'false', maxlength: 60, id: 'next-search' });
  search.addEventListener('input', () => send({ search: search.value }));
  const draw = h('button.button.small', { type: 'button' }, 'Draw');
  const seed = h('input.next-seed', { type: 'number', min: 0, max: 999999, step: 1, id: 'next-seed', inputmode: 'numeric' });
  let drawing = false;
  draw.addEventListener('click', () => {
    const at = Number(seed.value) || 0;
    react.set({ draw: drawing ? at + 1 : at });
  });
  seed.addEventListener('change', () => react.set({ draw: seed.value === '' ? null : Math.min(Math.max(Math.floor(Number(seed.value)), 0), 999999) }));

  return {
    element: h('div.next-controls', {}, temperature.element, topK.element, topP.element, minP.element, reset,
      h('div.next-field', {}, h('label.label', { for: 'next-search' }, 'Find'), search),
      h('div.next-field', {}, h('label.label', { for: 'next-seed' }, 'Seed'), seed, draw)),
    /** @param {Readonly<import('../types.js').Selection>} state */
    update(state) {
      temperature.show(state.temperature, state.temperature === 0 ? 'greedy' : state.temperature.toFixed(2));
      topK.show(nearest(state.topK), state.topK === 0 ? 'off' : String(state.topK));
      topP.show(state.topP, state.topP === 1 ? 'off' : state.topP.toFixed(2));
      minP.show(state.minP, state.minP === 0 ? 'off' : state.minP.toFixed(2));
      reset.disabled = /** @type {(keyof typeof PLAIN)[]} */ (Object.keys(PLAIN)).every((name) => state[name] === PLAIN[name]);
      if (document.activeElement !== search) search.value = state.search;
      drawing = state.draw !== null;
      if (document.activeElement !== seed) seed.value = String(state.draw ?? 0);
      draw.textContent = drawing ? 'Draw again' : 'Draw';
    },
    destroy: send.stop,
  };
}

/** @param {number} topK @returns {number} the stop of the slider that is closest */
function nearest(topK) {
  return TOP_K.reduce((best, value, i) => (Math.abs(value - topK) < Math.abs(TOP_K[best] - topK) ? i : best), 0);
}

/**
 * @param {string} name
 * @param {string} explains
 * @param {{min: number, max: number, step: number}} range
 * @param {(at: number) => void} change
 */
function slider(name, explains, range, change) {
  const id = `next-${name.toLowerCase()}`;
  const input = h('input.next-range', { type: 'range', id, ...range, 'aria-describedby': `${id}-what` });
  const value = h('output.next-value', { for: id });
  input.addEventListener('input', () => change(Number(input.value)));
  return {
    element: h('div.next-slider', {}, h('label', { for: id }, name), value, input, h('small', { id: `${id}-what` }, explains)),
    /** @param {number} at @param {string} words */
    show(at, words) {
      if (Number(input.value) !== at) input.value = String(at);
      input.setAttribute('aria-valuetext', words);
      value.textContent = words;
    },
  };
}

/**
 * The first change goes at once; while more follow, the latest goes every `PAUSE` ms. None is lost.
 * @param {(patch: Patch) => void} set
 */
function throttled(set) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  /** @type {Patch|null} */
  let waiting = null;
  const tick = () => {
    timer = undefined;
    if (!waiting) return;
    const patch = waiting;
    waiting = null;
    timer = setTimeout(tick, PAUSE);
    set(patch);
  };
  const send = (/** @type {Patch} */ patch) => {
    waiting = { ...waiting, ...patch };
    if (timer === undefined) tick();
  };
  return Object.assign(send, { stop: () => clearTimeout(timer) });
}
