// What the page says of the picture: the lens and what goes with it, what is hidden, what the light in the strip is.

import { visible } from '../dom.js';
import { grouping, sentence } from '../hidden.js';
import { lensOf } from '../lenses.js';
import { blockOf, stackOf, tokensOf } from '../selection.js';
import { blockSize, headsShown, mapsOf, onAverage } from '../strength.js';
import { named, shorten } from '../ticks.js';

/** @typedef {import('../types.js').Selection} Selection */
/** @typedef {import('../answers_attention.js').AttentionData} AttentionData */
/** @typedef {import('../types.js').Token} Token */
/** @typedef {{rows: Token[], cols: Token[]}} Tokens */

/** Warnings of the server that the page says in its own way. */
const SAID = ['What is hidden', 'Some numbers are not finite'];

/**
 * The selection as the picture heeds it: a view without sight shows raw tokens, whatever is chosen.
 * @param {Readonly<Selection>} state
 * @param {import('../types.js').View} view
 * @returns {Readonly<Selection>}
 */
export function seenBy(state, view) {
  return view.sight ? state : { ...state, lens: 'raw', group: 'token', hideSpecial: false, hideSink: false, least: 0, segments: null };
}

/**
 * What was asked for beyond what every model gives, and how to go back from it.
 * @param {Readonly<Selection>} state
 * @param {import('../types.js').View} view
 * @returns {{name: string, title: string, patch: Partial<Selection>}|null}
 */
export function wayOut({ lens, lenses, edits }, view) {
  if (view.id === 'causes' && edits) return { name: 'these edits', title: 'Take the last one back', patch: { edits: edits.length > 1 ? edits.slice(0, -1) : null } };
  if (view.sight && lens !== 'raw') return { name: lens, title: 'Show raw attention', patch: { lens: 'raw' } };
  return view.id === 'lenses' && lenses ? { name: lenses.join(' and '), title: 'Compare other lenses', patch: { lenses: null } } : null;
}

/**
 * @param {Readonly<Selection>} state
 * @param {AttentionData} answer
 * @param {import('../types.js').Run} run
 * @returns {Parameters<ReturnType<typeof import('../components/says.js').createSays>['show']>[0]}
 */
export function describe(state, answer, run) {
  const tokens = tokensOf(stackOf(state, run), run);
  const maps = mapsOf(answer, state.layer);
  const { meta } = answer;
  return {
    lens: meta.lens, meaning: meta.meaning ?? lensOf(meta.lens).meaning,
    about: [about(meta, run), ...(meta.warnings ?? []).filter((warning) => !SAID.some((start) => warning.startsWith(start)))].filter(Boolean),
    hidden: sentence(state, meta, maps.top, tokens, headsShown(state, maps)), grouping: grouping(state),
  };
}

/**
 * @param {AttentionData['meta']} meta
 * @param {import('../types.js').Run} run
 */
function about({ prediction, signed, lens, sinks, heads }, run) {
  if (prediction) {
    const list = run.tokens.decoder ?? run.tokens.encoder ?? [];
    const share = Math.exp(prediction.log_probability);
    return `Here for “${visible(prediction.text)}” (probability ${share < 0.001 ? share.toExponential(1) : share.toFixed(3)}), predicted at ${named(list[prediction.position], prediction.position)}.`
      + (signed ? ' What speaks against it is below zero.' : '');
  }
  if (lens !== 'no-sink' || !sinks) return '';
  const without = heads.filter((_, i) => (sinks[0]?.[i] ?? null) === null);
  if (without.length === 0) return '';
  return without.length === heads.length ? 'No head here has a sink, so nothing was taken out.' : `Without a sink, and as they are: ${without.length === 1 ? 'head' : 'heads'} ${without.join(', ')}.`;
}

/**
 * What the light in the strip measures.
 * @param {Tokens} tokens
 * @param {import('../types.js').Hover} focus
 * @param {import('../weights.js').Maps} maps the numbers
 */
export function legend({ rows, cols }, { query, key }, maps) {
  const size = maps.exact ? 1 : Math.max(blockSize(maps.rowEdges), blockSize(maps.colEdges));
  const blocks = size > 1 ? `, ${maps.signed ? 'furthest from zero' : 'the largest'} in blocks of ${size} tokens` : '';
  const name = (/** @type {Token|undefined} */ token) => `“${shorten(visible(token?.display.trim() ?? ''), 24)}”`;
  if (query !== null) return `where ${name(rows[query])} looks${blocks}`;
  if (key !== null) return `what looks at ${name(cols[key])}${blocks}`;
  if (!maps.exact) return `${maps.signed ? 'weight received, furthest from zero,' : 'largest weight received,'} in blocks of ${blockSize(maps.colEdges)} tokens`;
  return `what is looked at, ${onAverage(maps, rows.length)}`;
}

/**
 * For the strip: whether tokens are taken by words, which the picture has nothing of, and how numbers are written.
 * @param {Readonly<Selection>} state
 * @param {AttentionData|null} answer
 * @param {import('../types.js').Run} run
 * @returns {import('../components/strip.js').Sight}
 */
export function stripSight(state, answer, run) {
  const block = blockOf(state, run);
  const [rows, cols] = [new Set(answer?.meta.hidden_rows ?? []), new Set(answer?.meta.hidden_cols ?? [])];
  const outside = (/** @type {number} */ i, /** @type {readonly number[]} */ [from, to]) => i < from || i >= to;
  return {
    inWords: state.group === 'word', bounded: answer?.meta.bounded ?? true,
    out: { rows: (i) => rows.has(i) || outside(i, block.rows), cols: (i) => cols.has(i) || outside(i, block.cols) },
  };
}
