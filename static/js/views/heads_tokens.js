/**
 * The two columns of tokens in Heads. Each is a listbox; only the options that can be seen exist. The keyboard moves
 * an active token through the column, which points at it as the mouse would.
 */

import { h, visible } from '../dom.js';
import { grouped } from '../format.js';
import { shorten } from '../ticks.js';
import { seen } from './heads_geometry.js';

/**
 * @typedef {import('../types.js').Token} Token
 *
 * @typedef {object} Column
 * @property {HTMLElement} element
 * @property {(g: import('./heads_geometry.js').Geometry, scroll: number) => void} draw
 * @property {(active: number|null, pinned: number|null) => void} mark
 * @property {(isOut: (index: number) => boolean) => void} out which tokens the picture has nothing of
 * @property {() => number|null} active
 *
 * @typedef {object} Reactions
 * @property {(index: number) => void} point the active token has changed by the keyboard
 * @property {(index: number) => void} pin
 * @property {() => void} across go to the other column
 * @property {() => void} leave the keyboard has gone elsewhere
 */

/**
 * @param {'query'|'key'} side
 * @param {readonly Token[]} tokens
 * @param {Reactions} react
 * @returns {Column}
 */
export function column(side, tokens, react) {
  const plural = side === 'query' ? 'queries' : 'keys';
  const element = h('div.heads-column', {
    role: 'listbox', tabindex: 0, 'aria-label': `${plural}, ${grouped(tokens.length)} tokens`, data: { side },
  });
  /** @type {Map<number, HTMLElement>} */
  const shown = new Map();
  /** @type {number|null} */
  let active = null;
  /** @type {number|null} */
  let pinned = null;
  let page = 10;
  let isOut = (/** @type {number} */ _) => false;

  /** @param {number} index @param {number} rowHeight */
  function option(index, rowHeight) {
    const item = tokens[index];
    return h('div.heads-token', {
      id: `heads-${side}-${index}`, role: 'option', title: visible(item.display),
      'aria-setsize': tokens.length, 'aria-posinset': index + 1, 'aria-selected': index === pinned,
      class: classes(index), data: { index, segment: item.segment, ...(item.special ? { special: '' } : {}) },
      style: { height: `${rowHeight}px`, transform: `translateY(${index * rowHeight}px)` },
    }, h('span', {}, shorten(visible(item.display), 24)));
  }

  /** @param {number} index */
  function classes(index) {
    return `heads-token${index === active ? ' is-active' : ''}${index === pinned ? ' is-pinned' : ''}${isOut(index) ? ' is-out' : ''}`;
  }

  /** @param {number|null} index */
  function refresh(index) {
    const node = index === null ? undefined : shown.get(index);
    if (!node || index === null) return;
    node.className = classes(index);
    node.setAttribute('aria-selected', String(index === pinned));
  }

  element.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = active ?? pinned ?? (event.key === 'ArrowUp' ? tokens.length : -1);
    /** @type {Record<string, number>} */
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: tokens.length - 1, PageDown: at + page, PageUp: at - page };
    const to = moves[event.key];
    if (to !== undefined) react.point(Math.min(Math.max(to, 0), tokens.length - 1));
    else if ((event.key === 'Enter' || event.key === ' ') && at >= 0 && at < tokens.length) react.pin(at);
    else if (event.key === (side === 'query' ? 'ArrowRight' : 'ArrowLeft')) react.across();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  element.addEventListener('blur', react.leave);
  element.addEventListener('focus', () => {
    if (element.matches(':focus-visible')) react.point(active ?? pinned ?? 0);
  });

  return {
    element,
    draw(g, scroll) {
      const [first, last] = seen(g, scroll, tokens.length, 4);
      page = Math.max(1, Math.floor(g.height / g.rowHeight) - 1);
      element.style.left = `${side === 'query' ? g.left - g.labels : g.right}px`;
      element.style.width = `${g.labels}px`;
      element.style.height = `${g.full}px`;
      const height = element.dataset.rowHeight;
      if (height !== String(g.rowHeight)) {
        element.dataset.rowHeight = String(g.rowHeight);
        shown.clear();
        element.replaceChildren();
      }
      for (const [index, node] of shown) {
        if (index >= first && index < last) continue;
        node.remove();
        shown.delete(index);
      }
      for (let index = first; index < last; index += 1) {
        if (shown.has(index)) continue;
        const node = option(index, g.rowHeight);
        shown.set(index, node);
        element.append(node);
      }
    },
    mark(nextActive, nextPinned) {
      const touched = new Set([active, pinned, nextActive, nextPinned]);
      [active, pinned] = [nextActive, nextPinned];
      touched.forEach(refresh);
      if (active === null) element.removeAttribute('aria-activedescendant');
      else element.setAttribute('aria-activedescendant', `heads-${side}-${active}`);
    },
    out(next) {
      isOut = next;
      for (const index of shown.keys()) refresh(index);
    },
    active: () => active,
  };
}
