/**
 * Vectors as lanes, one cell a dimension: strips of colour, bars, and a running sum. Colour says sign and size; a mark
 * in each cell says the same by its height. Where there is no room, lanes go on in a second block below.
 */

import { css, diverging } from '../colour.js';

/**
 * @typedef {object} Lane
 * @property {string} label
 * @property {readonly number[]|null} values null: not here yet
 * @property {'strip'|'bars'|'sum'} kind
 * @property {number} most the size that is full colour
 *
 * @typedef {object} Geometry
 * @property {number} count dimensions
 * @property {number} perLine
 * @property {number} cell width
 * @property {number[]} tops of the lanes within a block
 * @property {number} block height of one block
 * @property {number} height of all
 * @property {number} left where cells begin
 */

const HEIGHTS = { strip: 26, bars: 46, sum: 46 };
const GAP = 5;
const TICKS = 15;
const BETWEEN = 10;
const LEAST_CELL = 8;
const RIGHT = 8;
const EVERY = 8;

/**
 * @param {number} width
 * @param {number} count
 * @param {readonly Lane[]} lanes
 * @param {number} left
 * @returns {Geometry}
 */
export function geometry(width, count, lanes, left) {
  const room = Math.max(width - left - RIGHT, EVERY);
  const most = Math.max(EVERY, Math.floor(room / LEAST_CELL / EVERY) * EVERY);
  const blocks = Math.max(1, Math.ceil(count / most));
  const perLine = blocks === 1 ? Math.max(count, 1) : Math.ceil(count / blocks / EVERY) * EVERY;
  /** @type {number[]} */
  const tops = [];
  let y = 0;
  for (const { kind } of lanes) {
    tops.push(y);
    y += HEIGHTS[kind] + GAP;
  }
  const block = y + TICKS;
  const lines = Math.ceil(Math.max(count, 1) / perLine);
  return { count, perLine, cell: Math.min(room / perLine, 26), tops, block, height: lines * block + (lines - 1) * BETWEEN, left };
}

/**
 * Where a dimension stands.
 * @param {Geometry} g
 * @param {number} dimension
 */
export function placeOf(g, dimension) {
  const line = Math.floor(dimension / g.perLine);
  return { x: g.left + (dimension % g.perLine) * g.cell, y: line * (g.block + BETWEEN) };
}

/**
 * @param {Geometry} g
 * @param {number} x
 * @param {number} y
 * @returns {number|null} the dimension there
 */
export function dimensionAt(g, x, y) {
  const [line, column] = [Math.floor(y / (g.block + BETWEEN)), Math.floor((x - g.left) / g.cell)];
  const dimension = line * g.perLine + column;
  return line >= 0 && column >= 0 && column < g.perLine && dimension < g.count ? dimension : null;
}

/** The largest size of a number in the lists. @param {...(readonly number[]|null)} lists */
export function largestSize(...lists) {
  let most = 0;
  for (const list of lists) for (const value of list ?? []) most = Math.max(most, Math.abs(value));
  return most || 1;
}

/**
 * @param {import('../painter.js').Painter} paint
 * @param {Geometry} g
 * @param {readonly Lane[]} lanes
 * @param {{look: import('../look.js').Look, theme: 'light'|'dark'}} how
 * @param {[number, number]} [origin]
 */
export function drawLanes(paint, g, lanes, { look, theme }, [ox, oy] = [0, 0]) {
  for (let first = 0; first < g.count; first += g.perLine) {
    const { y } = placeOf(g, first);
    const length = Math.min(g.perLine, g.count - first);
    lanes.forEach((lane, i) => {
      const top = oy + y + g.tops[i];
      const height = HEIGHTS[lane.kind];
      paint.text(ox + g.left - 10, top + height / 2 + 4, lane.label, { fill: look.ink2, size: 13, family: look.ui, align: 'end' });
      if (lane.kind !== 'strip' || !lane.values) paint.rect(ox + g.left, top, length * g.cell, height, look.paper2);
      if (lane.values) drawLane(paint, g, lane, lane.values, first, length, { x: ox + g.left, top, height, look, theme });
    });
    const below = oy + y + g.block - 4;
    for (let d = Math.ceil(first / EVERY) * EVERY; d < first + length; d += g.cell < 10 && g.count > 64 ? EVERY * 2 : EVERY) {
      paint.text(ox + g.left + (d - first + 0.5) * g.cell, below, String(d), { fill: look.ink3, size: 11, family: look.ui, align: 'middle' });
    }
  }
}

/**
 * @param {import('../painter.js').Painter} paint
 * @param {Geometry} g
 * @param {Lane} lane
 * @param {readonly number[]} values
 * @param {number} first
 * @param {number} length
 * @param {{x: number, top: number, height: number, look: import('../look.js').Look, theme: 'light'|'dark'}} at
 */
function drawLane(paint, g, { kind, most }, values, first, length, { x, top, height, look, theme }) {
  const middle = top + height / 2;
  const gap = g.cell >= 6 ? 1 : 0;
  if (kind === 'sum') {
    drawSum(paint, g, values, first, length, { x, top, height, look });
    return;
  }
  for (let i = 0; i < length; i += 1) {
    const t = Math.max(-1, Math.min(1, values[first + i] / most));
    const left = x + i * g.cell;
    if (kind === 'strip') {
      paint.rect(left, top, g.cell - gap, height, css(diverging(t, theme)));
      paint.rect(left, middle - t * (height / 2 - 2) - 0.75, g.cell - gap, 1.5, Math.abs(t) > 0.72 ? look.paper : look.ink);
    } else {
      const reach = Math.max(Math.abs(t) * (height / 2 - 1), 0.5);
      paint.rect(left, t >= 0 ? middle - reach : middle, g.cell - gap, reach, css(diverging(Math.sign(t) * Math.max(0.55, Math.abs(t)), theme)));
    }
  }
  if (kind === 'bars') paint.rect(x, middle - 0.5, length * g.cell, 1, look.ink3);
}

/**
 * The sum so far, as a stair; it starts at zero and ends at the whole.
 * @param {import('../painter.js').Painter} paint
 * @param {Geometry} g
 * @param {readonly number[]} values
 * @param {number} first
 * @param {number} length
 * @param {{x: number, top: number, height: number, look: import('../look.js').Look}} at
 */
function drawSum(paint, g, values, first, length, { x, top, height, look }) {
  const low = values.reduce((least, value) => Math.min(least, value), 0);
  const high = values.reduce((most, value) => Math.max(most, value), 0);
  const y = (/** @type {number} */ value) => top + 4 + (1 - (value - low) / (high - low || 1)) * (height - 8);
  paint.rect(x, y(0) - 0.5, length * g.cell, 1, look.ink3);
  /** @type {[number, number][]} */
  const points = [[x, y(first === 0 ? 0 : values[first - 1])]];
  for (let i = 0; i < length; i += 1) points.push([x + i * g.cell, y(values[first + i])], [x + (i + 1) * g.cell, y(values[first + i])]);
  paint.path(points, look.accent, 2);
  if (first + length === values.length) {
    const [endX, endY] = points[points.length - 1];
    paint.rect(endX - 3, endY - 3, 6, 6, look.accent);
  }
}
