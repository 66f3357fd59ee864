/**
 * Next word: what the model expects after a token, as logits and as probabilities, and what temperature, top-k, top-p
 * and min-p make of them.
 */

import { h, replace } from '../dom.js';
import { look } from '../look.js';
import { clear, draw, picture } from '../plot.js';
import { shorten, weight as written } from '../ticks.js';
import { piece } from '../piece.js';
import { context } from './next_context.js';
import { controls } from './next_controls.js';
import { figure } from './next_figure.js';
import { facts, steps } from './next_steps.js';

/** How many candidates are listed. */
const LIMIT = 20;

/** @type {import('../types.js').View} */
export const next = {
  id: 'next',
  title: 'Next word',
  howto: 'Each word piece gets a score, the logit, and softmax makes the scores into probabilities that add up to 1 over the whole vocabulary. '
    + 'The sliders reshape them as text generation does before it draws a word: pale bars are softmax alone, strong ones what is left.',
  needs: (state, run, model) => {
    if (model?.language_head === false) return null;
    const position = positionOf(state, run);
    return {
      logits: {
        ...(position === null ? {} : { position }),
        temperature: state.temperature, top_k: state.topK, top_p: state.topP, min_p: state.minP, limit: LIMIT,
        ...(state.search === '' ? {} : { search: state.search }), ...(state.draw === null ? {} : { draw: state.draw }),
      },
    };
  },
  mount,
};

/**
 * The position that is asked about: the one chosen here, else the token pinned elsewhere, where that is one of the
 * tokens that predict. Null leaves it to the server: the last one, or the first mask.
 * @param {Readonly<import('../types.js').Selection>} state
 * @param {import('../types.js').Run} run
 */
export function positionOf(state, run) {
  if (state.position !== null) return state.position;
  const only = run.stacks.length === 1 && run.stacks[0].name === 'decoder';
  return only && state.query !== null && state.query < run.stacks[0].rows ? state.query : null;
}

/**
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
function mount(el, ctx) {
  if (ctx.model?.language_head === false) return explain(el, ctx);
  const tokens = ctx.run.tokens.decoder ?? ctx.run.tokens.encoder ?? [];
  const masked = !ctx.run.tokens.decoder;
  /** @type {import('../types.js').LogitsData|null} */
  let data = null;
  /** @type {import('../plot.js').Figure|null} */
  let shown = null;
  let drawn = '';

  const words = context(tokens, masked, {
    go: (position) => ctx.store.set({ position }),
    point: (query) => ctx.setHover({ query, key: null }),
  });
  const panel = controls({ set: (patch) => ctx.store.set(patch) });
  const pipeline = h('ol.next-steps', { 'aria-label': 'Steps of the pipeline' });
  const note = h('p.next-note', {});
  const chart = h('div.next-chart', { role: 'img' });
  const list = h('table', {});
  const empty = h('p.next-empty', { hidden: true });
  el.append(h('div.next', {}, words.element, h('div.next-body', {},
    h('div.next-picture', {}, note, chart, empty, h('div.hidden-visually', {}, list)), h('div.next-side', {}, panel.element, pipeline))));

  async function drawChart() {
    if (!data || !chart.clientWidth) return;
    const colours = look();
    const width = Math.floor(chart.clientWidth);
    const key = JSON.stringify([data, width, colours]);
    if (key === drawn) return;
    drawn = key;
    empty.hidden = data.candidates.length > 0;
    chart.hidden = !empty.hidden;
    shown = figure({ data, width, look: colours });
    if (!chart.hidden) await draw(chart, shown);
  }

  return {
    update(state, answers) {
      data = answers.logits ?? data;
      panel.update(state);
      if (!data) return;
      words.update(data.position, data.target, data.vocab);
      replace(pipeline, steps(data, state));
      replace(note, facts(data, state));
      replace(empty, `No word piece of this model contains “${shorten(state.search, 40)}”.`);
      chart.setAttribute('aria-label', summary(data));
      replace(list, asTable(data));
      drawChart().catch((error) => { note.textContent = String(error.message); });
    },
    hover: (hover) => words.hover(hover.query),
    destroy() {
      panel.destroy();
      clear(chart);
      el.replaceChildren();
    },
    picture: { png: () => picture(needed(), caption(), 'png'), svg: () => picture(needed(), caption(), 'svg') },
    table: () => ({ columns: COLUMNS, rows: (data?.candidates ?? []).map(row) }),
  };

  function caption() {
    const before = tokens.slice(0, (data?.position ?? 0) + (masked ? 0 : 1)).map(({ display }) => display).join('');
    const { temperature, topK, topP, minP } = ctx.store.get();
    const set = [`temperature ${temperature}`, topK && `top-k ${topK}`, topP < 1 && `top-p ${topP}`, minP && `min-p ${minP}`].filter(Boolean).join(', ');
    return `${ctx.model?.name ?? ctx.run.model}: …${before.slice(-40)} ▢ (${set})`;
  }

  function needed() {
    if (!shown) throw new Error('there is no picture yet');
    return shown;
  }
}

const COLUMNS = ['rank', 'id', 'text', 'logit', 'softmax', 'probability', 'kept'];

/** @param {import('../types.js').Candidate} c @returns {(string|number|boolean|null)[]} */
function row(c) {
  return [c.rank + 1, c.id, c.text, c.logit, c.softmax, c.probability, c.kept];
}

/** @param {import('../types.js').LogitsData} data */
function asTable({ candidates }) {
  return [
    h('caption', {}, 'Candidates'),
    h('thead', {}, h('tr', {}, COLUMNS.map((name) => h('th', { scope: 'col' }, name)))),
    h('tbody', {}, candidates.map((c) => h('tr', {}, row(c).map((value, i) => (
      h('td', {}, typeof value === 'number' && i > 2 ? written(value) : String(value))))))),
  ];
}

/** @param {import('../types.js').LogitsData} data */
function summary({ candidates }) {
  const first = candidates.slice(0, 3).map((c) => `${c.text.trim()} ${written(c.probability)}`).join(', ');
  return `Bar chart of ${candidates.length} candidates. Likeliest: ${first}. All values are in the table that follows.`;
}

/**
 * The view of a model that predicts no words.
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
function explain(el, ctx) {
  const name = ctx.model?.name ?? ctx.run.model;
  const change = () => ctx.store.set({ model: 'smollm2', pair: null, stack: null, heads: null, query: null, key: null, position: null, rows: null, cols: null });
  el.append(h('div.next-none', {},
    h('h2', {}, 'This model predicts no words'),
    h('p', {}, h('b', {}, piece(name)), ' turns a text into vectors; its weights hold no language-model head, the last layer that scores every word piece. '
      + 'So there are no logits to show, and none are made up.'),
    h('p', {}, 'Its attention can be looked at in the other views. For the next word, take a model that was trained to predict it.'),
    h('button.button.primary', { type: 'button', onclick: change }, 'Use smollm2 for this text')));
  return { ready: () => false, update() {}, hover() {}, destroy: () => el.replaceChildren() };
}

