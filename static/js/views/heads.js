/**
 * Heads: the tokens twice, and lines from each query to the keys it attends to, one colour a head. The lines are
 * two canvases; the tokens are two listboxes; both hold only what can be seen.
 */

import { headPalette, token } from '../colour.js';
import { h, replace } from '../dom.js';
import { pngBlob, svgBlob } from '../picture.js';
import { briefly } from '../hidden.js';
import { lensOf } from '../lenses.js';
import { stackOf } from '../selection.js';
import { mapsOf } from '../strength.js';
import { amount, named } from '../ticks.js';
import { binOf, index as indexOf } from '../weights.js';
import { paintAll, paintOne, strongest, surface } from './heads_canvas.js';
import { chips } from './heads_chips.js';
import { hit, layout, LEAST_SHOWN, middle } from './heads_geometry.js';
import { needs, partOf, rowsAtOnce } from './heads_needs.js';
import { headsSvg } from './heads_svg.js';
import { column } from './heads_tokens.js';
import { note, spoken, table, widest } from './heads_words.js';

/** @type {import('../types.js').View} */
export const heads = {
  id: 'heads',
  title: 'Heads',
  howto: 'A line runs from a token on the left to one that it attends to on the right, as thick as the weight is large, and each colour is one head. '
    + 'Point at a token to read its weights, click to keep it, and switch heads on and off with the numbers.',
  sight: true,
  keep: true,
  needs(state, run) {
    const stack = stackOf(state, run);
    return { attention: needs(state, stack, partOf(state, stack, run), state.query ?? 0) };
  },
  mount,
};

