// The only module that talks to the server. Every call can be aborted; every failure is an ApiError.

import { attentionPath, attributionPath, disagreementPath, editsPath, effectsPath, evidencePath, lensGridPath, lensPath, logitsPath, neuronPath, rolesPath, saliencyPath, surprisalPath } from './paths.js';
import { readSafetensors } from './safetensors.js';
import { readEvents } from './sse.js';

/** @typedef {import('./types.js').Run} Run */
/** @typedef {import('./types.js').Model} Model */
/** @typedef {import('./types.js').Problem} Problem */
/** @typedef {import('./answers_attention.js').AttentionParams} AttentionParams */
/** @typedef {import('./answers_attention.js').AttentionData} AttentionData */
/** @typedef {import('./answers_predictions.js').LogitsParams} LogitsParams */
/** @typedef {(stage: import('./types.js').Stage) => void} OnStage */
/** @typedef {import('./answers_predictions.js').WritingEvents} WritingEvents */

export const SAFETENSORS = 'application/vnd.safetensors';

/** A problem document, thrown. Nothing in it came from what was sent. */
export class ApiError extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(`${problem.title}: ${problem.detail}`);
    this.name = 'ApiError';
    this.problem = problem;
  }
}

/** Was this thrown because we stopped it ourselves? @param {unknown} error */
export function isAbort(error) {
  return error instanceof DOMException && error.name === 'AbortError';
}

/**
 * What to show of anything that was thrown.
 * @param {unknown} error
 * @returns {Problem}
 */
export function problemOf(error) {
  if (error instanceof ApiError) return error.problem;
  const detail = error instanceof Error ? error.message : String(error);
  return { title: 'Something went wrong in the page', status: 0, code: 'page', detail, hint: 'Reload the page; the link keeps what you see.' };
}

/** @param {AbortSignal} [signal] @returns {Promise<Model[]>} */
export async function listModels(signal) {
  return (await (await request('/api/models', { signal })).json()).models;
}

/**
 * @param {string} model
 * @param {OnStage} onStage
 * @param {AbortSignal} [signal]
 * @returns {Promise<Model>}
 */
export async function loadModel(model, onStage, signal) {
  const value = await follow('/api/models/load', { model }, onStage, signal);
  return value.model ?? value;
}

/**
 * Long work: tells its stages, or by their names the parts of what it makes, and gives what it ends in.
 * @param {string} path
 * @param {unknown} body
 * @param {(value: any, event: string) => void} [onStage]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function follow(path, body, onStage, signal) {
  const response = await request(path, { body, accept: 'text/event-stream', signal });
  if (response.body) {
    for await (const { event, data } of readEvents(response.body)) {
      const value = JSON.parse(data);
      if (event === 'ready') return value;
      if (event === 'error') throw new ApiError(value);
      onStage?.(value, event);
    }
  }
  signal?.throwIfAborted();
  throw new ApiError(LOST);
}

/**
 * A look that may be long: asked plainly first, and followed where the server says that it takes a while.
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @param {OnStage} [onStage]
 * @returns {Promise<any>}
 */
async function look(path, signal, onStage) {
  try {
    return await (await request(path, { signal })).json();
  } catch (error) {
    if (!(error instanceof ApiError) || error.problem.code !== 'needs-stream') throw error;
    return follow(path, {}, onStage, signal);
  }
}

/** @param {import('./types.js').RunRequest} wanted @param {AbortSignal} [signal] @returns {Promise<Run>} */
export async function createRun({ model, text, pair, target }, signal) {
  const body = { model, text, ...(pair === null ? {} : { pair }), ...(target === null ? {} : { target }) };
  return (await request('/api/runs', { body, signal })).json();
}

/**
 * @param {string} run
 * @param {AttentionParams} params
 * @param {AbortSignal} [signal]
 * @param {OnStage} [onStage] without it, what takes long is refused
 * @returns {Promise<AttentionData>}
 */
export async function attention(run, params, signal, onStage) {
  /** @type {ArrayBuffer} */
  let bytes;
  try {
    bytes = await (await request(attentionPath(run, params), { accept: SAFETENSORS, signal })).arrayBuffer();
  } catch (error) {
    if (!(error instanceof ApiError) || error.problem.code !== 'needs-stream' || !onStage) throw error;
    const { dtype: _, ...plain } = params;
    return followed(await follow(attentionPath(run, plain), {}, onStage, signal));
  }
  const arrived = performance.now();
  return { ...attentionData(bytes), arrived };
}

