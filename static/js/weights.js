/**
 * Reading an attention answer: what the weight of a head between two tokens is, which are worth drawing, where
 * a sink is. Rows are queries and columns are keys, counted from 0 in the whole run, also when the answer
 * holds only a part of it.
 */

/**
 * The maps of one layer. `values` is [heads][bins of rows][bins of columns]; a bin is one token unless pooled.
 * @typedef {object} Maps
 * @property {number[]} heads
 * @property {number[]} rowEdges first token of each bin of rows, and the end
 * @property {number[]} colEdges
 * @property {Float32Array} values
 * @property {boolean} exact one token a bin, or one word
 * @property {number} top the largest there can be: 1, or, of a lens without bounds, the largest there is
 * @property {boolean} signed values below zero speak against
 * @property {boolean} bounded within 0 and 1
 */

/**
 * @param {import('./answers_attention.js').AttentionData} answer with one layer; shape [1, H, R, C]
 * @returns {Maps}
 */
export function readMaps({ meta, values, shape, zero, scale }) {
  const [, count, height, width] = shape;
  const rowEdges = meta.row_edges ?? edges(meta.rows);
  const colEdges = meta.col_edges ?? edges(meta.cols);
  const floats = values instanceof Float32Array ? values : Float32Array.from(values, (v) => zero + scale * v);
  if (rowEdges.length !== height + 1 || colEdges.length !== width + 1 || floats.length !== count * height * width) {
    throw new Error(`invalid attention answer: shape ${shape} with ${rowEdges.length} row edges`);
  }
  const heads = meta.heads.length ? meta.heads : [0];
  const [rows, cols] = [rowEdges[height] - rowEdges[0], colEdges[width] - colEdges[0]];
  const { bounded = true, signed = false } = meta;
  const exact = meta.size === null || Math.max(height, width) < meta.size || (rows === height && cols === width);
  return { heads, rowEdges, colEdges, values: floats, exact, top: bounded ? 1 : furthest(floats), signed, bounded };
}

/** @param {Float32Array} values @returns {number} the largest distance from zero; 1 where all is zero or nothing */
function furthest(values) {
  let most = 0;
  for (const value of values) if (Math.abs(value) > most) most = Math.abs(value);
  return most || 1;
}

