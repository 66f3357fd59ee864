/** What Compare says: what changed, in a sentence; why there is no ranking; the names of cells. */

import { visible } from '../dom.js';
import { digits, grouped } from '../format.js';
import { shorten } from '../ticks.js';
import { weightAt } from '../weights.js';
import { columns, largestCells, wordsOf } from './compare_pairs.js';

/** @typedef {import('../types.js').Token} Token */
/** @typedef {import('../answers_attention.js').Ranking} Ranking */
/** @typedef {import('../weights.js').Maps} Maps */

/** Below this a difference is not told. */
const NOTHING = 0.0005;

/** @param {string} words */
export function quoted(words) {
  const inner = words.trim();
  return `“${shorten(inner === '' ? visible(words) : inner.split(/ +/).map(visible).join(' '), 28)}”`;
}

/**
 * The pairs of a bin by their words; with their places where several have the same, or where several are in the bin.
 * @param {readonly Token[]} tokens named units
 * @param {readonly number[]} edges
 * @param {number} bin
 */
export function binName(tokens, edges, bin) {
  const [from, to] = [edges[bin], edges[bin + 1]];
  const words = quoted(tokens[from]?.display ?? '');
  if (to - from > 1) return `${words} … ${quoted(tokens[to - 1]?.display ?? '')} (${tokens[from]?.index}–${tokens[to - 1]?.index})`;
  const alone = tokens.filter(({ display }) => display.trim() === tokens[from]?.display.trim()).length === 1;
  return alone ? words : `${words} (${tokens[from]?.index})`;
}

/** @typedef {{rows: readonly Token[], cols: readonly Token[]}} Sides */

/**
 * How the tokens differ; of cross attention, the keys, and then the queries.
 * @param {Ranking} ranking
 * @param {Sides} a
 * @param {Sides} b
 * @param {[string, string]} models
 */
export function tokensChanged(ranking, a, b, models) {
  if (ranking.by !== 'token') {
    return `${models[0]} cuts the text into ${grouped(a.cols.length)} tokens and ${models[1]} into ${grouped(b.cols.length)}; ${grouped(ranking.col_units.length)} stretches of text stand for each other`;
  }
  if (a.rows === a.cols) return gapsIn(ranking.units, a.rows, b.rows, 'The tokens are the same');
  return `Among the keys ${gapsIn(ranking.col_units, a.cols, b.cols)}; among the queries ${gapsIn(ranking.units, a.rows, b.rows)}`;
}

/**
 * @param {readonly import('../answers_attention.js').Unit[]} units
 * @param {readonly Token[]} a
 * @param {readonly Token[]} b
 * @param {string} [none]
 */
function gapsIn(units, a, b, none = 'nothing changed') {
  const gaps = columns(units, a.length, b.length).filter(({ paired }) => !paired);
  if (gaps.length === 0) return none;
  const said = gaps.slice(0, 3).map(({ span: [a0, a1, b0, b1] }) => {
    if (a0 === a1) return `${quoted(wordsOf(b, b0, b1))} was added`;
    return b0 === b1 ? `${quoted(wordsOf(a, a0, a1))} was left out` : `${quoted(wordsOf(a, a0, a1))} became ${quoted(wordsOf(b, b0, b1))}`;
  });
  return said.join(', ') + (gaps.length > 3 ? `, and ${gaps.length - 3} more places differ` : '');
}

/**
 * The cell of the difference that is largest, told with what it was and is.
 * @param {object} given
 * @param {Maps} given.difference
 * @param {Maps|null} given.a
 * @param {Maps|null} given.b
 * @param {import('../answers_attention.js').DifferenceMeta} given.meta
 * @param {readonly Token[]} given.rows named units
 * @param {readonly Token[]} given.cols
 */
export function headChanged({ difference, a, b, meta, rows, cols }) {
  const [most] = largestCells(difference, 1);
  if (!most || Math.abs(most.value) < NOTHING) return 'it looks the same way in both';
  const [row, col] = [difference.rowEdges[most.row], difference.colEdges[most.col]];
  const both = difference.exact ? before(a, b, meta, row, col) : null;
  const [who, whom] = [binName(rows, difference.rowEdges, most.row), binName(cols, difference.colEdges, most.col)];
  const amount = `${digits(Math.abs(most.value))} ${most.value > 0 ? 'more' : 'less'}`;
  return `${who} gives ${amount} to ${whom}${both ? ` (${digits(both[0])} → ${digits(both[1])})` : ''}`;
}

/**
 * The two weights of a cell of pairs, where each side is one token.
 * @param {Maps|null} a
 * @param {Maps|null} b
 * @param {import('../answers_attention.js').DifferenceMeta} meta
 * @param {number} row
 * @param {number} col
 * @returns {[number, number]|null}
 */
export function before(a, b, { units, col_units: colUnits }, row, col) {
  const [u, v] = [units[row], colUnits[col]];
  if (!a?.exact || !b?.exact || !u || !v) return null;
  if ([u[1] - u[0], u[3] - u[2], v[1] - v[0], v[3] - v[2]].some((length) => length !== 1)) return null;
  const [first, second] = [weightAt(a, a.heads[0], u[0], v[0]), weightAt(b, b.heads[0], u[2], v[2])];
  return first === null || second === null ? null : [first, second];
}

/**
 * Where a head stands among all.
 * @param {Ranking} ranking
 * @param {number} layer
 * @param {number} head
 */
export function standing({ heads }, layer, head) {
  const place = heads.findIndex((one) => one.layer === layer && one.head === head);
  return place < 0 ? null : { place: place + 1, of: heads.length, divergence: heads[place].divergence };
}

/**
 * All in one sentence.
 * @param {string} tokens
 * @param {Ranking} ranking
 * @param {{layer: number, head: number}} at
 * @param {string} head
 */
export function sentence(tokens, ranking, { layer, head: index }, head) {
  const [top] = ranking.heads;
  const shown = `head ${index} of layer ${layer}`;
  if (!top) return `${tokens}; in ${shown}, ${head}.`;
  const same = top.layer === layer && top.head === index;
  const most = `${same ? `the head shown, ${shown},` : `head ${top.head} of layer ${top.layer}`} changed most (${digits(top.divergence)} bits)`;
  return same ? `${tokens}; ${most}: ${head}.` : `${tokens}; ${most}, and in ${shown}, shown here, ${head}.`;
}
