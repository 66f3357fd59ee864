/** A number for every head as a picture of layers and heads. Arrows move, and what is moved to is chosen. */

import { onArrows } from '../arrows.js';
import { css, inkOn } from '../colour.js';
import { h, replace } from '../dom.js';

/**
 * @typedef {object} Painted
 * @property {readonly (readonly (number|null)[])[]} rows [layer][head]; null: not known yet
 * @property {(value: number) => [number, number, number]} colour
 * @property {(value: number|null) => string} text in a cell
 * @property {(value: number|null) => string} says in words
 * @property {{name: string, values: readonly number[]}} [beside] one more number for each layer
 */

/**
 * @param {string} id of the words that name it
 * @param {{choose: (layer: number, head: number) => void, announce: (text: string) => void}} react
 */
export function createHeadGrid(id, react) {
  const element = h('div.causes-grid', { role: 'grid', 'aria-labelledby': id });
  const box = h('div.causes-grid-box', {}, element);
  /** @type {HTMLElement[][]} */
  let cells = [];
  let [layer, head] = [0, 0];
  let shown = '';

  /** @param {Painted} now */
  function draw({ rows, colour, text, says, beside }) {
    const count = rows[0]?.length ?? 0;
    element.style.setProperty('--heads', String(count));
    cells = rows.map((row, l) => row.map((value, n) => {
      const paint = value === null ? null : colour(value);
      const words = `layer ${l}, head ${n}: ${says(value)}`;
      return h('div.causes-cell', {
        role: 'gridcell', tabindex: -1, 'aria-label': words, title: words, data: { layer: l, head: n },
        style: paint ? { background: css(paint), color: inkOn(paint) } : {}, onclick: () => react.choose(l, n),
      }, h('span', {}, text(value)));
    }));
    const other = (/** @type {number} */ l) => {
      if (!beside) return null;
      const value = beside.values[l] ?? 0;
      const words = `${beside.name} ${l}: ${says(value)}`;
      return h('div.causes-cell.beside', { role: 'gridcell', 'aria-label': words, title: words, data: { beside: l }, style: { background: css(colour(value)), color: inkOn(colour(value)) } }, h('span', {}, text(value)));
    };
    element.classList.toggle('with-beside', beside !== undefined);
    replace(element,
      h('div.causes-row', { role: 'row' }, h('span.causes-name', { role: 'columnheader' }, h('span.hidden-visually', {}, 'layer')),
        Array.from({ length: count }, (_, i) => h('span.causes-name', { role: 'columnheader' }, i)), beside && h('span.causes-name', { role: 'columnheader' }, beside.name)),
      cells.map((row, l) => h('div.causes-row', { role: 'row' }, h('span.causes-name', { role: 'rowheader' }, l), row, other(l))));
  }

  /** @param {number} across @param {number} down */
  function move(across, down) {
    const to = cells[layer + down]?.[head + across];
    if (!to) return;
    const focused = element.contains(document.activeElement);
    const [l, n] = [layer + down, head + across];
    react.choose(l, n);
    if (focused) cells[l]?.[n]?.focus();
    react.announce(to.getAttribute('aria-label') ?? '');
  }

  onArrows(element, move);

  return {
    /** The grid, which scrolls in it where there is no room for all heads. */
    element: box,
    move,
    /** The cell that the keyboard comes to. */
    cell: () => cells[layer]?.[head] ?? null,
    /** @param {Painted} now @param {string} key what would change the picture @param {Readonly<import('../types.js').Selection>} state */
    update(now, key, state) {
      const focused = element.contains(document.activeElement);
      if (key !== shown) draw(now);
      shown = key;
      [layer, head] = [state.layer, state.head];
      cells.forEach((row, l) => row.forEach((cell, n) => {
        const here = l === layer && n === head;
        cell.tabIndex = here ? 0 : -1;
        cell.setAttribute('aria-selected', String(here));
      }));
      if (focused && !element.contains(document.activeElement)) cells[layer]?.[head]?.focus();
    },
  };
}
