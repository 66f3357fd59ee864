// Runs and answers, fetched when they are needed, kept for a while, and asked for again when the server has let go
// of the run.

import * as server from './api.js';
import { createCache } from './cache.js';
import { comparison } from './comparison.js';

/** @typedef {import('./types.js').Run} Run */
/** @typedef {import('./types.js').RunRequest} RunRequest */
/** @typedef {import('./types.js').Needs} Needs */
/** @typedef {import('./types.js').Data} Data */
/** @typedef {Pick<typeof server, 'createRun'|'attention'|'logits'|'neuron'|'compare'|'difference'|'roles'|'evidence'|'disagreement'|'edits'|'effects'|'surprisal'|'lens'|'lensGrid'|'attribution'|'saliency'>} Api */
/** @typedef {(stage: import('./types.js').Stage) => void} OnStage */

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
   * @param {OnStage} [onStage]
   */
  async function answer(name, params, of, request, signal, onStage) {
    return keep([of.run, name, params], () => (name === 'compare'
      ? comparison({ api, run, answer, again, keep }, of, request, params, signal)
      : again(() => ask(name, params, of, signal, onStage), request, signal)));
  }

  /**
   * What is known under that key, or what is made now. A refusal is not kept: what was refused may be had later.
   * @template T
   * @param {unknown[]} words
   * @param {() => Promise<T>} make
   * @returns {Promise<T>}
   */
  async function keep(words, make) {
    const key = JSON.stringify(words);
    const known = answers.get(key);
    if (known !== undefined) return known;
    const value = await make();
    if (!value || typeof value !== 'object' || !('problem' in value) || !value.problem) answers.set(key, value);
    return value;
  }

  /**
   * @param {string} name
   * @param {any} params
   * @param {Run} of
   * @param {AbortSignal} signal
   * @param {OnStage} [onStage]
   * @returns {Promise<unknown>}
   */
  function ask(name, params, of, signal, onStage) {
    if (name === 'roles') return api.roles(of.run, params, signal, onStage);
    if (name === 'disagreement') return api.disagreement(of.run, params, signal, onStage);
    if (name === 'edits') return api.edits(of.run, params, signal);
    if (name === 'effects') return api.effects(of.run, params, signal, onStage);
    if (name === 'surprisal') return api.surprisal(of.run, signal, onStage);
    if (name === 'lens') return api.lens(of.run, params, signal);
    if (name === 'lensGrid') return api.lensGrid(of.run, params, signal, onStage);
    if (name === 'attribution') return api.attribution(of.run, params, signal);
    if (name === 'saliency') return api.saliency(of.run, params, signal, onStage);
    if (name === 'evidence') return api.evidence(of.run, params, signal);
    if (name === 'attention') return api.attention(of.run, params, signal, onStage);
    return name === 'neuron' ? api.neuron(of.run, params, signal) : api.logits(of.run, params, signal);
  }

  /**
   * @template T
   * @param {() => Promise<T>} ask
   * @param {RunRequest|RunRequest[]} requests what makes the runs that are asked about
   * @param {AbortSignal} [signal]
   * @returns {Promise<T>}
   */
  async function again(ask, requests, signal) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof server.ApiError) || error.problem.code !== 'run-expired') throw error;
      for (const request of [requests].flat()) await api.createRun(request, signal);
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
     * @param {OnStage} [onStage] is told how far long work is
     * @returns {Promise<Data>}
     */
    async fetch(needs, of, request, signal, onStage) {
      const names = Object.entries(needs).filter(([, params]) => params);
      const values = await Promise.all(names.map(([name, params]) => answer(name, params, of, request, signal, onStage)));
      return Object.fromEntries(names.map(([name], i) => [name, values[i]]));
    },
  };
}
