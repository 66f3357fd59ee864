/** The candidates as two sets of horizontal bars: logits, and softmax with what the pipeline made of it. */

import { visible } from '../dom.js';
import { plain, shorten, weight as written } from '../ticks.js';

const ROW = 26;
const TOP = 34;
/** From this width on the stretches between 0 and 1 have a panel of their own. */
const STRETCHES = 800;

/**
 * @param {object} given
 * @param {import('../answers_predictions.js').LogitsData} given.data
 * @param {number} given.width pixels
 * @param {import('../look.js').Look} given.look
 * @returns {import('../plot.js').Figure}
 */
export function figure({ data, width, look }) {
  const list = data.candidates;
  const narrow = width < 520;
  const rows = list.map((_, i) => i);
  const longest = Math.max(3, ...list.map((c) => Math.min(Array.from(visible(c.text)).length, 16)));
  const left = Math.min(longest * 8.4 + 46, width * 0.36);
  const wide = width >= STRETCHES;
  const split = narrow ? 0.38 : wide ? 0.26 : 0.36;
  const end = wide ? 0.68 : 1;
  const logits = list.map((c) => c.logit);
  const finite = logits.filter((v) => v !== null);
  const [least, most] = finite.length ? [Math.min(...finite), Math.max(...finite)] : [0, 0];
  const floor = least - Math.max(most - least, 1) * 0.35;
  const largest = Math.max(...list.flatMap((c) => [c.softmax, c.probability]), 0.001);
  const font = { family: look.ui, size: 12, color: look.ink2 };
  const bars = { type: 'bar', orientation: 'h', y: rows, hoverinfo: 'none', cliponaxis: false, constraintext: 'none' };
  const faint = list.map((c) => (c.kept ? look.accent : look.line));
  const axis = { showgrid: false, zeroline: false, showticklabels: false, ticks: '', fixedrange: true, side: 'top' };
  return {
    data: [
      {
        ...bars, x: logits.map((v) => (v === null ? 0 : v - floor)), base: floor, xaxis: 'x', width: 0.56, marker: { color: list.map((c) => (c.kept ? look.ink3 : look.line)) },
        text: logits.map((v) => (v === null ? 'not finite' : v.toFixed(2))), textposition: 'outside', textfont: { ...font, size: 11.5 }, showlegend: false,
      },
      { ...bars, x: list.map((c) => c.softmax), xaxis: 'x2', width: 0.78, marker: { color: look.glow, opacity: 0.3 }, name: 'softmax', showlegend: false },
      { ...bars, x: list.map((c) => c.probability), xaxis: 'x2', width: 0.4, marker: { color: faint }, name: 'after the pipeline', showlegend: false },
      ...(wide ? [{ ...bars, x: list.map((c) => c.probability), base: list.map((c) => c.below), xaxis: 'x3', width: 0.6, marker: { color: list.map((c) => (c.id === data.draw?.id ? look.accent : look.ink3)) }, showlegend: false }] : []),
    ],
    layout: {
      width, height: TOP + list.length * ROW + 10, margin: { l: left, r: narrow ? 8 : 16, t: TOP, b: 10, pad: 6 },
      paper_bgcolor: look.paper, plot_bgcolor: look.paper, font, barmode: 'overlay', hovermode: false, dragmode: false, bargap: 0,
      xaxis: { ...axis, domain: [0, split - 0.04], range: [floor, most + (most - floor) * (narrow ? 1 : 0.42)] },
      xaxis2: { ...axis, domain: [split, end], range: [0, largest * (narrow ? 1.75 : 1.34)], anchor: 'y' },
      ...(wide ? { xaxis3: { ...axis, domain: [end + 0.03, 1], range: [0, 1], anchor: 'y' } } : {}),
      shapes: wide && data.draw ? [{ type: 'line', xref: 'x3', yref: 'paper', x0: data.draw.u, x1: data.draw.u, y0: 0, y1: 1, line: { color: look.accent, width: 1.5 } }] : [],
      yaxis: {
        showgrid: false, zeroline: false, ticks: '', fixedrange: true, range: [list.length - 0.5, -0.5], automargin: false,
        tickmode: 'array', tickvals: rows, ticktext: list.map((c) => name(c, data)), tickfont: { family: look.text, size: 15, color: look.ink },
      },
      annotations: [
        heading('logit', 0, 'left'), heading(narrow ? 'probability' : 'probability, and softmax behind it', split, 'left'),
        ...(wide ? [heading(data.draw ? `end to end, u = ${data.draw.u.toFixed(4)}` : 'end to end, from 0 to 1', end + 0.03, 'left')] : []),
        ...list.map((c, i) => value(c, i, look, narrow)),
      ],
    },
  };
}

/** @param {string} text @param {number} x @param {'left'|'right'} anchor */
function heading(text, x, anchor) {
  return { text, xref: 'paper', yref: 'paper', x, y: 1, yanchor: 'bottom', yshift: 6, xanchor: anchor, showarrow: false };
}

/**
 * The number at the end of a candidate's bars.
 * @param {import('../answers_predictions.js').Candidate} c
 * @param {number} row
 * @param {import('../look.js').Look} look
 * @param {boolean} short without softmax
 */
function value(c, row, look, short) {
  return {
    text: short ? (c.kept ? written(c.probability) : 'dropped') : beside(c), xref: 'x2', yref: 'y', x: Math.max(c.softmax, c.probability), y: row, xanchor: 'left', xshift: 4, showarrow: false,
    font: { family: look.ui, size: 12, color: c.kept ? look.ink : look.ink3 },
  };
}

/** @param {import('../answers_predictions.js').Candidate} c */
function beside(c) {
  const [now, before] = [written(c.probability), written(c.softmax)];
  if (!c.kept) return `dropped (${before})`;
  return now === before ? now : `${now} (${before})`;
}

/**
 * Rank and text; what was drawn and what really follows are marked by a sign.
 * @param {import('../answers_predictions.js').Candidate} c
 * @param {import('../answers_predictions.js').LogitsData} data
 */
function name(c, data) {
  const marks = `${data.draw?.id === c.id ? '◆ ' : ''}${data.target?.id === c.id ? '▸ ' : ''}`;
  return `${marks}${plain(shorten(visible(c.text), 16))}`;
}
