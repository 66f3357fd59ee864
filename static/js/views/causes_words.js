/** What the Causes view says in words and numbers. */

import { visible } from '../dom.js';
import { percent } from '../format.js';
import { named } from '../ticks.js';

/** @typedef {import('../answers_predictions.js').Effect} Effect */
/** @typedef {import('../types.js').Selection} Selection */
/** @typedef {Pick<import('../answers_predictions.js').Candidate, 'id'|'text'|'logit'|'softmax'|'rank'>} Choice */

/**
 * @typedef {object} Found what is known of the prediction
 * @property {number} position
 * @property {readonly Choice[]} before
 * @property {import('../answers_predictions.js').EditsData|null} edits null: nothing is taken away
 * @property {{query: number, key: number}} edge what Attention shows, and what may be taken away
 *
 * @typedef {object} Effects numbers by [layer][head], of `done` layers so far
 * @property {(number|null)[][]} kl
 * @property {(number|null)[][]} change
 * @property {(number|null)[][]|null} difference
 * @property {number} done
 */

/**
 * What is known once another layer is done.
 * @param {Effects|null} known
 * @param {import('../answers_predictions.js').EffectsStage} stage
 * @param {import('../types.js').Stack} stack
 * @returns {Effects|null}
 */
export function measured(known, { layer, kl, change, difference }, stack) {
  if (layer === undefined || !kl || !change) return known;
  const empty = () => Array.from({ length: stack.layers }, () => Array.from({ length: stack.heads }, () => /** @type {number|null} */ (null)));
  const next = known ?? { kl: empty(), change: empty(), difference: difference ? empty() : null, done: 0 };
  const put = (/** @type {(number|null)[][]} */ rows, /** @type {number[]} */ row) => rows.map((one, i) => (i === layer ? row : one));
  return {
    kl: put(next.kl, kl), change: put(next.change, change),
    difference: difference && next.difference ? put(next.difference, difference) : null, done: layer + 1,
  };
}

/**
 * The numbers that are chosen; those of the divergence where there is no difference.
 * @param {Effects} effects
 * @param {Effect} which
 */
export function rowsOf(effects, which) {
  return which === 'difference' && effects.difference ? effects.difference : which === 'change' ? effects.change : effects.kl;
}

/**
 * Spearman's rank correlation of two lists; pairs where one is null left out. Null where one of them does not vary.
 * @param {readonly (number|null)[]} a
 * @param {readonly (number|null)[]} b
 */
export function rankCorrelation(a, b) {
  const pairs = a.flatMap((one, i) => (one === null || (b[i] ?? null) === null ? [] : [[one, /** @type {number} */ (b[i])]]));
  const [x, y] = [ranks(pairs.map(([one]) => one ?? 0)), ranks(pairs.map(([, two]) => two ?? 0))];
  const mean = (pairs.length - 1) / 2;
  const product = (/** @type {number[]} */ p, /** @type {number[]} */ q) => p.reduce((sum, one, i) => sum + (one - mean) * ((q[i] ?? 0) - mean), 0);
  const spread = Math.sqrt(product(x, x) * product(y, y));
  return spread > 0 ? product(x, y) / spread : null;
}

/** The rank of each, from 0; equal ones share the mean of theirs. @param {readonly number[]} values @returns {number[]} */
function ranks(values) {
  const order = values.map((_, i) => i).sort((i, j) => (values[i] ?? 0) - (values[j] ?? 0));
  /** @type {number[]} */
  const found = new Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to < order.length && values[order[to] ?? 0] === values[order[from] ?? 0]) to += 1;
    for (let i = from; i < to; i += 1) found[order[i] ?? 0] = (from + to - 1) / 2;
    from = to;
  }
  return found;
}

/**
 * The heads whose number is furthest from zero, first.
 * @param {readonly (readonly (number|null)[])[]} rows
 * @param {number} count
 * @returns {{layer: number, head: number, value: number}[]}
 */
export function strongest(rows, count) {
  return rows.flatMap((row, layer) => row.flatMap((value, head) => (value === null ? [] : [{ layer, head, value }])))
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, count);
}

/** The largest size of a number; 1 where all are zero. @param {readonly (readonly (number|null)[])[]} rows */
export function furthest(rows) {
  return Math.max(0, ...rows.flat().map((value) => Math.abs(value ?? 0))) || 1;
}

/** A signed number with a true minus, `+0.31`, or a divergence without a sign. @param {number|null} value @param {boolean} signed */
export function written(value, signed) {
  if (value === null) return '–';
  const text = Math.abs(value).toFixed(signed ? 2 : 3);
  return signed ? `${value < 0 ? '−' : '+'}${text}` : text;
}

/** A logit, or a difference of two, with a true minus. @param {number} value */
export function plain(value) {
  return value.toFixed(2).replace('-', '−');
}

