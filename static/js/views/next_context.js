/** The words before the prediction, the gap, and the word that really follows; a stepper moves along the text. */

import { grouped } from '../format.js';
import { piece } from '../piece.js';
import { h, replace, visible } from '../dom.js';
import { weight as written } from '../ticks.js';

const MASK_MORE = 'Click another word to mask it too, or the mask above to take it back.';
/** How many tokens before the gap are shown. */
const BEFORE = 14;
/** And how many after it, or after the token before it. */
const AFTER = 5;
/** How many tokens are offered where none is masked. */
const OPEN = 60;

/**
 * @param {readonly import('../types.js').Token[]} tokens
 * @param {boolean} masked a masked model predicts at its mask, not after a token
 * @param {{go: (position: number) => void, point: (index: number|null) => void}} react
 */
export function context(tokens, masked, react) {
  // WordPiece writes no spaces: they are seen, though not in the tokens
  const spaced = !tokens.some(({ display, special }) => !special && /\s/.test(display));
  const sentence = h('p.next-context', { data: spaced ? { spaced: '' } : {} });
  const where = h('span.next-where', {});
  const last = tokens.length - 1;
  let at = last;
  const step = (/** @type {string} */ sign, /** @type {string} */ name, /** @type {() => number} */ to) => (
    h('button.stepper-button', { type: 'button', 'aria-label': name, title: name, onclick: () => react.go(Math.min(Math.max(to(), 0), last)) }, sign));
  const back = step('‹', 'One token back', () => at - 1);
  const forth = step('›', 'One token on', () => at + 1);
  const end = h('button.button.small', { type: 'button', onclick: () => react.go(last) }, 'After the last');
  const stepper = h('div.stepper', { role: 'group', 'aria-label': 'Position' }, back, where, forth);
  const actual = h('p.next-actual', {});
  const refused = h('p.next-refused', { role: 'status' });
  const element = h('div.next-top', {}, sentence, refused, h('div.next-place', {}, masked ? null : [stepper, end], actual));

  sentence.addEventListener('pointerover', (event) => react.point(indexOf(event)));
  sentence.addEventListener('pointerleave', () => react.point(null));
  sentence.addEventListener('click', (event) => {
    const index = indexOf(event);
    if (index !== null) react.go(index);
  });

  /** Does it go on a word? @param {import('../types.js').Token} item */
  function joined({ index, word }) {
    return word !== null && tokens[index - 1]?.word === word;
  }

  /** @param {Event} event */
  function indexOf(event) {
    const node = event.target instanceof Element ? event.target.closest('[data-index]') : null;
    return node instanceof HTMLElement ? Number(node.dataset.index) : null;
  }

  return {
    element,
    /**
     * @param {number|null} position null: no word is masked
     * @param {import('../answers_predictions.js').Candidate|null} target
     * @param {number} vocab
     */
    update(position, target, vocab) {
      const word = (/** @type {import('../types.js').Token} */ item, /** @type {string} */ look) => (
        h('span.next-word', { data: { index: item.index, look, ...(item.special ? { special: '' } : {}), ...(joined(item) ? { joined: '' } : {}) } }, piece(item.display)));
      if (position === null) {
        replace(sentence, tokens.slice(0, OPEN).map((item) => word(item, 'before')), tokens.length > OPEN && ' …');
        actual.textContent = 'Click a word, here or above, to mask it: the model says what may stand there.';
        return;
      }
      at = position;
      const stop = masked ? position : position + 1;
      const first = Math.max(0, stop - BEFORE);
      const after = tokens.slice(masked ? position + 1 : stop, stop + AFTER);
      replace(sentence, first > 0 && '… ', tokens.slice(first, stop).map((item) => word(item, 'before')),
        h('span.next-gap', { 'aria-label': 'the word that is predicted' }, '?'), after.map((item) => word(item, 'after')), tokens.slice(stop + AFTER).some(({ special }) => !special) && ' …');
      where.textContent = `position ${position}`;
      back.toggleAttribute('disabled', position === 0);
      forth.toggleAttribute('disabled', position === last);
      end.disabled = position === last;
      replace(actual, target
        ? [masked ? 'In the text stood ' : 'In the text follows ', h('b', {}, visible(target.text)), `: rank ${grouped(target.rank + 1)} of ${grouped(vocab)}, softmax ${written(target.softmax)}.${masked ? ` ${MASK_MORE}` : ''}`]
        : masked ? `The model fills the mask. ${MASK_MORE}` : 'The text ends here.');
    },
    /** Why the token that was clicked is not masked; '' where it is. @param {string} why */
    refuse(why) {
      refused.textContent = why;
    },
    /** @param {number|null} index */
    hover(index) {
      for (const node of sentence.querySelectorAll('.next-word')) {
        node.classList.toggle('is-active', node instanceof HTMLElement && index !== null && node.dataset.index === String(index));
      }
    },
  };
}
