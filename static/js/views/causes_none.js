/** The Causes view of a model that nothing can be taken out of, or that predicts nothing it could change. */

import { h } from '../dom.js';
import { none as predictsNothing } from './next_none.js';

/**
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
export function none(el, ctx) {
  if (ctx.model?.language_head === false) return predictsNothing(el, ctx);
  el.append(h('div.next-none', {},
    h('h2', {}, 'Nothing can be taken out of this model here'),
    h('p', {}, 'Its attention does not go through transformers’ attention interface: the maps can be seen, and what its heads make of them cannot be changed. None of it is made up.'),
    h('p', {}, 'Its maps are in the other views. For knockouts take a model whose capture is “full”.')));
  return { ready: () => false, update() {}, hover() {}, destroy: () => el.replaceChildren() };
}
