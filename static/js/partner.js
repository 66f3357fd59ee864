// Which place of another text stands for a place of this one.

/**
 * The place of the other text that stands for this one. Of tokens that were changed, it is the last of those that
 * replaced them; of tokens that were left out, the one before them, behind which the rest of the text goes on.
 * @param {readonly import('./answers_attention.js').Unit[]} units in the order of the text
 * @param {number} position
 * @param {number} count how many places the first has
 * @param {number} others how many the other has
 * @returns {number|null} null: nothing stands there
 */
export function partner(units, position, count, others) {
  if (position === count - 1) return others - 1;
  const next = units.findIndex(([, a1]) => position < a1);
  const [a0, , b0, b1] = units[next] ?? [count, count, others, others];
  const place = a0 <= position ? b1 - 1 : b0 - 1;
  return place < 0 ? null : place;
}

/**
 * The same place of another answer, where nothing says which of their tokens belong together: counted from the start.
 * @param {number} position
 * @param {number} count how many places the first has
 * @param {number} others how many the other has
 */
export function sameStep(position, count, others) {
  return position === count - 1 ? others - 1 : Math.min(position, others - 1);
}
