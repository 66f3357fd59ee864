// Two runs side by side: makes the other run, has the heads ranked, and fetches where one head differs.

import { ApiError } from './api.js';
import { predicting } from './masks.js';
import { query } from './paths.js';
import { partner, sameStep } from './partner.js';
import { stackOf } from './selection.js';

/** @typedef {import('./types.js').Run} Run */
/** @typedef {import('./types.js').RunRequest} RunRequest */
/** @typedef {import('./answers_attention.js').CompareData} CompareData */

/** Refusals that are about these two runs: an answer to the question, not a failure of the page. */
const REASONS = [404, 413, 422];

/**
 * @param {object} session
 * @param {import('./session.js').Api} session.api
 * @param {(request: RunRequest, signal: AbortSignal) => Promise<Run>} session.run
 * @param {(name: string, params: any, of: Run, request: RunRequest, signal: AbortSignal) => Promise<any>} session.answer
 * @param {<T>(ask: () => Promise<T>, requests: RunRequest[], signal: AbortSignal) => Promise<T>} session.again
 * @param {<T>(words: unknown[], make: () => Promise<T>) => Promise<T>} session.keep
 * @param {Run} a
 * @param {RunRequest} request what made it
 * @param {import('./answers_attention.js').CompareParams} params
 * @param {AbortSignal} signal
 * @returns {Promise<CompareData>}
 */
export async function comparison({ api, run, answer, again, keep }, a, request, params, signal) {
  const { other, stack, layer, head, size, logits = null, mask = null } = params;
  const both = [request, other];
  /** @type {Run|null} */
  let b = null;
  try {
    b = await run(other, signal);
    const runs = { a: a.run, b: b.run, stack };
    const ranking = await keep(['ranking', runs], () => again(() => api.compare(runs, signal), both, signal));
    const theirs = stackOf({ stack: ranking.stack_b }, b);
    const layerB = Math.min(params.layer_b ?? layer, theirs.layers - 1);
    const headB = Math.min(params.head_b ?? head, theirs.heads - 1);
    const path = `/api/compare/map${query({ ...runs, layer, head, layer_b: layerB, head_b: headB, size })}`;
    const [difference, attention] = await Promise.all([
      keep(['difference', path], () => again(() => api.difference(path, signal), both, signal)),
      answer('attention', { stack: theirs.name, layer: layerB, head: headB, lens: 'raw', dtype: 'f32', size, pool: 'max' }, b, other, signal),
    ]);
    const at = logits && placeIn(a, b, ranking, logits.position ?? null, mask);
    const after = at === null ? null : await answer('logits', { ...logits, position: at }, b, other, signal);
    return { run: b, problem: null, ranking, difference, attention, path, logits: after };
  } catch (error) {
    if (!(error instanceof ApiError) || !REASONS.includes(error.problem.status)) throw error;
    return { run: b, problem: error.problem, ranking: null, difference: null, attention: null, path: null, logits: null };
  }
}

/**
 * Where the other is asked for its prediction, so that both are asked at the same place.
 * @param {Run} a
 * @param {Run} b
 * @param {import('./answers_attention.js').Ranking} ranking
 * @param {number|null} chosen null: the last, or the first mask
 * @param {string|null} mask
 * @returns {number|null} null: there it predicts nothing
 */
function placeIn(a, b, { stack, units }, chosen, mask) {
  const [count, others] = [positionsOf(a), positionsOf(b)];
  const position = chosen ?? (a.tokens.decoder ? count - 1 : predicting(a, { mask })[0]?.index);
  if (position === undefined) return null;
  const ofText = stack === 'encoder' && a.tokens.decoder;
  const place = ofText ? sameStep(position, count, others) : partner(units, position, count, others);
  return predicting(b, { mask }).some(({ index }) => index === place) ? place : null;
}

/** @param {Run} run */
function positionsOf({ tokens }) {
  return (tokens.decoder ?? tokens.encoder ?? []).length;
}
