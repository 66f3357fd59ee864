/**
 * One head as a Plotly heatmap: where the cells stand, and the figure itself. Cells are in units of tokens: the
 * middle of token 3 is at 3, whether the map is exact or pooled.
 */

import { colourscale, divergingScale } from '../colour.js';
import { visible } from '../dom.js';
import { amount, plain, shorten, thin } from '../ticks.js';

/**
 * @typedef {[number, number]} Span first, and one past the last
 *
 * @typedef {object} Frame pixels
 * @property {number} width
 * @property {number} height
 * @property {number} left
 * @property {number} top
 * @property {number} plotWidth
 * @property {number} plotHeight
 * @property {Span} rows the queries that are seen
 * @property {Span} cols
 * @property {number} angle of the labels on top
 * @property {boolean} side the colour bar stands at the side
 */

const LARGEST_CELL = 48;
const LONGEST = 14;

/**
 * @param {{width: number, most: number, rows: Span, cols: Span, longest: number}} given the width there is, the tallest
 *   picture wanted, the spans seen, and the characters of the longest label
 * @returns {Frame}
 */
export function frame({ width, most, rows, cols, longest }) {
  const side = width >= 560;
  const label = Math.min(longest, LONGEST) * 8 + 14;
  const left = Math.ceil(Math.min(Math.max(label, 44), width * 0.27));
  const [down, across] = [rows[1] - rows[0], cols[1] - cols[0]];
  const bottom = side ? 8 : 46;
  const room = { width: width - left - (side ? 76 : 12), height: most - left - bottom };
  let [cellWidth, cellHeight] = [Math.min(room.width / across, LARGEST_CELL), Math.min(room.height / down, LARGEST_CELL)];
  if (cellWidth > cellHeight) cellWidth = Math.min(cellWidth, down === across ? cellHeight : cellHeight * 2);
  else cellHeight = Math.min(cellHeight, down === across ? cellWidth : cellWidth * 2);
  const angle = cellWidth >= 26 ? -45 : -90;
  const top = Math.ceil(angle === -45 ? left * 0.72 + 10 : left);
  const overhang = angle === -45 ? Math.max(0, left * 0.66 - (side ? 76 : 12)) : 0;
  const plotWidth = Math.round(Math.min(cellWidth * across, room.width - overhang));
  const plotHeight = Math.round(down === across ? plotWidth : cellHeight * down);
  return {
    width: left + plotWidth + (side ? 76 : 12) + overhang, height: top + plotHeight + bottom, left, top,
    plotWidth, plotHeight, rows, cols, angle, side,
  };
}

/**
 * Can a query of this bin see a key of that bin? A causal model looks only back.
 * @param {import('../weights.js').Maps} maps
 * @param {number} r
 * @param {number} c
 */
export function visibleCell({ rowEdges, colEdges }, r, c) {
  return colEdges[c] < rowEdges[r + 1];
}

/**
 * The rows of numbers that Plotly draws: views into the answer, or copies in which what cannot be seen in a causal map,
 * and what is hidden, is NaN and stays empty.
 * @param {import('../weights.js').Maps} maps
 * @param {number} head
 * @param {boolean} causal
 * @param {number} [least] values nearer to zero are hidden
 * @returns {Float32Array[]}
 */
export function cells(maps, head, causal, least = 0) {
  const [rows, cols] = [maps.rowEdges.length - 1, maps.colEdges.length - 1];
  const base = Math.max(maps.heads.indexOf(head), 0) * rows * cols;
  return Array.from({ length: rows }, (_, r) => {
    const row = maps.values.subarray(base + r * cols, base + (r + 1) * cols);
    return causal || least > 0 ? row.map((value, c) => (Math.abs(value) >= least && (!causal || visibleCell(maps, r, c)) ? value : NaN)) : row;
  });
}

/**
 * @param {object} given
 * @param {import('../weights.js').Maps} given.maps
 * @param {number} given.head
 * @param {boolean} given.causal
 * @param {'sqrt'|'linear'} given.scale
 * @param {{rows: readonly import('../types.js').Token[], cols: readonly import('../types.js').Token[]}} given.tokens
 * @param {Frame} given.frame
 * @param {import('../look.js').Look} given.look
 * @param {boolean} given.drag may a drag zoom?
 * @param {number} [given.least] weights below this share of the largest there can be are hidden
 * @param {'light'|'dark'} [given.theme]
 * @returns {import('../plot.js').Figure}
 */
