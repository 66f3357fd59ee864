/** The pairs of tokens whose share differs most between lenses: a row each, with what every lens gives it. */

import { h, replace } from '../dom.js';
import { piece } from '../piece.js';

/** @typedef {import('../answers_attention.js').DisagreementData} DisagreementData */
/** @typedef {DisagreementData['pairs'][number]} Pair */
/** @typedef {import('../types.js').Token} Token */

/**
 * @param {{choose: (pair: Pair) => void, point: (query: number|null, key: number|null) => void}} react
 */
export function createPairs(react) {
  const head = h('tr', {});
  const body = h('tbody', {});
  const table = h('table.lenses-pairs', {}, h('caption.hidden-visually', {}, 'Pairs of tokens, and the share of the query’s row that each lens gives the key'), h('thead', {}, head), body);
  const none = h('p.lenses-says', {});
  const element = h('div.table-box', { tabindex: 0, role: 'region', 'aria-label': 'Pairs that differ most' }, table, none);
  /** @type {{pair: Pair, line: HTMLElement}[]} */
  let lines = [];

  body.addEventListener('pointerleave', () => react.point(null, null));

  /** @param {Token|undefined} token */
  const name = (token) => h('span.lenses-token', {}, token ? piece(token.display) : '?', ' ', h('small', {}, token?.index));

  return {
    element,
    /** Others are on their way. */
    wait() {
      element.setAttribute('aria-busy', 'true');
    },
    /**
     * @param {Pair[]} pairs
     * @param {string[]} lenses
     * @param {{rows: Token[], cols: Token[]}} tokens
     * @param {Readonly<import('../types.js').Selection>} state
     * @param {string} empty what to say when there are none
     */
    update(pairs, lenses, tokens, state, empty) {
      replace(head, ['head', 'query looks at key', ...lenses, 'difference'].map((title) => h('th', { scope: 'col' }, title)));
      lines = pairs.map((pair) => {
        const pick = h('button.lenses-pick', { type: 'button', onclick: () => react.choose(pair) }, name(tokens.rows[pair.query]), h('span', { 'aria-hidden': 'true' }, ' → '),
          h('span.hidden-visually', {}, ' looks at '), name(tokens.cols[pair.key]));
        const line = h('tr', { onpointerenter: () => react.point(pair.query, pair.key) }, h('td', {}, `${pair.layer}.${pair.head}`), h('th', { scope: 'row' }, pick),
          lenses.map((lens) => h('td.lenses-share', { style: { '--share': (pair.shares[lens] ?? 0).toFixed(3) } }, (pair.shares[lens] ?? 0).toFixed(3))), h('td', {}, pair.difference.toFixed(3)));
        return { pair, line };
      });
      replace(body, lines.map(({ line }) => line));
      element.removeAttribute('aria-busy');
      table.hidden = pairs.length === 0;
      replace(none, pairs.length === 0 ? empty || 'The lenses do not differ anywhere.' : '');
      none.hidden = pairs.length > 0;
      this.mark(state);
    },
    /** @param {Readonly<import('../types.js').Selection>} state */
    mark({ layer, head: number, query, key }) {
      for (const { pair, line } of lines) {
        line.classList.toggle('chosen', pair.layer === layer && pair.head === number && pair.query === query && pair.key === key);
      }
    },
    /** @param {Readonly<import('../types.js').Hover>} hover */
    hover({ query, key }) {
      for (const { pair, line } of lines) line.classList.toggle('pointed', (query !== null || key !== null) && (query === null || pair.query === query) && (key === null || pair.key === key));
    },
  };
}
