// Tokens as the words they belong to. A word's row and column take the place of those of its tokens.

/** @typedef {import('./types.js').Token} Token */

/**
 * @typedef {object} Units
 * @property {Token[]} items one for each word, counted from 0; a token that belongs to no word stands for itself
 * @property {number[]} edges the first token of each, and the end
 */

/** @type {WeakMap<readonly Token[], Units>} */
const known = new WeakMap();

/**
 * The words of these tokens; worked out once for each list.
 * @param {readonly Token[]} tokens
 * @returns {Units}
 */
export function unitsOf(tokens) {
  const before = known.get(tokens);
  if (before) return before;
  const edges = wordEdges(tokens);
  const items = edges.slice(0, -1).map((from, index) => joined(tokens.slice(from, edges[index + 1]), index));
  const units = { items, edges };
  known.set(tokens, units);
  return units;
}

/**
 * [CLS] un ##happy cat [SEP] gives 0, 1, 3, 4, 5.
 * @param {readonly Token[]} tokens
 */
export function wordEdges(tokens) {
  const edges = [0];
  for (let i = 1; i < tokens.length; i += 1) {
    if (tokens[i - 1].word === null || tokens[i - 1].word !== tokens[i].word) edges.push(i);
  }
  return tokens.length ? [...edges, tokens.length] : edges;
}

/**
 * @param {Token[]} parts
 * @param {number} index
 * @returns {Token}
 */
function joined(parts, index) {
  const [first] = parts;
  return { ...first, index, text: parts.map(({ text }) => text).join(''), display: parts.map(({ display }) => display).join(''), end: parts[parts.length - 1].end };
}
