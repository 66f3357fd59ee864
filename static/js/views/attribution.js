/** Attribution: a predicted word's logit, or the difference of two, split over heads, MLPs, embeddings and biases. */

import { diverging } from '../colour.js';
import { h, replace } from '../dom.js';
import { attributionPath } from '../paths.js';
import { pngBlob, svgBlob } from '../picture.js';
import { stripPredicts } from '../selection.js';
import { aimOf, createAim, refusal } from './aim.js';
import { attributionSvg } from './attribution_svg.js';
import { blanks, cellText, kindsOf, largestOf, remainder, subject, table } from './attribution_words.js';
import { createHeadGrid } from './causes_grid.js';
import { none } from './next_none.js';
import { bars, signed } from './parts.js';

/** @typedef {import('../answers_predictions.js').AttributionData} AttributionData */

/** How many parts are listed. */
const LISTED = 16;

/** @type {import('../types.js').View} */
export const attribution = {
  id: 'attribution',
  title: 'Attribution',
  ofPrediction: true,
  howto: 'Each cell is what one head wrote straight into the predicted word’s logit: orange speaks for the word (or for the first of two), blue against it, and the column beside the heads is each layer’s MLP. '
    + 'All parts together are the logit; what a head does by way of later heads and MLPs counts as theirs, so a small share is no proof that a head does nothing.',
  needs: (state, _, model) => {
    if (model?.language_head === false) return null;
    const { logits, aim } = aimOf(state);
    return { attribution: aim, ...(model?.kind === 'encoder' ? {} : { logits }) };
  },
  mount,
};

/**
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
function mount(el, ctx) {
  if (ctx.model?.language_head === false) return none(el, ctx);
  let state = ctx.store.get();
  /** @type {AttributionData|null} */
  let data = null;

  const aim = createAim('attribution', ctx);
  const why = h('div.next-none', { hidden: true });
  const says = h('p.attribution-says', {});
  const title = h('h3', { id: 'attribution-title' });
  const stacks = h('div.toggles', { role: 'group', 'aria-label': 'Attention', hidden: true });
  const heads = createHeadGrid('attribution-title', {
    choose: (layer, head) => ctx.store.set({ layer, head }),
    announce: ctx.announce,
  });
  const blank = h('p.attribution-blank', {});
  const chosen = h('p.attribution-chosen', {});
  const kinds = h('ol.parts', { 'aria-label': 'Sums by kind' });
  const parts = h('ol.parts', { 'aria-label': 'Largest parts' });
  const shown = h('div.attribution-body', { hidden: true }, says,
    h('section.attribution-heads', { 'aria-labelledby': 'attribution-title' }, title, stacks, heads.element, blank, chosen),
    h('section.attribution-side', {}, h('h3', {}, 'By kind'), kinds, h('h3', {}, 'Largest parts'), parts));
  el.append(h('div.attribution', {}, aim.element, why, shown));

  /** The attention that is drawn: the one of the page's stack, if its heads write here, else the first. */
  function drawn() {
    const name = ctx.run.stacks.find((stack) => stack.name === state.stack)?.name ?? ctx.run.stacks[0]?.name;
    return data?.attention.find(({ stack }) => stack === name) ?? data?.attention[0] ?? null;
  }

  /** @param {import('./attribution_words.js').Part[]} list */
  function listed(list) {
    const several = ctx.run.stacks.length > 1;
    const most = Math.max(...list.map(({ value }) => Math.abs(value)));
    return bars(list.map(({ name, value, stack, layer, head }) => ({
      name, value, ...(head === undefined ? {} : { choose: () => ctx.store.set({ layer, head, ...(several ? { stack: /** @type {any} */ (stack) } : {}) }), chosen: layer === state.layer && head === state.head }),
    })), most);
  }

  function show() {
    if (!data) return;
    const now = drawn();
    if (!now) return;
    const most = Math.max(...now.heads.flat().map(Math.abs), ...data.mlp.map(Math.abs), 1e-12);
    const inWords = (/** @type {number|null} */ value) => (value === null ? 'not known' : signed(value));
    replace(title, `What each head${data.attention.length > 1 ? ` of ${now.stack} attention` : ''} and MLP wrote`);
    heads.update({
      rows: now.heads, colour: (value) => diverging(value / most, ctx.theme), text: cellText, says: inWords,
      beside: { name: 'MLP', values: data.mlp },
    }, JSON.stringify([data, now.stack, ctx.theme]), state);
    replace(blank, blanks([...now.heads.flat(), ...data.mlp]));
    stacks.hidden = data.attention.length < 2;
    replace(stacks, data.attention.map(({ stack }) => h('button.toggle', {
      type: 'button', 'aria-pressed': String(stack === now.stack), onclick: () => ctx.store.set({ stack: /** @type {any} */ (stack) }),
    }, stack)));
    replace(says, `${signed(data.total)} is ${subject(data)}. ${remainder(data)}`);
    const value = now.heads[state.layer]?.[state.head];
    replace(chosen, value === undefined ? '' : [`Head ${state.layer}.${state.head} wrote ${signed(value)}, MLP ${state.layer} ${signed(data.mlp[state.layer] ?? 0)}. `,
      h('button.button.small', { type: 'button', onclick: () => ctx.store.set({ view: 'map', stack: ctx.run.stacks.length > 1 ? /** @type {any} */ (now.stack) : state.stack }) }, 'Open its map')]);
    replace(kinds, listed(kindsOf(data)));
    replace(parts, listed(largestOf(data, LISTED)));
  }

  return {
    update(next, answers) {
      state = next;
      const answer = answers.attribution;
      if (!answer) return;
      data = 'problem' in answer ? null : answer;
      why.hidden = data !== null;
      shown.hidden = data === null;
      aim.element.hidden = !answers.logits;
      if ('problem' in answer) replace(why, refusal(answer.problem));
      aim.update(next, answers.logits, data ? [data.token, data.against].filter((one) => one !== null) : []);
      show();
    },
    hover() {},
    destroy: () => el.replaceChildren(),
    ready: () => data !== null,
    pinned: () => ({ query: stripPredicts(state, ctx.run) ? data?.position ?? null : null, key: null }),
    pin(side, index) {
      if (side !== 'query' || !data || !stripPredicts(state, ctx.run)) return false;
      ctx.store.set({ position: index });
      return true;
    },
    arrow: (across, down) => heads.move(across, down),
    address: () => ({ path: attributionPath(ctx.run.run, aimOf(state).aim), matrix: false }),
    picture: { png: () => pngBlob(svg()), svg: async () => svgBlob(svg()) },
    table: () => (data ? table(data) : { columns: [], rows: [] }),
  };

  function svg() {
    const now = drawn();
    if (!data || !now) throw new Error('there is no picture yet');
    return attributionSvg({ data, shown: now, state, theme: ctx.theme, model: ctx.model?.name ?? ctx.run.model });
  }
}
