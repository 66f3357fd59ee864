/** What became of the prediction: the candidates of both texts side by side. Plain data and sentences. */

import { visible } from '../dom.js';
import { shorten, weight as written } from '../ticks.js';

/** @typedef {import('../answers_predictions.js').LogitsData} LogitsData */
/** @typedef {import('../answers_predictions.js').Candidate} Candidate */

/**
 * @typedef {object} Change null: not among those that were listed
 * @property {number} id
 * @property {string} text
 * @property {Candidate|null} before
 * @property {Candidate|null} after
 */

/**
 * The likeliest of either text, the likeliest of all first.
 * @param {LogitsData} before
 * @param {LogitsData} after
 * @param {number} count of each
 * @returns {Change[]}
 */
export function changes(before, after, count) {
  const [first, second] = [before, after].map(({ candidates }) => new Map(candidates.map((c) => [c.id, c])));
  const ids = new Set([before, after].flatMap(({ candidates }) => candidates.slice(0, count).map(({ id }) => id)));
  const most = (/** @type {Change} */ one) => Math.max(one.before?.softmax ?? 0, one.after?.softmax ?? 0);
  return [...ids].map((id) => {
    const [a, b] = [first.get(id) ?? null, second.get(id) ?? null];
    return { id, text: (a ?? b)?.text ?? '', before: a, after: b };
  }).sort((x, y) => most(y) - most(x));
}

/** @param {LogitsData} data @returns {number} less than this is what is not listed */
export function floor({ candidates }) {
  return candidates.at(-1)?.softmax ?? 0;
}

/** @param {Candidate|null} c @param {LogitsData} data */
export function share(c, data) {
  return c ? written(c.softmax) : `<${written(floor(data))}`.replace('<<', '<');
}

/**
 * @param {LogitsData} before
 * @param {LogitsData} after
 */
export function verdict(before, after) {
  const [a, b] = [before.candidates[0], after.candidates[0]];
  if (!a || !b) return '';
  const name = (/** @type {Candidate} */ c) => `“${shorten(visible(c.text), 20)}”`;
  if (a.id === b.id) return `The likeliest stays ${name(a)}: ${written(a.softmax)} before, ${written(b.softmax)} now.`;
  const fell = after.candidates.find(({ id }) => id === a.id);
  return `The likeliest was ${name(a)} with ${written(a.softmax)} and is now ${name(b)} with ${written(b.softmax)}; ${name(a)} has ${share(fell ?? null, after)} now.`;
}
