/** Signed bars in a list, each with its name and its number; one that can be chosen is a button. */

import { h } from '../dom.js';

/** A signed number: +2.855, −0.041, +2.1e-6. @param {number} value */
export function signed(value) {
  const size = Math.abs(value);
  return `${value < 0 ? '−' : '+'}${size > 0 && size < 0.0005 ? size.toExponential(1) : size.toFixed(3)}`;
}

/**
 * @param {readonly {name: string, label?: import('../dom.js').Child, value: number, choose?: () => void, point?: (here: boolean) => void, chosen?: boolean}[]} list
 * @param {number} most the size of a full bar
 */
export function bars(list, most) {
  return list.map(({ name, label = name, value, choose, point, chosen = false }) => {
    const inside = [h('span.parts-name', {}, label), h('span.parts-bar', { 'aria-hidden': 'true' }), h('b', {}, signed(value))];
    return h('li', {
      style: { '--size': (Math.abs(value) / (most || 1)).toFixed(4) }, data: { sign: value < 0 ? 'down' : 'up', part: name },
      ...(point ? { onmouseenter: () => point(true), onmouseleave: () => point(false) } : {}),
    }, choose ? h('button.parts-one', { type: 'button', 'aria-pressed': String(chosen), onclick: choose }, inside) : h('span.parts-one', {}, inside));
  });
}
