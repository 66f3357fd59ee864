// What the page shows first: what the link says, or the first example.

import { changes, DEFAULTS } from '../store.js';

/** @typedef {import('../types.js').Selection} Selection */
/** @typedef {import('../types.js').Example} Example */

/**
 * A link with a text is taken as it is. One without shows an example, of the model it names if there is one.
 * @param {import('../types.js').Boot} boot
 * @param {Selection} link
 * @returns {Selection}
 */
export function opening(boot, link) {
  const model = link.model || boot.default_model;
  if (link.text !== '') return { ...link, model };
  const example = boot.examples.find((one) => link.model === '' || one.model === link.model) ?? boot.examples[0];
  if (!example) return { ...link, model };
  const shown = { ...link, ...asked(example), model: link.model || example.model };
  return changes(link, DEFAULTS).size === 0 ? { ...shown, ...example.selection } : shown;
}

/**
 * What an example asks, without what it looks at.
 * @param {Example} example
 */
export function asked({ model, text, pair, target }) {
  return { model, text, pair: pair ?? null, target: target ?? null };
}
