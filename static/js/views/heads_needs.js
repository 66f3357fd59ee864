/** What Heads asks for: a layer's maps, whole or, of a long text, the rows near the window. */

import { lensOf } from '../lenses.js';
import { blockOf } from '../selection.js';

/** A layer's maps up to this many numbers, about what a screen has pixels, are fetched whole; of larger ones the rows near the window. */
const WHOLE = 1_300_000;

/** The fewest rows that are fetched at once: more than a window shows. */
const FEWEST = 72;

/** @typedef {{heads: number, rows: readonly [number, number], cols: readonly [number, number]}} Part of a stack that is shown */

/**
 * @param {Readonly<import('../types.js').Selection>} state
 * @param {import('../types.js').Stack} stack
 * @param {import('../types.js').Run} run
 * @returns {Part}
 */
export function partOf(state, stack, run) {
  return { heads: lensOf(state.lens).heads ? stack.heads : 1, ...blockOf(state, run) };
}

/**
 * @param {Part} part
 * @returns {number} how many rows are fetched at once
 */
export function rowsAtOnce({ heads, rows, cols }) {
  const [down, across] = [rows[1] - rows[0], cols[1] - cols[0]];
  return heads * down * across <= WHOLE ? down : Math.min(down, Math.max(FEWEST, Math.floor(WHOLE / (heads * across))));
}

/**
 * @param {Readonly<import('../types.js').Selection>} state
 * @param {import('../types.js').Stack} stack
 * @param {Part} part
 * @param {number} middle the row around which some are wanted
 * @returns {import('../answers_attention.js').AttentionParams}
 */
export function needs(state, stack, part, middle) {
  const count = rowsAtOnce(part);
  // in steps, so that a small move finds the rows that are here already
  const step = Math.max(1, Math.floor(count / 4));
  const first = part.rows[0] + Math.round((middle - count / 2 - part.rows[0]) / step) * step;
  const from = Math.max(part.rows[0], Math.min(first, part.rows[1] - count));
  /** @type {import('../answers_attention.js').AttentionParams} */
  const params = { stack: stack.name, layer: state.layer, lens: state.lens, dtype: 'f32' };
  if (count < stack.rows) params.rows = [from, from + count];
  if (part.cols[1] - part.cols[0] < stack.cols) params.cols = [...part.cols];
  return params;
}
