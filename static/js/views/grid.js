/**
 * Grid: all heads of all layers as one picture, from one pooled answer of bytes. Each cell is a small map, or one flat
 * colour for a role of its head.
 */

import { token } from '../colour.js';
import { h } from '../dom.js';
import { attentionPath, rolesPath } from '../paths.js';
import { pngBlob, svgBlob } from '../picture.js';
import { askFor, placeOf, rolesOf } from '../roles.js';
import { stackOf } from '../selection.js';
import { bar as createBar } from './grid_bar.js';
import { cells as createCells } from './grid_cells.js';
import { hit, inner, layout, move, sizeFor } from './grid_layout.js';
import { closer, mapsOf, strongest } from './grid_maps.js';
import { flats, lookup, paintLabels, paintMaps, paintRoles, sheet } from './grid_paint.js';
import { gridSvg } from './grid_svg.js';
import { orientation, pairWords, remarks, roleWords, table, titleOf } from './grid_words.js';
import { surface } from './heads_canvas.js';

/**
 * @typedef {import('./grid_layout.js').Head} Head
 * @typedef {import('./grid_layout.js').Layout} Layout
 * @typedef {import('./grid_maps.js').Maps} Maps
 * @typedef {Readonly<import('../types.js').Selection>} Selection
 */

/** The name under which the time from the bytes to the picture is measured. */
export const MEASURE = 'grid-paint';
/** The widest that the place of the picture gets, about; the exact width is known only once it is there. */
const WIDEST = 1160;
const PAUSE = 90;
/** The grid is of the attention itself. @type {import('../types.js').Lens} */
const LENS = 'raw';

/** @type {import('../types.js').View} */
export const grid = {
  id: 'grid',
  title: 'Grid',
  howto: 'Each square is one head, drawn as its map: rows look at columns, and bright is a large weight, so a diagonal is a head that looks at neighbours and a bright column one that parks on one token. '
    + 'Move with the arrow keys or point to read a head’s strongest pair, click or press Enter to open it, or colour all heads by a role.',
  needs(state, run) {
    const stack = stackOf(state, run);
    const width = Math.min((globalThis.innerWidth ?? WIDEST) - 32, WIDEST);
    const g = layout({ width, most: tallest(), layers: stack.layers, heads: stack.heads });
    const size = sizeFor(inner(g) * (globalThis.devicePixelRatio ?? 1));
    // the first token of a causal model sees only itself: in a pooled map it would outshine the rest of its bin
    const rows = stack.name === 'decoder' && stack.rows > size ? { rows: /** @type {[number, number]} */ ([1, stack.rows]) } : {};
    const attention = { stack: stack.name, lens: LENS, size, dtype: /** @type {const} */ ('u8'), ...rows };
    return colourOf(state, stack) ? { attention, roles: askFor(stack) } : { attention };
  },
  mount,
};

/** The role that colours the grid, if heads of this stack can have it. @param {Selection} state @param {import('../types.js').Stack} stack */
export function colourOf({ gridColour }, stack) {
  return gridColour && rolesOf(stack.name).includes(gridColour) ? gridColour : null;
}

function tallest() {
  return Math.max((globalThis.innerHeight ?? 900) * 0.74, 440);
}

