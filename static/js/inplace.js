// A word changed where it stands: a field takes the place of its chip. Enter takes the word, Escape and leaving let it be.

import { h } from './dom.js';

/** @typedef {import('./types.js').Token} Token */

const LONGEST = 200;

/**
 * The stretch of the text that is a token, without the spaces before it; null where it has none or it is empty.
 * @param {string} text
 * @param {Token} token
 * @returns {{word: string, change: (to: string) => string}|null}
 */
export function stretchOf(text, { start, end, segment }) {
  if (start === null || end === null || segment !== 0) return null;
  const points = Array.from(text);
  const whole = points.slice(start, end).join('');
  const word = whole.trimStart();
  if (word === '') return null;
  const from = start + Array.from(whole).length - Array.from(word).length;
  return { word, change: (to) => changed(points.slice(0, from).join(''), to, points.slice(end).join('')) };
}

/**
 * What is taken away takes the space before it along, or at the start the one behind it.
 * @param {string} before
 * @param {string} to
 * @param {string} after
 */
function changed(before, to, after) {
  if (to !== '') return before + to + after;
  return before === '' ? after.replace(/^ /, '') : before.replace(/ $/, '') + after;
}

/**
 * The field stands beside the hidden chip and not in it: within a button, a space would press the button.
 * @param {HTMLElement} chip
 * @param {string} word
 * @param {string} label
 * @param {(to: string) => void} done not told where nothing was changed
 */
export function editInPlace(chip, word, label, done) {
  const input = h('input.inplace', { type: 'text', value: word, 'aria-label': label, maxlength: LONGEST, autocomplete: 'off', spellcheck: 'false', size: Math.max(3, Math.min(Array.from(word).length + 1, 30)) });
  let open = true;
  const close = (/** @type {boolean} */ back) => {
    if (!open) return;
    open = false;
    input.remove();
    chip.hidden = false;
    if (back) chip.focus();
  };
  input.addEventListener('keydown', (event) => {
    event.stopPropagation();
    if (event.isComposing || (event.key !== 'Enter' && event.key !== 'Escape')) return;
    event.preventDefault();
    const to = input.value.trim();
    close(true);
    if (event.key === 'Enter' && to !== word) done(to);
  });
  for (const kind of ['click', 'dblclick', 'pointerdown']) input.addEventListener(kind, (event) => event.stopPropagation());
  input.addEventListener('blur', () => close(false));
  input.addEventListener('input', () => { input.size = Math.max(3, Math.min(Array.from(input.value).length + 1, 30)); });
  chip.hidden = true;
  chip.after(input);
  input.focus();
  input.select();
}
