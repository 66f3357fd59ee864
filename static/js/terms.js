// In what a view counts: tokens, or words. A view in words gets the run, the selection and the answers with words in
// the place of tokens, so that it need not know; what it says goes back in tokens, in which all the rest counts.

import { tokensOf } from './selection.js';
import { unitsOf } from './units.js';
import { binOf } from './weights.js';

/** @typedef {import('./types.js').Selection} Selection */
/** @typedef {import('./types.js').Run} Run */
/** @typedef {import('./types.js').Token} Token */
/** @typedef {import('./types.js').Hover} Hover */
/** @typedef {import('./types.js').Needs} Needs */
/** @typedef {import('./types.js').Data} Data */
/** @typedef {import('./answers_attention.js').AttentionData} AttentionData */
/** @typedef {import('./answers_attention.js').AttentionParams} AttentionParams */
/** @typedef {import('./types.js').Store} Store */

/**
 * @typedef {object} Terms
 * @property {Run} run
 * @property {{rows: Token[], cols: Token[]}} tokens of the stack
 * @property {Store} store
 * @property {(state: Readonly<Selection>) => Readonly<Selection>} state
 * @property {(hover: Readonly<Hover>) => Readonly<Hover>} hover
 * @property {(needs: Needs) => Needs} needs back in tokens
 * @property {(data: Data) => Data} data
 */

/**
 * @param {Run} run
 * @param {{rows: Token[], cols: Token[]}} tokens
 * @param {Store} store
 * @returns {Terms}
 */
export function tokenTerms(run, tokens, store) {
  return { run, tokens, store, state: (state) => state, hover: (hover) => hover, needs: (needs) => needs, data: (data) => data };
}

/**
 * @param {Run} run
 * @param {{rows: Token[], cols: Token[]}} tokens
 * @param {Store} store
 * @returns {Terms}
 */
export function wordTerms(run, tokens, store) {
  const [rows, cols] = [unitsOf(tokens.rows), unitsOf(tokens.cols)];
  const wordRun = runInWords(run);
  /** @type {(edges: number[], index: number|null) => number|null} */
  const unit = (edges, index) => (index === null || binOf(edges, index) < 0 ? null : binOf(edges, index));
  /** @type {(edges: number[], span: [number, number]|null) => [number, number]|null} */
  const unitSpan = (edges, span) => (span && span[1] <= edges[edges.length - 1] ? [binOf(edges, span[0]), binOf(edges, span[1] - 1) + 1] : null);
  /** @type {(edges: number[], span: [number, number]) => [number, number]} */
  const tokenSpan = (edges, [from, to]) => [edges[from], edges[to]];

  /** @param {Readonly<Selection>} state @returns {Readonly<Selection>} */
  const state = (state) => ({
    ...state, query: unit(rows.edges, state.query), key: unit(cols.edges, state.key),
    rows: unitSpan(rows.edges, state.rows), cols: unitSpan(cols.edges, state.cols),
  });
  /** @param {Readonly<Hover>} at @returns {Hover} */
  const hover = (at) => ({ query: unit(rows.edges, at.query), key: unit(cols.edges, at.key) });

  /** @template {Partial<Hover>} P @param {P} at @returns {P} */
  const back = (at) => {
    const patch = { ...at };
    if (typeof at.query === 'number') patch.query = rows.edges[at.query];
    if (typeof at.key === 'number') patch.key = cols.edges[at.key];
    return patch;
  };
  /** @param {Partial<Selection>} at @returns {Partial<Selection>} */
  const backState = (at) => ({
    ...back(at), ...(at.rows ? { rows: tokenSpan(rows.edges, at.rows) } : {}), ...(at.cols ? { cols: tokenSpan(cols.edges, at.cols) } : {}),
  });

  /** @type {WeakMap<AttentionData, AttentionData>} */
  const read = new WeakMap();
  /** @param {AttentionData} answer @returns {AttentionData} */
  const inWords = (answer) => {
    const before = read.get(answer);
    if (before) return before;
    const { meta } = answer;
    const units = (/** @type {number[]} */ edges, /** @type {[number, number]} */ [from, to], /** @type {number[]|null} */ at) => (
      at ?? Array.from({ length: to - from + 1 }, (_, i) => from + i)).map((token) => (token >= edges[edges.length - 1] ? edges.length - 1 : binOf(edges, token)));
    const [rowEdges, colEdges] = [units(rows.edges, meta.rows, meta.row_edges), units(cols.edges, meta.cols, meta.col_edges)];
    const made = {
      ...answer,
      meta: {
        ...meta, row_edges: rowEdges, col_edges: colEdges,
        rows: /** @type {[number, number]} */ ([rowEdges[0], rowEdges[rowEdges.length - 1]]), cols: /** @type {[number, number]} */ ([colEdges[0], colEdges[colEdges.length - 1]]),
        hidden_rows: [...new Set(meta.hidden_rows.map((i) => binOf(rows.edges, i)))], hidden_cols: [...new Set(meta.hidden_cols.map((i) => binOf(cols.edges, i)))],
        sinks: meta.sinks?.map((heads) => heads.map((key) => unit(cols.edges, key))) ?? null,
      },
    };
    read.set(answer, made);
    return made;
  };

  return {
    run: wordRun, tokens: { rows: rows.items, cols: cols.items }, state, hover,
    store: {
      get: () => state(store.get()),
      set: (patch) => store.set(backState(patch)),
      subscribe: (listener) => store.subscribe((now, changed) => listener(state(now), changed)),
      get hover() { return hover(store.hover); },
      setHover: (at) => store.setHover(back(at)),
      subscribeHover: (listener) => store.subscribeHover((at) => listener(hover(at))),
    },
    needs({ attention, ...rest }) {
      if (!attention) return rest;
      /** @type {AttentionParams} */
      const params = { ...attention, group: 'word' };
      if (attention.rows) params.rows = tokenSpan(rows.edges, attention.rows);
      if (attention.cols) params.cols = tokenSpan(cols.edges, attention.cols);
      return { ...rest, attention: params };
    },
    data: (data) => (data.attention ? { ...data, attention: inWords(data.attention) } : data),
  };
}

/** @param {Run} run @returns {Run} */
function runInWords(run) {
  /** @type {Run['tokens']} */
  const tokens = {};
  for (const name of /** @type {const} */ (['encoder', 'decoder'])) {
    const items = run.tokens[name];
    if (items) tokens[name] = unitsOf(items).items;
  }
  const inWords = { ...run, tokens };
  return { ...inWords, stacks: run.stacks.map((stack) => {
    const { rows, cols } = tokensOf(stack, inWords);
    return { ...stack, rows: rows.length, cols: cols.length };
  }) };
}