/**
 * Everything in the metadata is JSON in a string; u8 says how to get back to the numbers by `zero` and `scale`.
 * @param {ArrayBuffer} buffer
 * @returns {AttentionData}
 */
export function attentionData(buffer) {
  const { tensors, metadata } = readSafetensors(buffer);
  const tensor = tensors['values'];
  if (!tensor || tensor.shape.length !== 4) throw new Error('the answer holds no maps');
  /** @type {Record<string, any>} */
  const fields = {};
  for (const [name, text] of Object.entries(metadata)) fields[name] = JSON.parse(text);
  const { zero = 0, scale = tensor.dtype === 'U8' ? 1 / 255 : 1, ...meta } = fields;
  return {
    meta: /** @type {import('./answers_attention.js').AttentionMeta} */ (meta),
    values: /** @type {Float32Array|Uint8Array} */ (tensor.values),
    shape: /** @type {[number, number, number, number]} */ (tensor.shape),
    zero, scale,
  };
}

/**
 * The same answer as it comes at the end of a stream, in JSON; null is NaN.
 * @param {import('./answers_attention.js').AttentionMeta & {values: (number|null)[][][][]}} answer
 * @returns {AttentionData}
 */
export function followed({ values, ...meta }) {
  const flat = values.flat(3);
  const [heads, rows, cols] = [values[0].length, values[0][0].length, values[0][0][0].length];
  return { meta, values: Float32Array.from(flat, (value) => value ?? NaN), shape: [values.length, heads, rows, cols], zero: 0, scale: 1, followed: true };
}

/** @param {string} run @param {LogitsParams} params @param {AbortSignal} [signal] @returns {Promise<import('./answers_predictions.js').LogitsData>} */
export async function logits(run, params, signal) {
  return (await request(logitsPath(run, params), { signal })).json();
}

/** @param {string} run @param {import('./answers_attention.js').NeuronParams} params @param {AbortSignal} [signal] @returns {Promise<import('./answers_attention.js').NeuronData>} */
export async function neuron(run, params, signal) {
  return (await request(neuronPath(run, params), { signal })).json();
}

/** @param {{a: string, b: string, stack: string}} runs @param {AbortSignal} [signal] @returns {Promise<import('./answers_attention.js').Ranking>} */
export async function compare(runs, signal) {
  return (await request('/api/compare', { body: runs, signal })).json();
}

/**
 * @param {string} path of `GET /api/compare/map`
 * @param {AbortSignal} [signal]
 * @returns {Promise<NonNullable<import('./answers_attention.js').CompareData['difference']>>}
 */
export async function difference(path, signal) {
  const { meta, values, shape } = attentionData(await (await request(path, { accept: SAFETENSORS, signal })).arrayBuffer());
  return { meta: /** @type {any} */ (meta), values, shape };
}

/**
 * @param {string} run
 * @param {import('./answers_attention.js').RolesParams} params
 * @param {AbortSignal} [signal]
 * @param {OnStage} [onStage]
 * @returns {Promise<import('./answers_attention.js').RolesData>}
 */
export async function roles(run, { long = false, ...params }, signal, onStage) {
  return long ? follow(rolesPath(run, params), {}, onStage, signal) : look(rolesPath(run, params), signal, onStage);
}

/**
 * @param {string} run
 * @param {import('./answers_attention.js').DisagreementParams} params
 * @param {AbortSignal} [signal]
 * @param {OnStage} [onStage]
 * @returns {Promise<import('./answers_attention.js').DisagreementData>}
 */
export async function disagreement(run, params, signal, onStage) {
  return look(disagreementPath(run, params), signal, onStage);
}

/** @param {string} run @param {import('./answers_attention.js').EvidenceParams} params @param {AbortSignal} [signal] @returns {Promise<import('./answers_attention.js').EvidenceData>} */
export async function evidence(run, params, signal) {
  return (await request(evidencePath(run, params), { signal })).json();
}