/** As in a cell, where there is room for two digits: .31, −1.4, 12. @param {number|null} value @param {boolean} signed */
export function inCell(value, signed) {
  if (value === null) return '';
  const size = Math.abs(value);
  const text = size.toFixed(size < 0.995 ? 2 : size < 9.95 ? 1 : 0).replace(/^0\./, '.');
  return `${signed && value < 0 && Number(text) > 0 ? '−' : ''}${text}`;
}

/** The name of a token in quotes. @param {string} text */
export function quoted(text) {
  return `“${visible(text.trim() === '' ? text : text.trim())}”`;
}

/**
 * What an effect is, as a title.
 * @param {Effect} which
 * @param {Found} found
 * @param {Readonly<Selection>} state
 */
export function effectTitle(which, found, state) {
  const first = quoted(found.before[0]?.text ?? '');
  if (which === 'kl') return 'How far the prediction moves without it (KL, nats)';
  if (which === 'change') return `Change of the logit of ${first} without it`;
  return `Change of ${first} minus ${quoted(textOf(found, state.against))} in logits without it`;
}

/** The text of a candidate; its number where that is all there is. @param {Found} found @param {number|null} id */
export function textOf({ before, edits }, id) {
  return [...before, ...(edits?.changes ?? [])].find((one) => one.id === id)?.text ?? `#${id ?? ''}`;
}

/**
 * The prediction with and without what was taken away, in one sentence.
 * @param {Found} found
 */
export function verdict(found) {
  const { before, edits } = found;
  const first = before[0];
  if (!first) return '';
  if (!edits) return `The model predicts ${quoted(first.text)} with ${percent(first.softmax)}. Nothing is taken away yet.`;
  const after = edits.after[0];
  const kl = ` KL ${edits.kl < 0.0005 && edits.kl > 0 ? edits.kl.toExponential(1) : edits.kl.toFixed(3)} nats.`;
  const { difference: d } = edits;
  const moved = d ? ` ${quoted(textOf(found, d.token))} minus ${quoted(textOf(found, d.against))}: ${plain(d.before)} → ${plain(d.after)} (${written(d.change, true)}).` : '';
  return (edits.flips && after ? `The prediction flips from ${quoted(first.text)} to ${quoted(after.text)}.` : `The prediction stays ${quoted(first.text)}.`) + kl + moved;
}

/**
 * The numbers that are drawn: of the heads where they are measured, else of the candidates.
 * @param {Found} found
 * @param {Effects|null} effects
 * @param {number[][]|null} attention
 * @param {Readonly<Selection>} state
 * @returns {import('../types.js').Table}
 */
export function table(found, effects, attention, state) {
  if (effects && effects.done === effects.kl.length) {
    const difference = effects.difference;
    return {
      columns: ['layer', 'head', 'kl', 'change', ...(difference ? ['difference'] : []), ...(attention ? ['attention'] : [])],
      rows: effects.kl.flatMap((row, layer) => row.map((kl, head) => [layer, head, kl, effects.change[layer]?.[head] ?? null,
        ...(difference ? [difference[layer]?.[head] ?? null] : []), ...(attention ? [attention[layer]?.[head] ?? null] : [])])),
      note: `every head by itself, output ${state.ablation}, position ${found.position}`,
    };
  }
  if (!found.edits) return { columns: ['rank', 'id', 'text', 'logit', 'softmax'], rows: found.before.map((one) => [one.rank + 1, one.id, one.text, one.logit, one.softmax]) };
  return {
    columns: ['id', 'text', 'logit before', 'logit after', 'change', 'softmax before', 'softmax after', 'rank before', 'rank after'],
    rows: found.edits.changes.map((one) => [one.id, one.text, one.logit_before, one.logit_after, one.change, one.softmax_before, one.softmax_after, one.rank_before + 1, one.rank_after + 1]),
  };
}

/**
 * How a head stands in both pictures.
 * @param {object} now
 * @param {Readonly<Selection>} now.state
 * @param {Found} now.found
 * @param {Effects|null} now.effects
 * @param {number[][]|null} now.attention
 * @param {import('../types.js').ViewContext['tokens']} tokens
 */
export function headWords({ state, found, effects, attention }, tokens) {
  const { layer, head } = state;
  const weight = attention?.[layer]?.[head];
  const parts = [];
  if (effects && (effects.kl[layer]?.[head] ?? null) !== null) {
    parts.push(`without it KL ${written(effects.kl[layer]?.[head] ?? null, false)}, ${quoted(found.before[0]?.text ?? '')} ${written(effects.change[layer]?.[head] ?? null, true)}`
      + (effects.difference ? `, difference ${written(effects.difference[layer]?.[head] ?? null, true)}` : ''));
  }
  if (weight !== undefined) parts.push(`${named(tokens.rows[found.edge.query], found.edge.query)} gives ${named(tokens.cols[found.edge.key], found.edge.key)} ${weight.toFixed(3)}`);
  return parts.join('; ');
}
