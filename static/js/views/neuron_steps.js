/** The arithmetic of one query of one head, from the answer of the API: which key is meant, and every step to its share. */

import { digits, grouped } from '../format.js';

/** @typedef {import('../answers_attention.js').NeuronData} NeuronData */

/**
 * The token that looks: the one pinned; else the last where a token sees only those before it, else the first that
 * is not special.
 * @param {Readonly<import('../types.js').Selection>} state
 * @param {import('../types.js').Stack} stack
 * @param {readonly import('../types.js').Token[]} rows
 */
export function queryOf(state, stack, rows) {
  if (state.query !== null && state.query < stack.rows) return state.query;
  if (stack.name !== 'encoder') return stack.rows - 1;
  return Math.max(0, rows.findIndex(({ special }) => !special));
}

/** The key that gets most. @param {NeuronData} data */
export function strongest({ probs }) {
  let best = 0;
  probs.forEach((value, key) => { if (value > probs[best]) best = key; });
  return best;
}

/**
 * What softmax does: each key that is seen counts e^(what enters − the largest of it), and gets its part of the total.
 * @param {NeuronData} data
 * @returns {{largest: number, total: number, seen: number, count: (entering: number) => number}}
 */
export function softmaxOf({ entering, mask, sink_score: sink }) {
  const shown = entering.filter((_, key) => mask[key] === 1);
  const all = sink === null ? shown : [...shown, sink];
  const largest = all.length ? all.reduce((most, value) => Math.max(most, value), -Infinity) : 0;
  const count = (/** @type {number} */ value) => Math.exp(value - largest);
  return { largest, total: all.reduce((sum, value) => sum + count(value), 0), seen: shown.length, count };
}

/**
 * What there is to show in this answer; a step that does nothing is not shown.
 * @param {NeuronData} data
 */
export function shapes({ bias, mask, softcap, sink }) {
  const biased = bias.some((value) => value !== 0);
  return { biased, masked: mask.some((seen) => seen === 0), capped: softcap !== null, sink: sink !== null, enters: biased || softcap !== null };
}

/** @typedef {{sign: string, name: string, value: string, strong?: boolean}} Term `sign` stands before it */

/**
 * From the dot product to what enters the softmax.
 * @param {NeuronData} data
 * @param {number} key
 * @returns {Term[]}
 */
export function scoreTerms(data, key) {
  const { biased, capped, enters } = shapes(data);
  const score = data.scores[key];
  return [
    { sign: '', name: 'q·k', value: digits(score / data.scale) },
    { sign: '×', name: scaleName(data), value: digits(data.scale) },
    { sign: '=', name: 'score', value: digits(score), strong: !enters },
    ...(capped ? [{ sign: '→', name: `softcap ${digits(data.softcap)}`, value: digits(data.entering[key] - data.bias[key]) }] : []),
    ...(biased ? [{ sign: '+', name: 'position bias', value: digits(data.bias[key]) }] : []),
    ...(enters ? [{ sign: '=', name: 'enters softmax', value: digits(data.entering[key]), strong: true }] : []),
  ];
}

/** @param {NeuronData} data */
function scaleName({ scale, q }) {
  return Math.abs(scale * Math.sqrt(q.length) - 1) < 1e-6 ? `scale 1/√${q.length}` : 'scale';
}

/**
 * From there to the probability.
 * @param {NeuronData} data
 * @param {number} key
 * @returns {Term[]}
 */
export function shareTerms(data, key) {
  const { largest, total, count, seen } = softmaxOf(data);
  const counted = data.mask[key] === 1 ? count(data.entering[key]) : 0;
  const power = data.mask[key] === 1 ? `e^(${digits(data.entering[key])} − ${digits(largest)})`.replace('− −', '+ ') : 'hidden';
  return [
    { sign: '', name: power, value: digits(counted) },
    { sign: '÷', name: `sum over ${grouped(seen)} key${seen === 1 ? '' : 's'}${data.sink === null ? '' : ' and the sink'}`, value: digits(total) },
    { sign: '=', name: 'probability', value: digits(data.probs[key]), strong: true },
  ];
}

/**
 * The sum after each dimension; the last is the whole.
 * @param {readonly number[]} values
 */
export function running(values) {
  let sum = 0;
  return values.map((value) => (sum += value));
}

/**
 * Who shares the keys and values that this head reads.
 * @param {NeuronData} data
 * @param {number} heads of the stack
 * @param {number|null} kvHeads of the model; null: as many as heads
 */
export function sharing({ head, kv_head: kv }, heads, kvHeads) {
  const each = kvHeads ? heads / kvHeads : 1;
  if (each <= 1 || !Number.isInteger(each)) return 'Its keys and values are its own.';
  const group = Array.from({ length: each }, (_, i) => kv * each + i);
  const list = `${group.slice(0, -1).join(', ')} and ${group.at(-1)}`;
  return `Grouped queries: heads ${list} share key/value head ${kv}; head ${head} has queries of its own.`;
}

/**
 * How far these numbers are from the model's own, as the checks say.
 * @param {NeuronData} data
 */
export function trust({ checks }) {
  const of = (/** @type {string} */ name) => checks.find((check) => check.name === name);
  const [z, probs] = [of('z-equals-the-models'), of('probs-recomputed')];
  const says = [];
  if (z) {
    says.push(`Largest difference to the z that the model itself computed, in this layer: ${digits(z.value)} of its largest value${z.ok ? '' : ', which is too much'}.`);
  }
  if (probs) says.push(`The steps shown here, taken one by one, give the same probabilities to within ${digits(probs.value)}.`);
  return says.join(' ');
}
