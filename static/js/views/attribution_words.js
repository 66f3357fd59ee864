/** What attribution says: its parts in order, sums by kind, and a sentence. */

import { visible } from '../dom.js';
import { inCell } from './causes_words.js';

/** Less than this, of either sign, has no number in its cell. */
const BLANK = 0.005;

/** @typedef {import('../answers_predictions.js').AttributionData} AttributionData */
/** @typedef {{name: string, value: number, stack?: string, layer?: number, head?: number}} Part */

const sum = (/** @type {readonly number[]} */ values) => values.reduce((total, value) => total + value, 0);

/** Every part by itself, as it was answered. @param {AttributionData} data @returns {Part[]} */
export function partsOf(data) {
  const many = data.attention.length > 1;
  return [
    ...data.embedding.map(({ name, value }) => ({ name: `embedding of the ${name}`, value })),
    ...data.attention.flatMap(({ stack, heads, bias }) => {
      const of = many ? ` (${stack})` : '';
      return [
        ...heads.flatMap((row, layer) => row.map((value, head) => ({ name: `head ${layer}.${head}${of}`, value, stack, layer, head }))),
        ...bias.map((value, layer) => ({ name: `attention bias ${layer}${of}`, value, stack, layer })),
      ];
    }),
    ...data.mlp.map((value, layer) => ({ name: `MLP ${layer}`, value, layer })),
    ...data.mlp_bias.map((value, layer) => ({ name: `MLP bias ${layer}`, value, layer })),
    { name: 'bias of the last norm', value: data.norm_bias },
    { name: 'bias of the head', value: data.head_bias },
    { name: 'remainder', value: data.remainder },
  ];
}

/** The same summed by kind; kinds of which there is nothing are left out. @param {AttributionData} data @returns {Part[]} */
export function kindsOf(data) {
  const many = data.attention.length > 1;
  const biases = data.norm_bias + data.head_bias + sum(data.mlp_bias) + sum(data.attention.flatMap(({ bias }) => bias));
  return [
    ...data.embedding.map(({ name, value }) => ({ name: `embedding of the ${name}`, value })),
    ...data.attention.map(({ stack, heads }) => ({ name: many ? `heads (${stack})` : 'heads', value: sum(heads.flat()) })),
    { name: 'MLPs', value: sum(data.mlp) },
    ...(biases === 0 ? [] : [{ name: 'biases', value: biases }]),
  ];
}

/** The parts that weigh most. @param {AttributionData} data @param {number} count */
export function largestOf(data, count) {
  return partsOf(data).filter(({ name }) => name !== 'remainder').sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, count);
}

/** What is split. @param {AttributionData} data */
export function subject({ token, against }) {
  const word = `“${visible(token.text)}”`;
  return against ? `the logit of ${word} minus that of “${visible(against.text)}”` : `the logit of ${word}`;
}

/** A share as it stands in its cell; nothing where it is next to nothing. @param {number|null} value */
export function cellText(value) {
  return value === null || Math.abs(value) < BLANK ? '' : inCell(value, true);
}

/** What a cell without a number says; nothing where all have one. @param {readonly number[]} values of all cells */
export function blanks(values) {
  return values.some((value) => Math.abs(value) < BLANK) ? `A cell without a number wrote less than ${BLANK} either way.` : '';
}

/** What the parts lack of it, however little. @param {AttributionData} data */
export function remainder(data) {
  const size = Math.abs(data.remainder);
  return `The parts sum to ${data.parts.toFixed(4)}; the remainder is ${size === 0 ? '0' : `${data.remainder < 0 ? '−' : ''}${size.toExponential(1)}`}.`;
}

/** @param {AttributionData} data @returns {import('../types.js').Table} */
export function table(data) {
  return {
    columns: ['part', 'stack', 'layer', 'head', 'share'],
    rows: [...partsOf(data).map(({ name, stack, layer, head, value }) => [name, stack ?? null, layer ?? null, head ?? null, value]), ['total', null, null, null, data.total]],
  };
}
