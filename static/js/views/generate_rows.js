/**
 * The new row of every head, small: a line of layers each, a cell for each head, in it the keys from the first to the
 * last. To a screen reader it is a grid with one cell that moves; the arrows move it, and what it moves to is chosen.
 */

import { onArrows } from '../arrows.js';
import { cividis } from '../colour.js';
import { h } from '../dom.js';
import { rowOf } from './generate_texts.js';

/** @typedef {import('./generate_texts.js').Rows} Rows */

const LEFT = 22;
const TOP = 16;
const GAP = 2;
const WIDEST = 96;

/** @param {{choose: (layer: number, head: number) => void, name: (layer: number, head: number) => string, announce: (text: string) => void}} react */
export function createRows(react) {
  const canvas = h('canvas', { 'aria-hidden': 'true' });
  const cell = h('div.written-cell', { role: 'gridcell', id: 'written-cell', 'aria-selected': 'true' });
  const line = h('div', { role: 'row' }, cell);
  const pointed = h('div.written-pointed', { 'aria-hidden': 'true', hidden: true });
  const grid = h('div.written-focus', { role: 'grid', tabindex: 0, 'aria-label': 'The new row of every head, a line for each layer', 'aria-activedescendant': cell.id }, line);
  const element = h('div.written-rows', {}, canvas, grid, pointed);
  /** @type {Rows|null} */
  let rows = null;
  let [layer, head, width, height] = [0, 0, 0, 0];

  /** @param {number} l @param {number} k */
  const corner = (l, k) => ({ x: LEFT + k * (width + GAP), y: TOP + l * (height + GAP) });

  /** @param {HTMLElement} el @param {number} l @param {number} k */
  function place(el, l, k) {
    const { x, y } = corner(l, k);
    Object.assign(el.style, { transform: `translate(${x}px, ${y}px)`, width: `${width}px`, height: `${height}px` });
  }

  /** @param {PointerEvent|MouseEvent} event */
  function under(event) {
    if (!rows) return null;
    const box = element.getBoundingClientRect();
    const at = { layer: Math.floor((event.clientY - box.top - TOP) / (height + GAP)), head: Math.floor((event.clientX - box.left - LEFT) / (width + GAP)) };
    return at.layer >= 0 && at.layer < rows.layers && at.head >= 0 && at.head < rows.heads ? at : null;
  }

  grid.addEventListener('pointermove', (event) => {
    const at = under(event);
    pointed.hidden = !at;
    if (!at) return;
    place(pointed, at.layer, at.head);
    grid.title = react.name(at.layer, at.head);
  });
  grid.addEventListener('pointerleave', () => { pointed.hidden = true; });
  grid.addEventListener('click', (event) => {
    const at = under(event);
    if (at) react.choose(at.layer, at.head);
  });
  onArrows(grid, move);

  /** @param {number} across @param {number} down */
  function move(across, down) {
    const [l, k] = [layer + down, head + across];
    if (!rows || l < 0 || k < 0 || l >= rows.layers || k >= rows.heads) return;
    react.choose(l, k);
    react.announce(react.name(l, k));
  }

  return {
    element,
    move,
    /** @param {Rows} next @param {{layer: number, head: number}} chosen @param {{ink: string, font: string}} look */
    update(next, chosen, look) {
      rows = next;
      [layer, head] = [Math.min(chosen.layer, next.layers - 1), Math.min(chosen.head, next.heads - 1)];
      width = Math.max(8, Math.min(WIDEST, Math.floor((element.clientWidth - LEFT) / next.heads) - GAP));
      height = next.layers > 16 ? 9 : 15;
      paint(canvas, next, { width, height, ...look });
      place(cell, layer, head);
      grid.setAttribute('aria-rowcount', String(next.layers));
      grid.setAttribute('aria-colcount', String(next.heads));
      line.setAttribute('aria-rowindex', String(layer + 1));
      cell.setAttribute('aria-colindex', String(head + 1));
      cell.setAttribute('aria-label', react.name(layer, head));
    },
  };
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Rows} rows
 * @param {{width: number, height: number, ink: string, font: string}} look
 */
function paint(canvas, rows, { width, height, ink, font }) {
  const ratio = window.devicePixelRatio || 1;
  const size = [LEFT + rows.heads * (width + GAP), TOP + rows.layers * (height + GAP)];
  [canvas.width, canvas.height] = size.map((length) => Math.round(length * ratio));
  [canvas.style.width, canvas.style.height] = size.map((length) => `${length}px`);
  const context = canvas.getContext('2d');
  if (!context) return;
  context.scale(ratio, ratio);
  context.fillStyle = ink;
  context.font = `11px ${font}`;
  context.textAlign = 'center';
  for (let k = 0; k < rows.heads; k += 1) if (width > 12 || k % 2 === 0) context.fillText(String(k), LEFT + k * (width + GAP) + width / 2, TOP - 5);
  context.textAlign = 'right';
  const every = height < 12 ? 2 : 1;
  for (let l = 0; l < rows.layers; l += every) context.fillText(String(l), LEFT - 5, TOP + l * (height + GAP) + height / 2 + 4);
  const strip = new OffscreenCanvas(width, rows.layers * rows.heads);
  const lines = /** @type {OffscreenCanvasRenderingContext2D} */ (strip.getContext('2d'));
  const image = lines.createImageData(strip.width, strip.height);
  for (let l = 0; l < rows.layers; l += 1) {
    for (let k = 0; k < rows.heads; k += 1) {
      columns(rowOf(rows, l, k), width).forEach((weight, x) => image.data.set([...cividis(Math.sqrt(weight)), 255], ((l * rows.heads + k) * width + x) * 4));
    }
  }
  lines.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  for (let l = 0; l < rows.layers; l += 1) {
    for (let k = 0; k < rows.heads; k += 1) {
      context.drawImage(strip, 0, l * rows.heads + k, width, 1, LEFT + k * (width + GAP), TOP + l * (height + GAP), width, height);
    }
  }
}

/**
 * A row in as many columns as there is room for: the largest of each, or each key several columns wide.
 * @param {ArrayLike<number>} row
 * @param {number} count
 * @returns {number[]}
 */
export function columns(row, count) {
  return Array.from({ length: count }, (_, x) => {
    const from = Math.floor((x * row.length) / count);
    const to = Math.max(from + 1, Math.floor(((x + 1) * row.length) / count));
    let most = 0;
    for (let i = from; i < to; i += 1) most = Math.max(most, row[i] ?? 0);
    return most;
  });
}
