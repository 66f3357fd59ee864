// Exact numbers for what is pointed at, where the picture holds only bytes, pooled numbers or a part of the rows: one
// row or one column of the map (all of it, where it is small), asked for when somebody stays there a moment.

import { headOf } from './lenses.js';
import { stackOf, tokensOf } from './selection.js';
import { mapsOf } from './strength.js';
import { unitsOf } from './units.js';
import { binOf } from './weights.js';

/** @typedef {import('./types.js').Hover} Hover */
/** @typedef {import('./types.js').Selection} Selection */
/** @typedef {import('./weights.js').Maps} Maps */
/** @typedef {{rows: readonly [number, number], cols: readonly [number, number]}} Block */

const PAUSE = 120;
/** @type {Readonly<Hover>} */
const NOWHERE = Object.freeze({ query: null, key: null });

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
   * @param {import('./answers_attention.js').AttentionData} answer the picture's
   * @param {Hover} focus
   * @param {Block} block what the picture is of
   * @returns {Maps}
   */
  return (looking, state, answer, focus, block) => {
    clearTimeout(timer);
    asking?.abort();
    asking = null;
    const maps = mapsOf(answer, state.layer);
    const whole = maps.exact && answer.values instanceof Uint8Array; // to the nearest byte only, but small enough to have all of it
    const binned = !maps.exact && answer.values instanceof Uint8Array && focus.query === null && focus.key === null; // the largest of each bin, to the nearest byte
    if (answer.followed || !inside(block, focus) || (!whole && !binned && holds(maps, focus, block))) return maps;
    const tokens = tokensOf(stackOf(state, looking.run), looking.run);
    const part = slice(state, answer.meta, whole ? NOWHERE : focus, block, tokens);
    const needs = { attention: binned && answer.meta.size ? { ...part, size: answer.meta.size } : part };
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

/** @param {number|null} index @param {readonly [number, number]} span */
function within(index, [from, to]) {
  return index === null || (index >= from && index < to);
}

/** @param {Block} block @param {Hover} focus */
function inside(block, { query, key }) {
  return within(query, block.rows) && within(key, block.cols);
}

/**
 * Are the numbers of these tokens in the maps, each by itself?
 * @param {Maps} maps
 * @param {Hover} focus
 * @param {Block} block
 */
export function holds({ exact, rowEdges, colEdges }, { query, key }, block) {
  if (query === null && key === null) return true;
  const [rows, cols] = [rowEdges, colEdges].map((edges) => /** @type {[number, number]} */ ([edges[0], edges[edges.length - 1]]));
  const whole = rows[0] <= block.rows[0] && rows[1] >= block.rows[1];
  return exact && within(query, rows) && within(key, cols) && (query !== null || whole);
}

/**
 * The row of the query, or, without one, the column of the key, or, without either, the map: of all heads in Heads,
 * else of the one chosen.
 * @param {Readonly<Selection>} state
 * @param {import('./answers_attention.js').AttentionMeta} meta of the picture
 * @param {Hover} focus
 * @param {Block} block
 * @param {{rows: import('./types.js').Token[], cols: import('./types.js').Token[]}} tokens
 * @returns {import('./answers_attention.js').AttentionParams}
 */
function slice(state, { stack, group, hide = [], prediction }, { query, key }, block, tokens) {
  /** @type {(of: import('./types.js').Token[], index: number) => [number, number]} */
  const one = (of, index) => {
    if (group !== 'word') return [index, index + 1];
    const { edges } = unitsOf(of);
    const unit = binOf(edges, index);
    return [edges[unit], edges[unit + 1]];
  };
  const part = (/** @type {readonly [number, number]} */ [from, to], /** @type {unknown[]} */ of) => (from === 0 && to === of.length ? null : /** @type {[number, number]} */ ([from, to]));
  const rows = query !== null ? one(tokens.rows, query) : part(block.rows, tokens.rows);
  const cols = query === null && key !== null ? one(tokens.cols, key) : part(block.cols, tokens.cols);
  return {
    stack, layer: state.layer, ...(state.view === 'heads' ? {} : headOf(state)), lens: state.lens, dtype: 'f32',
    ...(prediction ? { position: prediction.position } : {}), ...(group === 'word' ? { group } : {}), ...(hide.length ? { hide: hide.join(',') } : {}), ...(rows ? { rows } : {}), ...(cols ? { cols } : {}),
  };
}
