// The token strip: the text as the model reads it. Chips are lit by what the view measures, hovering one looks
// from it, a click pins it. Cross attention has two: the queries and the keys.

import { h, replace, visible } from '../dom.js';
import { grouped, probability } from '../format.js';
import { piece } from '../piece.js';
import { amount } from '../ticks.js';
import { unitsOf } from '../units.js';
import { binOf } from '../weights.js';

/** @typedef {import('../types.js').Token} Token */
/** @typedef {import('../types.js').Hover} Hover */
/** @typedef {'query'|'key'} Side */
/**
 * @typedef {object} Sight
 * @property {boolean} [inWords] the tokens of a word are marked together
 * @property {{rows: (index: number) => boolean, cols: (index: number) => boolean}} [out] which tokens the picture has nothing of
 * @property {boolean} [bounded] the numbers lie within 0 and 1
 * @property {string|undefined} [upTo] the largest of them as it is written, where the light is on another scale
 */

const EVERYTHING = { rows: () => false, cols: () => false };

/** Less than this share of the strongest is not lit. */
const FAINT = 0.02;
/** From this share on a chip glows. */
const BRIGHT = 0.85;
const NAMES = { query: 'Queries', key: 'Keys' };

/**
 * @param {HTMLElement} el
 * @param {{onHover: (side: Side, index: number|null) => void, onPin: (side: Side, index: number) => void, onMove: (side: Side, index: number) => void, onEdit: (side: Side, index: number, chip: HTMLElement) => void}} on `onEdit`: it shall be changed in place
 */
