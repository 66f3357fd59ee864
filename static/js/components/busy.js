// Work that takes a moment: a moving line at once after a short while, words and a Stop button when it takes longer.

import { h, keepFocus, replace } from '../dom.js';

const SOON = 180;
const LONG = 900;

/**
 * @param {HTMLElement} el
 * @param {(text: string) => void} announce
 */
export function createBusy(el, announce) {
  /** @type {ReturnType<typeof setTimeout>[]} */
  let timers = [];
  /** @type {(() => void)|null} */
  let stop = null;
  const words = h('span', {});
  /** Where the person was before they came to Stop. @type {HTMLElement|null} */
  let before = null;
  el.addEventListener('focusin', ({ relatedTarget }) => {
    if (relatedTarget instanceof HTMLElement && !el.contains(relatedTarget)) before = relatedTarget;
  });

  function clear() {
    timers.forEach(clearTimeout);
    timers = [];
    stop = null;
    keepFocus(el, () => {
      el.hidden = true;
      replace(el);
    }, before);
    before = null;
  }

  return {
    /**
     * @param {string} label
     * @param {() => void} onStop
     */
    show(label, onStop) {
      clear();
      stop = onStop;
      replace(words, label);
      timers.push(setTimeout(() => {
        el.hidden = false;
        replace(el, h('div.busy-line', {}));
      }, SOON));
      timers.push(setTimeout(() => {
        announce(label);
        replace(el, h('div.busy-line', {}), h('div.busy-words', {}, words,
          h('button.button.small', { type: 'button', onclick: onStop }, 'Stop')));
      }, LONG));
    },
    /** How far the work is. @param {import('../types.js').Stage} now */
    stage({ message, done, total }) {
      if (stop) replace(words, message, total > 0 && ` · ${Math.floor((100 * done) / total)}%`);
    },
    clear,
    /** Stops the work, if there is any. @returns {boolean} */
    stop() {
      if (!stop) return false;
      stop();
      return true;
    },
  };
}
