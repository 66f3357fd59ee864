// Words that a masked model shall fill in: which stretches of the texts are masked, as they were written.

import { visible } from './dom.js';

/** @typedef {import('./types.js').Token} Token */
/** @typedef {import('./types.js').Model} Model */
/** @typedef {import('./types.js').Run} Run */
/** @typedef {Readonly<import('./types.js').Selection>} Selection */
/** @typedef {{segment: number, start: number, end: number}} Span code points of the text as it was written */

/** No more masks than this are taken from a link. */
export const MOST_MASKS = 64;

/** `0:4:10`: of the first text, from code point 4 up to but without 10. @param {string} text @returns {Span|null} */
export function readMask(text) {
  const found = /^([01]):(\d{1,7}):(\d{1,7})$/.exec(text);
  if (!found) return null;
  const [segment, start, end] = found.slice(1).map(Number);
  return start < end ? { segment, start, end } : null;
}

/** @param {readonly string[]|null} masks @param {number} segment @returns {Span[]} from the left; of two that overlap, the first */
function spans(masks, segment) {
  const all = (masks ?? []).map(readMask).filter((one) => one !== null && one.segment === segment);
  /** @type {Span[]} */
  const kept = [];
  for (const one of /** @type {Span[]} */ (all).sort((a, b) => a.start - b.start)) if (one.start >= (kept.at(-1)?.end ?? 0)) kept.push(one);
  return kept;
}

/**
 * The text with its masked stretches replaced.
 * @param {string} text
 * @param {readonly string[]|null} masks
 * @param {number} segment
 * @param {string} mask
 */
export function masked(text, masks, segment, mask) {
  const points = Array.from(text);
  for (const { start, end } of spans(masks, segment).reverse()) if (end <= points.length) points.splice(start, end - start, mask);
  return points.join('');
}

/**
 * The masks after a token was masked, or given back; null where it can be neither.
 * @param {readonly string[]|null} masks
 * @param {Token} token of the text with those masks
 * @param {string} mask
 * @returns {string[]|null}
 */
export function toggled(masks, { segment, start, end, text }, mask) {
  if (start === null || end === null || start === end) return null;
  let shift = 0;
  for (const one of spans(masks, segment)) {
    const at = one.start + shift;
    if (text === mask && start <= at && at < end) return without(masks, one);
    if (at >= end) break;
    shift += Array.from(mask).length - (one.end - one.start);
  }
  return text === mask ? null : [...(masks ?? []), `${segment}:${start - shift}:${end - shift}`];
}

/** @param {readonly string[]|null} masks @param {Span} gone */
function without(masks, { segment, start, end }) {
  return (masks ?? []).filter((one) => one !== `${segment}:${start}:${end}`);
}

/** Does this model fill in masked words? @param {Model|null} model @param {Run} run */
export function fills(model, run) {
  return Boolean(model?.mask && model.language_head) && !run.tokens.decoder;
}

/**
 * What a click on a token of a masked model asks for: mask it, ask about its mask, or give the word back.
 * @param {Selection} state
 * @param {Run} run
 * @param {Model|null} model
 * @param {number|null} asked the mask that is asked about
 * @param {number} index
 * @returns {Partial<Selection>|null} null: nothing can be done
 */
export function clicked(state, run, model, asked, index) {
  const token = run.tokens.encoder?.[index];
  if (!token || !model?.mask) return null;
  const isMask = token.text === model.mask;
  if (isMask && asked !== index) return { position: index };
  const masks = toggled(state.masks, token, model.mask);
  return masks && { masks: masks.length ? masks : null, position: isMask ? null : index };
}

/**
 * Why a click on this token changes nothing.
 * @param {Token|undefined} token
 * @param {Model|null} model
 */
export function unmaskable(token, model) {
  if (!token) return '';
  if (model?.mask === token.text) return `This ${token.text} was written in the text itself: to give a word back, change the text.`;
  if (token.special) return `${token.text} cannot be masked: the tokenizer adds it by itself, and no word of the text stands behind it.`;
  return `${visible(token.display)} cannot be masked: no letters of the text are its own.`;
}

/**
 * The whole word that a mask stands for; null where it was written as a mask, or is a piece of a word.
 * @param {Selection} state
 * @param {Token|undefined} token the mask
 * @param {Model|null} model
 */
export function wordBehind({ masks, text, pair }, token, model) {
  const left = token && masks && model?.mask ? toggled(masks, token, model.mask) : null;
  const span = readMask(masks?.find((one) => !left?.includes(one)) ?? '');
  if (!left || !span) return null;
  const points = Array.from((span.segment === 0 ? text : pair) ?? '');
  const inside = [points[span.start - 1], points[span.end]].some((point) => point !== undefined && /[\p{L}\p{N}]/u.test(point));
  return inside ? null : points.slice(span.start, span.end).join('').trim() || null;
}

/** The places of the masks. @param {Run} run @param {Model|null} model */
export function maskPlaces(run, model) {
  return (run.tokens.encoder ?? []).filter(({ text }) => model?.mask && text === model.mask).map(({ index }) => index);
}

/** The tokens at, or after, which there is a prediction: of a masked model its masks. @param {Run} run @param {{mask?: string|null}|null} model @returns {Token[]} */
export function predicting({ tokens: { decoder, encoder } }, model) {
  return decoder ?? (encoder ?? []).filter(({ text }) => text === model?.mask || /^(\[MASK\]|<mask>)$/.test(text));
}
