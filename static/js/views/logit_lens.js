/** Logit lens: what each layer would predict at each position, if it were the last; a cell opens its candidates. */

import { h, replace } from '../dom.js';
import { grouped } from '../format.js';
import { lensGridPath } from '../paths.js';
import { pngBlob, svgBlob } from '../picture.js';
import { stackOf } from '../selection.js';
import { createCell } from './logit_lens_cell.js';
import { createCells } from './logit_lens_grid.js';
import { gridSvg } from './logit_lens_svg.js';
import { MEASURES, placeOf, table, WINDOW, windowOf } from './logit_lens_words.js';
import { none } from './next_none.js';

/** Candidates of the open cell. */
const LIMIT = 8;

const APPROXIMATE = 'Approximate: the head of this model was trained to read the last layer only. What it makes of the layers below is a hint, not what they say.';

/** @type {import('../types.js').View} */
export const logitLens = {
  id: 'logit-lens',
  title: 'Logit lens',
  ofPrediction: true,
  howto: 'Each cell is what the model would predict at that position if it stopped after that layer: its states go through the model’s own final norm and head. '
    + 'Read a column upwards, from the embeddings to the prediction, and click a cell for its candidates.',
  needs: (state, run, model) => {
    if (model?.language_head === false) return null;
    const position = placeOf(state, run, model);
    const tokens = run.tokens.decoder ?? run.tokens.encoder ?? [];
    return { lensGrid: { positions: windowOf(position, tokens.length) }, lens: { position, limit: LIMIT } };
  },
  mount,
};

/**
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
function mount(el, ctx) {
  if (ctx.model?.language_head === false) return none(el, ctx);
  let state = ctx.store.get();
  const tokens = ctx.run.tokens.decoder ?? ctx.run.tokens.encoder ?? [];
  const predicts = ctx.run.tokens.decoder !== undefined;
  const inStrip = !predicts || stackOf(state, ctx.run).name !== 'encoder';
  /** @type {import('../answers_predictions.js').LensGridData|null} */
  let grid = null;

  const buttons = /** @type {(keyof typeof MEASURES)[]} */ (Object.keys(MEASURES)).map((cellMeasure) => ({
    cellMeasure, button: h('button.toggle', { type: 'button', 'aria-pressed': 'false', onclick: () => ctx.store.set({ cellMeasure }) }, MEASURES[cellMeasure].title),
  }));
  const where = h('span', {});
  const step = (/** @type {string} */ sign, /** @type {string} */ name, /** @type {number} */ by) => (
    h('button.stepper-button', { type: 'button', 'aria-label': name, title: name, onclick: () => go(Math.min(Math.max(place() + by, 0), tokens.length - 1)) }, sign));
  const windows = h('div.stepper.lens-windows', { role: 'group', 'aria-label': 'Positions', hidden: true },
    step('‹', `${WINDOW} positions back`, -WINDOW), where, step('›', `${WINDOW} positions on`, WINDOW));
  const note = h('p.lens-note', { hidden: true }, APPROXIMATE);
  const cells = createCells(tokens, predicts, {
    open: (layer, position) => ctx.store.set({ depth: layer, ...at(position) }),
    point: (position) => ctx.setHover({ query: inStrip && position !== null && !Number.isNaN(position) ? position : null, key: null }),
    announce: ctx.announce,
  });
  const cell = createCell(tokens);
  const all = h('div.lens', { hidden: true },
    h('div.lens-bar', {}, h('span.label', { id: 'lens-by' }, 'Colour'), h('div.toggles', { role: 'group', 'aria-labelledby': 'lens-by' }, buttons.map(({ button }) => button)), windows),
    note, h('div.lens-body', {}, h('div.lens-picture', {}, cells.elements), cell.element));
  el.append(all);

  const place = () => placeOf(state, ctx.run, ctx.model);
  /** @param {number} position */
  const at = (position) => (predicts ? { position } : { query: position });
  /** @param {number} position */
  const go = (position) => ctx.store.set(at(position));

  return {
    update(next, answers) {
      state = next;
      if (!answers.lensGrid || !answers.lens) return;
      grid = answers.lensGrid;
      all.hidden = false;
      note.hidden = !grid.approximate;
      const [from, to] = grid.positions;
      windows.hidden = to - from === tokens.length;
      replace(where, `${from} to ${to - 1} of ${grouped(tokens.length)}`);
      for (const { cellMeasure, button } of buttons) button.setAttribute('aria-pressed', String(cellMeasure === state.cellMeasure));
      const depth = Math.min(state.depth ?? Infinity, grid.layers.length - 1);
      cells.update(grid, state.cellMeasure, depth, answers.lens.position);
      cell.update(answers.lens, depth);
    },
    hover: (hover) => cells.hover(inStrip ? hover.query : null),
    pinned: () => ({ query: inStrip ? place() : state.query, key: null }),
    pin(side, index) {
      if (side !== 'query' || !inStrip) return false;
      if (index !== null) go(index);
      return true;
    },
    arrow: (across, down) => cells.move(across, -down),
    along: (by) => go(Math.min(Math.max(place() + by, 0), tokens.length - 1)),
    ready: () => grid !== null,
    destroy() {
      cell.destroy();
      el.replaceChildren();
    },
    address: () => ({ path: lensGridPath(ctx.run.run, { positions: windowOf(place(), tokens.length) }), matrix: false }),
    picture: { png: () => pngBlob(svg()), svg: async () => svgBlob(svg()) },
    table: () => (grid ? table(grid, tokens) : { columns: [], rows: [] }),
  };

  function svg() {
    if (!grid) throw new Error('there is no picture yet');
    return gridSvg(grid, state.cellMeasure, tokens, `${ctx.model?.name ?? ctx.run.model}: logit lens, coloured by ${MEASURES[state.cellMeasure].scale}${grid.approximate ? ' (approximate)' : ''}`);
  }
}
