/** All heads by how much they differ: a field of layers and heads, brightest where they differ most, and the first ten as a list. */

import { cividis, css } from '../colour.js';
import { h, replace } from '../dom.js';
import { digits } from '../format.js';
import { look } from '../look.js';
import { standing } from './compare_words.js';

/** @typedef {import('../answers_attention.js').Ranking} Ranking */

const LEFT = 30;
const TOP = 18;
const LISTED = 10;

/**
 * @param {{choose: (at: {layer: number, head: number}) => void, announce: (words: string) => void}} react
 */
export function rank({ choose, announce }) {
  const canvas = h('canvas', { 'aria-hidden': 'true' });
  const chosen = h('div.compare-chosen', { 'aria-hidden': 'true' });
  const cursor = h('div.compare-cursor', { 'aria-hidden': 'true', hidden: true });
  const cell = h('div.hidden-visually', { role: 'gridcell', id: 'compare-head' });
  const field = h('div.compare-field', { role: 'grid', tabindex: 0, 'aria-label': 'Heads by divergence: rows are layers, columns are heads' }, canvas, chosen, cursor, h('div', { role: 'row' }, cell));
  const read = h('p.compare-read', { 'aria-hidden': 'true' });
  const list = h('ol.compare-list', {});
  const element = h('section.compare-rank', { 'aria-label': 'Heads ranked' }, h('h3', {}, 'Which heads changed'), field, read, list);
  /** @type {Ranking|null} */
  let ranking = null;
  let size = { layers: 1, heads: 1 };
  let box = { width: 10, height: 10 };
  let selected = { layer: 0, head: 0 };
  /** @type {{layer: number, head: number}|null} */
  let at = null;

  /** @param {{layer: number, head: number}} one */
  function words({ layer, head }) {
    const found = ranking && standing(ranking, layer, head);
    return found ? `layer ${layer}, head ${head}: ${digits(found.divergence)} bits, ${found.place} of ${found.of}` : '';
  }

  /** @param {HTMLElement} mark @param {{layer: number, head: number}} one */
  function place(mark, { layer, head }) {
    mark.style.transform = `translate(${LEFT + head * box.width}px, ${TOP + layer * box.height}px)`;
    mark.style.width = `${box.width}px`;
    mark.style.height = `${box.height}px`;
  }

  /** @param {{layer: number, head: number}|null} one */
  function point(one) {
    at = one;
    cursor.hidden = one === null;
    replace(read, words(one ?? selected));
    if (!one) {
      field.removeAttribute('aria-activedescendant');
      return;
    }
    place(cursor, one);
    field.setAttribute('aria-activedescendant', cell.id);
    cell.setAttribute('aria-colindex', String(one.head + 1));
    cell.textContent = words(one);
  }

  /** @param {MouseEvent} event */
  function under(event) {
    const bounds = canvas.getBoundingClientRect();
    const [head, layer] = [Math.floor((event.clientX - bounds.left - LEFT) / box.width), Math.floor((event.clientY - bounds.top - TOP) / box.height)];
    return head >= 0 && head < size.heads && layer >= 0 && layer < size.layers ? { layer, head } : null;
  }

  canvas.addEventListener('pointermove', (event) => point(under(event)));
  canvas.addEventListener('pointerleave', () => point(null));
  canvas.addEventListener('click', (event) => {
    const one = under(event);
    if (one) choose(one);
  });
  field.addEventListener('focus', () => { if (field.matches(':focus-visible')) point(at ?? selected); });
  field.addEventListener('blur', () => point(null));
  field.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const now = at ?? selected;
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -size.heads], End: [0, size.heads] }[event.key];
    if (event.key === 'Enter' || event.key === ' ') choose(now);
    else if (step) {
      point({ layer: clamp(now.layer + step[0], size.layers), head: clamp(now.head + step[1], size.heads) });
      announce(words(at ?? selected));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function draw() {
    const context = canvas.getContext('2d');
    const width = field.clientWidth;
    if (!ranking || !context || !width) return;
    box = { width: Math.min((width - LEFT) / size.heads, 34), height: Math.max(9, Math.min(20, 400 / size.layers)) };
    const height = TOP + box.height * size.layers + 2;
    const ratio = devicePixelRatio || 1;
    [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    context.scale(ratio, ratio);
    const most = ranking.heads[0]?.divergence || 1;
    for (const { layer, head, divergence } of ranking.heads) {
      context.fillStyle = css(cividis(Math.sqrt(divergence / most)));
      context.fillRect(LEFT + head * box.width, TOP + layer * box.height, box.width - 1, box.height - 1);
    }
    const { ink3, ui } = look();
    context.fillStyle = ink3;
    context.font = `11px ${ui}`;
    context.textAlign = 'right';
    const every = box.height >= 13 ? 1 : 5;
    for (let layer = 0; layer < size.layers; layer += every) context.fillText(String(layer), LEFT - 6, TOP + (layer + 0.5) * box.height + 4);
    context.textAlign = 'center';
    const across = box.width >= 15 ? 1 : 4;
    for (let head = 0; head < size.heads; head += across) context.fillText(String(head), LEFT + (head + 0.5) * box.width, TOP - 6);
    field.setAttribute('aria-rowcount', String(size.layers));
    field.setAttribute('aria-colcount', String(size.heads));
    place(chosen, selected);
    point(at);
  }

  return {
    element,
    /**
     * @param {Ranking} next
     * @param {import('../types.js').Stack} stack
     * @param {{layer: number, head: number}} now
     */
    update(next, stack, now) {
      ranking = next;
      size = { layers: stack.layers, heads: stack.heads };
      selected = { layer: now.layer, head: now.head };
      element.hidden = next.heads.length === 0;
      const most = next.heads[0]?.divergence || 1;
      replace(list, next.heads.slice(0, LISTED).map(({ layer, head, divergence }) => h('li', {}, h('button.compare-one', {
        type: 'button', onclick: () => choose({ layer, head }), style: { '--share': (divergence / most).toFixed(3) },
        'aria-current': layer === now.layer && head === now.head ? 'true' : null,
      }, h('span', {}, `layer ${layer}, head ${head}`), h('span', {}, digits(divergence), h('small', {}, ' bits'))))));
      draw();
    },
  };
}

/** @param {number} value @param {number} count */
function clamp(value, count) {
  return Math.min(Math.max(value, 0), count - 1);
}
