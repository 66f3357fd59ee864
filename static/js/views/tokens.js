// The Tokens view: what the tokenizer made of the text, one row a token, with its characters marked in the text.

import { h, replace } from '../dom.js';
import { piece } from '../piece.js';

/** @typedef {import('../types.js').Token} Token */
/** @typedef {import('../types.js').View} View */
/** @typedef {import('../types.js').ViewContext} ViewContext */
/** @typedef {'rows'|'cols'} Axis */

const COLUMNS = ['index', 'id', 'piece', 'reads', 'offsets', 'word', 'special', 'segment', 'mask'];

/** @type {View} */
export const tokens = {
  id: 'tokens',
  title: 'Tokens',
  howto: 'Each row is one token: its id in the vocabulary, the piece as the vocabulary spells it, and the characters of the text it stands for, counted from 0. '
    + 'Point at a row to see it in the text; tokens that the model adds itself have no characters.',
  needs: () => null,
  mount,
};

/** @type {View['mount']} */
function mount(el, ctx) {
  const { text, pair, target } = ctx.request;
  const { encoder, decoder } = ctx.run.tokens;
  const cross = ctx.tokens.rows !== ctx.tokens.cols;
  /** @type {{title: string, items: Token[], texts: string[], side: 'query'|'key'|null}[]} */
  const parts = [];
  if (encoder) parts.push({ title: 'Encoder', items: encoder, texts: [text, ...(pair === null ? [] : [pair])], side: sideOf(encoder, ctx, cross) });
  if (decoder) parts.push({ title: 'Decoder', items: decoder, texts: [encoder ? target ?? ctx.run.answer ?? '' : text], side: sideOf(decoder, ctx, cross) });

  const drawn = parts.map((part) => drawPart(part, parts.length > 1, ctx));
  replace(el, h('div.tokens-view', {}, drawn.map(({ element }) => element)));
  const hover = () => {
    for (const { mark, side } of drawn) {
      const { hover: now } = ctx.store;
      const pinned = ctx.store.get();
      if (!side) continue;
      const query = now.query ?? (cross ? null : now.key) ?? pinned.query;
      mark(side === 'key' ? now.key ?? pinned.key : query);
    }
  };
  hover();
  return {
    update: hover,
    hover,
    destroy: () => replace(el),
    table: () => ({
      columns: ['stack', 'index', 'id', 'text', 'display', 'start', 'end', 'word', 'special', 'segment', 'mask'],
      rows: parts.flatMap(({ title, items }) => items.map((token) => [title.toLowerCase(), token.index, token.id, token.text, token.display,
        token.start, token.end, token.word, token.special, token.segment, token.mask])),
    }),
  };
}

/**
 * Which side of the stack these tokens are on; null when they are not in it.
 * @param {Token[]} items
 * @param {ViewContext} ctx
 * @param {boolean} cross
 */
function sideOf(items, ctx, cross) {
  if (ctx.tokens.rows === items) return 'query';
  return cross && ctx.tokens.cols === items ? 'key' : null;
}

/**
 * @param {{title: string, items: Token[], texts: string[], side: 'query'|'key'|null}} part
 * @param {boolean} titled
 * @param {ViewContext} ctx
 */
function drawPart({ title, items, texts, side }, titled, ctx) {
  const characters = texts.map((text) => Array.from(text));
  const paragraphs = texts.map((text) => h('p.tokens-text', { dir: 'auto' }, text));
  const rows = items.map((token) => h(token.special ? 'tr.special' : 'tr', { data: { index: token.index }, tabindex: side ? -1 : null },
    h('td', {}, token.index), h('td', {}, token.id), h('td.mono', {}, token.text), h('td.mono', {}, piece(token.display)),
    h('td', {}, token.start === null ? '–' : `${token.start}–${token.end}`), h('td', {}, token.word ?? '–'),
    h('td', {}, token.special ? 'yes' : ''), h('td', {}, token.segment), h('td', {}, token.mask)));
  const body = h('tbody', {}, rows);
  const element = h('section', { 'aria-label': title }, titled && h('h3', {}, title), paragraphs.filter((_, i) => texts[i] !== ''),
    h('div.table-box', { tabindex: 0, role: 'region', 'aria-label': `${title} tokens` },
      h('table.tokens-table', {}, h('thead', {}, h('tr', {}, COLUMNS.map((name) => h('th', { scope: 'col' }, name)))), body)));
  if (rows[0] && side) rows[0].tabIndex = 0;
  let marked = -1;

  /** @param {number|null} index */
  function mark(index) {
    rows[marked]?.classList.remove('pointed');
    marked = index ?? -1;
    rows[marked]?.classList.add('pointed');
    const token = items[marked];
    paragraphs.forEach((paragraph, i) => {
      const inside = token && token.segment === i && token.start !== null && token.end !== null;
      highlight(paragraph, characters[i], inside ? [Number(token.start), Number(token.end)] : null);
    });
  }

  if (side) listen(body, rows, side, ctx);
  else {
    // These tokens are not in the stack that is looked at, so they are pointed at here only.
    body.addEventListener('pointerover', (event) => mark(rowIndex(event)));
    body.addEventListener('pointerleave', () => mark(null));
  }
  return { element, side, mark };
}

/** The token whose row an event is in. @param {Event} event */
function rowIndex({ target }) {
  const row = target instanceof Element ? target.closest('tr') : null;
  return row?.dataset.index === undefined ? null : Number(row.dataset.index);
}

/**
 * @param {HTMLElement} paragraph
 * @param {string[]} characters code points
 * @param {[number, number]|null} span
 */
function highlight(paragraph, characters, span) {
  const key = span ? span.join() : '';
  if (paragraph.dataset.span === key) return;
  paragraph.dataset.span = key;
  const text = (/** @type {number} */ from, /** @type {number} */ to) => characters.slice(from, to).join('');
  if (span) replace(paragraph, text(0, span[0]), h('mark', {}, text(span[0], span[1])), text(span[1], characters.length));
  else replace(paragraph, characters.join(''));
}

/**
 * @param {HTMLElement} body
 * @param {HTMLElement[]} rows
 * @param {'query'|'key'} side
 * @param {ViewContext} ctx
 */
function listen(body, rows, side, ctx) {
  const none = { query: null, key: null };
  const point = (/** @type {Event} */ event) => ctx.setHover({ ...none, [side]: rowIndex(event) });
  const pin = (/** @type {number} */ index) => ctx.store.set({ [side]: ctx.store.get()[side] === index ? null : index });
  body.addEventListener('pointerover', point);
  body.addEventListener('pointerleave', () => ctx.setHover(none));
  body.addEventListener('focusin', point);
  body.addEventListener('focusout', () => ctx.setHover(none));
  body.addEventListener('click', (event) => {
    const index = rowIndex(event);
    if (index !== null) pin(index);
  });
  body.addEventListener('keydown', (event) => {
    const index = rowIndex(event);
    if (index === null) return;
    const to = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to !== undefined) {
      rows.forEach((row) => { row.tabIndex = -1; });
      const next = rows[Math.max(0, Math.min(rows.length - 1, to))];
      next.tabIndex = 0;
      next.focus();
    } else if (event.key === 'Enter' || event.key === ' ') pin(index);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
