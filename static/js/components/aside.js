// Beside the picture: how to read it, the number that is pointed at, ways to take it away, and what it cost.

import { h, replace } from '../dom.js';
import { duration, fileSize, probability } from '../format.js';
import { piece } from '../piece.js';
import { amount } from '../ticks.js';

/** @typedef {import('../types.js').Token} Token */

/**
 * @typedef {object} Readout
 * @property {Token|null} query
 * @property {Token|null} key
 * @property {number|null} value between them
 * @property {string} where layer, head, lens
 * @property {string} title of the list
 * @property {{token: Token, value: number}[]} top the strongest partners of the one that is pointed at, or of all
 * @property {boolean} bounded the numbers lie within 0 and 1
 *
 * @typedef {{id: string, title: string, run: () => void|Promise<void>, available: () => boolean}} Action
 */

/**
 * @param {HTMLElement} el
 * @param {readonly Action[]} actions
 */
export function createAside(el, actions) {
  const howto = h('p.howto', {});
  const readout = h('div.readout', {});
  const facts = h('p.facts', {});
  const done = h('p.done', { role: 'status' });
  const buttons = actions.map((action) => ({ action, button: h('button.button.small', { type: 'button', onclick: () => act(action) }, action.title) }));
  replace(el,
    h('section', {}, h('h2', {}, 'How to read this'), howto),
    h('section', {}, h('h2', {}, 'Pointed at'), readout),
    h('section', {}, h('h2', {}, 'Take it away'), h('div.actions', {}, buttons.map(({ button }) => button)), done),
    facts);
  el.hidden = true; // until there is something to say

  /** @param {Action} action */
  async function act(action) {
    replace(done);
    await action.run();
  }

  return {
    /** @param {string} words */
    say: (words) => { replace(done, words); },

    /**
     * @param {import('../types.js').View} view
     * @param {import('../types.js').Run} run
     * @param {string} doubt why its own answer means nothing, or ''
     */
    update(view, run, doubt) {
      el.hidden = false;
      replace(howto, view.howto);
      for (const { action, button } of buttons) button.hidden = !action.available();
      const { forward, total } = run.milliseconds;
      replace(facts, run.answer !== null && h('p', {}, 'Its own answer: ', h('q', {}, run.answer), doubt && ` ${doubt}`), `Forward pass ${duration(forward)}, in all ${duration(total)}. ${fileSize(run.bytes)} kept.`,
        run.warnings.length > 0 && h('ul.warnings', {}, run.warnings.map((warning) => h('li', {}, warning))));
    },

    /** @param {Readout|null} now null: this view has no pairs of tokens */
    point(now) {
      const section = /** @type {HTMLElement} */ (readout.parentElement);
      section.hidden = now === null;
      if (!now) return;
      const { query, key, value, where, title, top, bounded } = now;
      const strongest = Math.abs(top[0]?.value ?? 1);
      const written = (/** @type {number|null} */ one) => (bounded ? probability(one) : amount(one, false));
      replace(readout,
        query || key ? h('p.pair', {}, name(query), h('span.pair-arrow', { 'aria-hidden': 'true' }, ' → '), h('span.hidden-visually', {}, ' looks at '), name(key))
          : h('p.quiet', {}, 'Point at a token; click or press Enter to pin it.'),
        query && key && h('p.number', {}, value === null ? h('span.no-value', {}, 'no value') : written(value)),
        h('p.where', {}, query && key ? `row ${query.index}, column ${key.index} · ${where}` : where),
        top.length > 0 && [h('h3.label', {}, title), h('ol.top', {}, top.map((one) => h(one.value < 0 ? 'li.against' : 'li', { style: { '--light': (Math.abs(one.value) / strongest).toFixed(3) } },
          h('span.top-name', {}, piece(one.token.display)), h('span.top-index', {}, one.token.index), h('span.top-value', {}, written(one.value)))))]);
    },
  };
}

/** @param {Token|null} token */
function name(token) {
  return token ? h('b', {}, piece(token.display)) : h('span.quiet', {}, '…');
}
