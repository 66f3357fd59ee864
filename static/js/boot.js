// What the server wrote into the page, read once.

/** @typedef {import('./types.js').Boot} Boot */

/**
 * @param {Document} [page]
 * @returns {Boot}
 */
export function readBoot(page = document) {
  const text = page.getElementById('boot')?.textContent ?? '{}';
  return { version: '', examples: [], default_model: 'minilm', ...JSON.parse(text) };
}
