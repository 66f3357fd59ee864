/**
 * What lies over the canvas of the grid: the outline of the current head, of the one that is pointed at, and its words.
 * To a screen reader it is a grid with one cell that moves.
 */

import { h, replace } from '../dom.js';
import { corner, inner, placed } from './grid_layout.js';

/**
 * @typedef {import('./grid_layout.js').Layout} Layout
 * @typedef {import('./grid_layout.js').Head} Head
 *
 * @typedef {object} Words of a head
 * @property {string} title
 * @property {string} pair
 * @property {string} value of the pair
 * @property {string} role its score and its null, where the grid is coloured by a role
 */

export function cells() {
  const current = h('div.grid-current', { role: 'gridcell', id: 'grid-cell' });
  const row = h('div', { role: 'row' }, current);
  const pointed = h('div.grid-pointed', { 'aria-hidden': 'true', hidden: true });
  const tip = h('div.map-tip.grid-tip', { 'aria-hidden': 'true', hidden: true });
  const focus = h('div.grid-focus', { role: 'grid', tabindex: 0, 'aria-label': 'All heads', 'aria-activedescendant': current.id }, row);
  /** @type {Layout|null} */
  let g = null;

  /** @param {HTMLElement} el @param {Head} of */
  function place(el, of) {
    if (!g) return;
    const { x, y } = corner(g, of);
    el.style.transform = `translate(${x}px, ${y}px)`;
    el.style.width = el.style.height = `${inner(g)}px`;
  }

  return {
    focus,
    elements: [focus, pointed, tip],

    /** @param {Layout} next @param {Head} head the current one */
    update(next, head) {
      g = next;
      focus.setAttribute('aria-rowcount', String(g.rows));
      focus.setAttribute('aria-colcount', String(g.columns));
      const at = placed(g, head);
      row.setAttribute('aria-rowindex', String(at.row + 1));
      current.setAttribute('aria-colindex', String(at.column + 1));
      place(current, head);
    },

    /** @param {string} text of the current head */
    name(text) {
      current.setAttribute('aria-label', text);
    },

    /** @param {Head|null} head @param {Words|null} words */
    point(head, words) {
      pointed.hidden = tip.hidden = !head || !words || !g;
      if (!head || !words || !g) return;
      place(pointed, head);
      const { x, y } = corner(g, head);
      replace(tip, h('strong', {}, words.title), words.role && h('span.grid-role', {}, words.role),
        h('span', {}, words.pair, ' ', h('b', {}, words.value)));
      const half = Math.min(tip.offsetWidth / 2, g.width / 2);
      tip.style.left = `${Math.min(Math.max(x + inner(g) / 2, half), g.width - half)}px`;
      const below = y < tip.offsetHeight + 10;
      tip.style.top = `${below ? y + inner(g) : y}px`;
      tip.toggleAttribute('data-below', below);
    },
  };
}
