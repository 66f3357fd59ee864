/** What the style sheet says, for pictures that cannot read it themselves. */

import { token } from './colour.js';

/**
 * @typedef {object} Look
 * @property {string} ink
 * @property {string} ink2
 * @property {string} ink3
 * @property {string} line
 * @property {string} paper
 * @property {string} paper2
 * @property {string} accent
 * @property {string} glow
 * @property {string} ui font family of numbers and words of ours
 * @property {string} text font family of tokens
 */

/** @returns {Look} in the theme that is showing */
export function look() {
  return {
    ink: token('--ink', '#222'), ink2: token('--ink-2', '#555'), ink3: token('--ink-3', '#777'), line: token('--line', '#ddd'),
    paper: token('--paper', '#fff'), paper2: token('--paper-2', '#f4f4f4'), accent: token('--accent', '#850'), glow: token('--glow', '#fb3'),
    ui: token('--font-ui', 'sans-serif'), text: token('--font-text', 'serif'),
  };
}
