/**
 * The two canvases of the Heads picture: all lines of the rows that are seen, and above them the lines of the one
 * token that is pointed at. Neither costs more than what is on the screen.
 */

import { headColour, headDash } from '../colour.js';
import { weight as written } from '../ticks.js';
import { eachWeight } from '../weights.js';
import { curve, lane, level, levelWeight, LEAST_DRAWN, LEAST_SHOWN, LEVELS, middle, seen, stroke, strokeAlone } from './heads_geometry.js';

/**
 * @typedef {import('./heads_geometry.js').Geometry} Geometry
 * @typedef {import('../weights.js').Index} Index
 *
 * @typedef {object} Paint what a picture is painted with
 * @property {string[]} palette
 * @property {string} ink
 * @property {string} faint
 * @property {string} glow
 * @property {string} font family of the numbers
 *
 * @typedef {object} Scene
 * @property {Geometry} g
 * @property {number} scroll
 * @property {Index} index
 * @property {readonly number[]} heads shown
 * @property {Paint} paint
 *
 * @typedef {{other: number, head: number, weight: number}} Strongest
 */

/**
 * Fit a canvas to its place in device pixels and hand out a context that counts in CSS pixels.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 * @returns {CanvasRenderingContext2D}
 */
export function surface(canvas, width, height) {
  const ratio = globalThis.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const c = canvas.getContext('2d');
  if (!c) throw new Error('this browser gives no 2d canvas');
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, width, height);
  return c;
}

/**
 * Every line of the rows that are seen.
 * @param {CanvasRenderingContext2D} c
 * @param {Scene} scene
 * @returns {number} how many lines
 */
export function paintAll(c, { g, scroll, index, heads, paint }) {
  const [first, last] = seen(g, scroll, g.rows);
  /** @type {(Path2D|undefined)[]} a path for each level and head: the weak ones first, so that strong lines stay on top */
  const paths = new Array(LEVELS * heads.length);
  let count = 0;
  for (const [place, head] of heads.entries()) {
    const shift = lane(g, place, heads.length) - scroll;
    for (let query = first; query < last; query += 1) {
      const from = middle(g, query) + shift;
      eachWeight(index, 'query', query, [head], (_, key, weight) => {
        const path = (paths[level(weight) * heads.length + place] ??= new Path2D());
        path.moveTo(g.left, from);
        path.bezierCurveTo(...curve(g, from, middle(g, key) + shift));
        count += 1;
      }, LEAST_DRAWN);
    }
  }
  c.lineCap = 'round';
  paths.forEach((path, at) => {
    const head = heads[at % heads.length];
    if (!path || head === undefined) return;
    const { width, alpha } = stroke(g, heads.length, levelWeight(Math.floor(at / heads.length)));
    c.strokeStyle = headColour(head, paint.palette);
    c.setLineDash(headDash(head));
    c.globalAlpha = alpha;
    c.lineWidth = width;
    c.stroke(path);
  });
  return count;
}

/**
 * The lines of one token with a number at the other end of each: the largest weight among the shown heads.
 * @param {CanvasRenderingContext2D} c
 * @param {Scene} scene
 * @param {'query'|'key'} side
 * @param {number} item
 * @param {number|null} partner the token at the other end that is pointed at as well
 */
export function paintOne(c, { g, scroll, index, heads, paint }, side, item, partner) {
  const shifts = new Map(heads.map((head, place) => [head, lane(g, place, heads.length) - scroll]));
  c.lineCap = 'round';
  eachWeight(index, side, item, heads, (head, other, weight) => {
    const shift = shifts.get(head) ?? -scroll;
    const [query, key] = side === 'query' ? [item, other] : [other, item];
    const from = middle(g, query) + shift;
    const { width, alpha } = strokeAlone(g, heads.length, weight);
    c.strokeStyle = headColour(head, paint.palette);
    c.setLineDash(headDash(head));
    c.globalAlpha = partner === null || partner === other ? alpha : alpha * 0.25;
    c.lineWidth = width;
    c.beginPath();
    c.moveTo(g.left, from);
    c.bezierCurveTo(...curve(g, from, middle(g, key) + shift));
    c.stroke();
  }, LEAST_SHOWN);
  c.globalAlpha = 1;
  c.setLineDash([]);
  paintNumbers(c, g, scroll, strongest(index, heads, side, item), side, paint);
}

/**
 * For each token at the other end of a line, the head with the largest weight.
 * @param {Index} index
 * @param {readonly number[]} heads
 * @param {'query'|'key'} side
 * @param {number} item
 * @returns {Strongest[]} from the largest weight down
 */
export function strongest(index, heads, side, item) {
  /** @type {Map<number, Strongest>} */
  const best = new Map();
  eachWeight(index, side, item, heads, (head, other, weight) => {
    const known = best.get(other);
    if (!known || known.weight < weight) best.set(other, { other, head, weight });
  }, LEAST_SHOWN);
  return [...best.values()].sort((a, b) => b.weight - a.weight);
}

/**
 * @param {CanvasRenderingContext2D} c
 * @param {Geometry} g
 * @param {number} scroll
 * @param {Strongest[]} list
 * @param {'query'|'key'} side of the token pointed at; the numbers stand on the other side
 * @param {Paint} paint
 */
function paintNumbers(c, g, scroll, list, side, paint) {
  const onRight = side === 'query';
  const x = onRight ? g.right + g.labels + 5 : g.left - g.labels - 5;
  const label = onRight ? g.right : g.left - g.labels;
  c.textAlign = onRight ? 'left' : 'right';
  c.textBaseline = 'middle';
  c.font = `12px ${paint.font}`;
  for (const { other, head, weight } of list) {
    const y = middle(g, other) - scroll;
    if (y < 0 || y > g.height) continue;
    c.globalAlpha = 0.06 + 0.6 * weight;
    c.fillStyle = paint.glow;
    c.beginPath();
    c.roundRect(label, y - g.rowHeight / 2 + 2, g.labels, g.rowHeight - 4, 4);
    c.fill();
    if (weight < 0.01) continue;
    c.globalAlpha = 1;
    c.fillStyle = headColour(head, paint.palette);
    c.beginPath();
    c.arc(onRight ? x + 2 : x - 2, y, 3, 0, 2 * Math.PI);
    c.fill();
    c.fillStyle = weight >= 0.1 ? paint.ink : paint.faint;
    c.fillText(written(weight), onRight ? x + 9 : x - 9, y + 0.5);
  }
  c.globalAlpha = 1;
  paintBeyond(c, g, scroll, list, onRight, paint);
}

/**
 * What lies outside of the window: how many tokens above and below, and the largest weight among them.
 * @param {CanvasRenderingContext2D} c
 * @param {Geometry} g
 * @param {number} scroll
 * @param {Strongest[]} list
 * @param {boolean} onRight
 * @param {Paint} paint
 */
function paintBeyond(c, g, scroll, list, onRight, paint) {
  const above = list.filter(({ other }) => middle(g, other) < scroll);
  const below = list.filter(({ other }) => middle(g, other) > scroll + g.height);
  const x = onRight ? g.right - 10 : g.left + 10;
  c.textAlign = onRight ? 'right' : 'left';
  c.fillStyle = paint.ink;
  if (above.length) c.fillText(`↑ ${above.length} above, up to ${written(above[0].weight)}`, x, 12);
  if (below.length) c.fillText(`↓ ${below.length} below, up to ${written(below[0].weight)}`, x, g.height - 12);
}
