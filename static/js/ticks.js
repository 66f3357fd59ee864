/**
 * How tokens and numbers are written where there is little room: axes, labels, tooltips.
 */

import { visible } from './dom.js';
import { grouped } from './format.js';

/**
 * A text in at most `most` characters (code points), with an ellipsis where it was cut.
 * @param {string} text
 * @param {number} most at least 1
 */
export function shorten(text, most) {
  const characters = Array.from(text);
  return characters.length <= most ? text : `${characters.slice(0, Math.max(most - 1, 0)).join('')}…`;
}

/**
 * Text as Plotly must get it: Plotly reads a few HTML tags and entities in labels, and a token may contain them.
 * @param {string} text
 */
export function plain(text) {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/**
 * Which of the tokens `from` .. `to - 1` get a label when `pixels` are shared by all of them: every one, or
 * every second, fifth, tenth, ... so that labels stand at least `apart` pixels from each other.
 * @param {number} from
 * @param {number} to exclusive
 * @param {number} pixels
 * @param {number} apart
 * @returns {number[]} indices, multiples of the step
 */
export function thin(from, to, pixels, apart) {
  const wanted = ((to - from) * apart) / Math.max(pixels, 1);
  let step = 1;
  for (let scale = 1; step < wanted; scale *= 10) {
    step = [1, 2, 5, 10].map((n) => n * scale).find((n) => n >= wanted) ?? 10 * scale;
  }
  const picked = [];
  for (let i = Math.ceil(from / step) * step; i < to; i += step) picked.push(i);
  return picked;
}

/**
 * A weight or probability to three decimals, and four below 0.01. What is not known is a dash.
 * @param {number|null|undefined} value
 */
export function weight(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (value !== 0 && Math.abs(value) < 0.00005) return '<0.0001';
  return value.toFixed(Math.abs(value) < 0.01 && value !== 0 ? 4 : 3);
}

/**
 * A value of any lens: a weight as above, or, of a lens without bounds, three significant digits with a true minus.
 * @param {number|null|undefined} value
 * @param {boolean} bounded within 0 and 1
 */
export function amount(value, bounded) {
  if (bounded) return weight(value);
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text = size < 1e-3 || size >= 1e4 ? size.toExponential(1) : size >= 1000 ? grouped(Number(size.toPrecision(3))) : Number(size.toPrecision(3)).toString();
  return `${value < 0 ? '−' : ''}${text.replace('e-', 'e−')}`;
}

/**
 * How a token is named in a sentence or a tooltip: its visible text and its position.
 * @param {import('./types.js').Token|undefined} item
 * @param {number} index
 */
export function named(item, index) {
  return item ? `${shorten(visible(item.display), 24)} (${index})` : `token ${index}`;
}
