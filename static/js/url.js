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

/** More ids that were written than this are not taken from a link. */
export const MOST_PREFIX = 4096;
const idList = (/** @type {string} */ text) => {
  const ids = text.split(',');
  return ids.length <= MOST_PREFIX && ids.every((id) => /^\d{1,7}$/.test(id)) ? ids.map(Number) : undefined;
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
const words = (/** @type {string} */ text) => text;

/** In the fragment: what is written in words, or can be read back to them. @type {Partial<Record<keyof Selection, Field>>} */
const WRITTEN = {
  text: { name: 'text', read: words },
  pair: { name: 'pair', read: words },
  target: { name: 'target', read: words },
  search: { name: 'search', read: words },
  otherText: { name: 'text_b', read: words },
  prefix: { name: 'prefix', read: idList, write: (ids) => ids.join(',') },
};

/**
 * `?model=minilm&layer=3#text=The+animal`: only what is not the default.
 * @param {Readonly<Selection>} state
 * @returns {string}
 */
export function toUrl(state) {
  const [search, hash] = [FIELDS, WRITTEN].map((fields) => {
    const parts = new URLSearchParams();
    for (const [key, field] of Object.entries(fields)) {
      const value = state[/** @type {keyof Selection} */ (key)];
      if (value === null || value === DEFAULTS[/** @type {keyof Selection} */ (key)]) continue;
      parts.set(field.name, field.write ? field.write(value) : String(value));
    }
    return parts.toString();
  });
  return `/${search ? `?${search}` : ''}${hash ? `#${hash}` : ''}`;
}

/** The two parts of a link, each with its fields. @param {string} search @param {string} hash @returns {[URLSearchParams, Partial<Record<keyof Selection, Field>>][]} */
function halves(search, hash) {
  return [[new URLSearchParams(search), FIELDS], [new URLSearchParams(hash.replace(/^#/, '')), WRITTEN]];
}

/**
 * The parts of a link that are not taken as they are written; `read`: what a list was cut down to.
 * @param {string} search
 * @param {string} hash
 * @returns {{name: string, value: string, known: boolean, read: string|null}[]}
 */
export function misread(search, hash) {
  return halves(search, hash).flatMap(([parts, fields]) => [...parts].flatMap(([name, value]) => {
    const field = Object.values(fields).find((one) => one.name === name);
    const read = field?.read(value);
    if (field && read !== undefined && !Array.isArray(read)) return [];
    const again = Array.isArray(read) && field?.write ? field.write(read) : null;
    return again === value ? [] : [{ name, value, known: field !== undefined, read: again }];
  }));
}

/** How a link writes it: its name and its value. @param {keyof Selection} key @param {any} value @returns {[string, string]} */
export function spelled(key, value) {
  const field = FIELDS[key] ?? WRITTEN[key];
  return [field?.name ?? key, value !== null && field?.write ? field.write(value) : String(value)];
}

/**
 * What a link says, over the defaults; what cannot be read is ignored, so an old or edited link still opens.
 * @param {string} search
 * @param {string} hash
 * @returns {Selection}
 */
export function fromUrl(search, hash) {
  /** @type {Record<string, unknown>} */
  const state = { ...DEFAULTS };
  for (const [parts, fields] of halves(search, hash)) {
    for (const [key, field] of Object.entries(fields)) {
      const text = parts.get(field.name);
      const value = text === null ? undefined : field.read(text);
      if (value !== undefined) state[key] = value;
    }
  }
  return /** @type {Selection} */ (/** @type {unknown} */ (state));
}
