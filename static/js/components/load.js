// The progress of a model that is being loaded: its stage, how far, and a way to stop it.

import { h, replace } from '../dom.js';
import { fileSize } from '../format.js';

/** @param {HTMLElement} el */
export function createLoadProgress(el) {
  const bar = h('progress', { 'aria-label': 'Loading the model' });
  const words = h('span.load-words', {});
  const stop = h('button.button.small', { type: 'button' }, 'Stop');
  /** @type {() => void} */
  let onStop = () => undefined;
  stop.addEventListener('click', () => onStop());

  return {
    /** @param {string} name @param {() => void} stopped */
    show(name, stopped) {
      onStop = stopped;
      bar.removeAttribute('value');
      replace(words, `Loading ${name} …`);
      el.hidden = false;
      replace(el, bar, h('div.load-line', {}, words, stop));
    },
    /** @param {import('../types.js').Stage} stage */
    update({ message, stage, done, total }) {
      if (total > 0) {
        bar.max = total;
        bar.value = Math.min(done, total);
      } else bar.removeAttribute('value');
      replace(words, message || stage, total > 0 && h('span.load-count', {}, ` ${count(done, total)}`));
    },
    clear() {
      el.hidden = true;
      replace(el);
    },
  };
}

/** Bytes where they are plainly bytes, percent otherwise. @param {number} done @param {number} total */
function count(done, total) {
  return total > 1024 * 1024 ? `${fileSize(done)} of ${fileSize(total)}` : `${Math.round((100 * done) / total)}%`;
}
