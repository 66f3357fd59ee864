/**
 * All keys of the query with their score, bias, mask and probability. Only the rows that are seen exist, so a long
 * text costs no more than a short one.
 */

import { h, replace } from '../dom.js';
import { digits, grouped } from '../format.js';
import { piece } from '../piece.js';
import { named } from '../ticks.js';
import { shapes } from './neuron_steps.js';

/** @typedef {import('../answers_attention.js').NeuronData} NeuronData */
/** @typedef {import('../types.js').Token} Token */

export const ROW = 28;
const BEYOND = 6;
const PAGE = 10;

/**
 * The keys in the order they are listed.
 * @param {NeuronData} data
 * @param {'position'|'probability'} by
 * @returns {number[]}
 */
export function ordered({ probs }, by) {
  const keys = probs.map((_, key) => key);
  return by === 'position' ? keys : keys.sort((a, b) => probs[b] - probs[a] || a - b);
}

/**
 * @param {{point: (key: number|null) => void, pin: (key: number) => void}} react
 */
export function keyList(react) {
  const sheet = h('div.neuron-sheet', { role: 'rowgroup' });
  const head = h('div.neuron-key.neuron-key-head', { role: 'row', 'aria-rowindex': 1 });
  const grid = h('div.neuron-grid', { role: 'grid', tabindex: 0, 'aria-label': 'Keys: score and probability' }, h('div.neuron-top', { role: 'rowgroup' }, head), sheet);
  const sort = h('button.neuron-sort', { type: 'button', 'aria-pressed': 'false' }, 'Largest first');
  const foot = h('p.neuron-foot', {});
  const element = h('div.neuron-keys', {}, h('div.neuron-keys-bar', {}, h('h3', {}, 'Keys'), sort), grid, foot);
  /** @type {NeuronData|null} */
  let data = null;
  /** @type {readonly Token[]} */
  let tokens = [];
  /** @type {'position'|'probability'} */
  let by = 'position';
  /** @type {number[]} */
  let order = [];
  /** @type {number[]} */
  let places = [];
  /** The rows that are drawn, by place: a row stays the same element under the pointer. @type {Map<number, HTMLElement>} */
  const rows = new Map();
  /** @type {{focus: number, pinned: number|null}} */
  let marked = { focus: 0, pinned: null };
  let within = false;

  function arrange() {
    if (!data) return;
    order = ordered(data, by);
    places = [];
    order.forEach((key, place) => { places[key] = place; });
    sheet.style.height = `${order.length * ROW}px`;
    rows.clear();
    replace(sheet);
  }

  function draw() {
    if (!data) return;
    const first = Math.max(0, Math.floor(grid.scrollTop / ROW) - BEYOND);
    const last = Math.min(order.length, Math.ceil((grid.scrollTop + grid.clientHeight) / ROW) + BEYOND);
    const shown = new Set(Array.from({ length: last - first }, (_, i) => first + i));
    if (within) shown.add(places[marked.focus]); // what aria-activedescendant names must exist
    for (const [place, element] of rows) {
      if (shown.has(place)) continue;
      element.remove();
      rows.delete(place);
    }
    for (const place of [...shown].sort((a, b) => a - b)) {
      const element = rows.get(place) ?? row(place);
      if (!rows.has(place)) sheet.insertBefore(element, rows.get(Math.min(...[...rows.keys()].filter((other) => other > place))) ?? null);
      rows.set(place, element);
      const key = order[place];
      element.toggleAttribute('data-focus', key === marked.focus);
      element.setAttribute('aria-selected', String(key === marked.pinned));
    }
    if (within) grid.setAttribute('aria-activedescendant', `neuron-key-${marked.focus}`);
    else grid.removeAttribute('aria-activedescendant');
  }

  /** @param {number} place */
  function row(place) {
    const now = /** @type {NeuronData} */ (data);
    const key = order[place];
    const { biased, capped, enters } = shapes(now);
    const seen = now.mask[key] === 1;
    const cell = (/** @type {string} */ text, /** @type {string} */ kind = 'number') => h(`div.neuron-${kind}`, { role: 'gridcell' }, text);
    return h('div.neuron-key', {
      role: 'row', id: `neuron-key-${key}`, 'aria-rowindex': place + 2,
      data: { key, ...(seen ? {} : { hidden: '' }) },
      style: { transform: `translateY(${place * ROW}px)`, '--share': Math.max(0, now.probs[key] ?? 0).toFixed(4) },
    }, cell(String(key), 'index'), h('div.neuron-token', { role: 'gridcell' }, piece(tokens[key]?.display ?? '')), cell(digits(now.scores[key])),
      biased && cell(digits(now.bias[key])), capped && cell(digits(now.entering[key] - now.bias[key])), enters && biased && cell(digits(now.entering[key])),
      cell(seen ? digits(now.probs[key]) : 'hidden', 'share'));
  }

  /** @param {number} key @param {boolean} [central] also what stands around it */
  function reveal(key, central = false) {
    const top = places[key] * ROW;
    const room = grid.clientHeight - ROW;
    const [above, below] = [top < grid.scrollTop, top + ROW > grid.scrollTop + room];
    if (central && (above || below)) grid.scrollTop = top - (room - ROW) / 2;
    else if (above) grid.scrollTop = top;
    else if (below) grid.scrollTop = top + ROW - room;
  }

  const keyOf = (/** @type {Event} */ { target }) => {
    const found = target instanceof Element ? target.closest('[data-key]') : null;
    return found instanceof HTMLElement ? Number(found.dataset.key) : null;
  };
  sheet.addEventListener('pointerover', (event) => react.point(keyOf(event)));
  grid.addEventListener('pointerleave', () => react.point(null));
  sheet.addEventListener('click', (event) => {
    const key = keyOf(event);
    if (key !== null) react.pin(key);
  });
  grid.addEventListener('scroll', draw, { passive: true });
  grid.addEventListener('focus', () => { within = true; draw(); });
  grid.addEventListener('blur', () => { within = false; react.point(null); draw(); });
  grid.addEventListener('keydown', (event) => {
    if (!data || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const [place, last] = [places[marked.focus], order.length - 1];
    const to = { ArrowUp: place - 1, ArrowDown: place + 1, PageUp: place - PAGE, PageDown: place + PAGE, Home: 0, End: last }[event.key];
    if (event.key === 'Enter' || event.key === ' ') react.pin(marked.focus);
    else if (to !== undefined) {
      const key = order[Math.min(Math.max(to, 0), last)];
      react.point(key);
      reveal(key);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  sort.addEventListener('click', () => {
    by = by === 'position' ? 'probability' : 'position';
    sort.setAttribute('aria-pressed', String(by === 'probability'));
    arrange();
    grid.scrollTop = 0;
    reveal(marked.focus);
    draw();
  });

  return {
    element,
    get active() { return within; },
    /**
     * @param {NeuronData} next
     * @param {readonly Token[]} cols
     */
    update(next, cols) {
      tokens = cols;
      if (next !== data) {
        data = next;
        const { biased, capped, enters } = shapes(next);
        const title = (/** @type {string} */ text, /** @type {string} */ kind = 'number') => h(`div.neuron-${kind}`, { role: 'columnheader' }, text);
        const titles = [title('#', 'index'), title('key', 'token'), title('score'), biased && title('bias'), capped && title('capped'), enters && biased && title('enters'), title('probability', 'share')];
        replace(head, titles);
        element.style.setProperty('--numbers', String(1 + Number(biased) + Number(capped) + Number(enters && biased)));
        grid.setAttribute('aria-rowcount', String(next.probs.length + 1));
        replace(foot, total(next));
        arrange();
      }
      draw();
    },
    /** @param {number} focus @param {number|null} pinned @param {boolean} show scroll to it */
    mark(focus, pinned, show) {
      marked = { focus, pinned };
      if (show && order.length) reveal(focus, true);
      draw();
    },
    /** What a key says when it is reached. @param {number} key */
    words(key) {
      if (!data) return '';
      const name = named(tokens[key], key);
      return data.mask[key] === 1 ? `${name}: score ${digits(data.scores[key])}, probability ${digits(data.probs[key])}` : `${name}: hidden, probability 0`;
    },
  };
}

/** What all keys have together. @param {NeuronData} data */
function total({ probs, mask, sink }) {
  const hidden = mask.filter((seen) => seen === 0).length;
  const sum = probs.reduce((all, value) => all + value, 0);
  const says = [sink === null ? `All probabilities add up to ${digits(sum)}.` : `The keys get ${digits(sum)}; the remainder, ${digits(sink)}, goes to the sink, to no token at all.`];
  if (hidden) says.push(`${grouped(hidden)} of ${grouped(mask.length)} keys are hidden from this query by the mask.`);
  return says.join(' ');
}
