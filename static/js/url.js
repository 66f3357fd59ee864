// The selection as a link. What is looked at goes in the query; what was written goes in the #fragment, which a
// browser never sends, so no text reaches a log.

import { MOST, read } from './knockouts.js';
import { MOST_MASKS, readMask } from './masks.js';
import { ROLES } from './roles.js';
import { LENSES } from './lenses.js';
import { DEFAULTS } from './store.js';

/** @typedef {import('./types.js').Selection} Selection */

/**
 * @typedef {object} Field
 * @property {string} name in the query
 * @property {(text: string) => any} read undefined: not valid, and left out
 * @property {(value: any) => string} [write]
 */

const index = (/** @type {string} */ text) => (/^\d{1,6}$/.test(text) ? Number(text) : undefined);
const oneOf = (/** @type {string[]} */ ...words) => (/** @type {string} */ text) => (words.includes(text) ? text : undefined);
const between = (/** @type {number} */ low, /** @type {number} */ high) => (/** @type {string} */ text) => {
  const value = text.trim() === '' ? NaN : Number(text);
  return value >= low && value <= high ? value : undefined;
};
const indexes = (/** @type {string} */ text) => (/^\d{1,4}(,\d{1,4})*$/.test(text) ? [...new Set(text.split(',').map(Number))] : undefined);
const span = (/** @type {string} */ text) => {
  const [from, to] = /^\d{1,6}:\d{1,6}$/.test(text) ? text.split(':').map(Number) : [0, 0];
  return from !== undefined && to !== undefined && from < to ? [from, to] : undefined;
};

const role = oneOf(...ROLES);

const lensList = (/** @type {string} */ text) => {
  const names = text.split(',');
  const known = LENSES.filter(({ id, heads }) => heads && names.includes(id)).map(({ id }) => id);
  return known.length === names.length && known.length > 1 ? known : undefined;
};

const maskList = (/** @type {string} */ text) => {
  const found = text.split(',');
  return found.length <= MOST_MASKS && found.every(readMask) ? found : undefined;
};

const editList = (/** @type {string} */ text) => {
  const found = [...new Set(text.split(','))].slice(0, MOST).filter((one) => read(one) !== null);
  return found.length ? found : undefined;
};

/** @type {Partial<Record<keyof Selection, Field>>} */
const FIELDS = {
  model: { name: 'model', read: (text) => (text.length <= 200 ? text : undefined) },
  view: { name: 'view', read: oneOf('heads', 'map', 'grid', 'roles', 'neuron', 'compare', 'lenses', 'tokens', 'next', 'surprisal', 'logit-lens', 'causes', 'generate', 'whatif', 'attribution', 'saliency') },
  masks: { name: 'masks', read: maskList, write: (masks) => masks.join(',') },
  stack: { name: 'stack', read: oneOf('encoder', 'decoder', 'cross') },
  layer: { name: 'layer', read: index },
  head: { name: 'head', read: index },
  heads: { name: 'heads', read: indexes, write: (heads) => heads.join(',') },
  query: { name: 'query', read: index },
  key: { name: 'key', read: index },
  lens: { name: 'lens', read: oneOf(...LENSES.map(({ id }) => id)) },
  group: { name: 'group', read: oneOf('token', 'word') },
  hideSpecial: { name: 'hide_special', read: (text) => (text === '1' ? true : undefined), write: () => '1' },
  hideSink: { name: 'hide_sink', read: (text) => (text === '1' ? true : undefined), write: () => '1' },
  least: { name: 'least', read: between(0, 1) },
  segments: { name: 'segments', read: oneOf('aa', 'ab', 'ba', 'bb') },
  lenses: { name: 'lenses', read: lensList, write: (lenses) => lenses.join(',') },
  temperature: { name: 'temperature', read: between(0, 100) },
  topK: { name: 'top_k', read: index },
  topP: { name: 'top_p', read: between(0, 1) },
  minP: { name: 'min_p', read: between(0, 1) },
  position: { name: 'position', read: index },
  rows: { name: 'rows', read: span, write: (rows) => rows.join(':') },
  cols: { name: 'cols', read: span, write: (cols) => cols.join(':') },
  scale: { name: 'scale', read: oneOf('sqrt', 'linear') },
  draw: { name: 'draw', read: index },
  measure: { name: 'measure', read: oneOf('nats', 'rank', 'entropy') },
  cellMeasure: { name: 'cells', read: oneOf('softmax', 'entropy', 'kl') },
  depth: { name: 'depth', read: index },
  writeSteps: { name: 'write', read: (text) => (/^\d{1,3}$/.test(text) ? between(1, 256)(text) : undefined) },
  gridColour: { name: 'colour', read: role },
  role: { name: 'role', read: role },
  roleX: { name: 'x', read: role },
  roleY: { name: 'y', read: role },
  sort: { name: 'sort', read: oneOf('head', ...ROLES, ...ROLES.map((one) => `${one}-up`)) },
  edits: { name: 'edits', read: editList, write: (edits) => edits.join(',') },
  ablation: { name: 'ablation', read: oneOf('zero', 'mean') },
  effect: { name: 'effect', read: oneOf('kl', 'change', 'difference') },
  against: { name: 'against', read: index },
  token: { name: 'token', read: index },
  method: { name: 'method', read: oneOf('gradient-x-input', 'integrated-gradients') },
  gradients: { name: 'gradients', read: (text) => (text === '128' || text === '512' ? Number(text) : undefined) },
  otherModel: { name: 'model_b', read: (text) => (text.length <= 200 && text ? text : undefined) },
  otherLayer: { name: 'layer_b', read: index },
  otherHead: { name: 'head_b', read: index },
};
/** In the fragment, by these names. */
const WRITTEN = /** @type {const} */ ({ text: 'text', pair: 'pair', target: 'target', search: 'search', otherText: 'text_b' });

