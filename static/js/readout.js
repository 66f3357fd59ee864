// The number that is pointed at, and what it belongs to.

import { lensOf } from './lenses.js';
import { headsShown, largest, meanWeight, onAverage, received, weightsOf } from './strength.js';
import { unitsOf } from './units.js';
import { binOf } from './weights.js';

/** @typedef {import('./components/aside.js').Readout} Readout */
/** @typedef {import('./types.js').Token} Token */

const TOP = 6;

/**
 * @param {Readonly<import('./types.js').Selection>} state
 * @param {import('./weights.js').Maps} maps
 * @param {import('./types.js').Hover} focus
 * @param {{rows: Token[], cols: Token[]}} tokens
 * @returns {Readout}
 */
export function readOut(state, maps, { query, key }, tokens) {
  const heads = headsShown(state, maps);
  const inWords = state.group === 'word';
  const row = at(tokens.rows, query, inWords);
  const column = at(tokens.cols, key, inWords);
  const value = query !== null && key !== null ? meanWeight(maps, heads, query, key) : null;
  const weights = query !== null ? weightsOf(maps, heads, 'query', query) : key !== null ? weightsOf(maps, heads, 'key', key) : received(maps, heads);
  const others = !row && column ? tokens.rows : tokens.cols;
  const title = row ? 'It looks at' : column ? 'Looked at by' : `Looked at most, ${onAverage(maps, tokens.rows.length)}`;
  const top = maps.exact ? strongest(weights, others, inWords) : [];
  return { query: row, key: column, value, where: place(state, heads, maps), title, top, bounded: maps.bounded };
}

/**
 * A token, or the word it belongs to.
 * @param {Token[]} tokens
 * @param {number|null} index
 * @param {boolean} inWords
 */
function at(tokens, index, inWords) {
  if (index === null || !tokens[index]) return null;
  if (!inWords) return tokens[index];
  const { items, edges } = unitsOf(tokens);
  return items[binOf(edges, index)] ?? null;
}

/**
 * @param {(number|null)[]} weights of each token
 * @param {Token[]} tokens
 * @param {boolean} inWords
 */
function strongest(weights, tokens, inWords) {
  const once = inWords ? weights.map((weight, i) => (i === 0 || binOf(unitsOf(tokens).edges, i) !== binOf(unitsOf(tokens).edges, i - 1) ? weight : null)) : weights;
  return largest(once, TOP).flatMap((i) => {
    const token = at(tokens, i, inWords);
    return token ? [{ token, value: once[i] ?? 0 }] : [];
  });
}

/**
 * @param {Readonly<import('./types.js').Selection>} state
 * @param {readonly number[]} heads
 * @param {import('./weights.js').Maps} maps
 */
function place(state, heads, maps) {
  const through = state.lens === 'raw' ? '' : state.lens;
  const which = !lensOf(state.lens).heads ? '' : heads.length === 1 ? `head ${heads[0]}` : `mean of ${heads.length} heads`;
  const bin = maps.exact ? '' : maps.signed ? 'furthest from zero in its bin' : 'largest in its bin';
  return [`layer ${state.layer}`, which, through, bin].filter(Boolean).join(', ');
}
