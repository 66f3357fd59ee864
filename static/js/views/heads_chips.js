/**
 * The heads of a layer as coloured toggles: any set of them, all, none, or only one.
 */

import { headColour } from '../colour.js';
import { h, replace } from '../dom.js';

/**
 * @typedef {object} Chips
 * @property {HTMLElement} element
 * @property {(count: number, shown: readonly number[], palette: readonly string[]) => void} draw
 */

/**
 * @param {{set: (heads: number[]|null) => void, preview: (head: number|null) => void}} react `set(null)` is all of them
 * @returns {Chips}
 */
export function chips(react) {
  const list = h('div.heads-chips', { role: 'group', 'aria-label': 'Heads shown' });
  const all = h('button.heads-all', { type: 'button', onclick: () => react.set(null) }, 'All');
  const none = h('button.heads-all', { type: 'button', onclick: () => react.set([]) }, 'None');
  const hint = h('span.heads-hint', {}, 'Double-click or O: only this head');
  const element = h('div.heads-bar', {}, list, all, none, hint);
  let total = 0;
  /** @type {readonly number[]} */
  let shown = [];

  /** @param {number} head */
  function toggle(head) {
    const next = shown.includes(head) ? shown.filter((other) => other !== head) : [...shown, head].sort((a, b) => a - b);
    react.set(next.length === total ? null : next);
  }

  /** @param {Event} event @returns {number|null} */
  function headOf(event) {
    const chip = event.target instanceof Element ? event.target.closest('button') : null;
    return chip ? Number(chip.dataset.head) : null;
  }

  list.addEventListener('click', (event) => {
    const head = headOf(event);
    if (head === null) return;
    // the second click of a double click: the first has toggled the head already
    if (event.detail === 2) react.set([head]);
    else toggle(head);
  });
  list.addEventListener('pointerover', (event) => {
    if (event.pointerType === 'mouse') react.preview(headOf(event));
  });
  list.addEventListener('pointerleave', () => react.preview(null));
  list.addEventListener('keydown', (event) => {
    const head = headOf(event);
    if (head === null || event.ctrlKey || event.metaKey || event.altKey) return;
    /** @type {Record<string, number>} */
    const moves = { ArrowRight: head + 1, ArrowLeft: head - 1, ArrowDown: head + 1, ArrowUp: head - 1, Home: 0, End: total - 1 };
    const to = moves[event.key];
    if (to !== undefined) focus((to + total) % total);
    else if (event.key === 'o' || event.key === 'O') react.set([head]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  /** @param {number} head */
  function focus(head) {
    for (const [i, chip] of [...list.children].entries()) {
      if (!(chip instanceof HTMLElement)) continue;
      chip.tabIndex = i === head ? 0 : -1;
      if (i === head) chip.focus();
    }
  }

  return {
    element,
    draw(count, heads, palette) {
      shown = heads;
      if (count !== total) {
        total = count;
        replace(list, Array.from({ length: count }, (_, head) => h('button.heads-chip', {
          type: 'button', tabindex: head === 0 ? 0 : -1, data: { head }, 'aria-label': `Head ${head}`,
        }, head)));
      }
      element.hidden = count < 2;
      for (const [head, chip] of [...list.children].entries()) {
        if (!(chip instanceof HTMLElement)) continue;
        chip.style.setProperty('--head', headColour(head, palette));
        chip.setAttribute('aria-pressed', String(shown.includes(head)));
        chip.toggleAttribute('data-dashed', head >= palette.length);
      }
      all.disabled = shown.length === total;
      none.disabled = shown.length === 0;
    },
  };
}
