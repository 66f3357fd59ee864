/** What Generate says: how a token was chosen, where a head looked, and the table of all steps. */

import { visible } from '../dom.js';
import { grouped, percent } from '../format.js';
import { named, shorten, weight as written } from '../ticks.js';
import { isGone } from './generate_shelf.js';
import { binOf, rowOf, shownRows } from './generate_texts.js';

/** @typedef {import('./generate_texts.js').Step} Step */
/** @typedef {import('./generate_texts.js').Rows} Rows */
/** @typedef {import('./generate_texts.js').Text} Text */
/** @typedef {import('../types.js').Token} Token */

/** @param {string} text */
export const quoted = (text) => `“${shorten(visible(text), 24)}”`;

/**
 * How the token of a step came to stand there.
 * @param {Step} step
 * @returns {string}
 */
export function choice({ token, chosen, draw, picked, pipeline }) {
  const rank = `rank ${grouped(chosen.rank + 1)}, softmax ${written(chosen.softmax)}`;
  const own = pipeline.find((one) => one.step === 'own-rules' && one.removed_mass > 0);
  const rules = own ? ` Rules of the model's own had forbidden ${percent(own.removed_mass)}.` : '';
  if (picked) return `${quoted(token.display)}: your choice (${rank}).`;
  if (!draw) return `${quoted(token.display)}: greedy, the likeliest is taken (${rank}).${rules}`;
  const kept = pipeline.at(-1)?.kept ?? 0;
  return `${quoted(token.display)}: drawn with u = ${draw.u.toFixed(4)} among ${grouped(kept)} (${rank}, probability ${written(chosen.probability)}).${rules}`;
}

/**
 * The keys that a head looks at most.
 * @param {Rows} rows
 * @param {number} layer
 * @param {number} head
 * @param {number} [most]
 * @returns {{key: number, last: number, weight: number}[]} `last`: of a bin its last key
 */
export function strongest(rows, layer, head, most = 1) {
  const row = rowOf(rows, layer, head);
  return Array.from(row, (weight, bin) => ({ bin, weight })).sort((a, b) => b.weight - a.weight).slice(0, most)
    .map(({ bin, weight }) => ({ key: rows.edges ? rows.edges[bin] : bin, last: rows.edges ? rows.edges[bin + 1] - 1 : bin, weight }));
}

/**
 * @param {Rows} rows
 * @param {number} layer
 * @param {number} head
 * @param {readonly (Token|undefined)[]} keys
 */
export function headWords(rows, layer, head, keys) {
  const [top] = strongest(rows, layer, head);
  const where = top ? `most on ${top.key === top.last ? named(keys[top.key], top.key) : `tokens ${top.key} to ${top.last}`}, ${written(top.weight)}` : 'nothing';
  return `layer ${layer}, head ${head}: ${where}`;
}

/** A key's weight in words. @param {Rows} rows @param {number} layer @param {number} head @param {number} key */
export function weightOf(rows, layer, head, key) {
  const value = key < rows.keys ? rowOf(rows, layer, head)[binOf(rows, key)] : undefined;
  return value ?? null;
}

const COLUMNS = ['step', 'position', 'id', 'token', 'chosen', 'probability', 'softmax', 'rank', 'u', 'entropy', 'layer', 'head', 'key', 'weight'];

/**
 * Every step, with the key that the chosen head looks at most.
 * @param {Text|null} text
 * @param {Readonly<import('../types.js').Selection>} state
 * @returns {import('../types.js').Table}
 */
export function table(text, { layer, head, stack }) {
  const [steps, given] = [text?.steps ?? [], text?.given.length ?? 0];
  const some = steps.some((step) => isGone(shownRows(step, stack ?? '')));
  const rows = steps.map((step, i) => {
    const [top] = strongest(shownRows(step, stack ?? ''), layer, head);
    const how = step.picked ? 'by hand' : step.draw ? 'drawn' : 'greedy';
    return [given + i, step.position, step.token.id, step.token.display, how, step.chosen.probability, step.chosen.softmax, step.chosen.rank + 1,
      step.draw?.u ?? null, step.entropy, layer, head, top?.key ?? null, top?.weight ?? null];
  });
  return { columns: COLUMNS, rows, ...(some ? { note: 'key and weight are empty where the rows of a step are not kept any more' } : {}) };
}