/**
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
function mount(el, ctx) {
  const { rows, cols } = ctx.tokens;
  let state = ctx.store.get();
  /** @type {import('../weights.js').Index|null} */
  let index = null;
  /** @type {import('./heads_canvas.js').Paint} */
  let paint = paints();
  /** @type {readonly number[]} */
  let shown = [];
  /** @type {Readonly<import('../types.js').Hover>} */
  let hover = { query: null, key: null };
  /** @type {number|null} */
  let preview = null;
  /** @type {import('../answers_attention.js').AttentionData|undefined} */
  let source;
  let drawn = false;
  let asked = 0;
  let frame = 0;
  let measured = 0;
  let g = layout({ width: 600, room: 400, most: 400, rows: rows.length, cols: cols.length, label: 100 });

  const base = h('canvas.heads-base', { 'aria-hidden': 'true' });
  const over = h('canvas.heads-over', { 'aria-hidden': 'true' });
  const stage = h('div.heads-stage', {}, base, over);
  const leave = () => ctx.setHover({ query: null, key: null });
  const queries = column('query', rows, {
    point: (query) => point({ query, key: null }), pin: (query) => pin('query', query), across: () => keys.element.focus(), leave,
  });
  const keys = column('key', cols, {
    point: (key) => point({ query: null, key }), pin: (key) => pin('key', key), across: () => queries.element.focus(), leave,
  });
  const sheet = h('div.heads-sheet', {}, stage, queries.element, keys.element);
  const scroller = h('div.heads-scroll', {}, sheet);
  const toggles = chips({ set: (list) => ctx.store.set({ heads: list }), preview: look });
  const foot = h('p.heads-foot', {});
  const ends = h('div.heads-ends', { 'aria-hidden': 'true' }, h('span', {}, 'queries look …'), h('span', {}, '… at keys'));
  const list = h('table', {});
  el.append(h('div.heads', {}, toggles.element, ends, scroller, foot, h('div.hidden-visually', {}, list)));

  /** @returns {import('./heads_canvas.js').Scene|null} */
  const scene = () => index && { g, scroll: scroller.scrollTop, index, heads: shown, paint, least: state.least };

  function measure() {
    const width = scroller.clientWidth;
    if (!width) return;
    measured = width;
    const room = innerHeight - (scroller.getBoundingClientRect().top + scrollY) - 56;
    const most = Math.max(360, innerHeight * 0.82);
    g = layout({ width, room, most, rows: rows.length, cols: cols.length, label: widest([...rows, ...cols], scroller) });
    sheet.style.height = `${g.full}px`;
    scroller.style.height = `${g.height}px`;
    ends.style.setProperty('--left', `${g.left - 8}px`);
    ends.style.setProperty('--right', `${g.right + 8}px`);
  }

  function drawAll() {
    const now = scene();
    queries.draw(g, scroller.scrollTop);
    keys.draw(g, scroller.scrollTop);
    const c = surface(base, g.width, g.height);
    if (now) paintAll(c, now);
    drawOver();
  }

  function drawOver() {
    const c = surface(over, g.width, g.height);
    const now = scene();
    // a query's lines, with one key picked out among them; without a query, the lines that reach a key
    const query = hover.query ?? state.query;
    const key = hover.key ?? (hover.query === null ? state.key : null);
    queries.mark(hover.query, state.query);
    keys.mark(hover.key, state.key);
    const known = query === null || (now !== null && binOf(now.index.maps.rowEdges, query) >= 0);
    sheet.classList.toggle('is-dim', (query !== null && known) || (query === null && key !== null) || preview !== null);
    if (!now || !known) return;
    if (preview !== null) paintAll(c, { ...now, heads: [preview] });
    else if (query !== null) paintOne(c, now, 'query', query, key);
    else if (key !== null) paintOne(c, now, 'key', key, null);
  }

  /** @param {number|null} head */
  function look(head) {
    if (head === preview) return;
    preview = head;
    drawOver();
  }

  /** @param {import('../types.js').Hover} next by the keyboard: seen, and said */
  function point(next) {
    ctx.setHover(next);
    const [side, item] = next.query === null ? /** @type {const} */ (['key', next.key]) : /** @type {const} */ (['query', next.query]);
    if (item === null) return;
    reveal(item);
    if (!index) return;
    if (side === 'key' && state.query !== null) {
      const pair = strongest(index, shown, 'query', state.query, state.least).find(({ other }) => other === item);
      ctx.announce(`${named(rows[state.query], state.query)} to ${named(cols[item], item)}: ${pair ? `${written(pair.weight)}${by(pair.head)}` : `below ${least()}`}`);
      return;
    }
    const [from, to] = side === 'query' ? [rows, cols] : [cols, rows];
    const list = strongest(index, shown, side, item, state.least).slice(0, 3)
      .map(({ other, head, weight }) => `${named(to[other], other)} ${written(weight)}${shown.length > 1 ? by(head) : ''}`);
    const verb = side === 'query' ? 'attends to' : 'is attended to by';
    ctx.announce(`${named(from[item], item)} ${verb} ${list.length ? list.join(', ') : `nothing above ${least()}`}`);
  }

  /** @param {number} weight */
  function written(weight) {
    return amount(weight, index?.maps.bounded ?? true);
  }

  /** What nothing below is shown, in words. */
  function least() {
    return written(Math.max(LEAST_SHOWN, state.least) * (index?.maps.top ?? 1));
  }

  /** @param {number} head a lens without heads has none to name */
  function by(head) {
    return lensOf(state.lens).heads ? ` by head ${head}` : '';
  }

  /** @param {'query'|'key'} side @param {number} item */
  function pin(side, item) {
    ctx.store.set({ [side]: state[side] === item ? null : item });
  }

  /** @param {number} item scroll so that its row is seen */
  function reveal(item) {
    const y = middle(g, item);
    const margin = g.rowHeight * 1.5;
    if (y < scroller.scrollTop + margin) scroller.scrollTop = y - margin;
    else if (y > scroller.scrollTop + g.height - margin) scroller.scrollTop = y - g.height + margin;
  }

  /** Fetch the rows that are seen where the answer at hand lacks them. */
  async function fetchSeen() {
    if (!index) return;
    const stack = stackOf(state, ctx.run);
    const part = partOf(state, stack, ctx.run);
    const top = Math.floor(scroller.scrollTop / g.rowHeight);
    const first = Math.min(Math.max(top, part.rows[0]), part.rows[1]);
    const last = Math.max(first, Math.min(part.rows[1], top + Math.ceil(g.height / g.rowHeight)));
    const { rowEdges } = index.maps;
    if (first === last || (first >= (rowEdges[0] ?? 0) && last <= (rowEdges.at(-1) ?? 0))) return;
    const mine = (asked += 1);
    const wanted = needs(state, stack, part, (first + last) / 2);
    const { attention } = await ctx.fetch({ attention: wanted });
    if (mine !== asked || !attention) return;
    read(attention);
    drawAll();
  }

  /** @param {import('../answers_attention.js').AttentionData} attention */
  function read(attention) {
    const maps = mapsOf(attention, state.layer);
    index = indexOf(maps, LEAST_SHOWN * maps.top);
  }

  /** @param {unknown} error of a fetch; one that the page stopped itself says nothing */
  function failed(error) {
    if (error instanceof DOMException && error.name === 'AbortError') return;
    foot.textContent = 'These rows could not be fetched. Scroll to try again.';
  }

  scroller.addEventListener('scroll', () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      drawAll();
      fetchSeen().catch(failed);
    });
  }, { passive: true });
  sheet.addEventListener('pointermove', (event) => {
    const box = sheet.getBoundingClientRect();
    const next = hit(g, event.clientX - box.left, event.clientY - box.top);
    if (next.query === hover.query && next.key === hover.key) return;
    ctx.setHover(next);
  });
  sheet.addEventListener('pointerleave', leave);
  sheet.addEventListener('click', (event) => {
    const box = sheet.getBoundingClientRect();
    const { query, key } = hit(g, event.clientX - box.left, event.clientY - box.top);
    if (query !== null) pin('query', query);
    else if (key !== null) pin('key', key);
  });
  const resize = new ResizeObserver(() => {
    if (!scroller.clientWidth || scroller.clientWidth === measured) return;
    measure();
    drawAll();
  });
  resize.observe(el);

  return {
    update(next, data) {
      const before = state;
      state = next;
      paint = paints();
      if (data.attention && data.attention !== source) {
        source = data.attention;
        asked += 1;
        read(data.attention);
      }
      const all = index ? index.maps.heads : [];
      shown = next.heads === null || !lensOf(next.lens).heads ? all : next.heads.filter((head) => all.includes(head));
      const { meta } = data.attention ?? {};
      const out = (/** @type {number[]} */ list, /** @type {readonly [number, number]} */ [from, to]) => (/** @type {number} */ i) => i < from || i >= to || list.includes(i);
      const part = partOf(next, stackOf(next, ctx.run), ctx.run);
      queries.out(out(meta?.hidden_rows ?? [], part.rows));
      keys.out(out(meta?.hidden_cols ?? [], part.cols));
      toggles.draw(data.attention?.meta.heads.length ?? all.length, shown, paint.palette);
      if (index) foot.textContent = note(shown.length, all.length, rowsAtOnce(part) < part.rows[1] - part.rows[0], index.maps, next.least);
      replace(list, index && next.query !== null ? spoken(index, shown, next.query, rows, cols, next.least) : []);
      measure();
      if (next.query !== null && (before.query !== next.query || !drawn)) reveal(next.query);
      drawn = true;
      drawAll();
      fetchSeen().catch(failed);
    },
    hover(next) {
      hover = next;
      drawOver();
    },
    away() {
      drawn = false; // what was scrolled to is lost out of the page, and is looked for again
    },
    destroy() {
      resize.disconnect();
      cancelAnimationFrame(frame);
      el.replaceChildren();
    },
    key(event) {
      if (event.key !== 'Escape' || (state.query === null && state.key === null)) return false;
      ctx.store.set({ query: null, key: null });
      return true;
    },
    picture: { png: () => pngBlob(svg()), svg: async () => svgBlob(svg()) },
    part,
    table: () => table(index, shown, rows, cols, briefly({ ...state, least: 0 }, index?.maps.bounded), shownRows()),
  };

  function shownRows() {
    const [from, to] = partOf(state, stackOf(state, ctx.run), ctx.run).rows;
    return to - from;
  }

  /** @returns {import('../types.js').Part} */
  function part() {
    const { rowEdges = [] } = index?.maps ?? {};
    const [from, to] = [rowEdges[0] ?? 0, rowEdges.at(-1) ?? 0];
    return { heads: shown, rows: to - from < shownRows() ? [from, to] : null };
  }

  function svg() {
    const now = scene();
    if (!now) throw new Error('there is no picture yet');
    const look = {
      paper: token('--paper', '#fff'), text: token('--font-text', 'serif'), hidden: briefly(state, now.index.maps.bounded),
      title: `${ctx.model?.name ?? ctx.run.model}, ${stackOf(state, ctx.run).name}, layer ${state.layer}${state.lens === 'raw' ? '' : `, ${state.lens}`}`,
    };
    return headsSvg(now, ctx.tokens, look, state.query);
  }
}

/** @returns {import('./heads_canvas.js').Paint} in the theme that is showing */
function paints() {
  return {
    palette: headPalette(), ink: token('--ink', '#222'), faint: token('--ink-3', '#777'), glow: token('--glow', '#fb3'),
    font: token('--font-ui', 'sans-serif'),
  };
}
