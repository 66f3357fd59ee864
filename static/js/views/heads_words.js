/** What goes with the Heads picture: how wide its labels are, what it leaves out, and its numbers as a table. */

import { h, visible } from '../dom.js';
import { amount, named, shorten } from '../ticks.js';
import { strongest } from './heads_canvas.js';
import { LEAST_DRAWN } from './heads_geometry.js';

/**
 * The width of the widest label, in the font of the place.
 * @param {readonly import('../types.js').Token[]} tokens
 * @param {HTMLElement} place
 */
export function widest(tokens, place) {
  const c = document.createElement('canvas').getContext('2d');
  if (!c) return 100;
  const style = getComputedStyle(place);
  c.font = `${style.fontSize} ${style.fontFamily}`;
  const most = tokens.reduce((wide, item) => Math.max(wide, c.measureText(shorten(visible(item.display), 24)).width), 20);
  return most + 18;
}

/**
 * What the picture leaves out.
 * @param {number} shown
 * @param {number} all
 * @param {boolean} partial only some of the rows are at hand
 * @param {import('../weights.js').Maps} maps
 * @param {number} least what is hidden already
 */
export function note(shown, all, partial, maps, least) {
  if (shown === 0) return 'No head is chosen: press a number above.';
  const which = all < 2 ? '' : shown === all ? `All ${all} heads. ` : `${shown} of ${all} heads. `;
  const largest = shown > 1 ? ' Where several heads reach the same token, the number is the strongest weight.' : '';
  const against = maps.signed ? ' Dotted lines are below zero: they speak against it.' : '';
  const faint = amount(LEAST_DRAWN * maps.top, maps.bounded);
  const left = least >= LEAST_DRAWN ? '' : maps.bounded ? `Weights below ${LEAST_DRAWN} are left out until you point at a token.` : `The strongest is ${amount(maps.top, false)}${partial ? ' near the window' : ''}; values nearer to zero than ${faint} are left out until you point at a token.`;
  const near = partial ? ' Of a text this long, a key shows who looks at it among the rows near the window.' : '';
  return `${which}${left}${against}${largest}${near}`;
}

/**
 * All weights of the heads that are shown, in rows of a table; what is hidden by its size is in it.
 * @param {import('../weights.js').Index|null} index
 * @param {readonly number[]} shown
 * @param {readonly import('../types.js').Token[]} rows
 * @param {readonly import('../types.js').Token[]} cols
 * @param {string} hidden what the weights are without
 * @param {number} total the rows that are shown; of a long text fewer are at hand
 * @returns {import('../types.js').Table}
 */
export function table(index, shown, rows, cols, hidden, total) {
  const columns = ['query', 'query token', 'key', 'key token', 'head', hidden ? `weight (${hidden})` : 'weight'];
  /** @type {(string|number|null)[][]} */
  const list = [];
  const [from, to] = index ? [index.maps.rowEdges[0] ?? 0, index.maps.rowEdges.at(-1) ?? 0] : [0, 0];
  for (let query = from; index && query < to; query += 1) {
    const { heads, values, rowEdges, colEdges } = index.maps;
    for (const head of shown) {
      const start = (heads.indexOf(head) * (rowEdges.length - 1) + query - from) * (colEdges.length - 1);
      for (let c = 0; c < colEdges.length - 1; c += 1) {
        const weight = values[start + c];
        list.push([query, rows[query]?.display ?? '', colEdges[c], cols[colEdges[c]]?.display ?? '', head, Number.isNaN(weight) ? null : weight]);
      }
    }
  }
  return { columns, rows: list, ...(to - from < total ? { note: `Partial: only the rows ${from} to ${to - 1}, those near the window.` } : {}) };
}

/** How many keys are read out. */
const READ = 20;

/**
 * The lines of the pinned query for those who cannot see them: a table's caption, head and rows.
 * @param {import('../weights.js').Index} index
 * @param {readonly number[]} shown
 * @param {number} query
 * @param {readonly import('../types.js').Token[]} rows
 * @param {readonly import('../types.js').Token[]} cols
 * @param {number} least
 * @returns {HTMLElement[]}
 */
export function spoken(index, shown, query, rows, cols, least) {
  const list = strongest(index, shown, 'query', query, least).slice(0, READ);
  return [
    h('caption', {}, `What ${named(rows[query], query)} attends to, the strongest weight among the shown heads`),
    h('thead', {}, h('tr', {}, ['key', 'weight', 'head'].map((name) => h('th', { scope: 'col' }, name)))),
    h('tbody', {}, list.map(({ other, head, weight }) => h('tr', {},
      h('th', { scope: 'row' }, named(cols[other], other)), h('td', {}, amount(weight, index.maps.bounded)), h('td', {}, head)))),
  ];
}
