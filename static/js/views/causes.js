/**
 * Causes: take heads, layers, edges or tokens away and hold the prediction against what it was; and every head in turn,
 * beside the attention that is so often taken for the explanation.
 */

import { readAll, write } from '../knockouts.js';
import { predicting } from '../masks.js';
import { effectsPath, editsPath } from '../paths.js';
import { pngBlob, svgBlob } from '../picture.js';
import { stackOf } from '../selection.js';
import { mapsOf } from '../strength.js';
import { h } from '../dom.js';
import { createForm } from './causes_form.js';
import { createMaps } from './causes_maps.js';
import { createResult } from './causes_result.js';
import { causesSvg } from './causes_svg.js';
import { measured, table } from './causes_words.js';
import { none } from './causes_none.js';
import { noMask } from './next_none.js';

/** @typedef {import('../types.js').Selection} Selection */
/** @typedef {import('../answers_predictions.js').EffectsData} EffectsData */
/** @typedef {import('./causes_words.js').Found} Found */

/** How many candidates are listed, before and after. */
const LIMIT = 8;

/** @type {import('../types.js').View} */
export const causes = {
  id: 'causes',
  title: 'Causes',
  ofPrediction: true,
  howto: 'Something is taken out of the model’s attention and the text is run again: the table says what that did to the prediction, KL (in nats) how far all of it moved. '
    + 'In the two pictures every cell is a head: what the prediction loses without it, and beside that how much it looks at the word; where the two differ, looking was not causing.',
  needs: (state, run, model) => {
    if (model?.language_head === false || model?.capture === 'weights' || predicting(run, model).length === 0) return null;
    const edits = readAll(state.edits);
    if (edits.length === 0) return { logits: { ...position(state), limit: LIMIT } };
    return { edits: { edits, mode: state.ablation, ...position(state), ...against(state), limit: LIMIT } };
  },
  mount,
};

/** @param {Readonly<Selection>} state */
const position = (state) => (state.position === null ? {} : { position: state.position });
/** @param {Readonly<Selection>} state */
const against = (state) => (state.against === null ? {} : { against: state.against });

