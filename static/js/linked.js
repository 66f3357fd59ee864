// What a link asked for and could not have: each part in a sentence, so that nothing is changed in silence.

import { readMask } from './masks.js';
import { stackOf } from './selection.js';
import { DEFAULTS } from './store.js';
import { shorten } from './ticks.js';
import { misread, spelled } from './url.js';

/** @typedef {import('./types.js').Selection} Selection */
/** @typedef {import('./types.js').Run} Run */

const LONGEST = 40;
/** So many are told one by one. */
const MOST = 6;

/**
 * The parts that cannot be read.
 * @param {string} search
 * @param {string} hash
 * @returns {string[]}
 */
export function unread(search, hash) {
  return misread(search, hash).map(({ name, value, known, read }) => {
    const part = quoted(name, value);
    if (!known) return `${part} is no part of a link of this page.`;
    if (read !== null) return `${part} was read as ${quoted(name, read)}.`;
    return name === 'view' ? `${part} is no view: ${DEFAULTS.view} is shown.` : `${part} cannot be read and was left out.`;
  });
}

/**
 * The parts that do not fit the run that the link led to.
 * @param {Readonly<Selection>} asked
 * @param {Partial<Selection>} fitting what is taken instead
 * @param {Run} run
 * @param {import('./types.js').Model|null} model
 * @returns {string[]}
 */
export function unfit(asked, fitting, run, model) {
  const stack = stackOf(asked, run);
  /** @type {string[]} */
  const notes = [];
  for (const [name, now] of Object.entries(fitting)) {
    const key = /** @type {keyof Selection} */ (name);
    const before = asked[key];
    if (JSON.stringify(before) === JSON.stringify(now)) continue;
    const part = quoted(...spelled(key, before));
    if (key === 'layer' || key === 'head') notes.push(`${part}: there are ${key}s 0 to ${(key === 'layer' ? stack.layers : stack.heads) - 1}, so ${now} is shown.`);
    else if (key === 'stack') {
      if (run.stacks.every((one) => one.name !== before)) notes.push(`${part}: this model has ${run.stacks.map((one) => one.name).join(', ')}, so ${stack.name} is shown.`);
    } else if (Array.isArray(now)) notes.push(`${part} was cut down to what there is: ${quoted(...spelled(key, now))}.`);
    else notes.push(`${part} is not in this text or model and was left out.`);
  }
  return [...notes, ...outside(asked, model)];
}

/** Masks that nothing can be made of. @param {Readonly<Selection>} asked @param {import('./types.js').Model|null} model */
function outside({ masks, text, pair }, model) {
  if (!masks) return [];
  if (!model?.mask) return [`${quoted('masks', masks.join(','))}: this model fills in no words, so none is masked.`];
  const beyond = masks.filter((one) => {
    const mask = readMask(one);
    return mask && mask.end > Array.from((mask.segment === 0 ? text : pair) ?? '').length;
  });
  return beyond.length ? [`${quoted('masks', beyond.join(','))} lies outside the text and was left out.`] : [];
}

/** @param {readonly string[]} notes @returns {string[]} not more than can be read */
export function few(notes) {
  return notes.length > MOST ? [...notes.slice(0, MOST), `And ${notes.length - MOST} more.`] : [...notes];
}

/** @param {string} name @param {string} value */
function quoted(name, value) {
  return `“${shorten(`${name}=${value}`, LONGEST)}”`;
}