/**
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
function mount(el, ctx) {
  let state = ctx.store.get();
  const stack = stackOf(state, ctx.run);
  /** @type {Maps|null} */
  let maps = null;
  /** @type {import('../answers_attention.js').RolesData|undefined} */
  let roles;
  /** @type {Layout} */
  let g = layout({ width: 600, most: 600, layers: stack.layers, heads: stack.heads });
  /** @type {Head|null} */
  let pointed = null;
  /** What is known exactly, by head. @type {Map<string, import('./grid_words.js').Pair>} */
  const pairs = new Map();
  let drawn = '';
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  let asked = 0;

  const canvas = h('canvas.grid-canvas', { 'aria-hidden': 'true' });
  const over = createCells();
  const picture = h('div.grid-picture', {}, canvas, over.elements);
  const bar = createBar({
    colour: (role) => ctx.store.set({ gridColour: role, ...(role ? { role } : {}) }),
    scale: (scale) => ctx.store.set({ scale }),
  });
  const note = h('p.map-note', {});
  el.append(h('div.grid', {}, bar.element, picture, note));

  const current = () => ({ layer: state.layer, head: state.head });
  const key = (/** @type {Head} */ of) => `${of.layer}/${of.head}`;

  /** @param {Head} of @returns {import('./grid_cells.js').Words|null} */
  function words(of) {
    if (!maps) return null;
    const colour = colourOf(state, stack);
    const role = colour && roles ? roleWords(roles, colour, placeOf(roles, of)) : '';
    return { title: titleOf(of), role, ...pairWords(maps, of, pairs.get(key(of)), ctx.tokens) };
  }

  /** @param {Head} of */
  function sentence(of) {
    const now = words(of);
    return now ? `${now.title}: ${now.role ? `${now.role}; ` : ''}${now.pair.replace('→', 'to')}: ${now.value}` : '';
  }

  function drawOver() {
    over.update(g, current());
    over.name(sentence(current()));
    const shown = pointed ?? (over.focus.matches(':focus-visible') ? current() : null);
    over.point(shown, shown && words(shown));
  }

  /**
   * The strongest pair of a head, exactly, once somebody stays there.
   * @param {Head} of
   * @param {boolean} aloud
   */
  function read(of, aloud) {
    clearTimeout(timer);
    const mine = (asked += 1);
    const say = () => { if (aloud) ctx.announce(sentence(of)); };
    if (!maps || pairs.has(key(of))) {
      say();
      return;
    }
    const name = key(of);
    const params = { stack: stack.name, ...of, lens: LENS, dtype: /** @type {const} */ ('f32'), ...closer(maps, of) };
    timer = setTimeout(async () => {
      try {
        const { attention } = await ctx.fetch({ attention: params });
        if (attention) pairs.set(name, strongest(attention));
      } catch {
        // the picture's own byte stays, and says that it is about so much
      }
      if (mine !== asked) return;
      drawOver();
      say();
    }, PAUSE);
  }

  /** @param {Head|null} of */
  function point(of) {
    if (of?.layer === pointed?.layer && of?.head === pointed?.head) return;
    pointed = of;
    drawOver();
    if (of) read(of, false);
  }

  /** @param {Head} to */
  function go(to) {
    pointed = null;
    ctx.store.set(to);
    drawOver();
    read(to, true);
  }

  /** @param {Head} of */
  function open(of) {
    ctx.store.set({ ...of, heads: [of.head], view: 'heads' });
  }

  /** @param {MouseEvent} event */
  function under(event) {
    const box = picture.getBoundingClientRect();
    return hit(g, event.clientX - box.left, event.clientY - box.top);
  }

  picture.addEventListener('pointermove', (event) => point(under(event)));
  picture.addEventListener('pointerleave', () => point(null));
  picture.addEventListener('click', (event) => {
    const of = under(event);
    if (of) open(of);
  });
  over.focus.addEventListener('focus', () => {
    drawOver();
    if (over.focus.matches(':focus-visible')) read(current(), true);
  });
  over.focus.addEventListener('blur', drawOver);
  over.focus.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const to = move(g, event.key, current());
    if (to) go(to);
    else if (event.key === 'Enter' || event.key === ' ') open(current());
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function draw() {
    if (!maps || !el.clientWidth) return;
    g = layout({ width: el.clientWidth, most: tallest(), layers: stack.layers, heads: stack.heads });
    const look = looks();
    const colour = colourOf(state, stack);
    const now = JSON.stringify([g, colour, roles !== undefined, state.scale, ctx.theme, devicePixelRatio, look]);
    if (now !== drawn) {
      drawn = now;
      picture.style.width = `${g.width}px`;
      picture.style.height = `${g.height}px`;
      const c = surface(canvas, g.width, g.height);
      paint(c, colour);
      paintLabels(c, g, look);
    }
    drawOver();
  }

  /** @param {CanvasRenderingContext2D} c @param {import('../answers_attention.js').Role|null} colour */
  function paint(c, colour) {
    if (!maps) return;
    if (colour && roles) {
      paintRoles(c, g, flats(roles, colour), looks());
      return;
    }
    const { data } = maps;
    const image = sheet(maps, stack.layers, lookup({ scale: state.scale, signed: data.zero < 0, theme: ctx.theme }));
    const source = document.createElement('canvas');
    [source.width, source.height] = [image.width, image.height];
    source.getContext('2d')?.putImageData(image, 0, 0);
    paintMaps(c, g, maps, source, { layers: stack.layers, heads: stack.heads, empty: looks().empty });
  }

  /** From the moment that the bytes were here to the first frame that shows them. @param {number|undefined} start */
  function measure(start) {
    if (start === undefined || performance.getEntriesByName(MEASURE).some(({ startTime }) => startTime === start)) return;
    requestAnimationFrame(() => setTimeout(() => performance.measure(MEASURE, { start })));
  }

  return {
    update(next, data) {
      state = next;
      roles = data.roles;
      if (data.attention && data.attention !== maps?.data) {
        const first = maps === null;
        maps = mapsOf(data.attention);
        drawn = '';
        if (first && !data.roles) measure(data.attention.arrived);
      }
      const colour = colourOf(next, stack);
      if (maps) {
        const { zero, scale } = maps.data;
        bar.update({
          colour, roles: rolesOf(stack.name), scale: next.scale, theme: ctx.theme, data: roles,
          range: { low: zero, high: zero + scale * (zero < 0 ? 254 : 255), signed: zero < 0 },
        });
        const other = !colour && next.lens !== LENS ? ` These are the maps themselves; the lens ${next.lens} is for Heads and Map.` : '';
        draw();
        note.textContent = `${orientation(g)} ${remarks(maps, roles, colour)}${other}`;
      }
    },
    hover: () => undefined,
    destroy() {
      clearTimeout(timer);
      el.replaceChildren();
    },
    arrow(right, down) {
      const to = move(g, right ? (right > 0 ? 'ArrowRight' : 'ArrowLeft') : down > 0 ? 'ArrowDown' : 'ArrowUp', current());
      if (to) go(to);
    },
    address() {
      const needs = grid.needs(state, ctx.run, ctx.model);
      if (needs?.roles) return { path: rolesPath(ctx.run.run, needs.roles), matrix: false };
      const { dtype: _, ...params } = needs?.attention ?? {};
      return { path: attentionPath(ctx.run.run, params), matrix: true };
    },
    picture: { png: () => pngBlob(svg()), svg: async () => svgBlob(svg()) },
    table: () => (maps ? table(maps, roles, colourOf(state, stack), ctx.tokens) : { columns: [], rows: [] }),
  };

  function svg() {
    const colour = colourOf(state, stack);
    const look = looks();
    let image = null;
    if (!colour) {
      const copy = document.createElement('canvas');
      [copy.width, copy.height] = [g.width * 3, g.height * 3];
      const c = copy.getContext('2d');
      c?.scale(3, 3);
      if (c) paint(c, null);
      image = copy.toDataURL('image/png');
    }
    const name = `${ctx.model?.name ?? ctx.run.model}, ${stack.name}: all heads${colour ? ` by ${colour}` : ''}`;
    return gridSvg(g, { image, cells: colour && roles ? flats(roles, colour) : [] }, { ...look, caption: name });
  }
}

/** In the theme that is showing. */
function looks() {
  return {
    paper: token('--paper', '#fff'), empty: token('--paper-2', '#eee'), ink: token('--ink-2', '#555'), faint: token('--ink-3', '#777'),
    font: token('--font-ui', 'sans-serif'),
  };
}
