/** What if: one word changed where it stands, and what that does to the prediction and to the heads. */

import { h, replace, visible } from '../dom.js';
import { editInPlace, stretchOf } from '../inplace.js';
import { look } from '../look.js';
import { fills, maskPlaces } from '../masks.js';
import { piece } from '../piece.js';
import { picture } from '../plot.js';
import { requestOf, stackOf, tokensOf } from '../selection.js';
import { named, shorten } from '../ticks.js';
import { rank } from './compare_rank.js';
import { strip } from './compare_strip.js';
import { standing, tokensChanged } from './compare_words.js';
import { digits, grouped } from '../format.js';
import { figure, headsFigure } from './whatif_figure.js';
import { changes, share, verdict } from './whatif_words.js';

/** @typedef {Readonly<import('../types.js').Selection>} Selection */

/** How many candidates are fetched of each text, and how many of each are shown. */
const FETCHED = 100;
const SHOWN = 8;
const SIZE = 256;
const WIDTH = 760;
/** Of a longer text only so many tokens can be changed here. */
const LONGEST = 300;

/** @type {import('../types.js').View} */
export const whatif = {
  id: 'whatif',
  title: 'What if',
  ofPrediction: true,
  howto: 'Change one word where it stands, and read what that does: to the words that the model expects, and to each head, in bits by which its attention differs. '
    + 'A head that stays dark looks the same way in both texts; open one in Compare to see its two maps.',
  needs(state, run, model) {
    const stack = stackOf(state, run);
    const large = stack.rows > SIZE || stack.cols > SIZE ? { size: SIZE, pool: /** @type {const} */ ('max') } : {};
    const attention = { stack: stack.name, layer: state.layer, head: state.head, lens: /** @type {const} */ ('raw'), dtype: /** @type {const} */ ('f32'), ...large };
    const other = changedRequest(state, requestOf(state, model));
    const asks = predicts(run, model) ? { ...(state.position === null ? {} : { position: state.position }), limit: FETCHED } : null;
    return {
      attention, ...(asks ? { logits: asks } : {}),
      ...(other ? { compare: { other, stack: stack.name, layer: state.layer, head: state.head, layer_b: null, head_b: null, size: SIZE, logits: asks, mask: model?.mask ?? null } } : {}),
    };
  },
  mount,
};

/** @param {import('../types.js').Run} run @param {import('../types.js').Model|null} model */
function predicts(run, model) {
  return model?.language_head !== false && (!fills(model, run) || maskPlaces(run, model).length > 0);
}

/** @param {Selection} state @param {import('../types.js').RunRequest} request */
function changedRequest({ otherText }, request) {
  return otherText === null || otherText === request.text || otherText.trim() === '' ? null : { ...request, text: otherText };
}

/** What a change of the text asks for. @param {string} text @param {string} original @returns {Partial<import('../types.js').Selection>} */
export function changeTo(text, original) {
  return { view: 'whatif', otherText: text === original ? null : text, otherModel: null, otherLayer: null, otherHead: null };
}

