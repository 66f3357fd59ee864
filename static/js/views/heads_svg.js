/**
 * The Heads picture as an SVG file: the same lines and numbers as on the canvas, for all tokens or, of a long text,
 * for those that are seen.
 */

import { headColour } from '../colour.js';
import { visible } from '../dom.js';
import { escaped } from '../picture.js';
import { amount, shorten } from '../ticks.js';
import { eachWeight } from '../weights.js';
import { dashOf, strengthOf, strongest } from './heads_canvas.js';
import { curve, lane, LEAST_DRAWN, LEAST_SHOWN, middle, seen, stroke, strokeAlone } from './heads_geometry.js';

/** Up to this many tokens the file holds the whole picture. */
const WHOLE = 160;

/** Pixels for the lines that say what is shown, and what is not. */
const CAPTION = 52;

/**
 * @param {import('./heads_canvas.js').Scene} scene
 * @param {{rows: readonly import('../types.js').Token[], cols: readonly import('../types.js').Token[]}} tokens
 * @param {{paper: string, text: string, title: string, hidden: string}} look
 * @param {number|null} query the pinned one; only its lines are drawn then
 * @returns {string}
 */
export function headsSvg(scene, tokens, look, query) {
  const { g, heads, index, paint, least } = scene;
  const whole = Math.max(g.rows, g.cols) <= WHOLE;
  const scroll = whole ? 0 : scene.scroll;
  const window = { ...g, height: whole ? g.full : g.height };
  const [firstRow, lastRow] = seen(window, scroll, g.rows);
  const [firstCol, lastCol] = seen(window, scroll, g.cols);
  /** @type {string[]} */
  const lines = [];
  for (let row = firstRow; row < lastRow; row += 1) {
    if (query !== null && row !== query) continue;
    const strength = query === null ? stroke : strokeAlone;
    eachWeight(index, 'query', row, heads, (head, key, weight) => {
      const { width, alpha } = strength(g, heads.length, strengthOf(index, weight));
      const shift = lane(g, heads.indexOf(head), heads.length) - scroll;
      const from = middle(g, row) + shift;
      const dash = dashOf(head, weight < 0);
      lines.push(`<path d="M${g.left} ${from}C${curve(g, from, middle(g, key) + shift).map(round).join(' ')}"`
        + ` stroke="${headColour(head, paint.palette)}" stroke-width="${round(width)}" stroke-opacity="${round(alpha)}"`
        + `${dash.length ? ` stroke-dasharray="${dash.join(' ')}"` : ''}/>`);
    }, Math.max(query === null ? LEAST_DRAWN : LEAST_SHOWN, least) * index.maps.top);
  }
  /** @type {string[]} */
  const labels = [];
  for (let i = firstRow; i < lastRow; i += 1) labels.push(label(g.left - 8, middle(g, i) - scroll, 'end', tokens.rows[i], i === query));
  for (let i = firstCol; i < lastCol; i += 1) labels.push(label(g.right + 8, middle(g, i) - scroll, 'start', tokens.cols[i], false));
  const numbers = query === null ? [] : strongest(index, heads, 'query', query, least).filter(({ weight }) => strengthOf(index, weight) >= 0.01)
    .map(({ other, head, weight }) => `<text x="${g.right + g.labels + 16}" y="${round(middle(g, other) - scroll)}"`
      + ` fill="${headColour(head, paint.palette)}">${amount(weight, index.maps.bounded)}</text>`);
  const edge = g.labels + g.numbers + 4;
  const [x, width] = [Math.max(g.left - edge, 0), Math.min(g.right - g.left + 2 * edge, g.width)];
  const high = window.height + CAPTION;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${high}" viewBox="${x} ${-CAPTION} ${width} ${high}">`
    + `<title>${escaped(look.title)}</title><rect x="${x}" y="${-CAPTION}" width="100%" height="100%" fill="${look.paper}"/>`
    + `<text x="${x + 10}" y="${22 - CAPTION}" fill="${paint.ink}" font-size="13" font-family="${escaped(paint.font)}">${escaped(look.title)}${index.maps.heads.length > 1 ? `, ${legend(heads, index.maps.heads.length, paint)}` : ''}</text>`
    + (look.hidden ? `<text x="${x + 10}" y="${40 - CAPTION}" fill="${paint.faint}" font-size="12" font-family="${escaped(paint.font)}">${escaped(look.hidden)}</text>` : '')
    + `<g fill="none" stroke-linecap="round">${lines.join('')}</g>`
    + `<g fill="${paint.ink}" font-size="16" font-family="${escaped(look.text)}" dominant-baseline="central">${labels.join('')}</g>`
    + `<g font-size="12" font-family="${escaped(paint.font)}" dominant-baseline="central">${numbers.join('')}</g></svg>`;
}

/**
 * The numbers of the heads, each in its colour: `head 1`, `heads 0, 3, 5`; `all 12 heads:` before them where none is missing.
 * @param {readonly number[]} heads
 * @param {number} all
 * @param {import('./heads_canvas.js').Paint} paint
 */
function legend(heads, all, paint) {
  const words = heads.length === all ? `all ${all} heads:` : heads.length === 1 ? 'head' : 'heads';
  return words + heads.map((head) => `<tspan dx="5" font-weight="600" fill="${headColour(head, paint.palette)}">${head}</tspan>`).join(',');
}

/**
 * @param {number} x
 * @param {number} y
 * @param {'start'|'end'} anchor
 * @param {import('../types.js').Token} item
 * @param {boolean} bold
 */
function label(x, y, anchor, item, bold) {
  return `<text x="${x}" y="${round(y)}" text-anchor="${anchor}"${bold ? ' font-weight="600"' : ''}>`
    + `${escaped(shorten(visible(item.display), 24))}</text>`;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}
