/** What Next word says: how sure the model was, what each step did, and why the draw fell where it did. */

import { visible } from '../dom.js';
import { grouped, percent } from '../format.js';
import { shorten, weight as written } from '../ticks.js';

/** @typedef {import('../answers_predictions.js').LogitsData} LogitsData */
/** @typedef {import('../answers_predictions.js').Candidate} Candidate */
/** @typedef {Readonly<import('../types.js').Selection>} Selection */

/** @param {string} text */
export const quoted = (text) => `“${shorten(visible(text), 20)}”`;

/**
 * @param {LogitsData} data
 * @param {Selection} state
 */
export function facts(data, state) {
  const kept = data.pipeline.at(-1)?.kept ?? data.vocab;
  const sure = unsure(data, kept === data.vocab && state.temperature === 1);
  const signs = `${data.draw ? ' ◆ was drawn.' : ''}${data.target && data.candidates.some((c) => c.id === data.target?.id) ? ' ▸ follows in the text.' : ''}`;
  if (state.temperature === 0) return `${sure}Temperature 0 is greedy: only the likeliest is left, and a draw cannot change that.${signs}`;
  return `${sure}${kept === data.vocab ? `All ${grouped(kept)} word pieces may be drawn.` : `${grouped(kept)} of ${grouped(data.vocab)} word pieces are left.`}${signs}`;
}

/** How unsure the model is, and what the steps made of that. @param {LogitsData} data @param {boolean} plain they change nothing */
function unsure({ entropy, entropy_after: after }, plain) {
  if (entropy === null) return '';
  const among = (/** @type {number} */ nats) => `as unsure as a choice among ${round(Math.exp(nats))} equal words`;
  if (plain || after === null) return `Entropy ${entropy.toFixed(2)} nats: ${among(entropy)}. `;
  return `Before the steps: entropy ${entropy.toFixed(2)} nats, ${among(entropy)}; after them: ${after.toFixed(2)} nats, ${after === 0 ? 'sure of one word' : among(after)}. `;
}

/**
 * What a step did to what was left.
 * @param {LogitsData['pipeline'][number]} step
 * @param {number} before how many there were
 * @returns {string}
 */
export function removal({ kept, removed_mass: mass, first_removed: first }, before) {
  if (kept === before) return 'removes nothing';
  return `removes ${grouped(before - kept)}${mass > 0 ? `, ${percent(mass)}` : ''}${first ? `, from ${quoted(first.text)} (rank ${grouped(first.rank + 1)}) on` : ''}`;
}

/**
 * What the last softmax does: what is left shares all of it.
 * @param {LogitsData} data
 */
export function share({ pipeline, vocab }) {
  const mass = left(pipeline);
  const kept = pipeline.at(-1)?.kept ?? vocab;
  if (kept === 1) return 'one is left, and gets all of it';
  return kept === vocab ? 'all add up to 1' : `the ${grouped(kept)} left add up to 1 again: each times ${(1 / mass).toFixed(2)}`;
}

/** The share of probability that is left after these steps. @param {LogitsData['pipeline']} steps */
export function left(steps) {
  return steps.reduce((mass, { removed_mass: removed }) => mass * (1 - removed), 1);
}

/**
 * Why the draw fell on this candidate, and not on a likelier one.
 * @param {LogitsData} data
 * @param {Selection} state
 */
export function why({ draw, drawn, candidates }, { temperature }) {
  if (!draw || !drawn) return 'All that is left lies end to end between 0 and 1, the likeliest first. A draw is a number u in between: it picks the one it falls on.';
  const name = quoted(drawn.text);
  if (temperature === 0) return `Greedy: ${name} fills all of it, so every number falls on it.`;
  const it = `u = ${draw.u.toFixed(4)} falls on ${name}, which lies from ${drawn.below.toFixed(4)} to ${(drawn.below + drawn.probability).toFixed(4)} and has ${percent(drawn.probability)}.`;
  const first = candidates.find(({ rank }) => rank === 0);
  if (drawn.rank === 0) return `${it} It is the likeliest, and ${percent(1 - drawn.probability)} of all numbers would have fallen on others.`;
  const over = first ? ` Likelier was ${quoted(first.text)} with ${percent(first.probability)}, but it lies from 0 to ${first.probability.toFixed(4)}, and u is above that.` : '';
  return it + over;
}

/** @param {number} value */
function round(value) {
  return value < 10 ? value.toFixed(1) : grouped(value);
}

/** The step that dropped a candidate: what falls is always the end of the order. @param {Candidate} c @param {LogitsData['pipeline']} steps */
export function droppedBy(c, steps) {
  return c.kept ? null : steps.find(({ kept }) => c.rank >= kept)?.step ?? 'the pipeline';
}

/** @param {Candidate} c @param {LogitsData['pipeline']} steps */
export function outcome(c, steps) {
  return c.kept ? written(c.probability) : `dropped by ${droppedBy(c, steps)}`;
}
