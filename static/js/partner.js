// Which place of another text stands for a place of this one.

/**
 * The place of the other text that stands for this one; null leaves it to the server.
 * @param {readonly import('./answers_attention.js').Unit[]} units
 * @param {number|null} position
 * @param {number} count how many places the first has
 * @returns {number|null}
 */
export function partner(units, position, count) {
  if (position === null || position === count - 1) return null;
  const unit = units.find(([a0, a1]) => a0 <= position && position < a1);
  return unit && unit[3] > unit[2] ? unit[3] - 1 : null;
}

/**
 * The same place of another answer, where nothing says which of their tokens belong together: counted from the start.
 * @param {number|null} position
 * @param {number} count how many places the first has
 * @param {number} others how many the other has
 * @returns {number|null} null: its last
 */
export function sameStep(position, count, others) {
  return position === null || position === count - 1 ? null : Math.min(position, others - 1);
}
