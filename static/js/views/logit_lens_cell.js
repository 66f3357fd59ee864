/** The cell of the logit lens that is open: its candidates, how sure it is, and the way through the layers. */

import { h, replace, visible } from '../dom.js';
import { digits, grouped } from '../format.js';
import { piece } from '../piece.js';
import { clear, draw } from '../plot.js';
import { look } from '../look.js';
import { named, weight } from '../ticks.js';
import { rowName, rowTitle } from './logit_lens_words.js';

/** @typedef {import('../answers_predictions.js').LensData} LensData */

const HEIGHT = 190;

/** @param {readonly import('../types.js').Token[]} tokens */
export function createCell(tokens) {
  const title = h('h3', {});
  const facts = h('p.lens-facts', {});
  const list = h('ol.lens-candidates', {});
  const ends = h('p.lens-facts', {});
  const chart = h('div.lens-chart', { role: 'img' });
  const element = h('div.lens-cell', {}, title, facts, list, ends, h('h4', {}, 'On the way to the end'), chart);
  let drawn = '';

  return {
    element,
    /** @param {LensData} data @param {number} depth */
    update(data, depth) {
      const layer = data.layers[depth];
      if (!layer) return;
      const where = rowTitle(depth);
      replace(title, `${where[0].toUpperCase()}${where.slice(1)}, at ${named(tokens[data.position], data.position)}`);
      replace(facts, h('span', { data: { fact: 'entropy' } }, `entropy ${digits(layer.entropy)} nats`), ' · ',
        h('span', { data: { fact: 'kl' } }, depth === data.layers.length - 1 ? 'this is the model’s prediction' : `KL ${digits(layer.kl_to_final)} nats from the model’s prediction`));
      replace(list, layer.candidates.map((one) => h('li', { style: { '--light': (one.softmax ?? 0).toFixed(4) }, data: { id: one.id } },
        h('span.lens-name', {}, piece(one.text)), h('span', {}, weight(one.softmax)))));
      replace(ends, stands('The model ends with', layer.final), layer.target && [h('br'), stands('In the text follows', layer.target)]);
      drawChart(data, depth).catch((error) => { replace(chart, h('p', {}, String(error.message))); });
    },
    destroy: () => clear(chart),
  };

  /** @param {LensData} data @param {number} depth */
  async function drawChart(data, depth) {
    const width = Math.floor(chart.clientWidth);
    const colours = look();
    const key = JSON.stringify([data.run, data.position, depth, width, colours]);
    if (!width || key === drawn) return;
    drawn = key;
    chart.setAttribute('aria-label', `Lines of KL and entropy over the layers. ${data.settled === 0 ? 'The embeddings already say' : `From ${rowTitle(data.settled)} on the likeliest is`} what the model ends with.`);
    await draw(chart, lines(data, depth, width, colours));
  }
}

/** @param {string} what @param {import('../answers_predictions.js').Reading} one */
function stands(what, one) {
  return [`${what} `, h('b', {}, visible(one.text)), `: here rank ${grouped(one.rank + 1)}, ${weight(one.softmax)}.`];
}

/**
 * @param {LensData} data
 * @param {number} depth
 * @param {number} width
 * @param {import('../look.js').Look} colours
 * @returns {import('../plot.js').Figure}
 */
export function lines(data, depth, width, colours) {
  const font = { family: colours.ui, size: 11, color: colours.ink2 };
  const x = data.layers.map(({ layer }) => layer);
  const line = (/** @type {string} */ name, /** @type {'kl_to_final'|'entropy'} */ of, /** @type {string} */ color, /** @type {string} */ dash) => ({
    type: 'scatter', mode: 'lines', name, x, y: data.layers.map((layer) => layer[of]), line: { color, width: 2, dash }, hoverinfo: 'skip',
  });
  const every = Math.ceil(x.length / 7);
  const ticks = x.filter((layer) => layer % every === 0);
  return {
    data: [line('KL', 'kl_to_final', colours.accent, 'solid'), line('entropy', 'entropy', colours.ink3, 'dot')],
    layout: {
      width, height: HEIGHT, margin: { l: 30, r: 6, t: 22, b: 26, pad: 2 }, paper_bgcolor: colours.paper, plot_bgcolor: colours.paper, font, hovermode: false, dragmode: false,
      legend: { orientation: 'h', x: 0, y: 1, yanchor: 'bottom', font, itemclick: false, itemdoubleclick: false },
      shapes: [{ type: 'line', x0: depth, x1: depth, yref: 'paper', y0: 0, y1: 1, line: { color: colours.ink, width: 1.5 } }],
      xaxis: { fixedrange: true, showgrid: false, zeroline: false, tickfont: font, tickmode: 'array', tickvals: ticks, ticktext: ticks.map(rowName), range: [-0.4, x.length - 0.6] },
      yaxis: { fixedrange: true, gridcolor: colours.line, zeroline: false, rangemode: 'tozero', tickfont: font, nticks: 5 },
    },
  };
}
