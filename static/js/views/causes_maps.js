/** Every head in turn: what the prediction loses without it, beside how much it looks at one word. */

import { cividis, diverging } from '../colour.js';
import { h, keepFocus, replace } from '../dom.js';
import { duration, grouped } from '../format.js';
import { named } from '../ticks.js';
import { createHeadGrid } from './causes_grid.js';
import { effectTitle, furthest, headWords, inCell, quoted, rankCorrelation, rowsOf, strongest, textOf, written } from './causes_words.js';

/** @typedef {import('../answers_predictions.js').Effect} Effect */
/** @typedef {import('../types.js').Selection} Selection */

/** A knocked-out head takes about this much of a pass: the layers above it, in batches. */
const PASSES = 0.25;
const TOP = 6;
/** Where no head moves the prediction by more, in nats, their order says nothing. */
const TOO_SMALL = 0.005;

/**
 * @param {object} react
 * @param {(layer: number, head: number) => void} react.choose
 * @param {(patch: Partial<Selection>) => void} react.set
 * @param {() => void} react.stop measuring
 * @param {() => void} react.takeAway the head that is chosen
 * @param {(text: string) => void} react.announce
 */
export function createMaps(react) {
  /** @type {Effect} what was shown last, while nothing is measured */
  let last = 'kl';
  const grids = [createHeadGrid('causes-effect-title', react), createHeadGrid('causes-attention-title', react)];
  const [effectGrid, attentionGrid] = /** @type {[typeof grids[0], typeof grids[0]]} */ (grids);
  const titles = [h('h4', { id: 'causes-effect-title' }), h('h4', { id: 'causes-attention-title' })];
  const start = h('button.button.primary', { type: 'button', onclick: () => react.set({ effect: last }) });
  const how = h('p.causes-why', {});
  const waiting = h('div.causes-start', {}, start, how);
  const far = h('span.label', { role: 'status' });
  const stopButton = h('button.button.small', { type: 'button', onclick: () => react.stop() }, 'Stop');
  const stop = h('div.causes-stop', { hidden: true }, stopButton, far);
  const toggles = /** @type {Effect[]} */ (['kl', 'change', 'difference']).map((id) => ({ id, button: h('button.toggle', { type: 'button', onclick: () => pick(id) }) }));
  const against = h('select.select', { id: 'causes-against' });
  against.addEventListener('change', () => {
    const id = against.value === '' ? null : Number(against.value);
    react.set({ against: id, ...(id === null && last === 'difference' ? { effect: 'kl' } : {}) });
  });
  const bar = h('div.causes-bar', {}, h('div.toggles', { role: 'group', 'aria-label': 'Shown of each head' }, toggles.map(({ button }) => button)),
    h('div.control', {}, h('label.label', { for: 'causes-against' }, 'held against'), against));
  const agree = h('p.causes-agree', {});
  const chosen = h('p.causes-chosen', {});
  const act = h('button.button.small', { type: 'button', onclick: () => react.takeAway() });
  const open = h('button.button.small', { type: 'button', onclick: () => react.set({ view: 'map' }) }, 'Open its map');
  const topBody = h('tbody', {});
  const top = h('table.causes-top', {}, h('caption', {}, 'Strongest heads'), h('thead', {}, h('tr', {}, ['head', 'effect', 'looks'].map((one) => h('th', { scope: 'col' }, one)))), topBody);
  const element = h('section.causes-maps', { 'aria-label': 'Every head in turn' }, h('h3', {}, 'Every head in turn'), bar,
    h('div.causes-pair', {}, h('div', {}, titles[0], waiting, stop, effectGrid.element), h('div', {}, titles[1], attentionGrid.element)),
    agree, h('div.causes-head', {}, chosen, act, open), top);

  /** @param {Effect} id */
  function pick(id) {
    last = id;
    if (id === 'difference' && against.value === '') react.set({ effect: id, against: Number(against.options[1]?.value) });
    else react.set({ effect: id });
  }

  return {
    element,
    /** @param {number} across @param {number} down */
    move: (across, down) => effectGrid.move(across, down),
    /**
     * @param {object} now
     * @param {Readonly<Selection>} now.state
     * @param {import('./causes_words.js').Found} now.found
     * @param {import('./causes_words.js').Effects|null} now.effects
     * @param {number[][]|null} now.attention
     * @param {import('../types.js').ViewContext} now.ctx
     * @param {import('../types.js').Stack} now.stack
     * @param {string} now.failed
     * @param {boolean} now.measuring
     */
    update(now) {
      const { state, found, effects, attention, ctx, stack, failed, measuring } = now;
      last = state.effect ?? last;
      if (last === 'difference' && state.against === null) last = 'kl';
      const count = stack.layers * stack.heads;
      const first = quoted(found.before[0]?.text ?? '');
      for (const { id, button } of toggles) {
        replace(button, id === 'kl' ? 'KL' : id === 'change' ? `logit of ${first}` : state.against === null ? `${first} minus …` : `${first} minus ${quoted(textOf(found, state.against))}`);
        button.setAttribute('aria-pressed', String(id === last));
        if (id === 'difference') button.disabled = found.before.length < 2;
      }
      options(found, state);
      replace(start, failed ? 'Measure again' : `Measure all ${grouped(count)} heads`);
      replace(how, failed && `${failed} `, `Each head is knocked out by itself: about ${duration(PASSES * count * ctx.run.milliseconds.forward)} here. You can stop it.`);
      if (measuring) replace(far, `${effects?.done ?? 0} of ${stack.layers} layers`);
      replace(titles[0] ?? '', effectTitle(last, found, state));
      keepFocus(element, () => {
        waiting.hidden = state.effect !== null;
        stop.hidden = !measuring;
        effectGrid.element.hidden = effects === null;
      }, stopButton, start, effectGrid.cell());
      if (effects) {
        const rows = rowsOf(effects, last);
        const signed = last !== 'kl';
        const most = furthest(rows);
        effectGrid.update({
          rows,
          colour: (value) => (signed ? diverging(value / most, ctx.theme) : cividis(Math.sqrt(Math.max(0, value) / most))),
          text: (value) => inCell(value, signed), says: (value) => (value === null ? 'not measured yet' : written(value, signed)),
        }, JSON.stringify([last, rows, ctx.theme]), state);
      }
      const { query, key } = found.edge;
      replace(titles[1] ?? '', `How much ${named(ctx.tokens.rows[query], query)} looks at ${named(ctx.tokens.cols[key], key)}`);
      if (attention) {
        attentionGrid.update({
          rows: attention, colour: (value) => cividis(Math.sqrt(value)), text: (value) => inCell(value, false), says: (value) => `gives it ${(value ?? 0).toFixed(3)}`,
        }, JSON.stringify(attention), state);
      }
      replace(agree, effects && attention && effects.done === stack.layers ? agreement(rowsOf(effects, last), attention, effects.kl) : '');
      replace(chosen, h('b', {}, `Head ${state.layer}.${state.head}: `), headWords(now, ctx.tokens));
      replace(act, `Take away head ${state.layer}.${state.head}`);
      top.hidden = effects === null;
      if (effects) {
        const signed = last !== 'kl';
        replace(topBody, strongest(rowsOf(effects, last), TOP).map(({ layer, head, value }) => h('tr', { data: { head: `${layer}.${head}` } },
          h('th', { scope: 'row' }, h('button.causes-pick', { type: 'button', onclick: () => react.choose(layer, head) }, `${layer}.${head}`)),
          h('td', {}, written(value, signed)), h('td', {}, (attention?.[layer]?.[head] ?? 0).toFixed(3)))));
      }
    },
  };

  /** The candidates that the likeliest can be held against. @param {import('./causes_words.js').Found} found @param {Readonly<Selection>} state */
  function options(found, state) {
    const ids = found.before.slice(1).map((one) => one.id);
    if (state.against !== null && !ids.includes(state.against)) ids.push(state.against);
    replace(against, h('option', { value: '' }, 'nothing'), ids.map((id) => h('option', { value: id }, quoted(textOf(found, id)))));
    against.value = state.against === null ? '' : String(state.against);
  }
}

/**
 * Do the two pictures tell the same story?
 * @param {readonly (readonly (number|null)[])[]} effect
 * @param {readonly (readonly number[])[]} attention
 * @param {readonly (readonly (number|null)[])[]} kl of every head
 */
export function agreement(effect, attention, kl) {
  const largest = Math.max(0, ...kl.flat().map((value) => value ?? 0));
  if (largest < TOO_SMALL) return `The effects are too small to rank: no head moves the prediction by more than ${largest.toPrecision(1)} nats (KL).`;
  const found = rankCorrelation(effect.flat().map((value) => (value === null ? null : Math.abs(value))), attention.flat());
  if (found === null) return '';
  const words = found <= -0.3 ? 'they tell opposite stories: the heads that look there more do less' : found < 0.3 ? 'where a head looks says little about what it does'
    : found < 0.6 ? 'they agree in part' : 'here they tell much the same story';
  return `Rank correlation of the two pictures, by the size of the effect: ${found < 0 ? '−' : ''}${Math.abs(found).toFixed(2)}; ${words}.`;
}
