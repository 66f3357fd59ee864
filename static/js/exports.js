// Taking things away: files, the link, and the same question as a command line.

import { inName } from './hidden.js';
import { headOf } from './lenses.js';
import { attentionPath, logitsPath, neuronPath } from './paths.js';
import { hideOf } from './selection.js';

/** @typedef {import('./types.js').Selection} Selection */
/** @typedef {import('./types.js').Run} Run */
/** @typedef {import('./types.js').Needs} Needs */

/**
 * RFC 4180: fields with a comma, a quote or a line break are quoted; null is empty; numbers keep every digit.
 * A text that a spreadsheet would take for a formula, as a token may be, is put behind an apostrophe.
 * A table that is only a part says so in a line before.
 * @param {import('./types.js').Table} table
 */
export function toCsv({ columns, rows, note }) {
  const field = (/** @type {string|number|boolean|null} */ value) => {
    const plain = value === null ? '' : String(value);
    const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${plain}` : plain;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return (note ? `# ${note}\r\n` : '') + [columns, ...rows].map((row) => row.map(field).join(',')).join('\r\n') + '\r\n';
}

/**
 * A file name that says what is in the file: `headlight-minilm-encoder-layer3-head7.png`.
 * @param {Readonly<Selection>} state
 * @param {string} stack
 * @param {string} extension
 * @param {readonly [number, number]|null} [rows] only these
 */
export function fileName(state, stack, extension, rows = null) {
  const model = state.model.replaceAll(/[^A-Za-z0-9.]+/g, '-');
  const layer = `${stack}-layer${state.layer}`;
  const head = `${layer}-head${state.head}`;
  const where = { heads: layer, map: head, neuron: `neuron-${head}`, compare: `compare-${head}`, grid: `${stack}-grid`, roles: `${stack}-roles`, lenses: `${stack}-lenses`, tokens: 'tokens', next: 'next', surprisal: 'surprisal', 'logit-lens': 'logit-lens', causes: `${stack}-causes`, generate: 'generate', attribution: 'attribution', saliency: 'saliency', whatif: `${stack}-what-if` }[state.view];
  const sight = state.view === 'heads' || state.view === 'map' ? `${state.lens === 'raw' ? '' : `-${state.lens}`}${inName(state)}` : '';
  return `headlight-${model}-${where}${sight}${rows ? `-rows${rows[0]}-${rows[1] - 1}` : ''}.${extension}`;
}

/** Hands a file to the browser's downloads. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Where the page may not use the clipboard (plain http, another host), the old way. @param {string} text */
export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}

/** In single quotes nothing is special to a shell but the quote itself. @param {string} text */
export function shellQuote(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * The command that asks the API what the page shows. It makes the runs that it asks about first: those that are stored
 * cost nothing, and a server forgets them in time.
 * @param {import('./types.js').RunRequest} request
 * @param {Readonly<Selection>} state
 * @param {Run} run
 * @param {string} stack
 * @param {Needs} needs of the view
 * @param {string} origin
 * @param {{address?: string|null, posted?: {path: string, body: unknown}|null}} [own] where the view says that its numbers are
 */
export function toCurl(request, state, run, stack, needs, origin, { address = null, posted = null } = {}) {
  const made = [request, ...(needs.compare ? [needs.compare.other] : [])];
  const get = (/** @type {string} */ path) => withRuns(made, `curl -s ${shellQuote(origin + path)}`, origin);
  if (posted) {
    const command = postCurl(origin + posted.path, posted.body);
    return posted.path.startsWith('/api/runs/') ? withRuns(made, command, origin) : command;
  }
  if (address) return get(address);
  if (needs.neuron) return get(neuronPath(run.run, needs.neuron));
  if (needs.logits) return get(logitsPath(run.run, needs.logits));
  if (needs.attention?.position !== undefined) return get(attentionPath(run.run, needs.attention));
  /** @type {Record<string, unknown>} */
  const body = given(request);
  if (state.view === 'heads' || state.view === 'map') {
    Object.assign(body, { stack, layer: state.layer });
    if (state.view === 'map') Object.assign(body, headOf(state));
    if (state.lens !== 'raw') body.lens = state.lens;
    if (state.group !== 'token') body.group = state.group;
    const hide = hideOf(state);
    if (hide) body.hide = hide;
  }
  const path = state.view === 'tokens' ? (run.tokens.decoder && run.tokens.encoder ? '/api/runs' : '/api/tokenize') : '/api/attention';
  if (path === '/api/tokenize') delete body.target;
  return postCurl(origin + path, body);
}

/** @param {import('./types.js').RunRequest} request */
function given({ model, text, pair, target }) {
  return { model, text, ...(pair === null ? {} : { pair }), ...(target === null ? {} : { target }) };
}

/** @param {import('./types.js').RunRequest[]} requests @param {string} command @param {string} origin */
function withRuns(requests, command, origin) {
  return [...requests.map((request) => `${postCurl(`${origin}/api/runs`, given(request))} -o /dev/null`), command].join(' && ');
}

/** @param {string} address @param {unknown} body */
export function postCurl(address, body) {
  return `curl -s ${shellQuote(address)} -H 'content-type: application/json' -d ${shellQuote(JSON.stringify(body))}`;
}

/**
 * Where the numbers of the picture can be had exactly, as float32; null where it shows no maps.
 * @param {Run} run
 * @param {Needs} needs
 */
export function numbersPath(run, needs) {
  return needs.attention ? attentionPath(run.run, { ...needs.attention, dtype: 'f32' }) : null;
}
