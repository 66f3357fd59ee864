// What an attention answer says of the tokens looked at: how strongly each is marked in the strip, and the number
// for the aside.

import { binOf, readMaps, weightAt } from './weights.js';

/** @typedef {import('./types.js').Selection} Selection */
/** @typedef {import('./types.js').Hover} Hover */
/** @typedef {import('./answers_attention.js').AttentionData} AttentionData */
/** @typedef {import('./weights.js').Maps} Maps */

/** @type {WeakMap<AttentionData, Map<number, Maps>>} */
const read = new WeakMap();

/**
 * The maps of one layer of an answer; read once for each answer and layer.
 * @param {AttentionData} data
 * @param {number} layer
 * @returns {Maps}
 */
export function mapsOf(data, layer) {
  const known = read.get(data) ?? new Map();
  read.set(data, known);
  const at = Math.max(0, data.meta.layers.indexOf(layer));
  if (!known.has(at)) {
    const [, heads, rows, cols] = data.shape;
    const size = heads * rows * cols;
    known.set(at, readMaps({ ...data, values: data.values.subarray(at * size, (at + 1) * size), shape: [1, heads, rows, cols] }));
  }
  return /** @type {Maps} */ (known.get(at));
}

/** @type {WeakMap<import('./answers_attention.js').NeuronData, AttentionData>} */
const rows = new WeakMap();

/**
 * The row of probabilities in a neuron answer, as an attention answer of one head and one query.
 * @param {import('./answers_attention.js').NeuronData} data
 * @returns {AttentionData}
 */
export function rowOf(data) {
  const known = rows.get(data);
  if (known) return known;
  const { run, stack, layer, head, query, probs, checks } = data;
  /** @type {AttentionData} */
  const row = {
    meta: {
      run, stack, lens: 'raw', layers: [layer], heads: [head], rows: [query, query + 1], cols: [0, probs.length],
      size: null, row_edges: null, col_edges: null, group: 'token', meaning: '', signed: false, bounded: true,
      sinks: null, hide: [], hidden_rows: [], hidden_cols: [], prediction: null, checks, warnings: [],
    },
    values: Float32Array.from(probs), shape: [1, 1, 1, probs.length], zero: 0, scale: 1,
  };
  rows.set(data, row);
  return row;
}

/**
 * What was tested on the answers that are drawn.
 * @param {import('./types.js').Data} data
 */
export function checksOf({ attention, logits, neuron, compare, roles, disagreement, edits, surprisal, lens, lensGrid, attribution, saliency }) {
  const compared = compare?.ranking ? [...compare.ranking.checks, ...compare.difference?.meta.checks ?? []] : null;
  const split = attribution ?? saliency;
  if (split) return 'problem' in split ? [] : split.checks;
  return compared ?? attention?.meta.checks ?? logits?.checks ?? neuron?.checks ?? roles?.checks ?? disagreement?.checks ?? edits?.checks ?? surprisal?.checks ?? (lensGrid ? [...lensGrid.checks, ...lens?.checks ?? []] : []);
}

/**
 * The pair of tokens that counts now: what is hovered, else what is pinned.
 * @param {Readonly<Selection>} state
 * @param {Readonly<Hover>} hover
 * @returns {Hover}
 */
export function focusOf(state, hover) {
  return { query: hover.query ?? state.query, key: hover.key ?? state.key };
}

/**
 * The heads whose mean is shown: those drawn together in Heads, else the one chosen.
 * @param {Readonly<Selection>} state
 * @param {Maps} maps
 */
export function headsShown(state, maps) {
  const wanted = state.view === 'heads' ? state.heads : [state.head];
  const shown = wanted ? maps.heads.filter((head) => wanted.includes(head)) : maps.heads;
  return shown.length ? shown : maps.heads;
}

/**
 * The weight between two tokens, mean over the heads that have a value; null where the answer holds none.
 * @param {Maps} maps
 * @param {readonly number[]} heads
 * @param {number} query
 * @param {number} key
 */