/**
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
function mount(el, ctx) {
  const { store, request } = ctx;
  const own = ctx.run.tokens.encoder ?? ctx.run.tokens.decoder ?? [];
  const asked = ctx.run.tokens.decoder ?? own;
  let state = store.get();
  /** @type {import('../types.js').Data} */
  let data = {};
  const chips = h('ol.whatif-chips', { 'aria-label': 'Words to change' });
  const back = h('button.button', { type: 'button', onclick: () => store.set({ otherText: null }) }, 'Back to the original');
  const lead = h('p.whatif-lead', {});
  const note = h('p.compare-note', {});
  const say = h('p.compare-what', {});
  const both = strip('Tokens', { point: (query) => ctx.setHover({ query, key: null }), pin: (query) => store.set({ query: state.query === query ? null : query }) });
  const answer = h('p.whatif-answer', { hidden: true });
  const expects = h('h3', {});
  const table = h('table.whatif-table', {});
  const box = h('div.table-box', { tabindex: 0, role: 'region', 'aria-label': 'Candidates of both texts' }, table);
  const none = h('p.next-note', {});
  const ranking = rank({ choose: (at) => store.set(at), announce: ctx.announce });
  const open = h('button.button', { type: 'button', onclick: () => store.set({ view: 'compare' }) }, 'Its maps in Compare');
  const head = h('p.whatif-head', {});
  const result = h('div.whatif-result', { hidden: true },
    both.element,
    h('div.whatif-body', {},
      h('section.whatif-part', { 'aria-label': 'Prediction' }, expects, answer, say, none, box),
      h('section.whatif-part', { 'aria-label': 'Heads' }, ranking.element, head, open)));
  el.append(h('div.compare.whatif', {}, h('div.whatif-top', {}, lead, chips, back), note, result));

  /** @param {readonly import('../types.js').Token[]} tokens @param {string} text which they are of */
  function offer(tokens, text) {
    replace(chips, tokens.slice(0, LONGEST).map((token, i) => {
      const stretch = stretchOf(text, token);
      if (!stretch) return h('li', {}, h('span.whatif-chip.fixed', {}, piece(token.display)));
      const button = h('button.whatif-chip', { type: 'button', data: { index: i }, 'aria-label': `Change ${visible(token.display.trim())}`, title: 'Change this word' }, piece(token.display));
      button.addEventListener('click', () => editInPlace(button, stretch.word, `In place of ${stretch.word}`, (to) => {
        const changed = stretch.change(to);
        if (changed.trim() === '') ctx.announce('A text of no words cannot be run.');
        else store.set(changeTo(changed, request.text));
      }));
      return h('li', {}, button);
    }), tokens.length > LONGEST && h('li', {}, `… ${grouped(tokens.length - LONGEST)} more: change them in the box above`));
  }

  /**
   * The heading, with the place in the changed text where it is called by another name.
   * @param {number} position
   * @param {number|null} other
   * @param {readonly import('../types.js').Token[]} tokens
   * @param {import('../types.js').Run} run the other
   */
  function where(position, other, tokens, run) {
    const at = tokens === ctx.run.tokens.decoder ? 'after' : 'at';
    const name = named(tokens[position], position);
    const its = other === null ? name : named((run.tokens.decoder ?? run.tokens.encoder ?? [])[other], other);
    return `What it expects ${at} ${name}${its === name ? '' : `, and in the changed text ${at} ${its}`}`;
  }

  /** @param {import('../answers_predictions.js').LogitsData} before @param {import('../answers_predictions.js').LogitsData} after */
  function predictions(before, after) {
    const list = changes(before, after, SHOWN);
    const most = Math.max(...list.flatMap((one) => [one.before?.softmax ?? 0, one.after?.softmax ?? 0]), 1e-9);
    const bar = (/** @type {string} */ kind, /** @type {number|undefined} */ value) => h(`i.whatif-bar.${kind}`, { 'aria-hidden': 'true', style: { '--size': ((value ?? 0) / most).toFixed(4) } });
    replace(table,
      h('caption.hidden-visually', {}, 'Probabilities of the likeliest words, at temperature 1'),
      h('thead', {}, h('tr', {}, ['Word piece', 'Original', 'Rank', 'Changed', 'Rank', ''].map((title, i) => (i < 5 ? h('th', { scope: 'col' }, title) : h('td', {}))))),
      h('tbody', {}, list.map((one) => h('tr', { data: { id: one.id } },
        h('th', { scope: 'row' }, piece(shorten(one.text, 24))),
        h('td', {}, share(one.before, before)), h('td.quiet', {}, one.before ? grouped(one.before.rank + 1) : '–'),
        h('td', {}, share(one.after, after)), h('td.quiet', {}, one.after ? grouped(one.after.rank + 1) : '–'),
        h('td.whatif-bars', {}, bar('before', one.before?.softmax), bar('after', one.after?.softmax))))));
    replace(say, verdict(before, after));
  }

  return {
    update(next, answers) {
      state = next;
      data = answers;
      const compared = answers.compare ?? null;
      const changed = changedRequest(next, request);
      const theirs = compared?.run ? compared.run.tokens.encoder ?? compared.run.tokens.decoder ?? [] : null;
      back.hidden = !changed;
      const held = chips.contains(document.activeElement) && document.activeElement instanceof HTMLElement ? document.activeElement.dataset.index : null;
      if (!chips.querySelector('input')) offer(changed && theirs ? theirs : own, changed?.text ?? request.text);
      if (held) /** @type {HTMLElement|null} */ (chips.querySelector(`button[data-index="${held}"]`))?.focus();
      replace(lead, changed ? 'The text as you changed it. Change another word, or go back.' : 'Click a word, or press Enter on it, write another and press Enter: the changed text is run and held against this one.');
      const problem = compared?.problem;
      replace(note, problem ? [h('b', {}, `${problem.title}. `), problem.detail, ' ', problem.hint] : '');
      note.classList.toggle('is-problem', Boolean(problem));
      result.hidden = !changed || !compared?.ranking || !compared.run;
      if (result.hidden || !compared?.ranking || !compared.run || !theirs) return;
      const stack = stackOf(next, ctx.run);
      const other = tokensOf(stackOf({ stack: compared.ranking.stack_b }, compared.run), compared.run);
      both.update(compared.ranking.col_units, ctx.tokens.cols, other.cols);
      ranking.update(compared.ranking, stack, next);
      const place = standing(compared.ranking, next.layer, next.head);
      replace(head, place ? `Shown: head ${next.head} of layer ${next.layer}, ${digits(place.divergence)} bits, number ${place.place} of ${place.of}.` : '');
      const [wrote, writes] = [ctx.run.answer, compared.run.answer];
      answer.hidden = wrote === null || writes === null;
      replace(answer, wrote === writes ? `It writes “${wrote}” for both texts.` : `It wrote “${wrote}” itself, and now “${writes}”.`);
      const [before, after] = [answers.logits, compared.logits];
      box.hidden = !before || !after;
      replace(expects, before ? where(before.position, after?.position ?? null, asked, compared.run) : 'What it expects');
      say.hidden = box.hidden;
      replace(none, !box.hidden ? '' : predicts(ctx.run, ctx.model) ? 'Of the changed text there is no prediction here.' : 'This model predicts no words here: choose one with a language-model head, or mask a word.');
      if (before && after) predictions(before, after);
      ctx.announce(`${tokensChanged(compared.ranking, ctx.tokens, other, [request.model, request.model])}. ${say.textContent}`);
    },
    hover() {},
    destroy: () => el.replaceChildren(),
    key(event) {
      if (event.key !== 'Escape' || state.otherText === null || event.target !== chips) return false;
      store.set({ otherText: null });
      return true;
    },
    ready: () => !result.hidden,
    picture: { png: () => picture(drawing(), caption(), 'png'), svg: () => picture(drawing(), caption(), 'svg') },
    table: () => {
      const [before, after] = [data.logits, data.compare?.logits];
      if (!before || !after) return { columns: ['layer', 'head', 'divergence'], rows: (data.compare?.ranking?.heads ?? []).map(({ layer, head: index, divergence }) => [layer, index, divergence]) };
      return {
        columns: ['id', 'text', 'original', 'original_rank', 'changed', 'changed_rank'],
        rows: changes(before, after, FETCHED).map((one) => [one.id, one.text, one.before?.softmax ?? null, one.before ? one.before.rank + 1 : null, one.after?.softmax ?? null, one.after ? one.after.rank + 1 : null]),
      };
    },
  };

  function caption() {
    return `${ctx.model?.name ?? request.model}: “${shorten(request.text, 40)}” and “${shorten(state.otherText ?? '', 40)}”`;
  }

  function drawing() {
    const [before, after] = [data.logits, data.compare?.logits];
    if (before && after) return figure(changes(before, after, SHOWN), WIDTH, look());
    if (data.compare?.ranking) return headsFigure(data.compare.ranking, WIDTH, look());
    throw new Error('there is no picture yet');
  }
}

