/** Where the keyboard goes in the map, and what a zoom shows. Plain numbers. */

/**
 * @param {string} key as in KeyboardEvent
 * @param {{query: number, key: number}} at
 * @param {import('../weights.js').Maps|null} maps null: stay
 * @returns {{query: number, key: number}} the first tokens of the bin that the key leads to; at the edge it stays
 */
export function move(key, at, maps) {
  /** @type {Record<string, [number, number]>} */
  const steps = {
    ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1],
    PageDown: [10, 0], PageUp: [-10, 0], Home: [0, -Infinity], End: [0, Infinity],
  };
  const step = steps[key];
  if (!step || !maps) return at;
  return { query: along(maps.rowEdges, at.query, step[0]), key: along(maps.colEdges, at.key, step[1]) };
}

/**
 * @param {readonly number[]} edges
 * @param {number} token
 * @param {number} bins
 * @returns {number} the first token of the bin that many bins further
 */
function along(edges, token, bins) {
  const here = Math.max(0, edges.findLastIndex((edge) => edge <= token));
  return edges[Math.min(Math.max(here + bins, 0), edges.length - 2)];
}

/**
 * A span made longer or shorter around a place that keeps where it is seen.
 * @param {readonly [number, number]} span
 * @param {readonly [number, number]} all the tokens there are
 * @param {number} around
 * @param {number} factor below 1: closer
 * @returns {[number, number]|null} null: everything
 */
export function zoomed([from, to], [first, last], around, factor) {
  const count = last - first;
  const length = Math.min(Math.max(Math.round((to - from) * factor), Math.min(4, count)), count);
  if (length >= count) return null;
  const share = Math.min(Math.max((around - from) / (to - from), 0), 1);
  const start = Math.min(Math.max(Math.round(around - share * length), first), last - length);
  return [start, start + length];
}
