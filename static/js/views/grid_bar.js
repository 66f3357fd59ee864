/** Over the grid: what it is coloured by, and what the colours stand for. */

import { cividis, css, diverging } from '../colour.js';
import { h, replace } from '../dom.js';
import { IN_TOKENS, MEANING, reach } from '../roles.js';

/**
 * @typedef {import('../answers_attention.js').Role} Role
 * @typedef {import('../answers_attention.js').RolesData} RolesData
 */

const STOPS = 17;

/** @param {{colour: (role: Role|null) => void, scale: (scale: 'sqrt'|'linear') => void}} react */
export function bar(react) {
  const select = h('select.select', { id: 'grid-colour' });
  select.addEventListener('change', () => react.colour(select.value === '' ? null : /** @type {Role} */ (select.value)));
  const toggle = (/** @type {'sqrt'|'linear'} */ scale, /** @type {string} */ text, /** @type {string} */ name) => (
    h('button.map-tool', { type: 'button', 'aria-label': name, title: name, onclick: () => react.scale(scale) }, text));
  const sqrt = toggle('sqrt', '√', 'Colours follow the square root: small weights show');
  const linear = toggle('linear', 'linear', 'Colours follow the weight');
  const scales = h('div.map-tools', { role: 'group', 'aria-label': 'Scale of the colours' }, sqrt, linear);
  const ramp = h('span.grid-ramp', { 'aria-hidden': 'true' });
  const [low, high, what] = [h('span', {}), h('span', {}), h('span.grid-what', {})];
  const legend = h('div.grid-legend', {}, low, ramp, high, what);
  const element = h('div.grid-bar', {}, h('div.control', {}, h('label.label', { for: 'grid-colour' }, 'Colour'), select), scales, legend);

  return {
    element,
    /**
     * @param {object} now
     * @param {Role|null} now.colour
     * @param {readonly Role[]} now.roles that can be chosen
     * @param {'sqrt'|'linear'} now.scale
     * @param {'light'|'dark'} now.theme
     * @param {{low: number, high: number, signed: boolean}} now.range of the maps
     * @param {RolesData|undefined} now.data
     */
    update({ colour, roles, scale, theme, range, data }) {
      const names = roles.join();
      if (select.dataset.roles !== names) {
        replace(select, h('option', { value: '' }, 'attention maps'), h('optgroup', { label: 'role of the head' }, roles.map((role) => h('option', { value: role }, role))));
        select.dataset.roles = names;
      }
      select.value = colour ?? '';
      scales.hidden = colour !== null;
      sqrt.setAttribute('aria-pressed', String(scale === 'sqrt'));
      linear.setAttribute('aria-pressed', String(scale === 'linear'));
      const [from, to] = colour && data ? reach(data, colour) : [range.low, range.high];
      const digits = colour && IN_TOKENS.has(colour) ? 1 : 2;
      [low.textContent, high.textContent] = [from, to].map((end) => String(Number(end.toFixed(digits))));
      what.textContent = colour ? MEANING[colour] : '';
      ramp.style.backgroundImage = `linear-gradient(90deg, ${Array.from({ length: STOPS }, (_, i) => at(i / (STOPS - 1))).join()})`;

      /** @param {number} t */
      function at(t) {
        const root = !colour && scale === 'sqrt';
        if (!colour && range.signed) {
          const s = 2 * t - 1;
          return css(diverging(root ? Math.sign(s) * Math.sqrt(Math.abs(s)) : s, theme));
        }
        return css(cividis(root ? Math.sqrt(t) : t));
      }
    },
  };
}
