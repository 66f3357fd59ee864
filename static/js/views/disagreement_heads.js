/** All heads as a grid of layers and heads, each lit by its disagreement. Arrows move, and what is moved to is chosen. */

import { onArrows } from '../arrows.js';
import { cividis, css, inkOn } from '../colour.js';
import { h, replace } from '../dom.js';
import { bits, largest } from './disagreement_words.js';

/** @typedef {import('../answers_attention.js').DisagreementData} DisagreementData */

/** @param {{choose: (layer: number, head: number) => void, announce: (text: string) => void}} react */
export function createHeads(react) {
  const grid = h('div.lenses-grid', { role: 'grid', 'aria-label': 'Disagreement of the lenses, a row for each layer and a column for each head' });
  const ends = h('p.lenses-ends', { 'aria-hidden': 'true' });
  const element = h('div.lenses-heads', {}, grid, ends);
  /** @type {DisagreementData|null} */
  let data = null;
  /** @type {Map<string, HTMLElement>} */
  let cells = new Map();
  let [layer, head] = [0, 0];

  /** @param {DisagreementData} next */
  function draw(next) {
    data = next;
    const most = largest(next);
    const heads = Math.max(...next.heads.map((one) => one.head)) + 1;
    cells = new Map(next.heads.map((one) => [`${one.layer}.${one.head}`, cell(one, (one.divergence ?? 0) / most)]));
    grid.style.setProperty('--heads', String(heads));
    replace(grid,
      h('div.lenses-row', { role: 'row' }, h('span.lenses-corner', { role: 'columnheader' }, h('span.hidden-visually', {}, 'layer')),
        Array.from({ length: heads }, (_, i) => h('span.lenses-name', { role: 'columnheader' }, i))),
      next.layers.map((number) => h('div.lenses-row', { role: 'row' }, h('span.lenses-name', { role: 'rowheader' }, number),
        next.heads.filter((one) => one.layer === number).map((one) => cells.get(`${one.layer}.${one.head}`)))));
    replace(ends, 'rows are layers, columns heads · ', h('span.lenses-scale', {}), ` 0 to ${most.toFixed(3)} bits`);
  }

  /** @param {DisagreementData['heads'][number]} one @param {number} share */
  function cell(one, share) {
    const colour = cividis(share);
    return h('div.lenses-cell', {
      role: 'gridcell', tabindex: -1, data: { layer: one.layer, head: one.head },
      'aria-label': `layer ${one.layer}, head ${one.head}: ${one.divergence === null ? 'cannot be compared' : `${one.divergence.toFixed(3)} bits`}`,
      title: `layer ${one.layer}, head ${one.head}: ${one.divergence === null ? '–' : one.divergence.toFixed(3)} bits`,
      style: { background: one.divergence === null ? 'none' : css(colour), color: one.divergence === null ? 'var(--ink-3)' : inkOn(colour) },
      onclick: () => react.choose(one.layer, one.head),
    }, h('span', {}, bits(one.divergence)));
  }

  /** @param {number} across @param {number} down */
  function move(across, down) {
    const to = data?.heads.find((one) => one.layer === layer + down && one.head === head + across);
    if (!to) return;
    const focused = grid.contains(document.activeElement);
    react.choose(to.layer, to.head);
    const at = cells.get(`${to.layer}.${to.head}`);
    if (focused) at?.focus();
    react.announce(at?.getAttribute('aria-label') ?? '');
  }

  onArrows(grid, move);

  return {
    element,
    move,
    /** @param {DisagreementData} next @param {Readonly<import('../types.js').Selection>} state */
    update(next, state) {
      if (next !== data) draw(next);
      [layer, head] = [state.layer, state.head];
      for (const [name, one] of cells) {
        const here = name === `${layer}.${head}`;
        one.tabIndex = here ? 0 : -1;
        one.setAttribute('aria-selected', String(here));
      }
    },
  };
}
