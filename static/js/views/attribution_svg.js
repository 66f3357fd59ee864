/** Attribution as an SVG file: the heads and MLPs of every layer, and the largest parts beside them. */

import { css, diverging, inkOn } from '../colour.js';
import { look } from '../look.js';
import { svgPainter } from '../painter.js';
import { escaped } from '../picture.js';
import { shorten } from '../ticks.js';
import { blanks, cellText, kindsOf, largestOf, remainder, subject } from './attribution_words.js';
import { signed } from './parts.js';

const CELL = { width: 38, height: 20, left: 36, top: 92 };
const BAR = 130;
const LISTED = 16;

/**
 * @param {object} now
 * @param {import('../answers_predictions.js').AttributionData} now.data
 * @param {import('../answers_predictions.js').AttributionData['attention'][number]} now.shown
 * @param {Readonly<import('../types.js').Selection>} now.state
 * @param {'light'|'dark'} now.theme
 * @param {string} now.model
 * @returns {string}
 */
export function attributionSvg({ data, shown, state, theme, model }) {
  const paint = svgPainter();
  const { ink, ink2, ink3, paper, glow, ui: family } = look();
  const count = shown.heads[0]?.length ?? 0;
  const most = Math.max(...shown.heads.flat().map(Math.abs), ...data.mlp.map(Math.abs), 1e-12);
  const side = CELL.left + (count + 1.3) * CELL.width + 36;
  const [width, height] = [side + 420, Math.max(CELL.top + shown.heads.length * CELL.height, CELL.top + (LISTED + 6) * CELL.height) + 14];
  const title = `${model}: ${signed(data.total)} is ${subject(data)}`;
  paint.rect(0, 0, width, height, paper);
  paint.text(12, 26, shorten(title, 110), { fill: ink, size: 14, family });
  paint.text(12, 46, `${remainder(data)} Heads of ${shown.stack} attention.`, { fill: ink2, size: 12, family });
  paint.text(12, 64, blanks([...shown.heads.flat(), ...data.mlp]), { fill: ink2, size: 12, family });
  const column = (/** @type {number} */ i) => CELL.left + (i < count ? i : count + 0.3) * CELL.width;
  for (let i = 0; i <= count; i += 1) paint.text(column(i) + CELL.width / 2, CELL.top - 8, i < count ? String(i) : 'MLP', { fill: ink3, size: 10, family, align: 'middle' });
  shown.heads.forEach((row, layer) => {
    const top = CELL.top + layer * CELL.height;
    paint.text(CELL.left - 8, top + 14, String(layer), { fill: ink3, size: 10, family, align: 'end' });
    [...row, data.mlp[layer] ?? 0].forEach((value, i) => {
      const colour = diverging(value / most, theme);
      paint.rect(column(i), top, CELL.width - 1, CELL.height - 1, css(colour));
      paint.text(column(i) + CELL.width / 2, top + 14, cellText(value), { fill: inkOn(colour), size: 10, family, align: 'middle' });
    });
    if (layer === state.layer && state.head < count) {
      const [left, right, bottom] = [column(state.head), column(state.head) + CELL.width - 1, top + CELL.height - 1];
      paint.path([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]], glow, 2);
    }
  });
  const lists = [kindsOf(data), largestOf(data, LISTED)];
  let y = CELL.top;
  for (const list of lists) {
    const largest = Math.max(...list.map(({ value }) => Math.abs(value)), 1e-12);
    for (const { name, value } of list) {
      const long = Math.abs(value) / largest * BAR;
      paint.text(side + 150, y + 13, shorten(name, 26), { fill: ink, size: 11, family, align: 'end' });
      paint.rect(side + 160, y + 3, Math.max(1, long), 13, css(diverging(Math.sign(value) * 0.7, theme)));
      paint.text(side + 166 + long, y + 13, signed(value), { fill: ink2, size: 11, family });
      y += CELL.height;
    }
    y += CELL.height / 2;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><title>${escaped(title)}</title>${paint.parts.join('')}</svg>`;
}