export function meanWeight(maps, heads, query, key) {
  let [sum, count] = [0, 0];
  for (const head of heads) {
    const weight = weightAt(maps, head, query, key);
    if (weight === null || Number.isNaN(weight)) continue;
    sum += weight;
    count += 1;
  }
  return count ? sum / count : null;
}

/**
 * One weight for each key of a query, or for each query of a key.
 * @param {Maps} maps
 * @param {readonly number[]} heads
 * @param {'query'|'key'} side what `item` is
 * @param {number} item
 * @returns {(number|null)[]}
 */
export function weightsOf(maps, heads, side, item) {
  const edges = side === 'query' ? maps.colEdges : maps.rowEdges;
  const weights = new Array(edges[edges.length - 1]).fill(null);
  for (let i = edges[0]; i < weights.length; i += 1) {
    weights[i] = side === 'query' ? meanWeight(maps, heads, item, i) : meanWeight(maps, heads, i, item);
  }
  return weights;
}

/**
 * How many tokens the bins of these edges have, at most.
 * @param {readonly number[]} edges
 */
export function blockSize(edges) {
  return edges.reduce((most, edge, i) => (i ? Math.max(most, edge - edges[i - 1]) : most), 1);
}

/**
 * How much each key receives: the mean of its column over the queries that have a value. A mean of bins would be none
 * of the weights, so of a pooled answer it is the weight furthest from zero in the key's bin, over all queries and heads.
 * @param {Maps} maps
 * @param {readonly number[]} heads
 * @returns {(number|null)[]}
 */
export function received(maps, heads) {
  const [rows, cols] = [maps.rowEdges.length - 1, maps.colEdges.length - 1];
  const [sums, counts, most] = [new Float64Array(cols), new Uint32Array(cols), new Float64Array(cols)];
  for (const head of heads) {
    const base = maps.heads.indexOf(head) * rows * cols;
    for (let r = 0; r < rows; r += 1) {
      for (let c = 0; c < cols; c += 1) {
        const value = maps.values[base + r * cols + c];
        if (Number.isNaN(value)) continue;
        sums[c] += value;
        counts[c] += 1;
        if (Math.abs(value) > Math.abs(most[c])) most[c] = value;
      }
    }
  }
  return Array.from({ length: maps.colEdges[cols] }, (_, key) => {
    const bin = binOf(maps.colEdges, key);
    return bin < 0 || counts[bin] === 0 ? null : maps.exact ? sums[bin] / counts[bin] : most[bin];
  });
}

/**
 * Over which queries the mean of exact maps is.
 * @param {Maps} maps
 * @param {number} count of queries there are
 */
export function onAverage({ rowEdges }, count) {
  return rowEdges[0] > 0 || rowEdges[rowEdges.length - 1] < count ? 'on average over the rows shown' : 'on average';
}

/**
 * The marks of the strip: a query's weights on the keys; without one, a key's weights from the queries; without
 * either, what each key receives. Null where nothing is said of that side.
 * @param {Maps} maps
 * @param {readonly number[]} heads
 * @param {Hover} focus
 * @returns {import('./types.js').StripColour}
 */
export function marks(maps, heads, { query, key }) {
  if (query !== null) return { rows: null, cols: weightsOf(maps, heads, 'query', query) };
  if (key !== null) return { rows: weightsOf(maps, heads, 'key', key), cols: null };
  return { rows: null, cols: received(maps, heads) };
}

/**
 * The indexes of the `count` furthest from zero, the furthest first.
 * @param {readonly (number|null)[]} values
 * @param {number} count
 */
export function largest(values, count) {
  return values.map((value, index) => ({ value: Math.abs(value ?? 0), index })).filter(({ value }) => value > 0)
    .sort((a, b) => b.value - a.value).slice(0, count).map(({ index }) => index);
}