/**
 * `?model=minilm&layer=3#text=The+animal`: only what is not the default.
 * @param {Readonly<Selection>} state
 * @returns {string}
 */
export function toUrl(state) {
  const query = new URLSearchParams();
  for (const [key, field] of Object.entries(FIELDS)) {
    const value = state[/** @type {keyof Selection} */ (key)];
    if (value === null || value === DEFAULTS[/** @type {keyof Selection} */ (key)]) continue;
    query.set(field.name, field.write ? field.write(value) : String(value));
  }
  const fragment = new URLSearchParams();
  for (const [name, field] of Object.entries(WRITTEN)) {
    const key = /** @type {keyof typeof WRITTEN} */ (name);
    const value = state[key];
    if (value !== DEFAULTS[key] && value !== null) fragment.set(field, value);
  }
  const [search, hash] = [query.toString(), fragment.toString()];
  return `/${search ? `?${search}` : ''}${hash ? `#${hash}` : ''}`;
}

/**
 * The parts of a link that are not taken as they are written; `read`: what a list was cut down to.
 * @param {string} search
 * @param {string} hash
 * @returns {{name: string, value: string, known: boolean, read: string|null}[]}
 */
export function misread(search, hash) {
  const fields = new Map(Object.values(FIELDS).map((field) => [field.name, field]));
  const written = new Set(/** @type {string[]} */ (Object.values(WRITTEN)));
  const parts = [...new URLSearchParams(search)].flatMap(([name, value]) => {
    const field = fields.get(name);
    const read = field?.read(value);
    if (field && read !== undefined && !Array.isArray(read)) return [];
    const again = Array.isArray(read) && field?.write ? field.write(read) : null;
    return again === value ? [] : [{ name, value, known: field !== undefined, read: again }];
  });
  const unknown = [...new URLSearchParams(hash.replace(/^#/, ''))].filter(([name]) => !written.has(name));
  return [...parts, ...unknown.map(([name, value]) => ({ name, value, known: false, read: null }))];
}

/** How a link writes it: its name and its value. @param {keyof Selection} key @param {any} value @returns {[string, string]} */
export function spelled(key, value) {
  const field = FIELDS[key];
  return [field?.name ?? key, value !== null && field?.write ? field.write(value) : String(value)];
}

/**
 * What a link says, over the defaults; what cannot be read is ignored, so an old or edited link still opens.
 * @param {string} search
 * @param {string} hash
 * @returns {Selection}
 */
export function fromUrl(search, hash) {
  const query = new URLSearchParams(search);
  const fragment = new URLSearchParams(hash.replace(/^#/, ''));
  /** @type {Record<string, unknown>} */
  const state = { ...DEFAULTS };
  for (const [key, field] of Object.entries(FIELDS)) {
    const text = query.get(field.name);
    const value = text === null ? undefined : field.read(text);
    if (value !== undefined) state[key] = value;
  }
  for (const [key, field] of Object.entries(WRITTEN)) state[key] = fragment.get(field) ?? DEFAULTS[/** @type {keyof Selection} */ (key)];
  return /** @type {Selection} */ (/** @type {unknown} */ (state));
}
