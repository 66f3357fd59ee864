/** Saliency: how much each input token had to do with a prediction, by the gradients of its embedding. */

import { h, replace } from '../dom.js';
import { predicting } from '../masks.js';
import { saliencyPath } from '../paths.js';
import { piece } from '../piece.js';
import { pngBlob, svgBlob } from '../picture.js';
import { stackOf } from '../selection.js';
import { DEFAULTS } from '../store.js';
import { aimOf, createAim, refusal } from './aim.js';
import { noMask, none } from './next_none.js';
import { bars, signed } from './parts.js';
import { saliencySvg } from './saliency_svg.js';
import { adds, METHODS, short, subject, table } from './saliency_words.js';

/** @typedef {import('../answers_predictions.js').SaliencyData} SaliencyData */
/** @typedef {'encoder'|'decoder'} Input */

/** The most gradients that an integral takes where those of the selection were not enough. */
const MORE = 512;

/** @type {import('../types.js').View} */
export const saliency = {
  id: 'saliency',
  title: 'Saliency',
  ofPrediction: true,
  howto: 'The brighter a token in the strip, the more its embedding had to do with the predicted word; blue ones, whose bars are hatched, speak against it. '
    + 'Gradient × input is quick and only local; integrated gradients follow the text from an average one to itself, and their scores add up to what changed on the way, where enough steps are taken, and the view says whether they do.',
  needs: (state, run, model) => {
    if (model?.language_head === false || predicting(run, model).length === 0) return null;
    return { saliency: question(state), logits: aimOf(state).logits };
  },
  mount,
};

/** What is asked. @param {Readonly<import('../types.js').Selection>} state */
function question(state) {
  return { method: state.method, ...aimOf(state).aim, ...(state.method === 'gradient-x-input' ? {} : { steps: state.gradients }) };
}

/**
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
function mount(el, ctx) {
  if (ctx.model?.language_head === false) return none(el, ctx);
  if (predicting(ctx.run, ctx.model).length === 0) return noMask(el, ctx);
  let state = ctx.store.get();
  const stack = stackOf(state, ctx.run);
  /** @type {SaliencyData|null} */
  let data = null;

  const aim = createAim('saliency', ctx);
  const why = h('div.next-none', { hidden: true });
  const methods = /** @type {(keyof typeof METHODS)[]} */ (Object.keys(METHODS)).map((method) => ({
    method, button: h('button.toggle', { type: 'button', onclick: () => ctx.store.set({ method, gradients: DEFAULTS.gradients }) }, METHODS[method]),
  }));
  const bar = h('div.saliency-bar', {}, h('span.label', { id: 'saliency-by' }, 'By'), h('div.toggles', { role: 'group', 'aria-labelledby': 'saliency-by' }, methods.map(({ button }) => button)));
  const says = h('p.saliency-says', { role: 'status' });
  const more = h('p.saliency-more', { hidden: true }, h('button.button.small', { type: 'button', onclick: () => ctx.store.set({ gradients: MORE }) }, `More steps (${MORE})`),
    ' takes about four times as long as the first did');
  const lists = h('div.saliency-lists', {});
  el.append(h('div.saliency', {}, aim.element, bar, why, says, more, lists));

  /** Where the strip shows an input: as its rows, its columns, or not. @param {string} name @returns {'query'|'key'|null} */
  function sideOf(name) {
    if (stack.name === 'cross') return name === 'decoder' ? 'query' : 'key';
    return stack.name === name ? 'query' : null;
  }

  function show() {
    if (!data) return;
    const { tokens } = data;
    const most = Math.max(...Object.values(tokens).flat().map(Math.abs), 1e-12);
    replace(says, adds(data), short(data) ? [] : (data.warnings ?? []).map((warning) => ` ${warning}`));
    more.hidden = !short(data) || state.gradients >= MORE;
    says.toggleAttribute('data-bad', data.checks.some(({ ok }) => !ok));
    const many = Object.keys(tokens).length > 1;
    replace(lists, Object.entries(tokens).map(([name, scores]) => h('section', {}, h('h3', {}, many ? `What the ${name} read` : `For ${subject(/** @type {SaliencyData} */ (data))}`),
      h('ol.parts', { 'aria-label': `Scores of the ${name}’s tokens`, tabindex: 0 }, bars(scores.map((value, i) => {
        const token = ctx.run.tokens[/** @type {Input} */ (name)]?.[i];
        const side = sideOf(name);
        return {
          name: `${name} ${i}`, label: [piece(token?.display ?? ''), h('small', {}, ` ${i}`)], value,
          ...(side ? { point: (/** @type {boolean} */ here) => ctx.setHover({ query: null, key: null, [side]: here ? i : null }) } : {}),
        };
      }), most)))));
  }

  return {
    update(next, answers) {
      state = next;
      for (const { method, button } of methods) button.setAttribute('aria-pressed', String(method === state.method));
      const answer = answers.saliency;
      if (!answer) return;
      data = 'problem' in answer ? null : answer;
      why.hidden = data !== null;
      says.hidden = lists.hidden = bar.hidden = data === null;
      more.hidden = true;
      aim.element.hidden = !answers.logits;
      if ('problem' in answer) replace(why, refusal(answer.problem));
      aim.update(next, answers.logits, data ? [{ id: data.token, text: data.text }, ...(data.against === null ? [] : [{ id: data.against, text: data.against_text ?? '' }])] : []);
      show();
    },
    hover() {},
    destroy: () => el.replaceChildren(),
    ready: () => data !== null,
    marks() {
      if (!data) return null;
      const of = (/** @type {'query'|'key'} */ side) => Object.entries(data?.tokens ?? {}).find(([name]) => sideOf(name) === side)?.[1] ?? null;
      const most = Math.max(...Object.values(data.tokens).flat().map(Math.abs));
      return { colour: { rows: of('query'), cols: of('key') }, title: `${METHODS[data.method]} for ${subject(data)}`, upTo: signed(most).slice(1) };
    },
    pinned: () => ({ query: stack.name === 'encoder' && ctx.run.tokens.decoder ? null : data?.position ?? null, key: null }),
    pin(side, index) {
      if (side !== 'query' || !data || (stack.name === 'encoder' && (ctx.run.tokens.decoder || index === null))) return false;
      ctx.store.set({ position: index });
      return true;
    },
    posted: () => ({ path: saliencyPath(ctx.run.run), body: question(state) }),
    picture: { png: () => pngBlob(svg()), svg: async () => svgBlob(svg()) },
    table: () => (data ? table(data, ctx.run) : { columns: [], rows: [] }),
  };

  function svg() {
    if (!data) throw new Error('there is no picture yet');
    return saliencySvg({ data, run: ctx.run, theme: ctx.theme, model: ctx.model?.name ?? ctx.run.model });
  }
}
