/** Surprisal: how little the model expected each token, on the strip and as bars, and the losses of the whole text. */

import { h, replace } from '../dom.js';
import { digits, grouped } from '../format.js';
import { look } from '../look.js';
import { surprisalPath } from '../paths.js';
import { piece } from '../piece.js';
import { clear, draw, picture } from '../plot.js';
import { stackOf } from '../selection.js';
import { weight } from '../ticks.js';
import { none } from './next_none.js';
import { figure } from './surprisal_figure.js';
import { detail, inNats, largest, leastExpected, light, MEASURES, reads, shareOf, table, totals } from './surprisal_words.js';

/** How many of the least expected are listed. */
const LISTED = 12;

/** @type {import('../types.js').View} */
export const surprisal = {
  id: 'surprisal',
  title: 'Surprisal',
  howto: 'The brighter a token, the less the model expected it: surprisal is −ln of the probability that it had, so 0.69 nats were an even chance and 6.9 one in a thousand. '
    + 'The mean over the text is the loss that models are trained to lower; perplexity and bits per byte say the same in other units.',
  needs: (_, __, model) => (model?.language_head === false ? null : { surprisal: {} }),
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
  const stack = stackOf(state, ctx.run);
  const inStrip = !ctx.run.tokens.decoder || stack.name !== 'encoder';
  /** @type {import('../answers_predictions.js').SurprisalData|null} */
  let data = null;
  /** @type {number|null} */
  let pointed = null;
  let drawn = '';
  let alive = true;

  const numbers = h('dl.surprisal-totals', {});
  const how = h('p.surprisal-how', {});
  const buttons = /** @type {(keyof typeof MEASURES)[]} */ (Object.keys(MEASURES)).map((measure) => ({
    measure, button: h('button.toggle', { type: 'button', 'aria-pressed': 'false', onclick: () => ctx.store.set({ measure }) }, MEASURES[measure].title),
  }));
  const about = h('p.surprisal-detail', { role: 'status' });
  const chart = h('div.surprisal-chart', { role: 'img' });
  const list = h('ol.surprisal-list', {});
  const away = inStrip ? null : h('p.surprisal-how', {}, 'The strip above holds the text. ',
    h('button.button.small', { type: 'button', onclick: () => ctx.store.set({ stack: 'decoder', query: null, key: null }) }, 'Show the target there'));
  const all = h('div.surprisal', { hidden: true }, numbers, how, away,
    h('div.surprisal-bar', {}, h('span.label', { id: 'surprisal-by' }, 'Show'), h('div.toggles', { role: 'group', 'aria-labelledby': 'surprisal-by' }, buttons.map(({ button }) => button)), about),
    chart, h('h3', {}, 'Least expected'), list);
  el.append(all);

  const chosen = () => (inStrip ? state.query : null);

  /** @param {number} index */
  function choose(index) {
    if (inStrip && index < stack.rows) ctx.store.set({ query: index });
    pointed = index;
    tell();
  }

  function tell() {
    if (data) replace(about, detail(data.tokens[pointed ?? chosen() ?? -1], data));
  }

  /** @param {import('../answers_predictions.js').SurprisalData} of */
  function pictureOf(of) {
    return figure({ data: of, measure: state.measure, chosen: chosen(), width: Math.floor(chart.clientWidth), look: look() });
  }

  async function drawChart() {
    if (!data || !chart.clientWidth) return;
    const key = JSON.stringify([state.measure, chosen(), chart.clientWidth, look()]);
    if (key === drawn) return;
    drawn = key;
    const shown = pictureOf(data);
    chart.style.height = `${shown.layout.height}px`;
    const first = !chart.classList.contains('js-plotly-plot');
    const gd = await draw(chart, shown);
    if (!first || !alive) return;
    gd.on('plotly_click', ({ points }) => choose(Number(points[0]?.x)));
    gd.on('plotly_hover', ({ points }) => point(Number(points[0]?.x)));
    gd.on('plotly_unhover', () => point(null));
  }

  /** @param {number|null} index */
  function point(index) {
    pointed = index;
    tell();
    if (inStrip && (index === null || index < stack.rows)) ctx.setHover({ query: index, key: null });
  }

  /** @param {import('../answers_predictions.js').SurprisalData} fresh */
  function fill(fresh) {
    data = fresh;
    drawn = '';
    replace(numbers, totals(fresh));
    replace(how, reads(fresh));
    const worst = leastExpected(fresh).slice(0, LISTED);
    replace(list, worst.map((token) => h('li', {}, h('button.surprisal-one', {
      type: 'button', data: { index: token.index }, style: { '--light': shareOf(token, worst).toFixed(3) }, onclick: () => choose(token.index),
    }, h('span.surprisal-name', {}, piece(token.text), h('small', {}, token.index)), h('span.surprisal-likeliest', {}, 'expected ', piece(token.best_text ?? ''), ` ${weight(token.best_softmax)}`),
    h('span', {}, `rank ${grouped((token.rank ?? 0) + 1)}`), h('b', {}, inNats(token))))));
    const [first] = worst;
    chart.setAttribute('aria-label', `Bars of ${grouped(fresh.tokens.length)} tokens.${first ? ` The least expected is ${first.text.trim()} with ${inNats(first)}.` : ''} The least expected are listed below, all of them are in the CSV.`);
    all.hidden = false;
  }

  return {
    update(next, answers) {
      state = next;
      if (answers.surprisal && answers.surprisal !== data) fill(answers.surprisal);
      for (const { measure, button } of buttons) button.setAttribute('aria-pressed', String(measure === state.measure));
      tell();
      drawChart().catch((error) => { replace(chart, h('p', {}, String(error.message))); });
    },
    hover(hover) {
      pointed = inStrip ? hover.query : pointed;
      tell();
    },
    marks() {
      if (!data || !inStrip) return null;
      return { colour: { rows: light(data, state.measure).slice(0, stack.rows), cols: null }, title: MEASURES[state.measure].legend, upTo: largest(data, state.measure) };
    },
    pinned: () => ({ query: state.query, key: null }),
    ready: () => data !== null,
    destroy() {
      alive = false;
      clear(chart);
      el.replaceChildren();
    },
    address: () => ({ path: surprisalPath(ctx.run.run), matrix: false }),
    picture: { png: () => picture(needed(), caption(), 'png'), svg: () => picture(needed(), caption(), 'svg') },
    table: () => (data ? table(data) : { columns: [], rows: [] }),
  };

  function needed() {
    if (!data) throw new Error('there is no picture yet');
    return pictureOf(data);
  }

  function caption() {
    return `${ctx.model?.name ?? ctx.run.model}: ${MEASURES[state.measure].title} of each token, loss ${digits(data?.loss)}, perplexity ${digits(data?.perplexity)}, bits per byte ${digits(data?.bits_per_byte)}`;
  }
}
