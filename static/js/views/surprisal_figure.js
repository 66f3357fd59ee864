/** The bars of Surprisal: one for each token, in the order of the text. */

import { visible } from '../dom.js';
import { digits, grouped } from '../format.js';
import { plain, shorten, thin, weight } from '../ticks.js';
import { inNats, MEASURES, natsOf } from './surprisal_words.js';

/** @typedef {import('../answers_predictions.js').SurprisalData} SurprisalData */

/** Pixels that a token's name needs. */
const NAME = 17;

/**
 * @param {object} given
 * @param {SurprisalData} given.data
 * @param {import('../types.js').Selection['measure']} given.measure
 * @param {number|null} given.chosen index of the token that is pinned
 * @param {number} given.width
 * @param {import('../look.js').Look} given.look
 * @returns {import('../plot.js').Figure}
 */
export function figure({ data, measure, chosen, width, look }) {
  const { tokens } = data;
  const font = { family: look.ui, size: 12, color: look.ink2 };
  const room = width - 70;
  const named = room / tokens.length >= NAME;
  const shown = named ? tokens.map((_, i) => i) : thin(0, tokens.length, room, 44);
  const ranks = measure === 'rank';
  const values = tokens.map((token) => (ranks && token.rank !== null ? token.rank + 1 : token[measure]));
  const nats = measure === 'nats';
  return {
    data: [
      {
        type: 'bar', x: tokens.map((_, i) => i), y: values, width: tokens.length > 200 ? 1 : 0.74, base: ranks ? 0 : undefined,
        marker: { color: look.glow, line: { width: tokens.map((token) => (token.index === chosen ? 2 : 0)), color: look.ink } },
        name: MEASURES[measure].title, text: tokens.map(tooltip), textposition: 'none', hovertemplate: '%{text}<extra></extra>', showlegend: nats,
      },
      ...(nats ? [{
        type: 'scatter', mode: tokens.length > 200 ? 'lines' : 'markers', x: tokens.map((_, i) => i), y: tokens.map(({ entropy }) => entropy), hoverinfo: 'skip',
        marker: { symbol: 'line-ew-open', size: Math.min(room / tokens.length * 0.7, 26), color: look.ink, line: { width: 2 } }, line: { width: 1, color: look.ink },
        name: 'entropy: the surprisal it expected', showlegend: true,
      }] : []),
    ],
    layout: {
      width, height: named ? 316 : 300, margin: { l: 56, r: 14, t: nats ? 34 : 12, b: named ? 78 : 40, pad: 4 }, paper_bgcolor: look.paper, plot_bgcolor: look.paper, font,
      hovermode: 'closest', dragmode: false, bargap: 0, hoverlabel: { bgcolor: look.paper2, bordercolor: look.line, font: { ...font, size: 13, color: look.ink }, align: 'left' },
      legend: { orientation: 'h', x: 0, y: 1, yanchor: 'bottom', xanchor: 'left', font, itemclick: false, itemdoubleclick: false },
      // No bar is long enough for an infinite one: its place has the sign, on the axis.
      annotations: nats ? tokens.flatMap((token, x) => (natsOf(token) === Infinity ? [{ x, y: 0, yanchor: 'bottom', text: '∞', showarrow: false, font: { ...font, size: 16, color: look.ink } }] : [])) : [],
      xaxis: {
        fixedrange: true, showgrid: false, zeroline: false, range: [-0.6, tokens.length - 0.4], tickmode: 'array', tickvals: shown,
        ticktext: shown.map((i) => (named ? plain(shorten(visible(tokens[i].text), 12)) : String(i))), tickangle: named ? -60 : 0, ticks: '', automargin: false,
        tickfont: named ? { family: look.text, size: 13, color: look.ink } : font,
      },
      yaxis: {
        fixedrange: true, gridcolor: look.line, zeroline: false, type: ranks ? 'log' : 'linear', rangemode: 'tozero', exponentformat: ranks ? 'SI' : 'e', nticks: 6, tickfont: font, dtick: ranks ? 1 : undefined,
        title: { text: ranks ? 'rank (1: the likeliest)' : 'nats', font, standoff: 6 },
      },
    },
  };
}

/** @param {import('../answers_predictions.js').ScoredToken} token */
function tooltip(token) {
  const name = `<b>${plain(shorten(visible(token.text), 24))}</b> (${token.index})`;
  if (token.rank === null) return `${name}<br>not scored`;
  return `${name}<br>${inNats(token)}, rank ${token.rank === null ? '–' : grouped(token.rank + 1)}<br>entropy ${digits(token.entropy)}<br>likeliest: ${plain(shorten(visible(token.best_text ?? ''), 24))} ${weight(token.best_softmax)}`;
}
