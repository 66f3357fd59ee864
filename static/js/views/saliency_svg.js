/** Saliency as an SVG file: each input as a column of tokens and bars. */

import { css, diverging } from '../colour.js';
import { visible } from '../dom.js';
import { look } from '../look.js';
import { svgPainter } from '../painter.js';
import { escaped } from '../picture.js';
import { shorten } from '../ticks.js';
import { signed } from './parts.js';
import { METHODS, subject } from './saliency_words.js';

const LINE = 20;
const TOP = 64;
const [NAME, BAR, COLUMN] = [150, 150, 400];

/**
 * @param {object} now
 * @param {import('../answers_predictions.js').SaliencyData} now.data
 * @param {import('../types.js').Run} now.run
 * @param {'light'|'dark'} now.theme
 * @param {string} now.model
 * @returns {string}
 */
export function saliencySvg({ data, run, theme, model }) {
  const paint = svgPainter();
  const { ink, ink2, ink3, paper, ui: family } = look();
  const inputs = Object.entries(data.tokens);
  const most = Math.max(...inputs.flatMap(([, scores]) => scores.map(Math.abs)), 1e-12);
  const [width, height] = [Math.max(640, inputs.length * COLUMN + 24), TOP + Math.max(...inputs.map(([, scores]) => scores.length)) * LINE + 12];
  const title = `${model}: ${METHODS[data.method]} for ${subject(data)}`;
  paint.rect(0, 0, width, height, paper);
  paint.text(12, 26, shorten(title, 100), { fill: ink, size: 14, family });
  paint.text(12, 46, `The scores sum to ${signed(data.total)}, the change is ${signed(data.value - data.baseline)}.`, { fill: ink2, size: 12, family });
  inputs.forEach(([name, scores], column) => {
    const left = 12 + column * COLUMN;
    scores.forEach((score, i) => {
      const y = TOP + i * LINE;
      const long = Math.abs(score) / most * BAR;
      const token = run.tokens[/** @type {'encoder'|'decoder'} */ (name)]?.[i]?.display ?? '';
      paint.text(left + NAME, y + 13, shorten(visible(token), 18), { fill: ink, size: 12, family, align: 'end' });
      paint.rect(left + NAME + 8, y + 2, Math.max(1, long), 14, css(diverging(Math.sign(score) * 0.7, theme)));
      paint.text(left + NAME + 14 + long, y + 13, signed(score), { fill: score === 0 ? ink3 : ink2, size: 11, family });
    });
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><title>${escaped(title)}</title>${paint.parts.join('')}</svg>`;
}