/**
 * A text written step by step; each step is told as it comes.
 * @param {import('./answers_predictions.js').GenerateParams} asked
 * @param {WritingEvents} on
 * @param {AbortSignal} [signal]
 * @returns {Promise<import('./answers_predictions.js').Generated>}
 */
export async function generate(asked, on, signal) {
  return follow('/api/generate', asked, (value, event) => {
    if (event === 'start') on.start(value);
    else if (event === 'step') on.step(value);
  }, signal);
}

/** @param {string} run @param {import('./answers_predictions.js').EditsParams} body @param {AbortSignal} [signal] @returns {Promise<import('./answers_predictions.js').EditsData>} */
export async function edits(run, body, signal) {
  return (await request(editsPath(run), { body, signal })).json();
}

/**
 * @param {string} run
 * @param {import('./answers_predictions.js').EffectsParams} body
 * @param {AbortSignal} [signal]
 * @param {OnStage} [onStage] is told each layer's numbers as they come
 * @returns {Promise<import('./answers_predictions.js').EffectsData>}
 */
export async function effects(run, body, signal, onStage) {
  return follow(effectsPath(run), body, onStage, signal);
}

/**
 * @param {string} run
 * @param {AbortSignal} [signal]
 * @param {OnStage} [onStage]
 * @returns {Promise<import('./answers_predictions.js').SurprisalData>}
 */
export async function surprisal(run, signal, onStage) {
  return look(surprisalPath(run), signal, onStage);
}

/** @param {string} run @param {import('./answers_predictions.js').LensParams} params @param {AbortSignal} [signal] @returns {Promise<import('./answers_predictions.js').LensData>} */
export async function lens(run, params, signal) {
  return (await request(lensPath(run, params), { signal })).json();
}

/**
 * @param {string} run
 * @param {import('./answers_predictions.js').LensGridParams} params
 * @param {AbortSignal} [signal]
 * @param {OnStage} [onStage]
 * @returns {Promise<import('./answers_predictions.js').LensGridData>}
 */
export async function lensGrid(run, params, signal, onStage) {
  return look(lensGridPath(run, params), signal, onStage);
}

/** @param {string} run @param {import('./answers_predictions.js').AttributionParams} params @param {AbortSignal} [signal] @returns {Promise<import('./answers_predictions.js').AttributionData|import('./types.js').Refused>} */
export async function attribution(run, params, signal) {
  return orRefused(async () => (await request(attributionPath(run, params), { signal })).json());
}

/**
 * @param {string} run
 * @param {import('./answers_predictions.js').SaliencyParams} body
 * @param {AbortSignal} [signal]
 * @param {OnStage} [onStage]
 * @returns {Promise<import('./answers_predictions.js').SaliencyData|import('./types.js').Refused>}
 */
export async function saliency(run, body, signal, onStage) {
  return orRefused(() => follow(saliencyPath(run), body, onStage, signal));
}

/**
 * An answer, or why there is none: where a question does not apply, the view that asked says so itself.
 * @template T
 * @param {() => Promise<T>} ask
 * @returns {Promise<T|import('./types.js').Refused>}
 */
async function orRefused(ask) {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ApiError && error.problem.status === 422) return { problem: error.problem };
    throw error;
  }
}

/** A file to keep, in the format asked for. @param {string} path @param {string} accept @returns {Promise<Blob>} */
export async function download(path, accept) {
  return (await request(path, { accept })).blob();
}

/** @type {Problem} */
const LOST = {
  title: 'The server does not answer', status: 0, code: 'offline',
  detail: 'The connection was refused or broke off.', hint: 'See that the server is still running, then try again.',
};

/**
 * @param {string} path
 * @param {{body?: unknown, accept?: string, signal?: AbortSignal|undefined}} [options]
 * @returns {Promise<Response>}
 */
async function request(path, { body, accept = 'application/json', signal } = {}) {
  /** @type {Response} */
  let response;
  try {
    response = await fetch(path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { accept, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(LOST);
  }
  if (response.ok) return response;
  throw new ApiError(await readProblem(response));
}

/** @param {Response} response @returns {Promise<Problem>} */
async function readProblem(response) {
  const fallback = { title: 'The server could not answer', status: response.status, code: 'unknown', detail: `It said ${response.status}.`, hint: '' };
  try {
    return { ...fallback, ...(await response.json()) };
  } catch {
    return fallback;
  }
}
