/** What saliency says: its scores by token, and whether they add up. */

import { visible } from '../dom.js';
import { signed } from './parts.js';

/** @typedef {import('../answers_predictions.js').SaliencyData} SaliencyData */

export const METHODS = /** @type {const} */ ({
  'gradient-x-input': 'Gradient × input',
  'integrated-gradients': 'Integrated gradients',
});

/** What the scores are about. @param {SaliencyData} data */
export function subject({ text, against_text: other }) {
  return other === null ? `ln p(“${visible(text)}”)` : `the logit of “${visible(text)}” minus that of “${visible(other)}”`;
}

/** Were there too few gradients for the scores to add up? @param {SaliencyData} data */
export function short({ checks }) {
  return checks.some(({ name, ok }) => name === 'scores-sum-to-the-change' && !ok);
}

/** Do they add up? @param {SaliencyData} data */
export function adds(data) {
  const change = data.value - data.baseline;
  const found = `The scores sum to ${signed(data.total)}`;
  if (data.method === 'gradient-x-input') {
    return `${found}; on the way from embeddings of zero to the text, ${subject(data)} changes by ${signed(change)}. The two need not agree: a gradient knows its surroundings only. Integrated gradients add up, where enough steps are taken, and the view says whether they do.`;
  }
  if (short(data)) {
    return `${data.steps} gradients were not enough: the scores sum to ${signed(data.total)}, and on the way from average embeddings to the text, ${subject(data)} changes by ${signed(change)}. Read them as a rough guide only.`;
  }
  return `${found}; on the way from average embeddings to the text, ${subject(data)} changes by ${signed(change)}. What is missing between them is ${signed(data.gap)}, after ${data.steps} gradients.`;
}

/**
 * @param {SaliencyData} data
 * @param {import('../types.js').Run} run
 * @returns {import('../types.js').Table}
 */
export function table(data, run) {
  return {
    columns: ['input', 'position', 'token', 'score'],
    rows: Object.entries(data.tokens).flatMap(([name, scores]) => scores.map((score, i) => (
      [name, i, run.tokens[/** @type {'encoder'|'decoder'} */ (name)]?.[i]?.display ?? '', score]))),
  };
}
