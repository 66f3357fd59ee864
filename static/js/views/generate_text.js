/**
 * The text with what was written in it. The tokens are lit by what the chosen head gave them while the current one was
 * chosen; written ones are buttons that go to their step, and what was written later is faint.
 */

import { h, replace } from '../dom.js';
import { grouped } from '../format.js';
import { piece } from '../piece.js';
import { named, weight as written } from '../ticks.js';
import { weightOf } from './generate_words.js';

/** @typedef {import('./generate_texts.js').Rows} Rows */
/** @typedef {import('../types.js').Token} Token */

/** Of a long text, how many tokens before what was written are shown. */
const BEFORE = 240;
/** From this share on a chip glows, as in the strip. */
const BRIGHT = 0.85;

/**
 * @param {{go: (step: number) => void, along: (by: number) => void, point: (index: number|null) => void}} react
 */
export function createText(react) {
  const list = h('div.chips.written-chips', { role: 'group', 'aria-label': 'The text' });
  const label = h('span.label', {});
  const element = h('div.written-text', {}, label, list);
  /** @type {Map<number, HTMLElement>} */
  const chips = new Map();
  /** @type {readonly {token: Token, step: number|null}[]} */
  let shown = [];
  let key = '';

  /** @param {Event} event */
  function indexOf({ target }) {
    const found = target instanceof Element ? target.closest('[data-index]') : null;
    return found instanceof HTMLElement ? Number(found.dataset.index) : null;
  }
  list.addEventListener('pointerover', (event) => react.point(indexOf(event)));
  list.addEventListener('pointerleave', () => react.point(null));
  list.addEventListener('click', (event) => {
    const index = indexOf(event);
    const step = index === null ? null : shown[index]?.step ?? null;
    if (step !== null) react.go(step);
  });
  list.addEventListener('keydown', (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    react.along(by);
    const now = list.querySelector('[aria-current]');
    if (now instanceof HTMLElement) now.focus();
    event.preventDefault();
    event.stopPropagation();
  });

  /** @param {{token: Token, step: number|null}} one @param {number} index */
  function chip({ token, step }, index) {
    const look = `chip${token.special ? ' special' : ''}`;
    const data = { index, ...(step === null ? {} : { step }) };
    return step === null ? h('span', { class: look, data }, piece(token.display)) : h('button', { type: 'button', class: look, data, tabindex: -1 }, piece(token.display));
  }

  return {
    element,

    /**
     * @param {string} title
     * @param {readonly {token: Token, step: number|null}[]} all
     */
    write(title, all) {
      label.textContent = title;
      const words = JSON.stringify(all.map(({ token, step }) => [token.id, token.index, step]));
      if (words === key) return;
      key = words;
      shown = all;
      chips.clear();
      const first = all.findIndex(({ step }) => step !== null);
      const from = Math.max(0, (first < 0 ? all.length : first) - BEFORE);
      all.forEach((one, i) => { if (i >= from) chips.set(i, chip(one, i)); });
      list.classList.toggle('long', chips.size > 80);
      replace(list, from > 0 && h('span.written-more', {}, `… ${grouped(from)} tokens before`), [...chips.values()]);
    },

    /**
     * @param {Rows|null} rows of the tokens here; null: the light is elsewhere
     * @param {{layer: number, head: number}} of
     * @param {number} step the current one
     * @param {number|null} query the token that looks
     */
    light(rows, { layer, head }, step, query) {
      const weights = new Map([...chips.keys()].map((index) => [index, rows ? weightOf(rows, layer, head, index) : null]));
      const most = Math.max(...[...weights.values()].map((weight) => weight ?? 0), 1e-9);
      for (const [index, node] of chips) {
        const weight = weights.get(index) ?? null;
        const share = (weight ?? 0) / most;
        const own = shown[index]?.step ?? null;
        node.style.setProperty('--light', share < 0.02 ? '0' : share.toFixed(3));
        node.classList.toggle('bright', share >= BRIGHT);
        node.classList.toggle('query', index === query);
        node.toggleAttribute('data-later', own !== null && own > step);
        const now = own !== null && own === step;
        if (now) node.setAttribute('aria-current', 'step');
        else node.removeAttribute('aria-current');
        if (own !== null) node.tabIndex = now ? 0 : -1;
        node.title = `${named(shown[index]?.token, index)}${weight === null ? '' : `: ${written(weight)}`}${own === null ? '' : `, step ${own + 1}`}`;
      }
    },

    /** @param {number|null} index */
    hover(index) {
      for (const [i, node] of chips) node.classList.toggle('key', i === index);
    },

    /** The current one is scrolled to, within its own box. */
    reveal() {
      const node = list.querySelector('[aria-current]');
      if (!(node instanceof HTMLElement) || list.scrollHeight <= list.clientHeight) return;
      const [box, room] = [node.getBoundingClientRect(), list.getBoundingClientRect()];
      if (box.top < room.top || box.bottom > room.bottom) list.scrollTop += box.bottom - room.bottom + 8;
    },
  };
}
