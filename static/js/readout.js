// The number that is pointed at, and what it belongs to.

import { headsShown, largest, meanWeight, received, weightsOf } from './strength.js';

/** @typedef {import('./components/aside.js').Readout} Readout */

const TOP = 6;

/**
 * @param {Readonly<import('./types.js').Selection>} state
 * @param {import('./weights.js').Maps} maps
 * @param {import('./types.js').Hover} focus
 * @param {{rows: import('./types.js').Token[], cols: import('./types.js').Token[]}} tokens
 * @returns {Readout}
 */
export function readOut(state, maps, { query, key }, tokens) {
  const heads = headsShown(state, maps);
  const row = query === null ? null : tokens.rows[query] ?? null;
  const column = key === null ? null : tokens.cols[key] ?? null;
  const value = row && column ? meanWeight(maps, heads, row.index, column.index) : null;
  const weights = row ? weightsOf(maps, heads, 'query', row.index) : column ? weightsOf(maps, heads, 'key', column.index) : received(maps, heads);
  const others = !row && column ? tokens.rows : tokens.cols;
  const title = row ? 'It looks at' : column ? 'Looked at by' : 'Looked at most, on average';
  const top = maps.exact ? largest(weights, TOP).map((i) => ({ token: others[i], value: weights[i] ?? 0 })) : [];
  return { query: row, key: column, value, where: place(state, heads, maps), title, top };
}

/**
 * @param {Readonly<import('./types.js').Selection>} state
 * @param {readonly number[]} heads
 * @param {import('./weights.js').Maps} maps
 */
function place(state, heads, maps) {
  const which = state.lens === 'rollout' ? 'rollout' : heads.length === 1 ? `head ${heads[0]}` : `mean of ${heads.length} heads`;
  return `layer ${state.layer}, ${which}${maps.exact ? '' : ', largest in its bin'}`;
}
