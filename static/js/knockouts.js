// What can be taken out of a pass, as short texts: a list of them fits into a link, and two that are equal are the same.
// `head.decoder.17.4`, `layer.decoder.3`, `token.decoder.5`, `edge.decoder.17.4.9.3`, with * for every layer or head,
// and `drop` behind an edge whose share goes to no other key.

import { named } from './ticks.js';

/** @typedef {import('./answers_predictions.js').Edit} Edit */
/** @typedef {import('./types.js').Run} Run */

/** @type {Record<Edit['kind'], ('layer'|'head'|'query'|'key')[]>} */
const NAMES = { head: ['layer', 'head'], layer: ['layer'], token: ['key'], edge: ['layer', 'head', 'query', 'key'] };
/** How many the server takes at once. */
export const MOST = 64;
const SHAPE = /^(?:(?:head|edge|layer|token)\.(?:encoder|decoder|cross)(?:\.(?:\d{1,6}|\*))+(?:\.drop)?)$/;

/** @param {Edit} edit */
export function write(edit) {
  const places = NAMES[edit.kind].map((name) => edit[name] ?? '*');
  return [edit.kind, edit.stack, ...places, ...(edit.kind === 'edge' && edit.edge === 'drop' ? ['drop'] : [])].join('.');
}

/**
 * What a text says; null where it is none.
 * @param {string} text
 * @returns {Edit|null}
 */
export function read(text) {
  if (!SHAPE.test(text)) return null;
  const [kind, stack, ...places] = text.split('.');
  const names = NAMES[/** @type {Edit['kind']} */ (kind)];
  const drop = places.at(-1) === 'drop';
  if (drop) places.pop();
  if (places.length !== names.length || (drop && kind !== 'edge')) return null;
  /** @type {Edit} */
  const edit = { kind: /** @type {Edit['kind']} */ (kind), stack: /** @type {Edit['stack']} */ (stack) };
  for (const [i, name] of names.entries()) {
    if (places[i] !== '*') edit[name] = Number(places[i]);
    else if (kind !== 'edge' || name === 'query' || name === 'key') return null;
  }
  if (edit.head !== undefined && edit.layer === undefined) return null;
  if (kind === 'edge') edit.edge = drop ? 'drop' : 'resoftmax';
  return edit;
}

/** The list as the API takes it. @param {readonly string[]|null} texts @returns {Edit[]} */
export function readAll(texts) {
  return (texts ?? []).flatMap((text) => read(text) ?? []);
}

/**
 * Those of the list that name something in this run.
 * @param {readonly string[]|null} texts
 * @param {Run} run
 */
export function fitting(texts, run) {
  const kept = (texts ?? []).filter((text) => {
    const edit = read(text);
    const stack = edit && run.stacks.find(({ name }) => name === edit.stack);
    if (!edit || !stack) return false;
    const most = { layer: stack.layers, head: stack.heads, query: stack.rows, key: stack.cols };
    return NAMES[edit.kind].every((name) => (edit[name] ?? 0) < most[name]);
  });
  return kept.length ? kept : null;
}

/**
 * What does not outlive a change. Of Causes: another model has other heads and another vocabulary, another text other
 * places for its tokens and edges. Of Generate: what was written on another text.
 * @param {Readonly<import('./types.js').Selection>} state
 * @param {Partial<import('./types.js').Selection>} patch
 * @returns {Partial<import('./types.js').Selection>}
 */
export function outlived(state, patch) {
  const changes = (/** @type {'model'|'text'|'pair'|'target'|'masks'} */ name) => name in patch && patch[name] !== state[name];
  if (changes('model')) return { edits: null, against: null, prefix: null };
  const prefix = changes('masks') ? { prefix: null } : {};
  if (!(changes('text') || changes('pair') || changes('target'))) return prefix;
  const kept = state.edits?.filter((text) => /^(head|layer)\./.test(text)) ?? [];
  return { edits: kept.length ? kept : null, prefix: null };
}

/**
 * `edge to (13) → Mary (1), head 17.4`.
 * @param {Edit} edit
 * @param {Run} run
 */
export function inWords(edit, run) {
  const stack = run.stacks.length > 1 ? `, ${edit.stack}` : '';
  const rows = (edit.stack === 'encoder' ? run.tokens.encoder : run.tokens.decoder) ?? [];
  const cols = (edit.stack === 'decoder' ? run.tokens.decoder : run.tokens.encoder) ?? [];
  const [query, key] = [edit.query ?? 0, edit.key ?? 0];
  if (edit.kind === 'head') return `head ${edit.layer}.${edit.head}${stack}`;
  if (edit.kind === 'layer') return `attention of layer ${edit.layer}${stack}`;
  if (edit.kind === 'token') return `token ${named(cols[key], key)}${stack}`;
  const where = edit.layer === undefined ? 'every layer' : edit.head === undefined ? `layer ${edit.layer}, every head` : `head ${edit.layer}.${edit.head}`;
  return `edge ${named(rows[query], query)} → ${named(cols[key], key)}, ${where}${stack}${edit.edge === 'drop' ? ', dropped' : ''}`;
}
