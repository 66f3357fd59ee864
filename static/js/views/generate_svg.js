/** The new rows of all heads as an SVG file, under the text that they are of. */

import { cividis, css, token } from '../colour.js';
import { svgPainter } from '../painter.js';
import { escaped } from '../picture.js';
import { shorten } from '../ticks.js';
import { columns } from './generate_rows.js';
import { isGone } from './generate_shelf.js';
import { rowOf } from './generate_texts.js';

const CELL = { width: 48, height: 12, gap: 2, left: 34, top: 84 };
/** A cell's keys in at most this many bars. */
const BARS = 32;

/**
 * @param {import('./generate_texts.js').Rows} rows
 * @param {{layer: number, head: number}} chosen
 * @param {readonly string[]} lines the title, and the text
 * @returns {string}
 */
export function rowsSvg(rows, chosen, lines) {
  const paint = svgPainter();
  const family = token('--font-ui', 'sans-serif');
  const [ink, faint, paper] = [token('--ink', '#222'), token('--ink-3', '#777'), token('--paper', '#fff')];
  const width = Math.max(CELL.left + rows.heads * (CELL.width + CELL.gap) + 12, 560);
  const layers = isGone(rows) ? 0 : rows.layers;
  const height = CELL.top + layers * (CELL.height + CELL.gap) + 12;
  const bars = Math.min(rows.bins, BARS);
  paint.rect(0, 0, width, height, paper);
  lines.forEach((line, i) => paint.text(12, 24 + i * 20, shorten(line, Math.floor(width / 7)), { fill: i ? faint : ink, size: 13, family }));
  for (let k = 0; k < rows.heads && layers > 0; k += 1) paint.text(CELL.left + k * (CELL.width + CELL.gap) + CELL.width / 2, CELL.top - 6, String(k), { fill: faint, size: 11, family, align: 'middle' });
  for (let l = 0; l < layers; l += 1) {
    const y = CELL.top + l * (CELL.height + CELL.gap);
    paint.text(CELL.left - 6, y + 10, String(l), { fill: faint, size: 10, family, align: 'end' });
    for (let k = 0; k < rows.heads; k += 1) {
      const x = CELL.left + k * (CELL.width + CELL.gap);
      columns(rowOf(rows, l, k), bars).forEach((weight, i) => paint.rect(x + (i * CELL.width) / bars, y, CELL.width / bars, CELL.height, css(cividis(Math.sqrt(weight)))));
      if (l === chosen.layer && k === chosen.head) {
        const [right, bottom] = [x + CELL.width, y + CELL.height];
        paint.path([[x, y], [right, y], [right, bottom], [x, bottom], [x, y]], token('--glow', '#fb3'), 2);
      }
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><title>${escaped(lines.join(' '))}</title>${paint.parts.join('')}</svg>`;
}
