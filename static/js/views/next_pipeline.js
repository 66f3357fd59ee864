/** The pipeline as a row of steps: each with its slider, what it took away, and how much probability is left behind it. */

import { h, replace } from '../dom.js';
import { grouped, percent } from '../format.js';
import { left, quoted, removal, share } from './next_words.js';

/** @typedef {import('../answers_predictions.js').LogitsData} LogitsData */
/** @typedef {Readonly<import('../types.js').Selection>} Selection */
/** @typedef {Partial<import('../types.js').Selection>} Patch */

/** What the slider of top-k stops at; 0 is off. */
export const TOP_K = [0, 1, 2, 3, 4, 5, 8, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000, 2000, 5000];

/** What is set when nothing is changed. */
const PLAIN = Object.freeze({ temperature: 1, topK: 0, topP: 1, minP: 0 });
/** After this many milliseconds without an answer the next change is sent all the same. */
const PATIENCE = 1000;
const LARGEST_SEED = 999999;

/** The seed that is used where this was typed: whole, and within bounds. Null: nothing is drawn. @param {string} typed */
export function seedOf(typed) {
  return typed === '' ? null : Math.min(Math.max(Math.floor(Number(typed)), 0), LARGEST_SEED) || 0;
}

/** @param {{set: (patch: Patch) => void}} react */
export function pipeline({ set }) {
  const send = oneByOne(set);
  const temperature = slider('temperature', 'divides the scores: below 1 sharper, above 1 flatter, 0 greedy',
    { min: 0, max: 2, step: 0.05 }, (at) => send({ temperature: at }));
  const topK = slider('top-k', 'keeps the k likeliest', { min: 0, max: TOP_K.length - 1, step: 1 }, (at) => send({ topK: TOP_K[at] }));
  const topP = slider('top-p', 'keeps the fewest that together reach p', { min: 0.05, max: 1, step: 0.01 }, (at) => send({ topP: at }));
  const minP = slider('min-p', 'drops what is less likely than p times the likeliest', { min: 0, max: 0.5, step: 0.01 }, (at) => send({ minP: at }));
  const sliders = /** @type {Record<string, ReturnType<typeof slider>>} */ ({ temperature, 'top-k': topK, 'top-p': topP, 'min-p': minP });
  const logits = card('logits', h('span.next-name', {}, 'Logits'), 'one score for each word piece of the vocabulary');
  const softmax = card('softmax', h('span.next-name', {}, 'Softmax'), 'makes what is left into probabilities');
  const reset = h('button.button.small', { type: 'button', onclick: () => set(PLAIN) }, 'Reset');

  const seed = h('input.next-seed', { type: 'number', min: 0, max: LARGEST_SEED, step: 1, id: 'next-seed', inputmode: 'numeric' });
  const draw = h('button.button.small', { type: 'button' }, 'Draw');
  const drawing = card('draw', h('label.next-name', { for: 'next-seed' }, 'Draw'), 'a number u from a seed picks one');
  drawing.element.append(h('div.next-seeds', {}, h('span.label', { 'aria-hidden': 'true' }, 'Seed'), seed, draw));
  let drawn = false;
  /** @type {number|null} what is drawn with */
  let last = null;
  draw.addEventListener('click', () => set({ draw: drawn ? Math.min(Number(seed.value) + 1, LARGEST_SEED) : Number(seed.value) || 0 }));
  seed.addEventListener('input', () => {
    if (seed.validity.badInput) return; // a minus so far, which is no number yet
    const used = seedOf(seed.value);
    if (used !== null && used !== Number(seed.value)) seed.value = String(used);
    last = used;
    send({ draw: used });
  });
  seed.addEventListener('change', () => { seed.value = String((seed.validity.badInput ? last : seedOf(seed.value)) ?? 0); });

  return {
    element: h('ol.next-steps', { 'aria-label': 'From the scores to a word, step by step' },
      logits.element, temperature.element, topK.element, topP.element, minP.element, softmax.element, drawing.element),
    reset,
    destroy: send.stop,
    /** @param {LogitsData|null} data @param {Selection} state */
    update(data, state) {
      temperature.show(state.temperature, state.temperature === 0 ? '0, greedy' : state.temperature.toFixed(2), false);
      const greedy = state.temperature === 0;
      topK.show(nearest(state.topK), state.topK === 0 ? 'off' : String(state.topK), greedy);
      topP.show(state.topP, state.topP === 1 ? 'off' : state.topP.toFixed(2), greedy);
      minP.show(state.minP, state.minP === 0 ? 'off' : state.minP.toFixed(2), greedy);
      reset.disabled = /** @type {(keyof typeof PLAIN)[]} */ (Object.keys(PLAIN)).every((name) => state[name] === PLAIN[name]);
      drawn = state.draw !== null;
      last = state.draw;
      if (document.activeElement !== seed) seed.value = String(state.draw ?? 0);
      draw.textContent = drawn ? 'Draw again' : 'Draw';
      if (data) tell(data, state);
    },
    /** What was sent has been answered. */
    answered: send.next,
  };

  /** @param {LogitsData} data @param {Selection} state */
  function tell(data, state) {
    logits.tell(`${grouped(data.vocab)} scores`, 1, 1);
    let [kept, mass] = [data.vocab, 1];
    for (const step of data.pipeline) {
      const one = sliders[step.step];
      const after = mass * (1 - step.removed_mass);
      const idle = step.step === 'temperature' ? about(data, state) : removal(step, kept);
      one?.tell(state.temperature === 0 && step.step === 'top-k' ? `greedy: keeps the likeliest alone, ${removal(step, kept)}` : idle, mass, after);
      [kept, mass] = [step.kept, after];
    }
    softmax.tell(share(data), left(data.pipeline), 1);
    drawing.tell(data.draw ? `u = ${data.draw.u.toFixed(4)} → ${quoted(data.draw.text)}` : 'nothing drawn yet', 1, 1);
    drawing.element.toggleAttribute('data-drawn', Boolean(data.draw));
  }
}

