/**
 * Where everything stands in the Heads picture, and how strong a line is. Plain numbers: the canvas, the SVG and
 * the tests all read the same ones. Lengths are CSS pixels.
 */

/** Weights below this share of the largest there can be get no line in the whole picture; they show when their token is pointed at. */
export const LEAST_DRAWN = 0.03;

/** Weights below this share are never drawn. */
export const LEAST_SHOWN = 0.005;

/** Lines are drawn in this many steps of strength, so that thousands of them take a few dozen strokes. */
export const LEVELS = 10;

const ROW = { least: 24, most: 38 };
const NUMBERS = 54;
const LEAST_GAP = 80;
const WIDEST_GAP = 560;

/**
 * @typedef {object} Geometry
 * @property {number} width of the whole sheet
 * @property {number} height of the window through which the sheet is seen
 * @property {number} full height of all rows
 * @property {number} rowHeight
 * @property {number} rows number of queries
 * @property {number} cols number of keys
 * @property {number} left where lines begin, at the end of the queries' labels
 * @property {number} right where lines end
 * @property {number} labels width of a column of labels
 * @property {number} numbers width of a column of numbers
 */

/**
 * @param {{width: number, room: number, most: number, rows: number, cols: number, label: number}} given the width there
 *   is, the height into which rows are made to fit, the tallest window wanted, and the width of the widest label
 * @returns {Geometry}
 */
export function layout({ width, room, most, rows, cols, label }) {
  const count = Math.max(rows, cols, 1);
  const rowHeight = Math.min(Math.max(Math.floor(room / count), ROW.least), ROW.most);
  const numbers = width < 460 ? NUMBERS - 4 : NUMBERS;
  const labels = Math.floor(Math.min(label, width * 0.26, (width - 2 * numbers - LEAST_GAP) / 2));
  const gap = Math.min(width - 2 * (labels + numbers), WIDEST_GAP);
  const left = Math.round((width - gap) / 2);
  const full = count * rowHeight;
  return { width, height: Math.min(full, most), full, rowHeight, rows, cols, left, right: left + gap, labels, numbers };
}

/**
 * The middle of a token's row in the sheet.
 * @param {Geometry} g
 * @param {number} index
 */
export function middle(g, index) {
  return (index + 0.5) * g.rowHeight;
}

/**
 * The tokens that are seen, with `more` on each side.
 * @param {Geometry} g
 * @param {number} scroll pixels above the window
 * @param {number} count how many tokens there are
 * @param {number} [more]
 * @returns {[number, number]} first, and one past the last
 */
export function seen(g, scroll, count, more = 0) {
  const first = Math.floor(scroll / g.rowHeight) - more;
  const last = Math.ceil((scroll + g.height) / g.rowHeight) + more;
  return [Math.min(Math.max(first, 0), count), Math.min(Math.max(last, 0), count)];
}

/**
 * The token under a point of the sheet: a query on the left, a key on the right, none between.
 * @param {Geometry} g
 * @param {number} x
 * @param {number} y
 * @returns {import('../types.js').Hover}
 */
export function hit(g, x, y) {
  const index = Math.floor(y / g.rowHeight);
  const reach = (g.right - g.left) / 5;
  if (index >= 0 && x < g.left + reach && index < g.rows) return { query: index, key: null };
  if (index >= 0 && x > g.right - reach && index < g.cols) return { query: null, key: index };
  return { query: null, key: null };
}

/** @param {number} strength a share of the largest there can be, from 0 to 1 @returns {number} 0 .. LEVELS - 1 */
export function level(strength) {
  return Math.min(Math.floor(Math.sqrt(strength) * LEVELS), LEVELS - 1);
}

/**
 * @param {number} step a level
 * @returns {number} a strength in the middle of that level
 */
export function levelWeight(step) {
  return ((step + 0.5) / LEVELS) ** 2;
}

/**
 * Heads that join the same two tokens run side by side, each in its own lane across the height of a row.
 * @param {Geometry} g
 * @param {number} place of the head among those shown
 * @param {number} count how many are shown
 * @returns {number} offset from the middle of the row
 */
export function lane(g, place, count) {
  return count < 2 ? 0 : (place / (count - 1) - 0.5) * Math.min(g.rowHeight * 0.62, (count - 1) * 4);
}

/**
 * @param {Geometry} g
 * @param {number} count how many heads are shown: the fewer, the wider the widest line
 * @param {number} weight
 * @returns {{width: number, alpha: number}} of a line in the whole picture
 */
export function stroke(g, count, weight) {
  const widest = Math.min(Math.max((g.rowHeight * 0.9) / count, 2.2), 5.5);
  return { width: 0.5 + (widest - 0.5) * weight, alpha: Math.min(0.06 + 0.94 * weight ** 0.8, 0.92) };
}

/**
 * @param {Geometry} g
 * @param {number} count
 * @param {number} weight
 * @returns {{width: number, alpha: number}} of a line of the token that is pointed at
 */
export function strokeAlone(g, count, weight) {
  const { width } = stroke(g, count, weight);
  return { width: width + 0.4, alpha: Math.min(0.16 + 0.84 * weight ** 0.5, 1) };
}

/**
 * The two control points of a line from a query to a key: it leaves and arrives level.
 * @param {Geometry} g
 * @param {number} from y
 * @param {number} to y
 * @returns {[number, number, number, number, number, number]} as for `bezierCurveTo`
 */
export function curve(g, from, to) {
  const bend = (g.right - g.left) * 0.42;
  return [g.left + bend, from, g.right - bend, to, g.right, to];
}
