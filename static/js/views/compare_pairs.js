/** Which tokens of two runs stand beside each other, and what changed between them. Plain data. */

/** @typedef {import('../types.js').Token} Token */
/** @typedef {import('../answers_attention.js').Unit} Unit */

/**
 * @typedef {object} Column tokens [a0, a1) of the first above tokens [b0, b1) of the other; one side may be empty
 * @property {Unit} span
 * @property {boolean} paired
 * @property {number} [folded] so many pairs that are not drawn
 */

/**
 * All tokens of both, in order: paired ones, and between them those that have no partner.
 * @param {readonly Unit[]} units
 * @param {number} a how many tokens the first has
 * @param {number} b
 * @returns {Column[]}
 */
export function columns(units, a, b) {
  /** @type {Column[]} */
  const all = [];
  let [i, j] = [0, 0];
  for (const [a0, a1, b0, b1] of [...units, /** @type {Unit} */ ([a, a, b, b])]) {
    if (i < a0 || j < b0) all.push({ span: [i, a0, j, b0], paired: false });
    if (a0 < a1) all.push({ span: [a0, a1, b0, b1], paired: true });
    [i, j] = [a1, b1];
  }
  return all;
}

/**
 * The unit that a token is in, or -1.
 * @param {readonly Unit[]} units
 * @param {'a'|'b'} side
 * @param {number|null} index
 */
export function unitOf(units, side, index) {
  if (index === null) return -1;
  return units.findIndex(([a0, a1, b0, b1]) => (side === 'a' ? a0 <= index && index < a1 : b0 <= index && index < b1));
}

/**
 * The words of tokens [from, to).
 * @param {readonly Token[]} tokens
 * @param {number} from
 * @param {number} to
 */
export function wordsOf(tokens, from, to) {
  return tokens.slice(from, to).map(({ display, start }, i) => {
    const before = i === 0 ? null : tokens[from + i - 1].end;
    const apart = before !== null && start !== null && start > before && !/^\s/.test(display);
    return apart ? ` ${display}` : display;
  }).join('');
}

/**
 * A unit as something with a name, for the axes of the difference.
 * @param {readonly Unit[]} units
 * @param {readonly Token[]} tokens of the first
 * @returns {Token[]}
 */
export function asTokens(units, tokens) {
  return units.map(([a0, a1]) => ({ ...tokens[a0], display: wordsOf(tokens, a0, a1) }));
}

/**
 * The difference as maps, one head; bins of pairs.
 * @param {NonNullable<import('../answers_attention.js').CompareData['difference']>} difference
 * @returns {import('../weights.js').Maps}
 */
export function mapsOfDifference({ meta, values }) {
  const cells = Float32Array.from(values);
  const edges = (/** @type {readonly Unit[]} */ units) => Array.from({ length: units.length + 1 }, (_, i) => i);
  return {
    heads: [0], rowEdges: meta.row_edges ?? edges(meta.units), colEdges: meta.col_edges ?? edges(meta.col_units),
    values: cells, exact: meta.row_edges === null && meta.col_edges === null,
    top: cells.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1, signed: true, bounded: false,
  };
}

/**
 * The cells that differ most, the largest first.
 * @param {import('../weights.js').Maps} maps
 * @param {number} count
 * @returns {{row: number, col: number, value: number}[]} bins
 */
export function largestCells({ values, colEdges }, count) {
  const width = colEdges.length - 1;
  return Array.from(values, (value, i) => ({ value, row: Math.floor(i / width), col: i % width })).filter(({ value }) => value !== 0)
    .sort((x, y) => Math.abs(y.value) - Math.abs(x.value)).slice(0, count);
}

/**
 * What stands on the other side: the text or the model that was chosen, else the same; null where nothing differs.
 * @param {Readonly<import('../types.js').Selection>} state
 * @param {import('../types.js').RunRequest} request of the first
 * @returns {import('../types.js').RunRequest|null}
 */
export function otherOf({ otherModel, otherText }, request) {
  const other = { ...request, model: otherModel ?? request.model, text: otherText ?? request.text };
  return other.model === request.model && other.text === request.text ? null : other;
}

/**
 * Is both the text and the model another one? Such runs have neither tokens nor heads in common.
 * @param {import('../types.js').RunRequest} other
 * @param {import('../types.js').RunRequest} request
 */
export function changesBoth(other, request) {
  return other.model !== request.model && other.text !== request.text;
}