export function figure({ maps, head, causal, scale, tokens, frame: f, look, drag, least = 0, theme = 'light' }) {
  const cell = Math.min(f.plotWidth / (f.cols[1] - f.cols[0]), f.plotHeight / (f.rows[1] - f.rows[0]));
  const gap = maps.exact && cell >= 12 ? 1 : 0;
  const { top } = maps;
  const font = { family: look.ui, size: 12, color: look.ink2 };
  const axis = {
    showgrid: false, zeroline: false, showline: false, ticks: 'outside', ticklen: 5, tickcolor: 'rgba(0,0,0,0)', automargin: false, fixedrange: !drag,
    ticklabeloverflow: 'allow', // the frame has room for them; otherwise each is measured at every drawing
    tickfont: { family: look.text, size: cell >= 26 ? 14 : 12, color: look.ink },
  };
  return {
    data: [{
      type: 'heatmap', z: cells(maps, head, causal, least * top), x: maps.colEdges.map(before), y: maps.rowEdges.map(before),
      zmin: maps.signed ? -top : 0, zmax: top, colorscale: maps.signed ? divergingScale(theme, scale) : colourscale(scale), xgap: gap, ygap: gap, hoverinfo: 'none', hoverongaps: false,
      colorbar: bar(f, look, font, maps),
    }],
    layout: {
      width: f.width, height: f.height, margin: { l: f.left, t: f.top, r: f.width - f.left - f.plotWidth, b: f.height - f.top - f.plotHeight, pad: 0, autoexpand: false },
      paper_bgcolor: look.paper, plot_bgcolor: look.paper2, font, hovermode: false, dragmode: drag ? 'zoom' : false,
      xaxis: { ...axis, side: 'top', range: f.cols.map(before), tickangle: f.angle, ...ticks(tokens.cols, f.cols, f.plotWidth) },
      yaxis: { ...axis, range: [before(f.rows[1]), before(f.rows[0])], ...ticks(tokens.rows, f.rows, f.plotHeight) },
    },
  };
}

/** @param {number} edge a first token @returns {number} where its cell begins */
function before(edge) {
  return edge - 0.5;
}

/**
 * @param {readonly import('../types.js').Token[]} tokens
 * @param {Span} span
 * @param {number} pixels
 */
function ticks(tokens, [from, to], pixels) {
  const shown = thin(from, to, pixels, 15);
  const every = shown.length > 1 && shown[1] - shown[0] > 1;
  const text = shown.map((i) => {
    const name = shorten(visible(tokens[i]?.display ?? ''), every ? LONGEST - 4 : LONGEST);
    return plain(every ? `${name} ${i}` : name);
  });
  return { tickmode: 'array', tickvals: shown, ticktext: text };
}

/**
 * @param {Frame} f
 * @param {import('../look.js').Look} look
 * @param {Record<string, unknown>} font
 * @param {import('../weights.js').Maps} maps
 */
function bar(f, look, font, maps) {
  const place = f.side
    ? { orientation: 'v', x: 1, xpad: 18, y: 1, yanchor: 'top', lenmode: 'pixels', len: Math.min(f.plotHeight, 220) }
    : { orientation: 'h', x: 0, xanchor: 'left', xpad: 0, y: 0, yanchor: 'top', ypad: 14, lenmode: 'pixels', len: Math.min(f.plotWidth, 260) };
  return {
    ...place, thickness: 10, outlinewidth: 0, ticks: '', ...barTicks(maps),
    tickfont: { ...font, color: look.ink3, size: 11 },
  };
}

/** @param {import('../weights.js').Maps} maps */
function barTicks({ top, signed, bounded }) {
  if (bounded) return { tickvals: [0, 0.25, 0.5, 0.75, 1] };
  const tickvals = signed ? [-top, -top / 2, 0, top / 2, top] : [0, top / 4, top / 2, (3 * top) / 4, top];
  return { tickvals, ticktext: tickvals.map((value) => amount(value, false)) };
}
