// Where the server answers what: the addresses that are asked, and shown to be asked by hand.

/** @param {string} run @param {import('./answers_attention.js').AttentionParams} params */
export function attentionPath(run, params) {
  return `/api/runs/${encodeURIComponent(run)}/attention${query(params)}`;
}

/** @param {string} run @param {import('./answers_predictions.js').LogitsParams} params */
export function logitsPath(run, params) {
  return `/api/runs/${encodeURIComponent(run)}/logits${query(params)}`;
}

/** @param {string} run */
export function surprisalPath(run) {
  return `/api/runs/${encodeURIComponent(run)}/surprisal`;
}

/** @param {string} run @param {import('./answers_predictions.js').LensParams} params */
export function lensPath(run, params) {
  return `/api/runs/${encodeURIComponent(run)}/lens${query(params)}`;
}

/** @param {string} run @param {import('./answers_predictions.js').LensGridParams} params */
export function lensGridPath(run, params) {
  return `/api/runs/${encodeURIComponent(run)}/lens/grid${query(params)}`;
}

/** @param {string} run @param {import('./answers_attention.js').NeuronParams} params */
export function neuronPath(run, params) {
  return `/api/runs/${encodeURIComponent(run)}/neuron${query(params)}`;
}

/** @param {string} run @param {import('./answers_attention.js').RolesParams} params */
export function rolesPath(run, params) {
  return `/api/runs/${encodeURIComponent(run)}/heads${query(params)}`;
}

/** @param {string} run @param {import('./answers_attention.js').DisagreementParams} params */
export function disagreementPath(run, params) {
  return `/api/runs/${encodeURIComponent(run)}/disagreement${query(params)}`;
}

/** @param {string} run @param {import('./answers_attention.js').EvidenceParams} params */
export function evidencePath(run, params) {
  return `/api/runs/${encodeURIComponent(run)}/heads/evidence${query(params)}`;
}

/** @param {string} run @param {import('./answers_predictions.js').AttributionParams} params */
export function attributionPath(run, params) {
  return `/api/runs/${encodeURIComponent(run)}/attribution${query(params)}`;
}

/** @param {string} run */
export function saliencyPath(run) {
  return `/api/runs/${encodeURIComponent(run)}/saliency`;
}

/** @param {string} run */
export function editsPath(run) {
  return `/api/runs/${encodeURIComponent(run)}/edits`;
}

/** @param {string} run */
export function effectsPath(run) {
  return `/api/runs/${encodeURIComponent(run)}/effects`;
}

/** Ranges are `a:b`; what is null or undefined is left out. @param {Record<string, unknown>} params */
export function query(params) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined || value === null) continue;
    search.set(name, Array.isArray(value) ? value.join(':') : String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : '';
}
