/** Next word for a model that predicts no words: says why, and offers the models that do, for the same text. */

import { h } from '../dom.js';

/** @typedef {import('../types.js').Model} Model */

/**
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
export function none(el, ctx) {
  const name = ctx.model?.name ?? ctx.run.model;
  const models = ctx.models();
  const fills = models.find(({ kind, language_head: head }) => kind === 'encoder' && head === true);
  const goesOn = models.find(({ kind, language_head: head }) => kind === 'decoder' && head !== false);
  const offer = (/** @type {Model|undefined} */ model, /** @type {string} */ does, /** @type {string} */ look) => model && h('li', {},
    h(`button.button${look}`, { type: 'button', onclick: () => change(ctx, model.id) }, `Use ${model.id} for this text`), ' ', does, model.note && h('p.next-note', {}, firstOf(model.note)));
  el.append(h('div.next-none', {},
    h('h2', {}, 'This model predicts no words'),
    h('p', {}, h('b', {}, h('bdi', {}, name)), ' turns a text into vectors; its weights hold no language-model head, the last layer that scores every word piece. '
      + 'So there are no logits to show, and none are made up.'),
    h('p', {}, 'Its attention can be looked at in the other views. For a prediction, take a model that was trained to make one; the text stays.'),
    h('ul.next-offers', {}, offer(fills, 'It fills in words that you mask.', '.primary'), offer(goesOn, 'It says which word comes next.', fills ? '' : '.primary'))));
  return { ready: () => false, update() {}, hover() {}, destroy: () => el.replaceChildren() };
}

/**
 * A view of a prediction for a masked model whose text has no mask: says so, and leads to where a word is masked.
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
export function noMask(el, ctx) {
  el.append(h('div.next-none', {},
    h('h2', {}, 'No word is masked yet'),
    h('p', {}, h('b', {}, h('bdi', {}, ctx.model?.name ?? ctx.run.model)), ' predicts the words that are masked, and this text has no mask, so there is no prediction to ask about.'),
    h('p', {}, 'Mask a word in Next word with a click, or write ', h('code', {}, ctx.model?.mask ?? '[MASK]'), ' in its place.'),
    h('p', {}, h('button.button.primary', { type: 'button', onclick: () => ctx.store.set({ view: 'next' }) }, 'Choose a word to mask'))));
  return { ready: () => false, update() {}, hover() {}, destroy: () => el.replaceChildren() };
}

/** @param {import('../types.js').ViewContext} ctx @param {string} model */
function change(ctx, model) {
  ctx.store.set({ model, token: null, against: null, stack: null, heads: null, query: null, key: null, position: null, rows: null, cols: null });
}

/** The first paragraph, without its later sentences where it is long. @param {string} note */
export function firstOf(note) {
  const [paragraph = ''] = note.split('\n\n');
  return paragraph.match(/^.*?[.!?](?=\s|$)/s)?.[0] ?? paragraph;
}
