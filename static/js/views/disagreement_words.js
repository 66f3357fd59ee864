/** What the Lenses view says in words and numbers. */

/** @typedef {import('../answers_attention.js').DisagreementData} DisagreementData */
/** @typedef {DisagreementData['heads'][number]} Head */

/** @param {number|null} value @returns {string} bits, as in a cell */
export function bits(value) {
  if (value === null) return '–';
  return value >= 0.995 ? value.toFixed(1) : value.toFixed(2).replace(/^0/, '');
}

/** The largest disagreement of a head; 1 where there is none, so that shares can be taken. @param {DisagreementData} data */
export function largest({ heads }) {
  return Math.max(0, ...heads.map(({ divergence }) => divergence ?? 0)) || 1;
}

/**
 * @param {DisagreementData} data
 * @param {Head} head
 */
export function headWords(data, head) {
  if (head.divergence === null) return 'No query of this head has a row in every lens, so they cannot be compared.';
  const rank = data.heads.filter(({ divergence }) => (divergence ?? -1) > (head.divergence ?? 0)).length + 1;
  return `${head.divergence.toFixed(3)} bits of at most ${data.most.toFixed(2)}, a mean over ${head.queries} queries: `
    + `${rank === 1 ? 'the most of all' : `number ${rank} of`} ${data.heads.length} heads.`;
}

/**
 * Heads with their disagreement, in the order of the model.
 * @param {DisagreementData} data
 * @returns {import('../types.js').Table}
 */
export function table({ heads, lenses }) {
  return { columns: ['layer', 'head', `divergence of ${lenses.join(' and ')} (bits)`, 'queries'], rows: heads.map(({ layer, head, divergence, queries }) => [layer, head, divergence, queries]) };
}
