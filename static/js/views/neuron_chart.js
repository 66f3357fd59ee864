/** Lanes on a canvas, with a cursor for the pointer and the keyboard. To a screen reader it is a grid with one cell that moves. */

import { h, replace } from '../dom.js';
import { look } from '../look.js';
import { canvasPainter } from '../painter.js';
import { dimensionAt, drawLanes, geometry, placeOf } from './neuron_lanes.js';

/** Pixels for the names of lanes. */
export const LEFT = 70;
const NARROW_LEFT = 50;

/**
 * @typedef {object} Content
 * @property {readonly import('./neuron_lanes.js').Lane[]} lanes
 * @property {number} count dimensions
 * @property {'light'|'dark'} theme
 * @property {(dimension: number) => string} words what a dimension says
 * @property {string} idle what is said when none is pointed at
 */

/**
 * @param {string} label
 * @param {string} id
 * @param {(words: string) => void} announce
 */
export function chart(label, id, announce) {
  const canvas = h('canvas', { 'aria-hidden': 'true' });
  const cursor = h('div.neuron-cursor', { hidden: true, 'aria-hidden': 'true' });
  const cell = h('div.hidden-visually', { role: 'gridcell', id });
  const focus = h('div.neuron-lanes', { role: 'grid', tabindex: 0, 'aria-label': label }, canvas, cursor, h('div', { role: 'row' }, cell));
  const read = h('p.neuron-read', { 'aria-hidden': 'true' });
  /** @type {Content|null} */
  let content = null;
  /** @type {import('./neuron_lanes.js').Geometry|null} */
  let g = null;
  /** @type {number|null} */
  let at = null;

  /** @param {number|null} dimension */
  function point(dimension) {
    at = dimension !== null && content && dimension < content.count ? dimension : null;
    cursor.hidden = at === null || !g;
    if (!content || !g) return;
    const words = at === null ? content.idle : content.words(at);
    replace(read, words);
    read.classList.toggle('is-idle', at === null);
    if (at === null) {
      focus.removeAttribute('aria-activedescendant');
      return;
    }
    const { x, y } = placeOf(g, at);
    cursor.style.transform = `translate(${x}px, ${y}px)`;
    cursor.style.width = `${g.cell}px`;
    cursor.style.height = `${g.block - 18}px`;
    focus.setAttribute('aria-activedescendant', id);
    cell.setAttribute('aria-colindex', String(at + 1));
    cell.textContent = words;
  }

  canvas.addEventListener('pointermove', (event) => {
    const box = canvas.getBoundingClientRect();
    if (g) point(dimensionAt(g, event.clientX - box.left, event.clientY - box.top));
  });
  canvas.addEventListener('pointerleave', () => point(null));
  focus.addEventListener('blur', () => point(null));
  focus.addEventListener('focus', () => { if (focus.matches(':focus-visible')) point(at ?? 0); });
  focus.addEventListener('keydown', (event) => {
    if (!content || !g || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const last = content.count - 1;
    const down = g.perLine < content.count ? g.perLine : 8;
    const now = at ?? (event.key === 'ArrowLeft' ? last + 1 : -1);
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, ArrowUp: now - down, ArrowDown: now + down, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    point(Math.min(Math.max(to, 0), last));
    if (at !== null) announce(content.words(at));
  });

  return {
    element: h('div', {}, focus, read),
    /** @param {Content} next */
    update(next) {
      content = next;
      const width = focus.clientWidth;
      if (!width) return;
      g = geometry(width, next.count, next.lanes, width < 460 ? NARROW_LEFT : LEFT);
      const ratio = devicePixelRatio || 1;
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(g.height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${g.height}px`;
      focus.setAttribute('aria-colcount', String(next.count));
      const context = canvas.getContext('2d');
      if (!context) return;
      context.scale(ratio, ratio);
      drawLanes(canvasPainter(context), g, next.lanes, { look: look(), theme: next.theme });
      point(at);
    },
  };
}
