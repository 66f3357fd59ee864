/** What happened to the candidates, in words: the steps of the pipeline, the draw, and how sure the model was. */

import { h, visible } from '../dom.js';
import { shorten } from '../ticks.js';

/** @typedef {import('../types.js').LogitsData} LogitsData */
/** @typedef {Readonly<import('../types.js').Selection>} Selection */

/**
 * @param {LogitsData} data
 * @param {Selection} state
 * @returns {HTMLElement[]}
 */
export function steps(data, state) {
  /** @type {Record<string, string>} */
  const set = {
    temperature: state.temperature === 0 ? 'greedy' : state.temperature.toFixed(2), 'top-k': state.topK ? String(state.topK) : 'off',
    'top-p': state.topP < 1 ? state.topP.toFixed(2) : 'off', 'min-p': state.minP > 0 ? state.minP.toFixed(2) : 'off',
  };
  const all = data.pipeline.map(({ step, kept, removed_mass: removed }) => h('li', { data: { idle: String(removed === 0 && set[step] === 'off') } },
    h('span.next-step', {}, `${step} ${set[step] ?? ''}`),
    h('span', {}, `${kept.toLocaleString('en')} kept`),
    h('span.next-mass', {}, removed > 0 ? `−${percent(removed)}` : '')));
  if (data.draw) {
    all.push(h('li.next-draw', {}, h('span.next-step', {}, `draw, seed ${state.draw}`),
      h('span', {}, h('b', {}, shorten(visible(data.draw.text), 20))), h('span.next-mass', {}, `u = ${data.draw.u.toFixed(4)}`)));
  }
  return all;
}

/**
 * @param {LogitsData} data
 * @param {Selection} state
 */
export function facts(data, state) {
  const kept = data.pipeline.at(-1)?.kept ?? data.vocab;
  const sure = data.entropy === null ? '' : `Entropy ${data.entropy.toFixed(2)} nats: as unsure as a choice among ${round(Math.exp(data.entropy))} equal words. `;
  const signs = `${data.draw ? ' ◆ was drawn.' : ''}${data.target && data.candidates.some((c) => c.id === data.target?.id) ? ' ▸ follows in the text.' : ''}`;
  if (state.temperature === 0) return `${sure}Temperature 0 is greedy: only the likeliest is left, and a draw cannot change that.${signs}`;
  return `${sure}${kept === data.vocab ? `All ${kept.toLocaleString('en')} word pieces may be drawn.` : `${kept.toLocaleString('en')} of ${data.vocab.toLocaleString('en')} word pieces are left.`}${signs}`;
}

/** @param {number} share */
function percent(share) {
  return share < 0.0005 ? `${(share * 100).toExponential(0)} %` : `${(share * 100).toFixed(1)} %`;
}

/** @param {number} count */
function round(count) {
  return count < 10 ? count.toFixed(1) : Math.round(count).toLocaleString('en');
}

