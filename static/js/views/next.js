/**
 * Next word: what the model expects after a token, as logits and as probabilities, and what temperature, top-k, top-p
 * and min-p make of them.
 */

import { h, replace } from '../dom.js';
import { look } from '../look.js';
import { clicked, fills, maskPlaces, unmaskable, wordBehind } from '../masks.js';
import { picture } from '../plot.js';
import { stripPredicts } from '../selection.js';
import { shorten } from '../ticks.js';
import { candidates } from './next_candidates.js';
import { context } from './next_context.js';
import { figure } from './next_figure.js';
import { firstOf, none } from './next_none.js';
import { pipeline } from './next_pipeline.js';
import { facts, why } from './next_words.js';

/** How many candidates are listed. */
const LIMIT = 20;
/** Of the picture to take away, in pixels. */
const WIDTH = 900;

/** @type {import('../types.js').View} */
export const next = {
  id: 'next',
  title: 'Next word',
  ofPrediction: true,
  howto: 'Each word piece gets a score, the logit, and softmax makes the scores into probabilities that add up to 1 over the whole vocabulary. '
    + 'Each step of the row reshapes or drops some, as text generation does; what is left lies end to end from 0 to 1, and the number that is drawn picks the one it falls on.',
  needs: (state, run, model) => {
    if (model?.language_head === false || (fills(model, run) && maskPlaces(run, model).length === 0)) return null;
    return {
      logits: {
        ...(state.position === null ? {} : { position: state.position }),
        temperature: state.temperature, top_k: state.topK, top_p: state.topP, min_p: state.minP, limit: LIMIT,
        ...(state.search === '' ? {} : { search: state.search }), ...(state.draw === null ? {} : { draw: state.draw }),
      },
    };
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
  const tokens = ctx.run.tokens.decoder ?? ctx.run.tokens.encoder ?? [];
  const masked = !ctx.run.tokens.decoder;
  const open = !fills(ctx.model, ctx.run) || maskPlaces(ctx.run, ctx.model).length > 0;
  const inStrip = stripPredicts(ctx.store.get(), ctx.run);
  /** @type {import('../answers_predictions.js').LogitsData|null} */
  let data = null;

  const words = context(tokens, masked, {
    go: (position) => {
      if (!fills(ctx.model, ctx.run)) ctx.store.set({ position });
      else fill(position);
    },
    point: (query) => { if (inStrip) ctx.setHover({ query, key: null }); },
  });
  const steps = pipeline({ set: (patch) => ctx.store.set(patch) });
  const note = h('p.next-note', {});
  const reason = h('p.next-why', {});
  const list = candidates();
  const empty = h('p.next-empty', { hidden: true });
  const search = h('input.next-search', { type: 'search', placeholder: 'a word piece, or #id', autocomplete: 'off', spellcheck: 'false', maxlength: 60, id: 'next-search' });
  search.addEventListener('input', () => ctx.store.set({ search: search.value }));
  const result = h('div.next-result', { hidden: !open }, steps.element, reason,
    h('div.next-over', {}, note, h('div.next-field', {}, steps.reset), h('div.next-field', {}, h('label.label', { for: 'next-search' }, 'Find'), search)), list.element, empty);
  el.append(h('div.next', {}, words.element, result, about(ctx.model)));
  if (!open) words.update(null, null, 0);

  /** Masks the token, gives a mask's word back, or says why neither can be. @param {number} index */
  function fill(index) {
    const patch = clicked(ctx.store.get(), ctx.run, ctx.model, data?.position ?? null, index);
    words.refuse(patch ? '' : unmaskable(tokens[index], ctx.model));
    if (patch) ctx.store.set(patch);
  }

  /** @type {{position: number, candidate: import('../answers_predictions.js').Candidate|null}|null} the word that a mask was put over */
  let behind = null;

  /** @param {import('../answers_predictions.js').LogitsData} now @param {Readonly<import('../types.js').Selection>} state */
  async function seek({ position }, state) {
    const word = wordBehind(state, tokens[position], ctx.model);
    if (!word || behind?.position === position) return;
    const found = behind = { position, candidate: /** @type {import('../answers_predictions.js').Candidate|null} */ (null) };
    const { logits } = await ctx.fetch({ logits: { position, search: word, limit: 1 } }).catch(() => ({ logits: undefined }));
    const first = logits?.candidates[0];
    if (!first || first.text.trim().toLowerCase() !== word.toLowerCase() || found !== behind || data?.position !== position) return;
    found.candidate = first;
    words.update(position, first, data.vocab);
  }

  return {
    update(state, answers) {
      data = answers.logits ?? data;
      steps.update(data, state);
      if (document.activeElement !== search) search.value = state.search;
      if (data) {
        words.update(data.position, data.target ?? (behind?.position === data.position ? behind.candidate : null), data.vocab);
        if (masked) seek(data, state);
        replace(note, facts(data, state));
        list.update(data, state.search !== '');
        list.element.hidden = data.candidates.length === 0 && !data.drawn;
        empty.hidden = data.candidates.length > 0;
        replace(empty, `No word piece of this model contains “${shorten(state.search, 40)}”.`);
        replace(reason, why(data, state));
      }
      steps.answered();
    },
    along(by) {
      if (data && !masked) ctx.store.set({ position: Math.min(Math.max(data.position + by, 0), tokens.length - 1) });
    },
    fill,
    hover: (hover) => words.hover(inStrip ? hover.query : null),
    destroy() {
      steps.destroy();
      el.replaceChildren();
    },
    ready: () => open && data !== null,
    picture: { png: () => picture(drawing(), caption(), 'png'), svg: () => picture(drawing(), caption(), 'svg') },
    table: () => ({ columns: COLUMNS, rows: (data?.candidates ?? []).map(row) }),
  };

  function caption() {
    const before = tokens.slice(0, (data?.position ?? 0) + (masked ? 0 : 1)).map(({ display }) => display).join('');
    const { temperature, topK, topP, minP } = ctx.store.get();
    const set = [`temperature ${temperature}`, topK && `top-k ${topK}`, topP < 1 && `top-p ${topP}`, minP && `min-p ${minP}`].filter(Boolean).join(', ');
    return `${ctx.model?.name ?? ctx.run.model}: …${before.slice(-40)} ▢ (${set})`;
  }

  function drawing() {
    if (!data) throw new Error('there is no picture yet');
    return figure({ data, width: WIDTH, look: look() });
  }
}

/** What the model can and cannot, as its card says. @param {import('../types.js').Model|null} model */
function about(model) {
  if (!model?.note) return null;
  const first = firstOf(model.note);
  const more = model.note.slice(first.length).trim();
  return h('div.next-about', {}, h('p', {}, h('b', {}, `What ${model.id} can and cannot: `), first),
    more && h('details', {}, h('summary', {}, 'More from its card'), more.split('\n\n').map((words) => h('p', {}, words))));
}

const COLUMNS = ['rank', 'id', 'text', 'logit', 'softmax', 'probability', 'kept', 'below'];

/** @param {import('../answers_predictions.js').Candidate} c @returns {(string|number|boolean|null)[]} */
function row(c) {
  return [c.rank + 1, c.id, c.text, c.logit, c.softmax, c.probability, c.kept, c.below];
}
