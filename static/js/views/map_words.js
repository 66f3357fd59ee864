/** What the map says in words: the names of its cells, what to know about it, and its numbers as a table. */

import { named } from '../ticks.js';
import { sink } from '../weights.js';
import { cells, visibleCell } from './map_figure.js';

/**
 * @typedef {import('./map_figure.js').Span} Span
 * @typedef {import('../weights.js').Maps} Maps
 * @typedef {{rows: readonly import('../types.js').Token[], cols: readonly import('../types.js').Token[]}} Tokens
 */

/** Why a cell has no number. */
const EMPTY = { hidden: 'hidden', unseen: 'not visible', none: 'no value' };

/**
 * @param {Maps} maps
 * @param {boolean} causal
 * @param {import('../answers_attention.js').AttentionMeta} meta
 * @param {number} r
 * @param {number} c
 * @returns {string} why the cell has no number; empty when it has one
 */
export function emptyWhy(maps, causal, meta, r, c) {
  const { rowEdges, colEdges, values, heads } = maps;
  if (causal && !visibleCell(maps, r, c)) return EMPTY.unseen;
  if (!Number.isNaN(values[r * (colEdges.length - 1) + c])) return '';
  /** @type {(list: readonly (number|null)[]|undefined, edges: readonly number[], at: number) => boolean} */
  const holds = (list, edges, at) => list?.some((token) => token !== null && token >= edges[at] && token < edges[at + 1]) ?? false;
  const sinks = meta.hide?.includes('sink') ? meta.sinks?.[0]?.slice(0, heads.length) : undefined;
  return holds(meta.hidden_rows, rowEdges, r) || holds(meta.hidden_cols, colEdges, c) || holds(sinks, colEdges, c) ? EMPTY.hidden : EMPTY.none;
}

/**
 * @param {Maps} maps of one head
 * @param {boolean} causal
 * @param {boolean} raw the probabilities themselves, not another lens
 * @param {Tokens} tokens
 */
export function remarks(maps, causal, raw, tokens) {
  const says = [];
  if (!maps.exact) {
    says.push(`Too large to show every cell: each stands for up to ${step(maps.rowEdges)} × ${step(maps.colEdges)} tokens and has ${maps.signed ? 'the value that is furthest from zero' : 'their largest weight'}. Zoom in for exact ones.`);
  }
  if (causal) says.push('The weights of the empty half are not small, there are none: later tokens are not visible to earlier ones, since this model reads from left to right.');
  if (maps.signed) says.push('Orange speaks for the predicted token, blue against it.');
  const parked = raw && maps.rowEdges.length - 1 === tokens.rows.length ? sink(maps, maps.heads[0], causal) : null;
  if (parked) {
    says.push(`Column ${named(tokens.cols[parked.key], parked.key)} is a sink: it takes ${Math.round(parked.share * 100)}% of this head’s attention. `
      + 'Weights must add up to 1, so a head that finds nothing to look up parks them on a token that carries little.');
  }
  return says.join(' ');
}

/**
 * The cells, row by row; null is a key that the query cannot see, or what is hidden.
 * @param {Maps} maps of one head
 * @param {boolean} causal
 * @param {Tokens} tokens
 * @param {{least: number, hidden: string}} left what is left out
 * @returns {import('../types.js').Table}
 */
export function table(maps, causal, tokens, { least, hidden }) {
  const { rowEdges, colEdges } = maps;
  const names = colEdges.slice(0, -1).map((_, c) => spanName(tokens.cols, bin(colEdges, c)));
  return {
    columns: [hidden ? `query (${hidden})` : 'query', ...names],
    rows: cells(maps, maps.heads[0], causal, least * maps.top).map((row, r) => (
      [spanName(tokens.rows, bin(rowEdges, r)), ...Array.from(row, (v) => (Number.isNaN(v) ? null : v))])),
  };
}

/** @param {readonly number[]} edges @param {number} i @returns {Span} */
export function bin(edges, i) {
  return [edges[i], edges[i + 1]];
}

/** @param {readonly number[]} edges the widest bin */
function step(edges) {
  return Math.max(...edges.slice(1).map((edge, i) => edge - edges[i]));
}

/**
 * @param {readonly import('../types.js').Token[]} tokens
 * @param {Span} span
 */
export function spanName(tokens, [from, to]) {
  return to - from > 1 ? `${named(tokens[from], from)} … ${named(tokens[to - 1], to - 1)}` : named(tokens[from], from);
}
