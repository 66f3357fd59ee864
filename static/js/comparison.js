// Two runs side by side: makes the other run, has the heads ranked, and fetches where one head differs.

import { ApiError } from './api.js';
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
    const position = logits?.position ?? null;
    const ofText = ranking.stack === 'encoder' && a.tokens.decoder;
    const at = ofText ? sameStep(position, positionsOf(a), positionsOf(b)) : partner(ranking.units, position, positionsOf(a));
    const after = logits && predicts(b, mask) ? await answer('logits', { ...without(logits), ...(at === null ? {} : { position: at }) }, b, other, signal) : null;
    return { run: b, problem: null, ranking, difference, attention, path, logits: after };
  } catch (error) {
    if (!(error instanceof ApiError) || !REASONS.includes(error.problem.status)) throw error;
    return { run: b, problem: error.problem, ranking: null, difference: null, attention: null, path: null, logits: null };
  }
}

/** @param {Run} run */
function positionsOf({ tokens }) {
  return (tokens.decoder ?? tokens.encoder ?? []).length;
}

/** @param {import('./answers_predictions.js').LogitsParams} params */
function without({ position: _, ...rest }) {
  return rest;
}

/** A masked model predicts where there is a mask. @param {Run} run @param {string|null} mask */
function predicts({ tokens }, mask) {
  return mask === null || Boolean(tokens.decoder) || (tokens.encoder ?? []).some(({ text }) => text === mask);
}
