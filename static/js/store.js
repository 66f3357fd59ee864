// The one selection that every view shares, and the hover, which passes and is in no link.

import { outlived } from './knockouts.js';

/** @typedef {import('./types.js').Selection} Selection */
/** @typedef {import('./types.js').Hover} Hover */
/** @typedef {import('./types.js').Store} Store */

/** @type {Readonly<Selection>} */
export const DEFAULTS = Object.freeze({
  model: '', text: '', pair: null, target: null, masks: null,
  stack: null, layer: 0, head: 0, heads: null, query: null, key: null,
  lens: 'raw', view: 'heads', group: 'token', hideSpecial: false, hideSink: false, least: 0, segments: null, lenses: null, rows: null, cols: null, scale: 'sqrt',
  gridColour: null, role: 'induction', roleX: 'previous', roleY: 'induction', sort: 'head',
  temperature: 1, topK: 0, topP: 1, minP: 0, position: null, search: '', draw: null, measure: 'nats', cellMeasure: 'softmax', depth: null, writeSteps: 20, prefix: null,
  edits: null, ablation: 'zero', effect: null, against: null, token: null, method: 'gradient-x-input', gradients: 128,
  otherModel: null, otherText: null, otherLayer: null, otherHead: null,
});

/**
 * A store holds one frozen Selection. `set` tells the listeners once, naming what really changed.
 * @param {Partial<Selection>} [initial]
 * @returns {Store}
 */
export function createStore(initial = {}) {
  /** @type {Readonly<Selection>} */
  let state = Object.freeze({ ...DEFAULTS, ...initial });
  /** The view in which the other text was written. */
  let writtenIn = state.view;
  /** @type {Readonly<Hover>} */
  let hover = Object.freeze({ query: null, key: null });
  /** @type {Set<(state: Readonly<Selection>, changed: Set<keyof Selection>) => void>} */
  const listeners = new Set();
  /** @type {Set<(hover: Readonly<Hover>) => void>} */
  const hoverListeners = new Set();

  return {
    get: () => state,
    set(patch) {
      const next = Object.freeze({ ...state, ...outlived(state, patch), ...(writtenIn === 'compare' ? {} : unchanged(state, patch)), ...patch });
      const changed = changes(state, next);
      if (changed.size === 0) return;
      if (changed.has('otherText')) writtenIn = next.view;
      state = next;
      for (const listener of [...listeners]) listener(state, changed);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    get hover() { return hover; },
    setHover(patch) {
      const next = Object.freeze({ ...hover, ...patch });
      if (next.query === hover.query && next.key === hover.key) return;
      hover = next;
      for (const listener of [...hoverListeners]) listener(hover);
    },
    subscribeHover(listener) {
      hoverListeners.add(listener);
      return () => hoverListeners.delete(listener);
    },
  };
}

/**
 * A word that was changed in What if is a change of that text, and goes with it; a text to compare with stays.
 * @param {Readonly<Selection>} state
 * @param {Partial<Selection>} patch
 * @returns {Partial<Selection>}
 */
function unchanged(state, patch) {
  const { text, masks } = { ...state, ...patch };
  return text === state.text && same(masks, state.masks) ? {} : { otherText: null };
}

/**
 * The names whose values differ; lists of heads are compared by what they hold.
 * @param {Readonly<Selection>} a
 * @param {Readonly<Selection>} b
 * @returns {Set<keyof Selection>}
 */
export function changes(a, b) {
  const keys = /** @type {(keyof Selection)[]} */ (Object.keys(DEFAULTS));
  return new Set(keys.filter((key) => !same(a[key], b[key])));
}

/** @param {unknown} a @param {unknown} b */
function same(a, b) {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((value, i) => value === b[i]);
  return Object.is(a, b);
}
