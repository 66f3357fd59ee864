/** The maps of all heads, as they came: bytes, by layer and head. What is strongest in one of them. */

/**
 * @typedef {import('../answers_attention.js').AttentionData} AttentionData
 * @typedef {import('./grid_layout.js').Head} Head
 *
 * @typedef {object} Maps
 * @property {AttentionData} data
 * @property {number} rows of bins
 * @property {number} cols
 * @property {number[]} rowEdges tokens between which each bin lies
 * @property {number[]} colEdges
 * @property {boolean} exact a bin is one token
 * @property {boolean} causal no token looks at a later one
 * @property {number} heads maps of a layer
 */

/** @param {AttentionData} data with all layers @returns {Maps} */
export function mapsOf(data) {
  const { meta, shape: [, heads, rows, cols] } = data;
  const rowEdges = meta.row_edges ?? steps(meta.rows);
  const colEdges = meta.col_edges ?? steps(meta.cols);
  const exact = rows === meta.rows[1] - meta.rows[0] && cols === meta.cols[1] - meta.cols[0];
  return { data, heads, rows, cols, rowEdges, colEdges, exact, causal: meta.stack === 'decoder' };
}

/** @param {readonly [number, number]} span */
function steps([from, to]) {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/**
 * The bytes of a head, row by row.
 * @param {Maps} maps
 * @param {Head} of
 */
export function bytesOf({ data, heads, rows, cols }, { layer, head }) {
  const size = rows * cols;
  const at = (layer * heads + head) * size;
  return data.values.subarray(at, at + size);
}

/** Can a query of this bin see a key of that one? @param {Maps} maps @param {number} r @param {number} c */
export function visible({ causal, rowEdges, colEdges }, r, c) {
  return !causal || colEdges[c] < rowEdges[r + 1];
}

/**
 * @typedef {object} Peak the strongest bin of a head
 * @property {[number, number]} rows tokens
 * @property {[number, number]} cols
 * @property {number} weight to the nearest byte
 */

/**
 * The strongest bin. A query that sees one key only says nothing by it, so the first of a causal map is left out.
 * @param {Maps} maps
 * @param {Head} of
 * @returns {Peak}
 */
export function peak(maps, of) {
  const { rows, cols, rowEdges, colEdges, data } = maps;
  const bytes = bytesOf(maps, of);
  const zero = -data.zero / data.scale;
  let [best, at] = [-1, 0];
  for (let i = skipped(maps) * cols; i < rows * cols; i += 1) {
    const size = Math.abs(bytes[i] - zero);
    if (size > best) [best, at] = [size, i];
  }
  const [r, c] = [Math.floor(at / cols), at % cols];
  return { rows: [rowEdges[r], rowEdges[r + 1]], cols: [colEdges[c], colEdges[c + 1]], weight: data.zero + data.scale * bytes[at] };
}

/** How many of the first rows are left out. @param {Maps} maps */
function skipped({ causal, exact, rows, rowEdges }) {
  return causal && exact && rows > 1 && rowEdges[0] === 0 ? 1 : 0;
}

/**
 * The part of the exact map in which the strongest pair is: all of a short one, else the strongest bin.
 * @param {Maps} maps
 * @param {Head} of
 * @returns {{rows: [number, number], cols: [number, number]}}
 */
export function closer(maps, of) {
  if (!maps.exact) {
    const { rows, cols } = peak(maps, of);
    return { rows, cols };
  }
  const first = maps.rowEdges[skipped(maps)];
  return { rows: [first, maps.rowEdges[maps.rows]], cols: [maps.colEdges[0], maps.colEdges[maps.cols]] };
}

/**
 * The strongest cell of an exact part of one map.
 * @param {AttentionData} data
 * @returns {{query: number, key: number, weight: number}}
 */
export function strongest({ values, shape: [, , , cols], meta }) {
  let at = 0;
  for (let i = 1; i < values.length; i += 1) if (Math.abs(values[i]) > Math.abs(values[at])) at = i;
  return { query: meta.rows[0] + Math.floor(at / cols), key: meta.cols[0] + (at % cols), weight: values[at] };
}
