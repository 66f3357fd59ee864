// What the picture leaves out, in words: one line beside it, and a short form for its exports.

import { isPair } from './selection.js';
import { amount, named } from './ticks.js';

/** @typedef {import('./types.js').Selection} Selection */
/** @typedef {import('./answers_attention.js').AttentionMeta} AttentionMeta */
/** @typedef {import('./types.js').Token} Token */
/** @typedef {{rows: readonly Token[], cols: readonly Token[]}} Tokens */

/** Different special tokens or sinks that are named. */
const NAMED = 4;

/** @type {Record<import('./types.js').Segments, string>} */
export const BLOCKS = { aa: 'A → A', ab: 'A → B', ba: 'B → A', bb: 'B → B' };

/** What shows everything. */
export const ALL = Object.freeze({ hideSpecial: false, hideSink: false, least: 0, segments: null });

/**
 * For captions and headers of files: `in words, without special tokens, without weights below 0.05`.
 * @param {Readonly<Selection>} state
 * @param {boolean} [bounded] the weights lie within 0 and 1
 */
export function briefly(state, bounded = true) {
  return [
    state.group === 'word' && 'in words',
    state.segments && `only ${BLOCKS[state.segments]}`,
    state.hideSpecial && 'without special tokens',
    state.hideSink && 'without sinks',
    state.least > 0 && (bounded ? `without weights below ${state.least}` : `without values below ${share(state.least)} of the largest`),
  ].filter(Boolean).join(', ');
}

/**
 * The same for a file's name.
 * @param {Readonly<Selection>} state
 */
export function inName(state) {
  return [
    state.group === 'word' && 'words', state.segments, state.hideSpecial && 'no-special', state.hideSink && 'no-sinks',
    state.least > 0 && `least${state.least}`,
  ].filter(Boolean).map((word) => `-${word}`).join('');
}

/**
 * What is hidden of this very answer; empty when nothing is.
 * @param {Readonly<Selection>} state
 * @param {AttentionMeta} meta
 * @param {number} top the largest there can be
 * @param {Tokens} tokens
 * @param {readonly number[]} heads that are shown
 */
export function sentence(state, meta, top, tokens, heads) {
  const { bounded = true, hide = [] } = meta;
  const parts = [
    state.segments && isPair(tokens.cols) && `all but ${BLOCKS[state.segments]}`,
    hide.includes('special') && specials(meta, tokens),
    hide.includes('sink') && sinks(meta, tokens.cols, heads),
    state.least > 0 && (bounded ? `weights below ${state.least}` : `values below ${share(state.least)} of the largest, ${amount(state.least * top, false)}`),
  ].filter(Boolean);
  return parts.length ? `Hidden: ${parts.join('; ')}. What is left is not renormalised.` : '';
}

/** How the words came about. @param {Readonly<Selection>} state */
export function grouping({ group }) {
  return group === 'word' ? 'In words: what is given to a word’s tokens is added up, what they give is averaged.' : '';
}

/** @param {number} least */
function share(least) {
  return `${Number((least * 100).toFixed(1))}%`;
}

/** @param {AttentionMeta} meta @param {Tokens} tokens */
function specials({ hidden_rows: rows, hidden_cols: cols }, tokens) {
  const names = [...new Set([...cols.map((i) => tokens.cols[i]), ...rows.map((i) => tokens.rows[i])].map((token) => token?.display ?? ''))];
  if (!names.length) return 'special tokens (there are none)';
  return `special tokens (${names.slice(0, NAMED).join(', ')}${names.length > NAMED ? ', …' : ''})`;
}

/** @param {AttentionMeta} meta @param {readonly Token[]} keys @param {readonly number[]} heads */
function sinks({ sinks: all, heads: of }, keys, heads) {
  const list = all?.[0] ?? [];
  const shown = of.length ? heads.map((head) => list[of.indexOf(head)] ?? null) : list;
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const key of shown) if (key !== null) counts.set(key, (counts.get(key) ?? 0) + 1);
  if (counts.size === 0) return `sinks (none: no key that 8 queries can see takes more than 30% of ${shown.length > 1 ? 'a head' : 'it'})`;
  const most = [...counts].sort((a, b) => b[1] - a[1]);
  const name = (/** @type {number} */ key) => named(keys[key], key);
  if (shown.length === 1) return `the sink, ${name(most[0][0])}`;
  const none = shown.length - [...counts.values()].reduce((total, count) => total + count, 0);
  const each = most.slice(0, NAMED).map(([key, count]) => `${name(key)} in ${inHeads(count)}`);
  return `each head’s sink: ${each.join(', ')}${most.length > NAMED ? ', …' : ''}${none > 0 ? `, none in ${inHeads(none)}` : ''}`;
}

/** @param {number} count */
function inHeads(count) {
  return `${count} head${count === 1 ? '' : 's'}`;
}
