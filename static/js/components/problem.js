// A problem, said in words: what is wrong, and the one thing to do. It takes nothing away that was typed.

import { h, replace } from '../dom.js';

/**
 * @param {HTMLElement} el
 */
export function createProblemBox(el) {
  return {
    /**
     * @param {import('../types.js').Problem} problem
     * @param {readonly {title: string, run: () => void}[]} ways out of it
     */
    show(problem, ways) {
      replace(el, h(problem.code === 'stopped' ? 'div.problem.notice' : 'div.problem', {},
        h('p.problem-title', {}, problem.title),
        h('p', {}, problem.detail),
        problem.hint && h('p.problem-hint', {}, problem.hint),
        h('div.problem-actions', {},
          ways.map(({ title, run }) => h('button.button', { type: 'button', onclick: run }, title)),
          h('button.button.quiet', { type: 'button', onclick: () => replace(el) }, 'Dismiss'))));
    },
    clear() { replace(el); },
  };
}
