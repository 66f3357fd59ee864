/** The grid of the Lenses view as an SVG file. */

import { cividis, css, inkOn, token } from '../colour.js';
import { svgPainter } from '../painter.js';
import { escaped } from '../picture.js';
import { bits, largest } from './disagreement_words.js';

const CELL = { width: 40, height: 24, left: 34, top: 62 };

/**
 * @param {import('../answers_attention.js').DisagreementData} data
 * @param {Readonly<import('../types.js').Selection>} state
 * @param {string} title
 * @returns {string}
 */
export function headsSvg(data, state, title) {
  const paint = svgPainter();
  const family = token('--font-ui', 'sans-serif');
  const [ink, faint, paper] = [token('--ink', '#222'), token('--ink-3', '#777'), token('--paper', '#fff')];
  const heads = Math.max(...data.heads.map(({ head }) => head)) + 1;
  const [width, height] = [Math.max(CELL.left + heads * CELL.width + 12, 520), CELL.top + data.layers.length * CELL.height + 12];
  const most = largest(data);
  paint.rect(0, 0, width, height, paper);
  paint.text(12, 22, title, { fill: ink, size: 13, family });
  for (let i = 0; i < heads; i += 1) paint.text(CELL.left + (i + 0.5) * CELL.width, CELL.top - 8, String(i), { fill: faint, size: 11, family, align: 'middle' });
  data.layers.forEach((layer, row) => {
    const y = CELL.top + row * CELL.height;
    paint.text(CELL.left - 8, y + 16, String(layer), { fill: faint, size: 11, family, align: 'end' });
    for (const one of data.heads.filter((head) => head.layer === layer)) {
      const x = CELL.left + one.head * CELL.width;
      const colour = cividis((one.divergence ?? 0) / most);
      if (one.divergence !== null) paint.rect(x, y, CELL.width - 1, CELL.height - 1, css(colour));
      paint.text(x + CELL.width / 2, y + 16, bits(one.divergence), { fill: one.divergence === null ? faint : inkOn(colour), size: 11, family, align: 'middle' });
      if (one.layer === state.layer && one.head === state.head) {
        const [right, bottom] = [x + CELL.width - 1, y + CELL.height - 1];
        paint.path([[x, y], [right, y], [right, bottom], [x, bottom], [x, y]], token('--glow', '#fb3'), 2);
      }
    }
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><title>${escaped(title)}</title>${paint.parts.join('')}</svg>`;
}
