/** The grid of the logit lens as an SVG file. */

import { cividis, css, inkOn, token } from '../colour.js';
import { visible } from '../dom.js';
import { svgPainter } from '../painter.js';
import { escaped } from '../picture.js';
import { shorten } from '../ticks.js';
import { brightness, largest, rowName, valuesOf } from './logit_lens_words.js';

const CELL = { width: 76, height: 22, left: 40, top: 64 };
const LETTERS = 10;

/**
 * @param {import('../answers_predictions.js').LensGridData} grid
 * @param {import('../types.js').Selection['cellMeasure']} measure
 * @param {readonly import('../types.js').Token[]} tokens
 * @param {string} title
 */
export function gridSvg(grid, measure, tokens, title) {
  const paint = svgPainter();
  const [ui, text] = [token('--font-ui', 'sans-serif'), token('--font-text', 'serif')];
  const [ink, faint, paper, accent] = [token('--ink', '#222'), token('--ink-3', '#777'), token('--paper', '#fff'), token('--accent', '#850')];
  const [from, to] = grid.positions;
  const count = to - from;
  const [width, height] = [Math.max(CELL.left + count * CELL.width + 12, 520), CELL.top + grid.layers.length * CELL.height + 12];
  const values = valuesOf(grid, measure);
  const most = largest(grid, measure);
  const short = (/** @type {string} */ words) => shorten(visible(words), LETTERS);
  paint.rect(0, 0, width, height, paper);
  paint.text(12, 22, title, { fill: ink, size: 13, family: ui });
  for (let at = 0; at < count; at += 1) {
    paint.text(CELL.left + (at + 0.5) * CELL.width, CELL.top - 8, short(tokens[from + at]?.display ?? ''), { fill: ink, size: 12, family: text, align: 'middle' });
  }
  grid.layers.toReversed().forEach((layer, row) => {
    const y = CELL.top + row * CELL.height;
    paint.text(CELL.left - 8, y + 15, rowName(layer), { fill: faint, size: 11, family: ui, align: 'end' });
    for (let at = 0; at < count; at += 1) {
      const x = CELL.left + at * CELL.width;
      const colour = cividis(brightness(values[layer][at], most, measure));
      paint.rect(x, y, CELL.width - 1, CELL.height - 1, css(colour));
      paint.text(x + CELL.width / 2, y + 15, short(grid.texts[layer][at]), { fill: inkOn(colour), size: 12, family: text, align: 'middle' });
      if (grid.settled[at] === layer) paint.path([[x, y + CELL.height - 1], [x + CELL.width - 1, y + CELL.height - 1]], accent, 3);
    }
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><title>${escaped(title)}</title>${paint.parts.join('')}</svg>`;
}
