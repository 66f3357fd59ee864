// A quiet notice: what was taken differently from how it was asked.

import { h, replace } from '../dom.js';

/** @param {HTMLElement} el with role=status @param {string} title */
export function createNotice(el, title) {
  const clear = () => replace(el);
  return {
    clear,
    /** @param {readonly string[]} lines none: nothing is shown */
    show(lines) {
      if (lines.length === 0) clear();
      else {
        replace(el, h('div.problem.notice', {}, h('p.problem-title', {}, title), h('ul', {}, lines.map((line) => h('li', {}, line))),
          h('div.problem-actions', {}, h('button.button.small', { type: 'button', onclick: clear }, 'Dismiss'))));
      }
    },
  };
}
