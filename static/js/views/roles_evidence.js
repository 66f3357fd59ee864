/** The cells that make a head what its role says: pairs of tokens, each a button that opens the map there. */

import { h, replace, visible } from '../dom.js';
import { grouped } from '../format.js';
import { MEANING, inWords, placeOf, standing } from '../roles.js';
import { named, weight as written } from '../ticks.js';

/**
 * @typedef {import('../answers_attention.js').RolesData} RolesData
 * @typedef {import('../answers_attention.js').EvidenceData} EvidenceData
 * @typedef {import('./roles_table.js').Chosen} Chosen
 * @typedef {{rows: readonly import('../types.js').Token[], cols: readonly import('../types.js').Token[]}} Tokens
 */

/** @param {{open: (query: number, key: number) => void, point: (query: number|null, key: number|null) => void, map: () => void}} react */
export function createEvidence(react) {
  const title = h('h3', {});
  const says = h('p.roles-says', {});
  const list = h('ol.roles-pairs', {});
  const foot = h('p.roles-foot', {});
  const open = h('button.button.small', { type: 'button', onclick: react.map }, 'Open in Map');
  const element = h('section.roles-evidence', { 'aria-label': 'Evidence' }, title, says, list, foot, open);

  /** @param {Event} event */
  function pairOf({ target }) {
    const button = target instanceof Element ? target.closest('button') : null;
    return button ? { query: Number(button.dataset.query), key: Number(button.dataset.key) } : null;
  }
  const point = (/** @type {Event} */ event) => {
    const pair = pairOf(event);
    react.point(pair?.query ?? null, pair?.key ?? null);
  };
  const leave = () => react.point(null, null);
  list.addEventListener('pointerover', point);
  list.addEventListener('pointerleave', leave);
  list.addEventListener('focusin', point);
  list.addEventListener('focusout', leave);
  list.addEventListener('click', (event) => {
    const pair = pairOf(event);
    if (pair) react.open(pair.query, pair.key);
  });

  return {
    element,

    /** @param {RolesData} data @param {Chosen} chosen */
    head(data, chosen) {
      replace(title, `Head ${chosen.layer}.${chosen.head} · ${chosen.role}`);
      const i = placeOf(data, chosen);
      const it = standing(data, i, chosen.role);
      const words = inWords(chosen.role, it);
      replace(says, h('span', {}, `${MEANING[chosen.role]}: `), words, '.',
        chosen.role === 'sink' && it.score !== null && (it.score > data.sink_threshold ? ' It has a sink.' : ` No sink: that begins above ${data.sink_threshold}.`));
    },

    /**
     * @param {EvidenceData|null} data null: none, for the reason given
     * @param {Tokens} tokens
     * @param {string} why
     */
    update(data, tokens, why) {
      if (!data || !data.cells.length) {
        replace(list);
        replace(foot, data ? 'No pair adds to this score.' : why);
        return;
      }
      const most = data.cells[0].share;
      const shares = data.role === 'distance' || data.role === 'entropy' || data.role === 'span';
      replace(list, data.cells.map(({ query, key, weight, share }) => h('li', {}, h('button.roles-pair', {
        type: 'button', data: { query, key }, style: { '--light': (share / most).toFixed(3) },
        'aria-label': `${named(tokens.rows[query], query)} looks at ${named(tokens.cols[key], key)}: ${written(weight)}. Open in Map`,
      }, token(tokens.rows[query], query), h('span.pair-arrow', {}, '→'), token(tokens.cols[key], key), h('b', {}, written(weight))))));
      replace(foot, data.total > data.cells.length ? `The strongest ${data.cells.length} of ${grouped(data.total)} pairs${shares ? ', by what they add to the score' : ''}.`
        : `All ${data.total === 1 ? 'there is: 1 pair' : `${grouped(data.total)} pairs`}.`);
    },
  };
}

/** @param {import('../types.js').Token|undefined} token @param {number} index */
function token(token, index) {
  return h('span.roles-token', {}, h('span', {}, visible(token?.display.trim() || token?.display || '')), h('small', {}, index));
}
