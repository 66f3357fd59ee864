/** The neuron view as an SVG file: the lanes, the equations, and the keys that get most. */

import { digits } from '../format.js';
import { visible } from '../dom.js';
import { escaped } from '../picture.js';
import { svgPainter } from '../painter.js';
import { shorten } from '../ticks.js';
import { LEFT } from './neuron_chart.js';
import { ordered } from './neuron_keys.js';
import { drawLanes, geometry } from './neuron_lanes.js';
import { drawShare } from './neuron_share.js';
import { scoreTerms, shareTerms } from './neuron_steps.js';

const WIDTH = 900;
const MARGIN = 24;
const LISTED = 10;

/**
 * @param {object} given
 * @param {import('../answers_attention.js').NeuronData} given.data
 * @param {number} given.key
 * @param {{rows: readonly import('../types.js').Token[], cols: readonly import('../types.js').Token[]}} given.tokens
 * @param {ReturnType<typeof import('./neuron_words.js').lanesOf>} given.lanes
 * @param {string} given.caption
 * @param {import('../look.js').Look} given.look
 * @param {'light'|'dark'} given.theme
 * @returns {string}
 */
export function neuronSvg({ data, key, tokens, lanes, caption, look, theme }) {
  const paint = svgPainter();
  const inner = WIDTH - 2 * MARGIN;
  const write = (/** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ words, /** @type {Partial<import('../painter.js').Writing>} */ how = {}) => (
    paint.text(x, y, words, { fill: look.ink, size: 13, family: look.ui, ...how }));
  const word = (/** @type {import('../types.js').Token|undefined} */ token, /** @type {number} */ index) => `${shorten(visible(token?.display ?? ''), 24)} (${index})`;
  let y = MARGIN + 6;
  write(MARGIN, y, `${caption}: ${word(tokens.rows[data.query], data.query)} → ${word(tokens.cols[key], key)}`, { size: 16, weight: 600 });
  y += 22;
  y += part(lanes.scoring, data.q.length);
  write(MARGIN, y += 14, inWords(scoreTerms(data, key)));
  write(MARGIN, y += 22, inWords(shareTerms(data, key)));
  drawShare(paint, data, key, { x: MARGIN, y: y += 12, width: inner, height: 14 }, look);
  y += 40;
  y += part(lanes.weighing, data.z.length);
  y += 18;
  const listed = ordered(data, 'probability').slice(0, LISTED);
  for (const one of listed) {
    paint.rect(MARGIN + 200, y - 11, Math.max(data.probs[one] * (inner - 300), 0.5), 14, one === key ? look.glow : look.line);
    write(MARGIN, y, word(tokens.cols[one], one), { family: look.text, size: 14 });
    write(MARGIN + inner, y, digits(data.probs[one]), { align: 'end' });
    y += 21;
  }
  if (data.sink !== null) {
    write(MARGIN, y, 'the sink (no token)', { fill: look.ink2 });
    write(MARGIN + inner, y, digits(data.sink), { align: 'end' });
    y += 21;
  }
  const height = Math.ceil(y + MARGIN - 12);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">`
    + `<title>${escaped(caption)}</title><rect width="${WIDTH}" height="${height}" fill="${escaped(look.paper)}"/>${paint.parts.join('')}</svg>`;

  /** @param {readonly import('./neuron_lanes.js').Lane[]} list @param {number} count */
  function part(list, count) {
    const g = geometry(inner, count, list, LEFT);
    drawLanes(paint, g, list, { look, theme }, [MARGIN, y]);
    return g.height + 8;
  }
}

/** @param {readonly import('./neuron_steps.js').Term[]} terms */
function inWords(terms) {
  return terms.map(({ sign, name, value }) => `${sign} ${value} (${name})`.trim()).join('  ');
}
