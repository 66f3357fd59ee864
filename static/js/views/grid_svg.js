/** The grid as an SVG to take away: the small maps as one picture, flat cells and labels as shapes. */

import { escaped } from '../picture.js';
import { inner } from './grid_layout.js';
import { labels, numberSize, patch } from './grid_paint.js';

const CAPTION = 30;
const MARGIN = 14;

/**
 * @param {import('./grid_layout.js').Layout} g
 * @param {{image: string|null, cells: readonly import('./grid_paint.js').Flat[]}} drawn the maps as an address of data, or flat cells
 * @param {{paper: string, empty: string, ink: string, faint: string, font: string, caption: string}} look
 */
export function gridSvg(g, { image, cells }, look) {
  const [width, height] = [g.width + 2 * MARGIN, g.height + CAPTION + 2 * MARGIN];
  const points = numberSize(g);
  const side = inner(g);
  const flat = cells.map((cell) => {
    const part = patch(g, cell);
    const [x, y] = [part.x - (part.size < side ? (side - part.size) / 2 : 0), part.y - (part.size < side ? (side - part.size) / 2 : 0)];
    const number = points && !(cell.within && part.size < points * 1.9);
    return `<rect x="${x}" y="${y}" width="${side}" height="${side}" fill="${escaped(look.empty)}"/>`
      + (cell.fill ? `<rect x="${part.x}" y="${part.y}" width="${part.size}" height="${part.size}" fill="${cell.fill}"/>` : '')
      + (number ? `<text x="${x + side / 2}" y="${y + side / 2 + points * 0.35}" font-size="${points}" text-anchor="middle" fill="${cell.fill ? cell.ink : escaped(look.ink)}">${cell.text}</text>` : '');
  });
  const words = labels(g).map(({ text, x, y, align, title, turned }) => (
    `<text transform="translate(${x} ${y})${turned ? ' rotate(-90)' : ''}" dy="0.35em" font-size="12" text-anchor="${ANCHORS[align]}" fill="${escaped(title ? look.faint : look.ink)}">${escaped(text)}</text>`));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${escaped(look.font)}">`
    + `<rect width="100%" height="100%" fill="${escaped(look.paper)}"/>`
    + `<text x="${MARGIN}" y="${MARGIN + 12}" font-size="13" fill="${escaped(look.ink)}">${escaped(look.caption)}</text>`
    + `<g transform="translate(${MARGIN} ${MARGIN + CAPTION})">`
    + (image ? `<image href="${image}" width="${g.width}" height="${g.height}"/>` : '')
    + `${flat.join('')}${words.join('')}</g></svg>`;
}

const ANCHORS = Object.freeze({ left: 'start', center: 'middle', right: 'end' });
