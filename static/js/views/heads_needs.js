/** What Heads asks for: a layer's maps, whole or, of a long text, the rows near the window. */

/** A layer's maps up to this many numbers are fetched whole; of larger ones the rows near the window. */
const WHOLE = 1_500_000;

/**
 * @param {import('../types.js').Stack} stack
 * @returns {number} how many rows are fetched at once
 */
export function rowsAtOnce({ heads, rows, cols }) {
  return heads * rows * cols <= WHOLE ? rows : Math.min(rows, Math.max(96, Math.floor(WHOLE / (heads * cols))));
}

/**
 * @param {Readonly<import('../types.js').Selection>} state
 * @param {import('../types.js').Stack} stack
 * @param {number} first the first row wanted
 * @returns {import('../types.js').AttentionParams}
 */
export function needs(state, stack, first) {
  const count = rowsAtOnce(stack);
  const from = Math.max(0, Math.min(first, stack.rows - count));
  const part = count < stack.rows ? { rows: /** @type {[number, number]} */ ([from, from + count]) } : {};
  return { stack: stack.name, layer: state.layer, lens: state.lens, dtype: 'f32', ...part };
}
