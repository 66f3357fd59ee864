/** What if as a picture to take away: each candidate's probability before and after. */

import { visible } from '../dom.js';
import { plain, shorten } from '../ticks.js';

const ROW = 34;

/**
 * @param {readonly import('./whatif_words.js').Change[]} list
 * @param {number} width pixels
 * @param {import('../look.js').Look} look
 * @returns {import('../plot.js').Figure}
 */
export function figure(list, width, look) {
  const rows = list.map((_, i) => i);
  const bar = { type: 'bar', orientation: 'h', y: rows };
  return {
    data: [
      { ...bar, x: list.map(({ before }) => before?.softmax ?? 0), name: 'original', marker: { color: look.ink3 } },
      { ...bar, x: list.map(({ after }) => after?.softmax ?? 0), name: 'changed', marker: { color: look.accent } },
    ],
    layout: {
      width, height: 70 + list.length * ROW, margin: { l: 140, r: 20, t: 40, b: 30 }, paper_bgcolor: look.paper, plot_bgcolor: look.paper,
      font: { family: look.ui, size: 12, color: look.ink2 }, barmode: 'group', legend: { orientation: 'h', y: 1.02, yanchor: 'bottom', x: 0 },
      xaxis: { range: [0, null], rangemode: 'tozero', zeroline: false, gridcolor: look.line },
      yaxis: { tickmode: 'array', tickvals: rows, ticktext: list.map(({ text }) => plain(shorten(visible(text), 16))), range: [list.length - 0.5, -0.5], tickfont: { family: look.text, size: 15, color: look.ink } },
    },
  };
}

/**
 * Of a model that predicts nothing: how much each head changed.
 * @param {import('../answers_attention.js').Ranking} ranking
 * @param {number} width
 * @param {import('../look.js').Look} look
 * @returns {import('../plot.js').Figure}
 */
export function headsFigure({ heads }, width, look) {
  const layers = Math.max(0, ...heads.map(({ layer }) => layer)) + 1;
  const z = Array.from({ length: layers }, () => /** @type {number[]} */ ([]));
  for (const { layer, head, divergence } of heads) z[layer][head] = divergence;
  return {
    data: [{ type: 'heatmap', z, colorscale: 'Cividis', colorbar: { title: { text: 'bits' } } }],
    layout: {
      width, height: 80 + layers * 22, margin: { l: 50, r: 20, t: 30, b: 40 }, paper_bgcolor: look.paper, plot_bgcolor: look.paper, font: { family: look.ui, size: 12, color: look.ink2 },
      xaxis: { title: { text: 'head' }, dtick: 1 }, yaxis: { title: { text: 'layer' }, autorange: 'reversed' },
    },
  };
}