/**
 * What temperature did: it removes nothing, it moves probability.
 * @param {LogitsData} data
 * @param {Selection} state
 */
function about({ candidates }, { temperature }) {
  if (temperature === 0) return 'greedy: the likeliest gets all, the rest has nothing to do';
  if (temperature === 1) return 'removes nothing';
  const first = candidates.find(({ rank }) => rank === 0);
  return first?.softmax ? `removes nothing; scores are ${temperature < 1 ? 'spread' : 'drawn together'} by ${(1 / temperature).toFixed(2)}` : 'removes nothing';
}

/** @param {number} topK @returns {number} the stop of the slider that is closest */
function nearest(topK) {
  return TOP_K.reduce((best, value, i) => (Math.abs(value - topK) < Math.abs(TOP_K[best] - topK) ? i : best), 0);
}

/**
 * One step: its name, what it does, what it did, and the probability that is left behind it.
 * @param {string} step
 * @param {HTMLElement} name
 * @param {string} explains
 */
function card(step, name, explains) {
  const id = `next-${step}-what`;
  const did = h('span.next-did', {});
  const bar = h('div.next-left', { 'aria-hidden': 'true' }, h('i', {}), h('b', {}));
  const element = h('li.next-step', { data: { step } }, h('div.next-head', {}, name), h('small', { id }, explains), h('div.next-done', {}, bar, did));
  return {
    element,
    id,
    /** @param {string} words @param {number} before share that was left @param {number} after */
    tell(words, before, after) {
      if (did.textContent !== words) did.textContent = words;
      bar.title = `${percent(after)} of the probability is left`;
      bar.style.setProperty('--before', before.toFixed(4));
      bar.style.setProperty('--after', after.toFixed(4));
    },
  };
}

/**
 * @param {string} name
 * @param {string} explains
 * @param {{min: number, max: number, step: number}} range
 * @param {(at: number) => void} change
 */
function slider(name, explains, range, change) {
  const id = `next-${name}`;
  const title = name[0].toUpperCase() + name.slice(1);
  const { element, tell, id: what } = card(name, h('label.next-name', { for: id }, title), explains);
  const input = h('input.next-range', { type: 'range', id, ...range, 'aria-describedby': what });
  const value = h('output.next-value', { for: id });
  input.addEventListener('input', () => change(Number(input.value)));
  replace(/** @type {HTMLElement} */ (element.querySelector('.next-head')), element.querySelector('label'), value);
  element.querySelector('.next-head')?.after(input);
  return {
    element,
    tell,
    /** @param {number} at @param {string} text @param {boolean} idle */
    show(at, text, idle) {
      if (document.activeElement !== input) input.value = String(at);
      input.setAttribute('aria-valuetext', text);
      value.textContent = text;
      element.toggleAttribute('data-idle', idle);
    },
  };
}

/**
 * While a change is being answered the later ones wait, and only the last of them is sent: a slider that is dragged
 * is as fast as the answers are.
 * @param {(patch: Patch) => void} set
 */
function oneByOne(set) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let under;
  /** @type {Patch|null} */
  let waiting = null;
  const next = () => {
    clearTimeout(under);
    under = undefined;
    if (!waiting) return;
    const patch = waiting;
    waiting = null;
    under = setTimeout(next, PATIENCE);
    set(patch);
  };
  const send = (/** @type {Patch} */ patch) => {
    waiting = { ...waiting, ...patch };
    if (under === undefined) next();
  };
  return Object.assign(send, { next, stop: () => clearTimeout(under) });
}
