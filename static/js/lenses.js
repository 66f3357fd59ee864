// The lenses: ways to look at a layer's attention, on the same axes. What they mean is said in the server's own words,
// so that it can be read before an answer is here.

/** @typedef {import('./types.js').Lens} Lens */

/**
 * @typedef {object} LensFacts
 * @property {Lens} id
 * @property {string} meaning
 * @property {boolean} heads it shows each head; else one map a layer
 */

/** @type {readonly LensFacts[]} */
export const LENSES = [
  { id: 'raw', heads: true, meaning: 'How much of its attention each query gives each key.' },
  { id: 'no-sink', heads: true, meaning: 'The attention that a head does not leave on its sink, the rest of each row renormalised to 1.' },
  { id: 'norm', heads: true, meaning: 'How much each key really brings: attention times the length of its value behind the output projection.' },
  { id: 'rollout', heads: false, meaning: 'How much of each token has come to each position by this layer, if there were nothing but attention (its heads averaged) and the residual stream.' },
  { id: 'alti', heads: false, meaning: 'How much of each token has come to each position by this layer, by how far what it adds carries the sum.' },
  { id: 'value-zeroing', heads: false, meaning: 'How far a position’s output of this layer turns when a token’s value is taken away, rows normalised to 1.' },
  { id: 'gradient', heads: true, meaning: 'How much each edge speaks for the predicted token (below zero: against it): attention times its gradient.' },
];

/** @param {Lens} id @returns {LensFacts} */
export function lensOf(id) {
  return LENSES.find((lens) => lens.id === id) ?? LENSES[0];
}

/**
 * The head to ask for, or nothing: a lens without heads has one map for all of them.
 * @param {Readonly<Pick<import('./types.js').Selection, 'lens'|'head'>>} state
 * @returns {{head?: number}}
 */
export function headOf({ lens, head }) {
  return lensOf(lens).heads ? { head } : {};
}

/**
 * `head 3`, or, for a lens without heads, its name.
 * @param {Readonly<Pick<import('./types.js').Selection, 'lens'|'head'>>} state
 */
export function headWords({ lens, head }) {
  const words = lens === 'raw' ? '' : lens;
  return lensOf(lens).heads ? [`head ${head}`, words].filter(Boolean).join(', ') : words;
}
