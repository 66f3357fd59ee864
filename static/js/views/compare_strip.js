/** Both texts, token above token: what belongs together stands together, what has no partner stands out. */

import { h, replace } from '../dom.js';
import { grouped } from '../format.js';
import { piece } from '../piece.js';
import { columns } from './compare_pairs.js';

/** Of a long text only so many pairs around a change are drawn. */
const AROUND = 8;
const LONG = 80;

/** @typedef {import('../types.js').Token} Token */
/** @typedef {import('../answers_attention.js').Unit} Unit */

/**
 * @param {string} of what the tokens are
 * @param {{point: (index: number|null) => void, pin: (index: number) => void}} react told of tokens of the first
 */
export function strip(of, react) {
  const list = h('ol.compare-strip', { tabindex: 0, 'aria-label': `${of} of the first above those of the second` });
  const names = h('div.compare-names', { 'aria-hidden': 'true' }, h('span', {}, of === 'Tokens' ? 'first' : `${of}, first`), h('span', {}, 'second'));
  const element = h('div.compare-both', {}, names, list);
  /** @type {HTMLElement[]} */
  let items = [];
  /** @type {import('./compare_pairs.js').Column[]} */
  let all = [];

  const indexOf = (/** @type {Event} */ { target }) => {
    const found = target instanceof Element ? target.closest('[data-a]') : null;
    return found instanceof HTMLElement ? Number(found.dataset.a) : null;
  };
  list.addEventListener('pointerover', (event) => react.point(indexOf(event)));
  list.addEventListener('pointerleave', () => react.point(null));
  list.addEventListener('click', (event) => {
    const index = indexOf(event);
    if (index !== null) react.pin(index);
  });

  return {
    element,
    /** @param {readonly Unit[]} units @param {readonly Token[]} a @param {readonly Token[]} b */
    update(units, a, b) {
      const every = columns(units, a.length, b.length);
      all = Math.max(a.length, b.length) > LONG ? near(every) : every;
      items = all.map((column) => (column.folded ? fold(column.folded) : pair(column, a, b)));
      replace(list, items);
    },
    /** @param {{query: number|null, key: number|null}} at tokens of the first */
    mark({ query, key }) {
      all.forEach(({ span: [a0, a1] }, i) => {
        items[i].classList.toggle('query', query !== null && a0 <= query && query < a1);
        items[i].classList.toggle('key', key !== null && a0 <= key && key < a1);
      });
    },
  };
}

/**
 * @param {import('./compare_pairs.js').Column} column
 * @param {readonly Token[]} a
 * @param {readonly Token[]} b
 */
function pair({ span: [a0, a1, b0, b1], paired }, a, b) {
  return h(paired ? 'li.compare-pair' : 'li.compare-pair.alone', { data: a0 < a1 ? { a: a0 } : {} },
    side(a, a0, a1, 'nothing'), h('span.compare-line', {}, h('span.hidden-visually', {}, ' / ')), side(b, b0, b1, 'nothing'));
}

/** @param {number} count of pairs that are not drawn */
function fold(count) {
  return h('li.compare-fold', {}, `… ${grouped(count)} pair${count === 1 ? '' : 's'} …`);
}

/**
 * Only what changed and what stands around it.
 * @param {import('./compare_pairs.js').Column[]} every
 * @returns {import('./compare_pairs.js').Column[]}
 */
export function near(every) {
  const kept = every.map((_, i) => i === 0 || i === every.length - 1
    || every.slice(Math.max(0, i - AROUND), i + AROUND + 1).some(({ paired }) => !paired));
  /** @type {import('./compare_pairs.js').Column[]} */
  const shown = [];
  every.forEach((column, i) => {
    const last = shown.at(-1);
    if (kept[i]) shown.push(column);
    else if (last?.folded) last.folded += 1;
    else shown.push({ span: [-1, -1, -1, -1], paired: true, folded: 1 });
  });
  return shown;
}

/** @param {readonly Token[]} tokens @param {number} from @param {number} to @param {string} none */
function side(tokens, from, to, none) {
  if (from === to) return h('span.compare-none', {}, h('span.hidden-visually', {}, none));
  return h('span.compare-tokens', {}, tokens.slice(from, to).map((token) => h(token.special ? 'span.compare-token.special' : 'span.compare-token', {}, piece(token.display))));
}
