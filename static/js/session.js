// Runs and answers, fetched when they are needed, kept for a while, and asked for again when the server has let go
// of the run.

import * as server from './api.js';
import { createCache } from './cache.js';

/** @typedef {import('./types.js').Run} Run */
/** @typedef {import('./types.js').RunRequest} RunRequest */
/** @typedef {import('./types.js').Needs} Needs */
/** @typedef {import('./types.js').Data} Data */
/** @typedef {Pick<typeof server, 'createRun'|'attention'|'logits'>} Api */

const RUNS = 16;
const ANSWERS = 48;

/** @param {Api} [api] */
export function createSession(api = server) {
  /** @type {ReturnType<typeof createCache<Run>>} */
  const runs = createCache(RUNS);
  /** @type {ReturnType<typeof createCache<any>>} */
  const answers = createCache(ANSWERS);

  /**
   * @param {RunRequest} request
   * @param {AbortSignal} signal
   * @returns {Promise<Run>}
   */
  async function run(request, signal) {
    const key = JSON.stringify([request.model, request.text, request.pair, request.target]);
    const known = runs.get(key) ?? await api.createRun(request, signal);
    runs.set(key, known);
    return known;
  }

  /**
   * @param {string} name
   * @param {any} params
   * @param {Run} of
   * @param {RunRequest} request what to post when the run has expired
   * @param {AbortSignal} signal
   */
  async function answer(name, params, of, request, signal) {
    const key = JSON.stringify([of.run, name, params]);
    const known = answers.get(key);
    if (known !== undefined) return known;
    /** @returns {Promise<unknown>} */
    const ask = () => (name === 'attention' ? api.attention(of.run, params, signal) : api.logits(of.run, params, signal));
    const value = await again(ask, request, signal);
    answers.set(key, value);
    return value;
  }

  /**
   * @template T
   * @param {() => Promise<T>} ask
   * @param {RunRequest} request
   * @param {AbortSignal} [signal]
   * @returns {Promise<T>}
   */
  async function again(ask, request, signal) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof server.ApiError) || error.problem.code !== 'run-expired') throw error;
      await api.createRun(request, signal);
      return ask();
    }
  }

  return {
    run,
    again,

    /**
     * The answers that a view needs, if all are here already.
     * @param {Needs} needs
     * @param {Run} of
     * @returns {Data|null}
     */
    peek(needs, of) {
      /** @type {Record<string, unknown>} */
      const data = {};
      for (const [name, params] of Object.entries(needs)) {
        data[name] = answers.get(JSON.stringify([of.run, name, params]));
        if (data[name] === undefined) return null;
      }
      return data;
    },

    /**
     * @param {Needs} needs
     * @param {Run} of
     * @param {RunRequest} request
     * @param {AbortSignal} signal
     * @returns {Promise<Data>}
     */
    async fetch(needs, of, request, signal) {
      const names = Object.entries(needs).filter(([, params]) => params);
      const values = await Promise.all(names.map(([name, params]) => answer(name, params, of, request, signal)));
      return Object.fromEntries(names.map(([name], i) => [name, values[i]]));
    },
  };
}