export function createStrip(el, on) {
  /** @type {{side: Side, list: HTMLElement, chips: HTMLElement[], tokens: readonly Token[]}[]} */
  let rows = [];
  const legend = h('span.strip-legend', {});
  /** @type {number|null} */
  let shown = null;
  /** The tokens of a word are one step of the keyboard. */
  let words = false;

  /**
   * @param {Side} side
   * @param {readonly Token[]} tokens
   * @param {string} label
   */
  function build(side, tokens, label) {
    const chips = tokens.map((token, i) => chip(token, tokens[i - 1], i));
    const list = h(tokens.length > 80 ? 'div.chips.long' : 'div.chips', { role: 'listbox', 'aria-label': label, 'aria-orientation': 'horizontal' });
    /** @type {Node[]} */
    const children = tokens.some(({ segment }) => segment === 1) ? [sentence('A')] : [];
    chips.forEach((element, i) => {
      if (i > 0 && tokens[i].segment !== tokens[i - 1].segment) children.push(h('span.chip-break', { role: 'presentation' }), sentence(tokens[i].segment === 1 ? 'B' : 'A'));
      children.push(element);
      if (/\n/.test(tokens[i].display)) children.push(h('span.chip-break', { role: 'presentation' }));
    });
    replace(list, children);
    const first = chips[0];
    if (first) first.tabIndex = 0;
    listen(side, list, chips, tokens);
    return { side, list, chips, tokens };
  }

  /** @param {Side} side @param {HTMLElement} list @param {HTMLElement[]} chips @param {readonly Token[]} tokens */
  function listen(side, list, chips, tokens) {
    /** @param {Event} event */
    const indexOf = ({ target }) => {
      const found = target instanceof Element ? target.closest('.chip') : null;
      return found instanceof HTMLElement ? Number(found.dataset.index) : null;
    };
    list.addEventListener('pointerover', (event) => on.onHover(side, indexOf(event)));
    list.addEventListener('pointerleave', () => on.onHover(side, null));
    list.addEventListener('focusin', (event) => {
      const index = indexOf(event);
      if (index === null) return;
      for (const one of chips) one.tabIndex = -1;
      chips[index].tabIndex = 0;
      if (chips[index].matches(':focus-visible')) on.onHover(side, index);
    });
    list.addEventListener('focusout', () => on.onHover(side, null));
    list.addEventListener('click', (event) => {
      const index = indexOf(event);
      if (index !== null) on.onPin(side, index);
    });
    list.addEventListener('dblclick', (event) => {
      const index = indexOf(event);
      if (index !== null) on.onEdit(side, index, chips[index]);
    });
    list.addEventListener('keydown', (event) => {
      const index = indexOf(event);
      if (index === null || event.ctrlKey || event.metaKey || event.altKey) return;
      const { edges } = words ? unitsOf(tokens) : { edges: null };
      const step = (/** @type {number} */ by) => (edges ? edges[binOf(edges, index) + by] ?? 0 : index + by);
      const to = { ArrowLeft: step(-1), ArrowRight: step(1), Home: 0, End: chips.length - 1 }[event.key];
      if (to !== undefined) {
        const next = Math.max(0, Math.min(chips.length - 1, to));
        chips[next].focus();
        if (chips[index].classList.contains('pinned')) on.onMove(side, next);
      } else if (event.key === 'Enter' || event.key === ' ') on.onPin(side, index);
      else if (event.key === 'F2') on.onEdit(side, index, chips[index]);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  return {
    /**
     * @param {{rows: Token[], cols: Token[]}} tokens
     * @param {boolean} cross
     */
    update(tokens, cross) {
      rows = cross
        ? [build('query', tokens.rows, NAMES.query), build('key', tokens.cols, NAMES.key)]
        : [build('query', tokens.rows, 'Tokens')];
      shown = null;
      replace(el, h('div.strip-head', {}, h('h2.label', {}, count(tokens, cross)), legend),
        rows.map(({ side, list }) => h('div.strip-row', {}, cross && h('span.strip-side', {}, NAMES[side]), list)));
    },

    /**
     * Lights the chips; the strongest is full.
     * @param {import('../types.js').StripColour|null} colour
     * @param {Readonly<Hover>} focus
     * @param {Readonly<Hover>} pinned
     * @param {string} title what the light is
     * @param {Sight} [sight]
     */
    mark(colour, focus, pinned, title, { inWords = false, out = EVERYTHING, bounded = true, upTo } = {}) {
      words = inWords;
      let [most, signed] = [0, false];
      for (const value of [...(colour?.cols ?? []), ...(colour?.rows ?? [])]) if (value !== null && Math.abs(value) > most) most = Math.abs(value);
      for (const { side, chips, tokens } of rows) {
        const single = rows.length === 1;
        const unit = (/** @type {number} */ i) => (inWords ? binOf(unitsOf(tokens).edges, i) : i);
        const is = (/** @type {number|null} */ index, /** @type {number} */ i) => index !== null && unit(index) === unit(i);
        const values = single ? colour?.cols ?? colour?.rows ?? null : (side === 'query' ? colour?.rows : colour?.cols) ?? null;
        signed ||= values?.some((value) => (value ?? 0) < -FAINT * most) ?? false;
        chips.forEach((element, i) => {
          const value = values?.[i] ?? 0;
          const share = most > 0 ? Math.abs(value) / most : 0;
          const light = share < FAINT ? 0 : share;
          element.style.setProperty('--light', light.toFixed(3));
          element.classList.toggle('bright', light >= BRIGHT);
          element.classList.toggle('against', value < 0 && light > 0);
          element.classList.toggle('out', single ? out.rows(i) && out.cols(i) : side === 'query' ? out.rows(i) : out.cols(i));
          const isQuery = (single || side === 'query') && is(focus.query, i);
          const isKey = (single || side === 'key') && is(focus.key, i);
          const isPinned = is(side === 'query' ? pinned.query : pinned.key, i);
          element.classList.toggle('query', isQuery);
          element.classList.toggle('key', isKey);
          element.classList.toggle('pinned', isPinned);
          element.setAttribute('aria-selected', String(isPinned));
        });
      }
      if (pinned.query !== shown) reveal(rows[0], shown = pinned.query);
      replace(legend, colour && most > 0 ? [h('span.strip-scale', { 'aria-hidden': 'true', data: signed ? { signed: '' } : {} }), `${title}, up to ${signed ? '±' : ''}${upTo ?? (bounded ? probability(most) : amount(most, false))}`] : []);
    },

  };
}

/**
 * Scrolls a long strip, and only the strip, to the token that was pinned.
 * @param {{list: HTMLElement, chips: HTMLElement[]}|undefined} row
 * @param {number|null} index
 */
function reveal(row, index) {
  const chip = index === null ? undefined : row?.chips[index];
  if (!row || !chip) return;
  const top = chip.offsetTop - row.list.offsetTop;
  if (top < row.list.scrollTop || top + chip.offsetHeight > row.list.scrollTop + row.list.clientHeight) row.list.scrollTop = top - row.list.clientHeight / 2;
}

/** @param {Token} token @param {Token|undefined} before @param {number} index */
function chip(token, before, index) {
  const classes = ['chip'];
  if (token.special) classes.push('special');
  if (token.mask === 0) classes.push('masked');
  const joined = before && !token.special && !before.special && token.word !== null && token.word === before.word && token.segment === before.segment;
  if (joined) classes.push('joined');
  return h('span', {
    class: classes.join(' '), role: 'option', tabindex: -1, 'aria-selected': 'false', data: { index },
    'aria-label': `${index}, ${visible(token.display)}${token.special ? ', special' : ''}`, title: `${index} · id ${token.id}`,
  }, piece(token.display));
}

/** @param {{rows: Token[], cols: Token[]}} tokens @param {boolean} cross */
function count({ rows, cols }, cross) {
  const of = (/** @type {number} */ n) => `${grouped(n)} token${n === 1 ? '' : 's'}`;
  return cross ? `${of(rows.length)} look at ${of(cols.length)}` : of(rows.length);
}

/** The name of a sentence of a pair. @param {string} name */
function sentence(name) {
  return h('span.chip-sentence', { role: 'presentation' }, name);
}