/**
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
function mount(el, ctx) {
  if (ctx.model?.language_head === false || ctx.model?.capture === 'weights') return none(el, ctx);
  if (predicting(ctx.run, ctx.model).length === 0) return noMask(el, ctx);
  const stack = stackOf(ctx.store.get(), ctx.run);
  let state = ctx.store.get();
  /** @type {Found|null} */
  let found = null;
  /** @type {import('../types.js').Check[]} */
  let checks = [];
  /** @type {import('./causes_words.js').Effects|null} what is known of the heads, layer by layer */
  let effects = null;
  /** @type {number[][]|null} */
  let attention = null;
  /** The parameters that `effects`, or why there are none, are of; the cell that `attention` is of. */
  let [effectsOf, attentionOf, failed] = ['', '', ''];
  let alive = true;
  /** @type {AbortController|null} */
  let measuring = null;

  const form = createForm(ctx, stack, { add, set: (patch) => ctx.store.set(patch) });
  const result = createResult();
  const maps = createMaps({
    choose: (layer, head) => ctx.store.set({ layer, head }),
    set: (patch) => ctx.store.set(patch),
    stop: () => measuring?.abort(),
    takeAway: () => add({ kind: 'head', stack: stack.name, layer: state.layer, head: state.head }),
    announce: ctx.announce,
  });
  el.append(h('div.causes', {}, form.element, result.element, maps.element));

  /** @param {import('../answers_predictions.js').Edit} edit */
  function add(edit) {
    const text = write(edit);
    const list = state.edits ?? [];
    if (list.includes(text)) ctx.announce('It is taken away already');
    else ctx.store.set({ edits: [...list, text] });
  }

  function show() {
    if (!found) return;
    form.update(state, found);
    result.update(found, state);
    maps.update({ state, found, effects, attention, ctx, stack, failed, measuring: measuring !== null });
  }

  function effectsParams() {
    return { stack: stack.name, mode: state.ablation, ...position(state), ...against(state) };
  }

  /** What was measured of another prediction, or in another way, is not shown as if it were of this one. */
  function forget() {
    if (effectsOf === JSON.stringify(effectsParams())) return;
    measuring?.abort();
    [measuring, effects, checks, effectsOf, failed] = [null, null, [], '', ''];
  }

  /** Every head in turn, shown layer by layer. Of two calls the last one wins. */
  async function measure() {
    const params = effectsParams();
    const key = JSON.stringify(params);
    if (state.effect === null || (key === effectsOf && !failed)) return;
    measuring?.abort();
    const mine = new AbortController();
    [measuring, effects, checks, effectsOf, failed] = [mine, null, [], key, ''];
    show();
    const own = () => alive && measuring === mine;
    try {
      const { effects: answer } = await ctx.fetch({ effects: params }, (stage) => {
        if (!own()) return;
        effects = measured(effects, stage, stack);
        show();
      }, mine.signal);
      if (!own() || !answer) return;
      measuring = null;
      effects = { ...answer, done: answer.kl.length };
      checks = answer.checks;
      show();
      ctx.told();
    } catch (error) {
      if (!own()) return;
      measuring = null;
      const said = error instanceof Error ? error : new Error('It could not be measured.');
      failed = said.name === 'AbortError' ? 'Stopped.' : said.message;
      ctx.store.set({ effect: null });
      show();
    }
  }

  /** What every head gives one key, of one query. */
  async function look() {
    if (!found) return;
    const { query, key } = found.edge;
    const wanted = `${query}.${key}`;
    if (wanted === attentionOf) return;
    attentionOf = wanted;
    const { attention: answer } = await ctx.fetch({ attention: { stack: stack.name, rows: [query, query + 1], cols: [key, key + 1], size: 1, dtype: 'f32' } });
    if (!alive || attentionOf !== wanted || !answer) return;
    attention = answer.meta.layers.map((layer) => {
      const one = mapsOf(answer, layer);
      return Array.from({ length: stack.heads }, (_, head) => one.values[head] ?? 0);
    });
    show();
  }

  const silent = () => { attentionOf = ''; };

  return {
    update(next, data) {
      state = next;
      found = read(next, data, ctx, stack) ?? found;
      forget();
      if (data.edits || data.logits) show();
      measure().catch(silent);
      look().catch(silent);
    },
    hover() {},
    destroy() {
      alive = false;
      el.replaceChildren();
    },
    ready: () => found !== null,
    checks: () => checks,
    stop() {
      measuring?.abort();
      return measuring !== null;
    },
    arrow: (across, down) => maps.move(across, down),
    posted: () => {
      const edits = readAll(state.edits);
      if (edits.length) return { path: editsPath(ctx.run.run), body: { edits, mode: state.ablation, ...position(state), ...against(state) } };
      return state.effect === null ? null : { path: effectsPath(ctx.run.run), body: effectsParams() };
    },
    picture: { png: () => pngBlob(svg()), svg: async () => svgBlob(svg()) },
    table: () => (found ? table(found, effects, attention, state) : { columns: [], rows: [] }),
  };

  function svg() {
    if (!found) throw new Error('there is no picture yet');
    return causesSvg({ state, found, effects, attention, run: ctx.run, theme: ctx.theme, stack, model: ctx.model?.name ?? ctx.run.model });
  }
}

/**
 * What the answers say, whether something is taken away or not.
 * @param {Readonly<Selection>} state
 * @param {import('../types.js').Data} data
 * @param {import('../types.js').ViewContext} ctx
 * @param {import('../types.js').Stack} stack
 * @returns {Found|null}
 */
function read(state, { edits, logits }, ctx, stack) {
  const before = edits?.before ?? logits?.candidates;
  const at = edits?.position ?? logits?.position;
  if (!before?.[0] || at === undefined) return null;
  const { rows, cols } = ctx.tokens;
  const onlyEncoder = stack.name === 'encoder' && ctx.run.tokens.decoder !== undefined;
  const query = Math.min(state.query ?? (onlyEncoder ? Math.max(0, rows.findLastIndex((token) => !token.special)) : at), rows.length - 1);
  const same = cols.findIndex((token) => token.id === before[0]?.id);
  const key = state.key ?? (same >= 0 && (stack.name !== 'decoder' || same <= query) ? same : Math.max(0, Math.min(query, cols.length) - 1));
  return { position: at, before, edits: edits ?? null, edge: { query, key } };
}
