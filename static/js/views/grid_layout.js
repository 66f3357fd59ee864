/**
 * Where the cells of the grid stand: one for each head of each layer. Layers are rows, the first at the bottom, or,
 * where that gives larger cells, columns from left to right. Plain numbers.
 */

/**
 * @typedef {object} Layout pixels
 * @property {'heads'|'layers'} across what the columns are
 * @property {number} columns
 * @property {number} rows
 * @property {number} cell the side of a cell and the gap behind it
 * @property {number} gap
 * @property {number} left of the first cell
 * @property {number} top
 * @property {number} width of everything
 * @property {number} height
 *
 * @typedef {{layer: number, head: number}} Head
 */

const LEFT = 42;
const TOP = 40;
const LARGEST = 132;
/** Cells are not made smaller than this to fit the height; the page scrolls. */
const SMALLEST_HIGH = 30;
/** How many bins a cell may show along a side. */
const SIZES = [16, 24, 32, 48, 64];

/**
 * @param {{width: number, most: number, layers: number, heads: number}} given the width there is, the height wanted at
 *   most, and how many layers and heads
 * @returns {Layout}
 */
export function layout({ width, most, layers, heads }) {
  /** @type {(columns: number, rows: number, least: number) => number} */
  const fit = (columns, rows, least) => Math.floor(Math.max(Math.min((width - LEFT) / columns, Math.max((most - TOP) / rows, least), LARGEST), 3));
  const across = fit(layers, heads, 0) > fit(heads, layers, 0) ? 'layers' : 'heads';
  const [columns, rows] = across === 'heads' ? [heads, layers] : [layers, heads];
  const cell = fit(columns, rows, SMALLEST_HIGH);
  const gap = cell >= 60 ? 5 : cell >= 24 ? 3 : cell >= 10 ? 2 : 1;
  return { across, columns, rows, cell, gap, left: LEFT, top: TOP, width: LEFT + columns * cell, height: TOP + rows * cell };
}

/** The side of what is drawn in a cell. @param {Layout} g */
export function inner(g) {
  return g.cell - g.gap;
}

/**
 * @param {Layout} g
 * @param {Head} of
 * @returns {{column: number, row: number}} counted from the top left
 */
export function placed(g, { layer, head }) {
  return g.across === 'heads' ? { column: head, row: g.rows - 1 - layer } : { column: layer, row: head };
}

/**
 * The head at a column and a row; the nearest where these lie outside.
 * @param {Layout} g
 * @param {number} column
 * @param {number} row
 * @returns {Head}
 */
export function headAt(g, column, row) {
  const [c, r] = [within(column, g.columns), within(row, g.rows)];
  return g.across === 'heads' ? { layer: g.rows - 1 - r, head: c } : { layer: c, head: r };
}

/**
 * Where a head is drawn, in pixels.
 * @param {Layout} g
 * @param {Head} of
 */
export function corner(g, of) {
  const { column, row } = placed(g, of);
  return { x: g.left + column * g.cell, y: g.top + row * g.cell };
}

/**
 * The head under a point; null beside the cells.
 * @param {Layout} g
 * @param {number} x
 * @param {number} y
 * @returns {Head|null}
 */
export function hit(g, x, y) {
  const [column, row] = [Math.floor((x - g.left) / g.cell), Math.floor((y - g.top) / g.cell)];
  return column >= 0 && column < g.columns && row >= 0 && row < g.rows ? headAt(g, column, row) : null;
}

/**
 * Where a key leads; null: it is no key of the grid.
 * @param {Layout} g
 * @param {string} key as in KeyboardEvent
 * @param {Head} from
 * @returns {Head|null}
 */
export function move(g, key, from) {
  const { column, row } = placed(g, from);
  /** @type {Record<string, [number, number]>} */
  const to = {
    ArrowLeft: [column - 1, row], ArrowRight: [column + 1, row], ArrowUp: [column, row - 1], ArrowDown: [column, row + 1],
    Home: [0, row], End: [g.columns - 1, row], PageUp: [column, 0], PageDown: [column, g.rows - 1],
  };
  return to[key] ? headAt(g, ...to[key]) : null;
}

/** How many bins to ask for, so that each has about a pixel of the screen. @param {number} pixels of a cell's side */
export function sizeFor(pixels) {
  return SIZES.findLast((size) => size <= pixels) ?? SIZES[0];
}

/** Which labels are written when each needs so many pixels: every one, or every second, fifth, .. @param {number} cell @param {number} needed */
export function labelStep(cell, needed) {
  return [1, 2, 5, 10, 20].find((step) => step * cell >= needed) ?? 50;
}

/** @param {number} value @param {number} count */
function within(value, count) {
  return Math.max(0, Math.min(count - 1, value));
}
