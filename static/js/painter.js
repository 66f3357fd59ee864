// One set of strokes for two surfaces: a canvas on the screen, and SVG text to take away.

import { escaped } from './picture.js';

/**
 * @typedef {object} Writing
 * @property {string} fill
 * @property {number} size
 * @property {string} family
 * @property {'start'|'middle'|'end'} [align]
 * @property {number} [weight]
 *
 * @typedef {object} Painter
 * @property {(x: number, y: number, width: number, height: number, fill: string) => void} rect
 * @property {(points: readonly [number, number][], stroke: string, width: number) => void} path
 * @property {(x: number, y: number, words: string, how: Writing) => void} text on the line y
 */

/**
 * @param {CanvasRenderingContext2D} context
 * @returns {Painter}
 */
export function canvasPainter(context) {
  return {
    rect(x, y, width, height, fill) {
      context.fillStyle = fill;
      context.fillRect(x, y, width, height);
    },
    path(points, stroke, width) {
      context.strokeStyle = stroke;
      context.lineWidth = width;
      context.lineJoin = 'round';
      context.beginPath();
      points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.stroke();
    },
    text(x, y, words, { fill, size, family, align = 'start', weight = 400 }) {
      context.fillStyle = fill;
      context.font = `${weight} ${size}px ${family}`;
      context.textAlign = align === 'middle' ? 'center' : align;
      context.fillText(words, x, y);
    },
  };
}

/**
 * @returns {Painter & {parts: string[]}} `parts` are the elements painted so far
 */
export function svgPainter() {
  /** @type {string[]} */
  const parts = [];
  return {
    parts,
    rect: (x, y, width, height, fill) => void parts.push(
      `<rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" fill="${escaped(fill)}"/>`),
    path: (points, stroke, width) => void parts.push(
      `<path d="M${points.map(([x, y]) => `${short(x)} ${short(y)}`).join('L')}" fill="none" stroke="${escaped(stroke)}" stroke-width="${width}" stroke-linejoin="round"/>`),
    text: (x, y, words, { fill, size, family, align = 'start', weight = 400 }) => void parts.push(
      `<text x="${short(x)}" y="${short(y)}" fill="${escaped(fill)}" font-size="${size}" font-family="${escaped(family)}"`
      + `${weight === 400 ? '' : ` font-weight="${weight}"`}${align === 'start' ? '' : ` text-anchor="${align}"`} xml:space="preserve">${escaped(words)}</text>`),
  };
}

/** @param {number} value */
function short(value) {
  return Math.round(value * 100) / 100;
}
