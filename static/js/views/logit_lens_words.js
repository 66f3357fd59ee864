/** What the logit lens says in words, and its table. */

import { visible } from '../dom.js';
import { digits } from '../format.js';
import { named, shorten, weight } from '../ticks.js';

/**
 * @typedef {import('../answers_predictions.js').LensGridData} LensGridData
 * @typedef {import('../answers_predictions.js').LensData} LensData
 * @typedef {import('../types.js').Token} Token
 * @typedef {import('../types.js').Selection['cellMeasure']} Measure
 */

/** @type {Record<Measure, {title: string, scale: string}>} */
export const MEASURES = {
  softmax: { title: 'probability', scale: 'probability of the likeliest' },
  entropy: { title: 'entropy', scale: 'entropy, nats' },
  kl: { title: 'KL to the end', scale: 'KL from the model’s prediction, nats, by its square root' },
};

/** Columns shown at once, and how many tokens are still shown together. */
export const WINDOW = 24;
const TOGETHER = 28;

/**
 * The positions that are shown with this one: all of a short text, else a window of it.
 * @param {number} position
 * @param {number} count
 * @returns {[number, number]}
 */
export function windowOf(position, count) {
  if (count <= TOGETHER) return [0, count];
  const start = Math.floor(position / WINDOW) * WINDOW;
  return [start, Math.min(start + WINDOW, count)];
}

/**
 * The position that is open. Encoders can be asked anywhere, so there the pinned token is it, or the first mask or word.
 * @param {Readonly<import('../types.js').Selection>} state
 * @param {import('../types.js').Run} run
 * @param {import('../types.js').Model|null} model
 */
export function placeOf(state, run, model) {
  const { encoder, decoder } = run.tokens;
  if (decoder) return Math.min(state.position ?? decoder.length - 1, decoder.length - 1);
  const list = encoder ?? [];
  const mask = list.findIndex(({ text }) => text === model?.mask);
  const first = mask < 0 ? list.findIndex(({ special }) => !special) : mask;
  return Math.min(state.query ?? Math.max(first, 0), list.length - 1);
}

/** @param {number} layer how many lie below */
export function rowName(layer) {
  return layer === 0 ? 'emb' : String(layer - 1);
}

/** @param {number} layer how many lie below */
export function rowTitle(layer) {
  return layer === 0 ? 'the embeddings' : `after layer ${layer - 1}`;
}

/** @param {LensGridData} grid @param {Measure} measure @returns {(number|null)[][]} */
export function valuesOf(grid, measure) {
  return measure === 'kl' ? grid.kl_to_final : grid[measure];
}

/** @param {LensGridData} grid @param {Measure} measure */
export function largest(grid, measure) {
  if (measure === 'softmax') return 1;
  return Math.max(1e-6, ...valuesOf(grid, measure).flat().map((value) => value ?? 0));
}

/**
 * How bright a cell is, 0 to 1. A few divergences are far larger than the rest, so these go by their square root.
 * @param {number|null|undefined} value
 * @param {number} most
 * @param {Measure} measure
 */
export function brightness(value, most, measure) {
  const share = (value ?? 0) / most;
  return measure === 'kl' ? Math.sqrt(Math.max(share, 0)) : share;
}

/**
 * One cell as a sentence.
 * @param {LensGridData} grid
 * @param {number} layer
 * @param {number} position
 * @param {readonly Token[]} tokens
 */
export function cellWords(grid, layer, position, tokens) {
  const at = position - grid.positions[0];
  const text = shorten(visible(grid.texts[layer]?.[at] ?? ''), 24);
  return `${rowTitle(layer)}, at ${named(tokens[position], position)}: ${text} ${weight(grid.softmax[layer]?.[at])}, entropy ${digits(grid.entropy[layer]?.[at])}, KL ${digits(grid.kl_to_final[layer]?.[at])} nats`;
}

/** @param {LensGridData} grid @param {readonly Token[]} tokens @returns {import('../types.js').Table} */
export function table(grid, tokens) {
  const [from, to] = grid.positions;
  const rows = [];
  for (const layer of grid.layers) {
    for (let position = from; position < to; position += 1) {
      const at = position - from;
      rows.push([layer, position, tokens[position]?.text ?? '', grid.top[layer][at], grid.texts[layer][at], grid.softmax[layer][at], grid.entropy[layer][at], grid.kl_to_final[layer][at]]);
    }
  }
  return { columns: ['layers below', 'position', 'token', 'likeliest id', 'likeliest', 'softmax', 'entropy', 'kl to final'], rows };
}
