/** The few controls of the map: how colours follow weights, and how close it looks. */

import { h } from '../dom.js';

/**
 * @param {{scale: (scale: 'sqrt'|'linear') => void, zoom: (factor: number) => void}} react
 */
export function tools(react) {
  const button = (/** @type {string} */ text, /** @type {string} */ name, /** @type {() => void} */ run) => (
    h('button.map-tool', { type: 'button', 'aria-label': name, title: name, onclick: run }, text));
  const sqrt = button('√', 'Colours follow the square root: small weights show', () => react.scale('sqrt'));
  const linear = button('linear', 'Colours follow the weight', () => react.scale('linear'));
  const closer = button('+', 'Zoom in', () => react.zoom(0.5));
  const wider = button('−', 'Zoom out', () => react.zoom(2));
  const whole = button('All', 'Show all tokens', () => react.zoom(0));
  const where = h('span.map-where', {});
  const element = h('div.map-bar', {},
    h('div.map-tools', { role: 'group', 'aria-label': 'Colours' }, h('span.label', { 'aria-hidden': 'true' }, 'Colours'), sqrt, linear),
    h('div.map-tools', { role: 'group', 'aria-label': 'Zoom' }, h('span.label', { 'aria-hidden': 'true' }, 'Zoom'), wider, closer, whole),
    where);
  return {
    element,
    /**
     * @param {Readonly<import('../types.js').Selection>} state
     * @param {[[number, number], [number, number]]} spans
     * @param {import('./map.js').Block} block that is shown
     */
    draw(state, [rows, cols], block) {
      sqrt.setAttribute('aria-pressed', String(state.scale === 'sqrt'));
      linear.setAttribute('aria-pressed', String(state.scale === 'linear'));
      const complete = `${rows} ${cols}` === `${block.rows} ${block.cols}`;
      whole.disabled = wider.disabled = complete;
      closer.disabled = rows[1] - rows[0] <= 4 && cols[1] - cols[0] <= 4;
      where.textContent = complete ? '' : `rows ${rows[0]}–${rows[1] - 1}, columns ${cols[0]}–${cols[1] - 1}`;
    },
  };
}
