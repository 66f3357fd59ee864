/** The candidates of a step: what each had, which was taken, and a button on each that takes it instead. */

import { h, replace, visible } from '../dom.js';
import { piece } from '../piece.js';
import { shorten, weight as written } from '../ticks.js';

/** @typedef {import('../answers_predictions.js').Candidate} Candidate */
/** @typedef {import('./generate_texts.js').Step} Step */

/** @param {{pick: (candidate: Candidate) => void}} react */
export function createCandidates(react) {
  const body = h('tbody', {});
  const element = h('table.written-candidates', {},
    h('caption.hidden-visually', {}, 'Candidates of this step. Each can be taken in the place of the one that was.'),
    h('thead', {}, h('tr', {}, ['Candidate', 'Softmax', 'After steps'].map((name) => h('th', { scope: 'col' }, name)))), body);
  /** @type {Map<number, Candidate>} */
  let listed = new Map();
  body.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('button') : null;
    const candidate = button && listed.get(Number(button.dataset.id));
    if (candidate) react.pick(candidate);
  });

  return {
    element,
    /** @param {Step} step */
    update({ candidates, chosen, draw, picked }) {
      const all = candidates.some(({ id }) => id === chosen.id) ? candidates : [...candidates, chosen];
      listed = new Map(all.map((candidate) => [candidate.id, candidate]));
      const most = Math.max(...all.map((one) => Math.max(one.softmax, one.probability)), 1e-9);
      const sign = picked ? '✎' : draw ? '◆' : '●';
      const focused = body.contains(document.activeElement) ? Number(/** @type {HTMLElement} */ (document.activeElement).dataset.id) : null;
      replace(body, all.map((one) => {
        const taken = one.id === chosen.id;
        const name = shorten(visible(one.text), 24);
        const share = { '--softmax': (one.softmax / most).toFixed(4), '--kept': (one.probability / most).toFixed(4) };
        return h('tr', { class: `${taken ? 'taken' : ''}${one.kept ? '' : ' dropped'}`, style: share },
          h('th', { scope: 'row' }, h('button.written-pick', {
            type: 'button', data: { id: one.id }, ...(taken ? { disabled: true } : {}),
            'aria-label': taken ? `${name}: taken` : `Take ${name} and write on from here`, title: taken ? 'This one was taken' : 'Take this one, and write on from here',
          }, h('span.written-sign', {}, taken ? sign : ''), h('span.written-token', {}, piece(shorten(one.text, 24))))),
          h('td', {}, written(one.softmax)), h('td', {}, one.kept ? written(one.probability) : '–'));
      }));
      if (focused !== null) /** @type {HTMLElement|null} */ (body.querySelector(`[data-id="${focused}"]`))?.focus({ preventScroll: true });
    },
  };
}
