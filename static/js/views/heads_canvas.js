/**
 * The two canvases of the Heads picture: all lines of the rows that are seen, and above them the lines of the one
 * token that is pointed at. Neither costs more than what is on the screen.
 */

import { headColour, headDash } from '../colour.js';
import { grouped } from '../format.js';
import { amount } from '../ticks.js';
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
 * @property {number} least weights below this share of the largest there can be are hidden
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

/** Lines of values below zero are dotted, whatever their head. */
export const AGAINST = [1, 5];

/**
 * How strong a value is: its share of the largest there can be.
 * @param {Index} index
 * @param {number} value
 */
export function strengthOf({ maps }, value) {
  return Math.min(Math.abs(value) / maps.top, 1);
}

/**
 * The dashes of a line.
 * @param {number} head
 * @param {boolean} against the value is below zero
 */
export function dashOf(head, against) {
  return against ? AGAINST : headDash(head);
}

/**
 * Every line of the rows that are seen.
 * @param {CanvasRenderingContext2D} c
 * @param {Scene} scene
 * @returns {number} how many lines
 */
export function paintAll(c, { g, scroll, index, heads, paint, least }) {
  const [first, last] = seen(g, scroll, g.rows);
  /** @type {(Path2D|undefined)[]} a path for each level, head and sign: the weak ones first, so that strong lines stay on top */
  const paths = new Array(LEVELS * heads.length * 2);
  let count = 0;
  for (const [place, head] of heads.entries()) {
    const shift = lane(g, place, heads.length) - scroll;
    for (let query = first; query < last; query += 1) {
      const from = middle(g, query) + shift;
      eachWeight(index, 'query', query, [head], (_, key, weight) => {
        const at = (level(strengthOf(index, weight)) * heads.length + place) * 2 + (weight < 0 ? 1 : 0);
        const path = (paths[at] ??= new Path2D());
        path.moveTo(g.left, from);
        path.bezierCurveTo(...curve(g, from, middle(g, key) + shift));
        count += 1;
      }, Math.max(LEAST_DRAWN, least) * index.maps.top);
    }
  }
  c.lineCap = 'round';
  paths.forEach((path, at) => {
    const head = heads[Math.floor(at / 2) % heads.length];
    if (!path || head === undefined) return;
    const { width, alpha } = stroke(g, heads.length, levelWeight(Math.floor(at / (2 * heads.length))));
    c.strokeStyle = headColour(head, paint.palette);
    c.setLineDash(dashOf(head, at % 2 === 1));
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
export function paintOne(c, { g, scroll, index, heads, paint, least }, side, item, partner) {
  const shifts = new Map(heads.map((head, place) => [head, lane(g, place, heads.length) - scroll]));
  c.lineCap = 'round';
  eachWeight(index, side, item, heads, (head, other, weight) => {
    const shift = shifts.get(head) ?? -scroll;
    const [query, key] = side === 'query' ? [item, other] : [other, item];
    const from = middle(g, query) + shift;
    const { width, alpha } = strokeAlone(g, heads.length, strengthOf(index, weight));
    c.strokeStyle = headColour(head, paint.palette);
    c.setLineDash(dashOf(head, weight < 0));
    c.globalAlpha = partner === null || partner === other ? alpha : alpha * 0.25;
    c.lineWidth = width;
    c.beginPath();
    c.moveTo(g.left, from);
    c.bezierCurveTo(...curve(g, from, middle(g, key) + shift));
    c.stroke();
  }, Math.max(LEAST_SHOWN, least) * index.maps.top);
  c.globalAlpha = 1;
  c.setLineDash([]);
  paintNumbers(c, { g, scroll, index, paint }, strongest(index, heads, side, item, least), side);
}

/**
 * For each token at the other end of a line, the head with the strongest weight.
 * @param {Index} index
 * @param {readonly number[]} heads
 * @param {'query'|'key'} side
 * @param {number} item
 * @param {number} least
 * @returns {Strongest[]} from the strongest down
 */
export function strongest(index, heads, side, item, least) {
  /** @type {Map<number, Strongest>} */
  const best = new Map();
  eachWeight(index, side, item, heads, (head, other, weight) => {
    const known = best.get(other);
    if (!known || Math.abs(known.weight) < Math.abs(weight)) best.set(other, { other, head, weight });
  }, Math.max(LEAST_SHOWN, least) * index.maps.top);
  return [...best.values()].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
}

/** @typedef {Pick<Scene, 'g'|'scroll'|'index'|'paint'>} Page */

/**
 * @param {CanvasRenderingContext2D} c
 * @param {Page} page
 * @param {Strongest[]} list
 * @param {'query'|'key'} side of the token pointed at; the numbers stand on the other side
 */
function paintNumbers(c, page, list, side) {
  const { g, scroll, index, paint } = page;
  const onRight = side === 'query';
  const x = onRight ? g.right + g.labels + 5 : g.left - g.labels - 5;
  const label = onRight ? g.right : g.left - g.labels;
  c.textAlign = onRight ? 'left' : 'right';
  c.textBaseline = 'middle';
  c.font = `12px ${paint.font}`;
  for (const { other, head, weight } of list) {
    const y = middle(g, other) - scroll;
    if (y < 0 || y > g.height) continue;
    const strength = strengthOf(index, weight);
    c.globalAlpha = 0.06 + 0.6 * strength;
    c.fillStyle = paint.glow;
    c.beginPath();
    c.roundRect(label, y - g.rowHeight / 2 + 2, g.labels, g.rowHeight - 4, 4);
    c.fill();
    if (strength < 0.01) continue;
    c.globalAlpha = 1;
    c.fillStyle = headColour(head, paint.palette);
    c.beginPath();
    c.arc(onRight ? x + 2 : x - 2, y, 3, 0, 2 * Math.PI);
    c.fill();
    c.fillStyle = strength >= 0.1 ? paint.ink : paint.faint;
    c.fillText(amount(weight, index.maps.bounded), onRight ? x + 9 : x - 9, y + 0.5);
  }
  c.globalAlpha = 1;
  paintBeyond(c, page, list, onRight);
}

/**
 * What lies outside of the window: how many tokens above and below, and the largest weight among them.
 * @param {CanvasRenderingContext2D} c
 * @param {Page} page
 * @param {Strongest[]} list
 * @param {boolean} onRight
 */
function paintBeyond(c, { g, scroll, index, paint }, list, onRight) {
  const above = list.filter(({ other }) => middle(g, other) < scroll);
  const below = list.filter(({ other }) => middle(g, other) > scroll + g.height);
  const x = onRight ? g.right - 10 : g.left + 10;
  c.textAlign = onRight ? 'right' : 'left';
  c.fillStyle = paint.ink;
  if (above.length) c.fillText(`↑ ${grouped(above.length)} above, up to ${amount(above[0].weight, index.maps.bounded)}`, x, 12);
  if (below.length) c.fillText(`↓ ${grouped(below.length)} below, up to ${amount(below[0].weight, index.maps.bounded)}`, x, g.height - 12);
}
