/**
 * Lenses: where the lenses tell different stories of the same head. All heads, each by how far its lenses lie apart,
 * and the pairs of tokens whose share differs most.
 */

import { h, replace } from '../dom.js';
import { LENSES } from '../lenses.js';
import { disagreementPath } from '../paths.js';
import { pngBlob, svgBlob } from '../picture.js';
import { stackOf } from '../selection.js';
import { createHeads } from './disagreement_heads.js';
import { createPairs } from './disagreement_pairs.js';
import { headsSvg } from './disagreement_svg.js';
import { headWords, table } from './disagreement_words.js';

/** @typedef {import('../types.js').Lens} Lens */
/** @typedef {import('../answers_attention.js').DisagreementData} DisagreementData */
/** @typedef {import('../answers_attention.js').DisagreementParams} DisagreementParams */

const PAIRS = 24;
/** How many pairs of a layer are looked through for those of one head. */
const SEARCHED = 200;

/** @type {import('../types.js').View} */
export const disagreement = {
  id: 'lenses',
  title: 'Lenses',
  howto: 'Each cell is a head: the brighter it is, the more its lenses disagree about where its attention goes, in bits, from 0 (the same) up. '
    + 'Choose a head or a pair of tokens to see which lens says what, and open its map through any of them.',
  needs: (state, run) => ({ disagreement: asked(state, run, {}) }),
  mount,
};

/**
 * @param {Readonly<import('../types.js').Selection>} state
 * @param {import('../types.js').Run} run
 * @param {Partial<DisagreementParams>} more
 * @returns {DisagreementParams}
 */
function asked(state, run, more) {
  const of = run.tokens.decoder && state.position !== null && state.lenses?.includes('gradient') ? { position: state.position } : {};
  return { stack: stackOf(state, run).name, limit: PAIRS, ...(state.lenses ? { lenses: state.lenses.join(',') } : {}), ...of, ...more };
}

/**
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
function mount(el, ctx) {
  let state = ctx.store.get();
  const stack = stackOf(state, ctx.run);
  /** @type {DisagreementData|null} */
  let data = null;
  /** @type {'all'|'head'} */
  let of = 'all';
  let pairsOf = '';
  let alive = true;

  const toggles = LENSES.filter(({ heads }) => heads).map(({ id, meaning }) => ({
    id, button: h('button.toggle', { type: 'button', title: meaning, 'aria-pressed': 'false', onclick: () => toggle(id) }, id),
  }));
  const meaning = h('p.lenses-says', {});
  const heads = createHeads({ choose: (layer, head) => ctx.store.set({ layer, head }), announce: ctx.announce });
  const title = h('h3', {});
  const words = h('p.lenses-says', {});
  const maps = h('div.lenses-maps', {});
  const all = h('button.toggle', { type: 'button', onclick: () => show('all') }, 'all heads');
  const mine = h('button.toggle', { type: 'button', onclick: () => show('head') }, 'this head');
  const pairs = createPairs({
    choose: ({ layer, head, query, key }) => ctx.store.set({ layer, head, query, key }),
    point: (query, key) => ctx.setHover({ query, key }),
  });
  el.append(h('div.lenses', {},
    h('div.control', {}, h('span.label', { id: 'lenses-label' }, 'Hold against each other'), h('div.toggles', { role: 'group', 'aria-labelledby': 'lenses-label' }, toggles.map(({ button }) => button))),
    meaning,
    h('div.lenses-top', {}, heads.element, h('div.lenses-head', {}, title, words, maps)),
    h('div.lenses-bar', {}, h('h3', {}, 'Pairs that differ most'), h('div.toggles', { role: 'group', 'aria-label': 'Pairs of' }, all, mine)),
    pairs.element));

  /** @param {Lens} lens */
  function toggle(lens) {
    const now = data?.lenses ?? [];
    const next = LENSES.map(({ id }) => id).filter((id) => (id === lens ? !now.includes(id) : now.includes(id)));
    if (next.length < 2) ctx.announce('At least two lenses are held against each other');
    else ctx.store.set({ lenses: next });
  }

  /** @param {'all'|'head'} next */
  function show(next) {
    of = next;
    showPairs();
  }

  function chosen() {
    return data?.heads.find(({ layer, head }) => layer === state.layer && head === state.head) ?? null;
  }

  /** The pairs of all heads came with the picture; those of one head are fetched. Of two calls the last one wins. */
  async function showPairs() {
    if (!data) return;
    all.setAttribute('aria-pressed', String(of === 'all'));
    mine.setAttribute('aria-pressed', String(of === 'head'));
    const { layer, head } = state;
    const key = of === 'all' ? 'all' : `${layer}.${head}`;
    const fresh = pairsOf !== `${key} ${data.lenses}`;
    pairsOf = `${key} ${data.lenses}`;
    if (of === 'all') pairs.update(data.pairs, data.lenses, ctx.tokens, state, '');
    else if (!fresh) pairs.mark(state);
    else {
      const wanted = pairsOf;
      pairs.wait();
      const answer = await ctx.fetch({ disagreement: asked(state, ctx.run, { layer, limit: SEARCHED }) });
      if (!alive || wanted !== pairsOf || !answer.disagreement) return;
      const found = answer.disagreement.pairs.filter((pair) => pair.head === head).slice(0, PAIRS);
      pairs.update(found, data.lenses, ctx.tokens, state, `None of the ${SEARCHED} pairs of layer ${layer} that differ most is of head ${head}.`);
    }
  }

  /** @param {unknown} error */
  function failed(error) {
    pairsOf = '';
    if (alive) pairs.update([], data?.lenses ?? [], ctx.tokens, state, error instanceof Error ? error.message : 'The pairs could not be fetched.');
  }

  return {
    update(next, answers) {
      state = next;
      if (!answers.disagreement) return;
      data = answers.disagreement;
      const { lenses } = data;
      for (const { id, button } of toggles) button.setAttribute('aria-pressed', String(lenses.includes(id)));
      replace(meaning, data.meaning, data.warnings.map((warning) => ` ${warning}`));
      heads.update(data, state);
      const head = chosen();
      replace(title, `Layer ${state.layer}, head ${state.head}`);
      replace(words, head ? headWords(data, head) : '');
      replace(maps, lenses.map((lens) => h('button.button.small', { type: 'button', onclick: () => ctx.store.set({ view: 'map', lens }) }, `Map through ${lens}`)));
      showPairs().catch(failed);
    },
    hover: (hover) => pairs.hover(hover),
    destroy() {
      alive = false;
      el.replaceChildren();
    },
    arrow: (across, down) => heads.move(across, down),
    address: () => ({ path: disagreementPath(ctx.run.run, asked(state, ctx.run, {})), matrix: false }),
    picture: { png: () => pngBlob(svg()), svg: async () => svgBlob(svg()) },
    table: () => (data ? table(data) : { columns: [], rows: [] }),
  };

  function svg() {
    if (!data) throw new Error('there is no picture yet');
    return headsSvg(data, state, `${ctx.model?.name ?? ctx.run.model}, ${stack.name}: how far ${data.lenses.join(', ')} lie apart, in bits`);
  }
}