/** @param {readonly [number, number]} span @returns {number[]} every whole number from the first to the last */
function edges([from, to]) {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/**
 * The bin that holds a token, or -1.
 * @param {readonly number[]} at edges, rising
 * @param {number|null|undefined} index
 */
export function binOf(at, index) {
  if (index === null || index === undefined || index < at[0] || index >= at[at.length - 1]) return -1;
  let [low, high] = [0, at.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (at[middle] <= index) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * @param {Maps} maps
 * @param {number} head as the model counts it
 * @param {number|null} query
 * @param {number|null} key
 * @returns {number|null} the weight (of the bin, when pooled); null for what the answer does not hold
 */
export function weightAt(maps, head, query, key) {
  const [h, r, c] = [maps.heads.indexOf(head), binOf(maps.rowEdges, query), binOf(maps.colEdges, key)];
  if (h < 0 || r < 0 || c < 0) return null;
  return maps.values[(h * (maps.rowEdges.length - 1) + r) * (maps.colEdges.length - 1) + c];
}

/**
 * The weights worth drawing, in two orders: of each query from the strongest down, and of each key likewise.
 * Slot `h * rows + r` of `byQuery` (`h * cols + c` of `byKey`) holds entries `starts[slot]` .. `starts[slot + 1] - 1`,
 * `others` being the key (the query) and `weights` the weight.
 * @typedef {{starts: Int32Array, others: Int32Array, weights: Float32Array}} Order
 * @typedef {{maps: Maps, rows: number, cols: number, byQuery: Order, byKey: Order}} Index
 */

/**
 * @param {Maps} maps exact ones
 * @param {number} least weights nearer to zero are left out, as is what has no value
 * @returns {Index}
 */
export function index(maps, least) {
  const { values, heads, rowEdges, colEdges } = maps;
  const [rows, cols] = [rowEdges.length - 1, colEdges.length - 1];
  const byQuery = order(values, { heads: heads.length, outer: rows, inner: cols, outerStep: cols, innerStep: 1 }, least, colEdges[0]);
  const byKey = order(values, { heads: heads.length, outer: cols, inner: rows, outerStep: 1, innerStep: cols }, least, rowEdges[0]);
  return { maps, rows, cols, byQuery, byKey };
}

/**
 * @param {Float32Array} values
 * @param {{heads: number, outer: number, inner: number, outerStep: number, innerStep: number}} walk
 * @param {number} least
 * @param {number} shift added to the inner index
 * @returns {Order}
 */
function order(values, { heads, outer, inner, outerStep, innerStep }, least, shift) {
  const starts = new Int32Array(heads * outer + 1);
  /** @type {number[]} */
  const others = [];
  /** @type {number[]} */
  const weights = [];
  for (let slot = 0; slot < heads * outer; slot += 1) {
    const first = others.length;
    const base = Math.floor(slot / outer) * outer * inner + (slot % outer) * outerStep;
    for (let i = 0; i < inner; i += 1) {
      const value = values[base + i * innerStep];
      const strength = Math.abs(value);
      if (!(strength >= least)) continue;
      // insertion: few weights of a row are large enough, since they add up to 1
      let at = weights.length;
      for (; at > first && Math.abs(weights[at - 1]) < strength; at -= 1) {
        weights[at] = weights[at - 1];
        others[at] = others[at - 1];
      }
      weights[at] = value;
      others[at] = i + shift;
    }
    starts[slot + 1] = others.length;
  }
  return { starts, others: Int32Array.from(others), weights: Float32Array.from(weights) };
}

/**
 * Call `each(head, other, weight)` for the indexed weights of one query (or one key), head by head, strongest first.
 * @param {Index} of
 * @param {'query'|'key'} side
 * @param {number} item
 * @param {readonly number[]} heads as the model counts them
 * @param {(head: number, other: number, weight: number) => void} each
 * @param {number} [least] stop a head at the first weight below
 */
export function eachWeight(of, side, item, heads, each, least = 0) {
  const { starts, others, weights } = side === 'query' ? of.byQuery : of.byKey;
  const [size, first] = side === 'query' ? [of.rows, of.maps.rowEdges[0]] : [of.cols, of.maps.colEdges[0]];
  const at = item - first;
  if (at < 0 || at >= size) return;
  for (const head of heads) {
    const slot = of.maps.heads.indexOf(head) * size + at;
    if (slot < 0) continue;
    for (let e = starts[slot]; e < starts[slot + 1] && Math.abs(weights[e]) >= least; e += 1) each(head, others[e], weights[e]);
  }
}

/**
 * The key on which a head parks its attention, if it has one (Gu et al. 2024): the largest mean weight of a
 * key over the rows that can see it, among keys with at least 8 such rows, when above 0.3.
 * @param {Maps} maps exact, the whole map
 * @param {number} head
 * @param {boolean} causal rows before a key do not see it
 * @returns {{key: number, share: number}|null}
 */
export function sink(maps, head, causal) {
  const [rows, cols] = [maps.rowEdges.length - 1, maps.colEdges.length - 1];
  const h = maps.heads.indexOf(head);
  if (!maps.exact || h < 0) return null;
  let best = { key: -1, share: 0.3 };
  for (let key = 0; key < cols; key += 1) {
    const first = causal ? key : 0;
    if (rows - first < 8) continue;
    let sum = 0;
    for (let row = first; row < rows; row += 1) sum += maps.values[(h * rows + row) * cols + key];
    const share = sum / (rows - first);
    if (share > best.share) best = { key, share };
  }
  return best.key < 0 ? null : best;
}

/**
 * Is everything above the diagonal exactly zero or without a value, as in a causal map?
 * @param {Maps} maps
 */
export function isCausal({ heads, rowEdges, colEdges, values }) {
  const [rows, cols] = [rowEdges.length - 1, colEdges.length - 1];
  let above = 0;
  for (let h = 0; h < heads.length; h += 1) {
    for (let r = 0; r < rows; r += 1) {
      for (let c = binOf(colEdges, rowEdges[r + 1]); c >= 0 && c < cols; c += 1) {
        const value = values[(h * rows + r) * cols + c];
        if (value !== 0 && !Number.isNaN(value)) return false;
        above += 1;
      }
    }
  }
  return above > 0;
}
