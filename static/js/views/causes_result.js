/** The prediction before and after, side by side: a row for each candidate. */

import { h, replace } from '../dom.js';
import { grouped } from '../format.js';
import { piece } from '../piece.js';
import { weight } from '../ticks.js';
import { plain, verdict, written } from './causes_words.js';

/** How many rows are shown. */
const ROWS = 8;

export function createResult() {
  const says = h('p.causes-verdict', { role: 'status' });
  const head = h('tr', {});
  const body = h('tbody', {});
  const element = h('section.causes-result', { 'aria-label': 'The prediction' }, h('h3', {}, 'The prediction'), says,
    h('div.table-box', { tabindex: 0, role: 'region', 'aria-label': 'Candidates before and after' }, h('table.causes-table', {}, h('thead', {}, head), body)));

  return {
    element,
    /** @param {import('./causes_words.js').Found} found @param {Readonly<import('../types.js').Selection>} state */
    update(found, state) {
      replace(says, verdict(found));
      const { edits } = found;
      const columns = edits ? ['', 'before', 'after', 'rank', 'logit', 'change'] : ['', 'softmax', 'rank', 'logit'];
      replace(head, columns.map((name) => h('th', { scope: 'col' }, name || h('span.hidden-visually', {}, 'candidate'))));
      if (!edits) {
        replace(body, found.before.slice(0, ROWS).map((one) => h('tr', {}, name(one.text, one.id === state.against), share(one.softmax), h('td', {}, grouped(one.rank + 1)), h('td', {}, one.logit === null ? '–' : plain(one.logit)))));
        return;
      }
      const chosen = edits.changes.filter((one, i) => i < ROWS || one.id === state.against);
      replace(body, chosen.map((one) => h(one.rank_after === 0 && one.rank_before !== 0 ? 'tr.flipped' : 'tr', { data: { id: one.id } }, name(one.text, one.id === state.against),
        share(one.softmax_before), share(one.softmax_after),
        h('td', {}, one.rank_before === one.rank_after ? grouped(one.rank_before + 1) : `${grouped(one.rank_before + 1)} → ${grouped(one.rank_after + 1)}`),
        h('td', {}, `${plain(one.logit_before)} → ${plain(one.logit_after)}`),
        h('td', { data: { sign: one.change < 0 ? 'down' : 'up' } }, written(one.change, true)))));
    },
  };
}

/** @param {string} text @param {boolean} against */
function name(text, against) {
  return h('th', { scope: 'row' }, h('span.causes-word', {}, piece(text)), against && h('small', {}, ' held against'));
}

/** @param {number} value */
function share(value) {
  return h('td.causes-share', { style: { '--share': value.toFixed(4) } }, weight(value));
}
