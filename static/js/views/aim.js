/** Which prediction a view is about: the position, the word piece, and another one that it is held against. */

import { h, replace, visible } from '../dom.js';
import { grouped } from '../format.js';
import { predicting } from '../masks.js';
import { named } from '../ticks.js';

/** @typedef {import('../types.js').Selection} Selection */
/** @typedef {import('../answers_predictions.js').Candidate} Candidate */

const LISTED = 12;

/**
 * What a view needs for these fields, and the parameters of its own question.
 * @param {Readonly<Selection>} state
 */
export function aimOf({ position, token, against }) {
  const at = position === null ? {} : { position };
  return { logits: { ...at, limit: LISTED }, aim: { ...at, ...(token === null ? {} : { token }), ...(against === null ? {} : { against }) } };
}

/**
 * @param {string} id of the view
 * @param {import('../types.js').ViewContext} ctx
 */
export function createAim(id, ctx) {
  const masked = !ctx.run.tokens.decoder;
  const predicts = predicting(ctx.run, ctx.model);
  /** @type {import('../answers_predictions.js').LogitsData|null} */
  let logits = null;
  /** Found by search, or by a link: listed beside the likeliest. @type {Map<number, string>} */
  const more = new Map();
  let state = ctx.store.get();

  const at = select('at', (value) => ctx.store.set({ position: Number(value) }));
  const token = select('token', (value) => ctx.store.set({ token: value === '' ? null : Number(value) }));
  const against = select('against', (value) => ctx.store.set({ against: value === '' ? null : Number(value) }));
  const word = h('input', { id: `${id}-word`, type: 'text', size: 12, maxlength: 60, autocomplete: 'off', spellcheck: 'false' });
  const told = h('p.aim-told', { role: 'status' });
  const find = h('form.control', {}, h('label.label', { for: word.id }, 'another word'), word,
    h('button.button.small', { type: 'submit' }, 'List it'));
  const element = h('div.aim', {}, field(masked ? 'predicted at' : 'predicted after', at), field('word', token), field('minus', against), find, told);
  replace(at, predicts.map((one) => h('option', { value: one.index }, named(one, one.index))));
  find.addEventListener('submit', (event) => {
    event.preventDefault();
    list(word.value).catch((error) => { replace(told, error instanceof Error ? error.message : 'It could not be looked up.'); });
  });

  /** @param {string} name @param {(value: string) => void} onChange */
  function select(name, onChange) {
    const box = h('select.select', { id: `${id}-${name}` });
    box.addEventListener('change', () => onChange(box.value));
    return box;
  }

  /** @param {string} words @param {HTMLElement} control */
  function field(words, control) {
    return h('div.control', {}, h('label.label', { for: control.id }, words), control);
  }

  /** The likeliest word piece that is what was typed, but for spaces and case, goes into the lists. @param {string} typed */
  async function list(typed) {
    const search = typed.trim();
    if (search === '') return;
    const found = await ctx.fetch({ logits: { ...aimOf(state).logits, search, limit: 200 } });
    const same = (/** @type {Candidate} */ one) => one.text.trim() === search;
    const fold = (/** @type {Candidate} */ one) => one.text.trim().toLowerCase() === search.toLowerCase();
    const all = found.logits?.candidates ?? [];
    const best = all.find(same) ?? all.find(fold) ?? all[0];
    if (!best) {
      replace(told, `No word piece has “${search}” in it.`);
      return;
    }
    more.set(best.id, best.text);
    word.value = '';
    show();
    replace(told, `${visible(best.text)} is in both lists now, rank ${grouped(best.rank + 1)}.`);
  }

  function show() {
    if (!logits) return;
    const all = new Map([...logits.candidates.map((one) => /** @type {const} */ ([one.id, one.text])), ...more]);
    for (const chosen of [state.token, state.against]) if (chosen !== null && !all.has(chosen)) all.set(chosen, `token ${chosen}`);
    const options = [...all].map(([value, text]) => ({ value, text: visible(text) }));
    const [best] = logits.candidates;
    replace(token, h('option', { value: '' }, `the likeliest (${visible(best?.text ?? '')})`), options.map(({ value, text }) => h('option', { value }, text)));
    replace(against, h('option', { value: '' }, 'no other'), options.map(({ value, text }) => h('option', { value }, text)));
    at.value = String(logits.position);
    token.value = state.token === null ? '' : String(state.token);
    against.value = state.against === null ? '' : String(state.against);
  }

  return {
    element,
    /**
     * @param {Readonly<Selection>} next
     * @param {import('../answers_predictions.js').LogitsData|undefined} answer
     * @param {{id: number, text: string}[]} named words that an answer named
     */
    update(next, answer, named) {
      state = next;
      logits = answer ?? logits;
      for (const one of named) more.set(one.id, one.text);
      show();
    },
    /** The token of the strip that stands for the position. */
    position: () => logits?.position ?? null,
  };
}

/** Why there is nothing to show. @param {import('../types.js').Problem} problem */
export function refusal(problem) {
  return [h('h3', {}, 'Nothing can be shown here'), h('p', {}, problem.detail), h('p', {}, problem.hint)];
}
