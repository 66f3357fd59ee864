/** What the neuron view says: the lanes and their numbers in words, its equations, its table, and why it may be empty. */

import { h } from '../dom.js';
import { digits } from '../format.js';
import { piece } from '../piece.js';
import { named } from '../ticks.js';
import { largestSize } from './neuron_lanes.js';
import { running, shapes } from './neuron_steps.js';

/** @typedef {import('../answers_attention.js').NeuronData} NeuronData */
/** @typedef {import('../types.js').Token} Token */
/** @typedef {import('./neuron_lanes.js').Lane} Lane */
/** @typedef {{k: number[], v: number[], product: number[]}} Vectors of one key */

export const IDLE = 'Point at a dimension, or walk there with the arrow keys, to read its numbers.';

/**
 * @param {NeuronData} data
 * @param {number} key
 * @param {Vectors|undefined} known its vectors; undefined while they are on their way
 * @returns {{scoring: Lane[], weighing: Lane[]}}
 */
export function lanesOf({ q, z, probs }, key, known) {
  const product = known?.product ?? null;
  const part = known?.v.map((value) => value * probs[key]) ?? null;
  const rest = part?.map((value, d) => z[d] - value) ?? null;
  const most = largestSize(part, rest, z);
  return {
    scoring: [
      { label: 'q', values: q, kind: 'strip', most: largestSize(q) },
      { label: 'k', values: known?.k ?? null, kind: 'strip', most: largestSize(known?.k ?? null) },
      { label: 'q × k', values: product, kind: 'bars', most: largestSize(product) },
      { label: 'sum', values: product && running(product), kind: 'sum', most: 1 },
    ],
    weighing: [
      { label: 'v', values: known?.v ?? null, kind: 'strip', most: largestSize(known?.v ?? null) },
      { label: 'p × v', values: part, kind: 'strip', most },
      { label: 'others', values: rest, kind: 'strip', most },
      { label: 'z', values: z, kind: 'strip', most },
    ],
  };
}

/** @param {NeuronData} data @param {Vectors|undefined} known @param {number} d */
export function scoringWords({ q }, known, d) {
  if (!known) return `dimension ${d}: q ${digits(q[d])}`;
  return `dimension ${d}: q ${digits(q[d])} × k ${digits(known.k[d])} = ${digits(known.product[d])}; sum so far ${digits(running(known.product)[d])}`;
}

/** @param {NeuronData} data @param {Vectors|undefined} known */
export function scoringIdle({ q }, known) {
  const sum = known && running(known.product).at(-1);
  return sum === undefined ? IDLE : `All ${q.length} products add up to ${digits(sum)}. ${IDLE}`;
}

/** @param {NeuronData} data @param {number} key @param {Vectors|undefined} known @param {number} d */
export function weighingWords({ z, probs }, key, known, d) {
  if (!known) return `dimension ${d}: z ${digits(z[d])}`;
  const part = known.v[d] * probs[key];
  return `dimension ${d}: v ${digits(known.v[d])} × ${digits(probs[key])} = ${digits(part)}; the others add ${digits(z[d] - part)}; z ${digits(z[d])}`;
}

/** @param {readonly import('./neuron_steps.js').Term[]} list */
export function terms(list) {
  return list.map(({ sign, name: what, value, strong }) => h('span.neuron-group', {},
    sign !== '' && h('span.neuron-sign', {}, sign, ' '), h(strong ? 'span.neuron-term.strong' : 'span.neuron-term', {}, h('b', {}, value), h('small', {}, ' ', what, ' '))));
}

/** @param {Token|undefined} token @param {number} index */
export function name(token, index) {
  return h('span.neuron-name', {}, piece(token?.display ?? ''), h('small', {}, ' ', index));
}

/**
 * @param {NeuronData} data
 * @param {{rows: readonly Token[], cols: readonly Token[]}} tokens
 * @returns {import('../types.js').Table}
 */
export function table(data, { rows, cols }) {
  const { scores, bias, entering, mask, probs, scale, query, sink, sink_score: sinkScore } = data;
  const at = named(rows[query], query);
  const { capped } = shapes(data);
  const list = scores.map((score, key) => [at, key, cols[key]?.display ?? '', score / scale, score,
    ...(capped ? [entering[key] - bias[key]] : []), bias[key], mask[key], mask[key] === 1 ? entering[key] : null, probs[key]]);
  const remainder = sink === null ? [] : [[at, null, 'sink', null, null, ...(capped ? [null] : []), null, 1, sinkScore, sink]];
  return { columns: ['query', 'index', 'key', 'q·k', 'score', ...(capped ? ['capped'] : []), 'bias', 'mask', 'entering', 'probability'], rows: [...list, ...remainder] };
}

/**
 * The view of a model whose queries, keys and values are not seen.
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
export function explain(el, ctx) {
  const change = () => ctx.store.set({ model: 'minilm', stack: null, heads: null, query: null, key: null, position: null, rows: null, cols: null });
  el.append(h('div.neuron-none', {},
    h('h2', {}, 'This model shows its attention weights only'),
    h('p', {}, h('b', {}, piece(ctx.model?.name ?? ctx.run.model)), ' computes attention in a way of its own. Its weights can be had, but not the queries, keys and values that they come from, so there are no steps to show.'),
    h('p', {}, 'Its weights are in the other views. For the steps, take a model whose attention is seen whole.'),
    h('button.button.primary', { type: 'button', onclick: change }, 'Use minilm for this text')));
  return { update() {}, hover() {}, destroy: () => el.replaceChildren() };
}
