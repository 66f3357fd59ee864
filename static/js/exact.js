// Exact numbers for what is pointed at, where the picture holds only pooled ones or a part of the rows: one row or
// one column of the map, asked for when somebody stays there a moment.

import { mapsOf } from './strength.js';

/** @typedef {import('./types.js').Hover} Hover */
/** @typedef {import('./types.js').Selection} Selection */
/** @typedef {import('./weights.js').Maps} Maps */

const PAUSE = 120;

/**
 * @param {ReturnType<typeof import('./session.js').createSession>} session
 * @param {() => void} onArrive
 */
export function createExact(session, onArrive) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  /** @type {AbortController|null} */
  let asking = null;

  /**
   * The maps to read the numbers from: exact ones when they are here, else those of the picture.
   * @param {import('./stage.js').Looking} looking
   * @param {Readonly<Selection>} state
   * @param {import('./types.js').AttentionData} answer the picture's
   * @param {Hover} focus
   * @returns {Maps}
   */
  return (looking, state, answer, focus) => {
    clearTimeout(timer);
    asking?.abort();
    asking = null;
    const maps = mapsOf(answer, state.layer);
    if (holds(maps, focus)) return maps;
    const needs = { attention: slice(state, answer.meta.stack, focus) };
    const known = session.peek(needs, looking.run)?.attention;
    if (known) return mapsOf(known, state.layer);
    const mine = new AbortController();
    asking = mine;
    timer = setTimeout(() => {
      session.fetch(needs, looking.run, looking.request, mine.signal)
        .then(() => { if (!mine.signal.aborted) onArrive(); })
        .catch(() => undefined); // the picture's own numbers stay, and say that they are pooled
    }, PAUSE);
    return maps;
  };
}

/**
 * Are the numbers of these tokens in the maps, each by itself?
 * @param {Maps} maps
 * @param {Hover} focus
 */
export function holds({ exact, rowEdges, colEdges }, { query, key }) {
  if (query === null && key === null) return true;
  /** @type {(edges: readonly number[], index: number|null) => boolean} */
  const within = (edges, index) => index === null || (index >= edges[0] && index < edges[edges.length - 1]);
  return exact && within(rowEdges, query) && within(colEdges, key) && (query !== null || rowEdges[0] === 0);
}

/**
 * The row of the query, or, without one, the column of the key: of all heads in Heads, else of the one chosen.
 * @param {Readonly<Selection>} state
 * @param {import('./types.js').StackName} stack
 * @param {Hover} focus
 * @returns {import('./types.js').AttentionParams}
 */
function slice(state, stack, { query, key }) {
  const one = (/** @type {number} */ index) => /** @type {[number, number]} */ ([index, index + 1]);
  const where = query !== null ? { rows: one(query) } : { cols: one(key ?? 0) };
  const head = state.view === 'heads' || state.lens === 'rollout' ? {} : { head: state.head };
  return { stack, layer: state.layer, ...head, lens: state.lens, dtype: 'f32', ...where };
}
