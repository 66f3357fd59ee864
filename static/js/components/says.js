// What the picture is, in words: the lens and what goes with it, what is hidden, and why there may be none.

import { h, replace } from '../dom.js';
import { ALL } from '../hidden.js';

/** @typedef {import('../types.js').Selection} Selection */

/**
 * @param {HTMLElement} el
 * @param {{onChange: (patch: Partial<Selection>) => void}} options
 */
export function createSays(el, { onChange }) {
  const lens = h('p.says-lens', {});
  const hidden = h('p.says-hidden', {});
  const refused = h('div.says-refused', { role: 'alert' });
  replace(el, lens, hidden, refused);

  return {
    /**
     * @param {object} words
     * @param {string} words.lens its name
     * @param {string} words.meaning
     * @param {string[]} words.about what else belongs to it: the prediction, warnings
     * @param {string} words.hidden
     * @param {string} words.grouping
     */
    show({ lens: name, meaning, about, hidden: left, grouping }) {
      el.hidden = false;
      replace(refused);
      replace(lens, h('b', {}, name), ' ', meaning, about.map((one) => h('span.says-about', {}, ' ', one)));
      replace(hidden, grouping, grouping && left ? ' ' : '', left && [left, ' ', h('button.link', { type: 'button', onclick: () => onChange(ALL) }, 'Show all')]);
      hidden.hidden = !grouping && !left;
    },

    /** This view has no lens and hides nothing. */
    clear() {
      el.hidden = true;
      replace(refused);
    },

    /**
     * There is no such picture; the one before stays.
     * @param {string} name of the lens, or lenses
     * @param {import('../types.js').Problem} problem
     * @param {{title: string, run: () => void}[]} ways out of it
     */
    refuse(name, problem, ways) {
      el.hidden = false;
      replace(lens);
      replace(hidden);
      hidden.hidden = true;
      replace(refused, h('p.says-why', {}, h('b', {}, `No picture through ${name}. `), problem.detail, problem.hint && ` ${problem.hint}`),
        h('div.problem-actions', {},
          ways.map(({ title, run }) => h('button.button.small', { type: 'button', onclick: run }, title))));
    },
  };
}
