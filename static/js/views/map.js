/**
 * Map: one head as a heatmap, rows looking at columns. Long texts come pooled; zooming in fetches the exact part.
 */

import { h, visible } from '../dom.js';
import { look } from '../look.js';
import { clear, draw, picture } from '../plot.js';
import { briefly } from '../hidden.js';
import { headOf, headWords } from '../lenses.js';
import { blockOf, stackOf } from '../selection.js';
import { focusOf, mapsOf } from '../strength.js';
import { amount, named } from '../ticks.js';
import { binOf, isCausal } from '../weights.js';
import { figure, frame } from './map_figure.js';
import { grid } from './map_grid.js';
import { move, zoomed } from './map_moves.js';
import { tools } from './map_tools.js';
import { bin, emptyWhy, remarks, spanName, table } from './map_words.js';

/** @typedef {import('./map_figure.js').Span} Span */
/** @typedef {{rows: Span, cols: Span}} Block */

/** The most rows and columns asked for; more are pooled to as many, each bin showing its largest weight. */
const SIZE = 256;

/** @type {import('../types.js').View} */
export const map = {
  id: 'map',
  title: 'Map',
  howto: 'Each row is a token that looks, each column one that is looked at: the brighter the cell, the larger the weight, and every row of raw attention adds up to 1. '
    + 'Point at a cell, or move with the arrow keys, to read the exact weight; drag or press + to zoom in.',
  sight: true,
  keep: true,
  needs(state, run) {
    const stack = stackOf(state, run);
    const block = blockOf(state, run);
    const [rows, cols] = spans(state, block);
    const length = (/** @type {Span} */ [from, to]) => to - from;
    const large = length(block.rows) > SIZE || length(block.cols) > SIZE;
    const small = { ...(length(block.rows) < stack.rows ? { rows: block.rows } : {}), ...(length(block.cols) < stack.cols ? { cols: block.cols } : {}) };
    const part = large ? { rows, cols, size: SIZE, pool: /** @type {const} */ ('max') } : small;
    return { attention: { stack: stack.name, layer: state.layer, ...headOf(state), lens: state.lens, dtype: 'f32', ...part } };
  },
  mount,
};

/**
 * @param {Readonly<import('../types.js').Selection>} state
 * @param {Block} block that is shown
 * @returns {[Span, Span]} what is zoomed to within it
 */
export function spans(state, block) {
  /** @type {(span: Span|null, within: Span) => Span} */
  const cut = (span, [from, to]) => {
    const [a, b] = span ? [Math.max(span[0], from), Math.min(span[1], to)] : [from, to];
    return a < b ? [a, b] : [from, to];
  };
  return [cut(state.rows, block.rows), cut(state.cols, block.cols)];
}

/**
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
function mount(el, ctx) {
  const { tokens } = ctx;
  const all = { rows: tokens.rows.length, cols: tokens.cols.length };
  const longest = Math.max(...[...tokens.rows, ...tokens.cols].map(({ display }) => display.length)) + (all.rows > 40 ? 4 : 0);
  const touch = matchMedia('(pointer: coarse)').matches;
  let state = ctx.store.get();
  /** @type {import('../weights.js').Maps|null} */
  let maps = null;
  let causal = false;
  /** @type {import('../answers_attention.js').AttentionMeta|null} */
  let meta = null;
  const block = () => blockOf(state, ctx.run);
  /** @type {Readonly<import('../types.js').Hover>} */
  let hover = { query: null, key: null };
  /** @type {import('../plot.js').Figure|null} */
  let shown = null;
  let drawn = '';
  /** @type {import('../weights.js').Maps|null} */
  let drawnMaps = null;
  let alive = true;

  const chart = h('div.map-chart', { 'aria-hidden': 'true' });
  const overlay = grid();
  const stage = h('div.map-stage', {}, chart, overlay.element);
  const bar = tools({
    scale: (scale) => ctx.store.set({ scale }),
    zoom: (factor) => zoom(factor),
  });
  const note = h('p.map-note', {});
  el.append(h('div.map', {}, bar.element, stage, note));

  /** @returns {{query: number, key: number}|null} the cell that counts: what is pointed at, else what is pinned */
  function focus() {
    const { query, key } = focusOf(state, hover);
    return query === null || key === null ? null : { query, key };
  }

  function drawOverlay() {
    if (!maps) return;
    const { query, key } = focusOf(state, hover);
    const [r, c] = [binOf(maps.rowEdges, query), binOf(maps.colEdges, key)];
    const row = r < 0 ? null : bin(maps.rowEdges, r);
    const col = c < 0 ? null : bin(maps.colEdges, c);
    overlay.bands({ row, col }, { query: row ? label('rows', row) : '', key: col ? label('cols', col) : '' });
    overlay.cell(row && col ? {
      row: row[0], rowEnd: row[1], col: col[0], colEnd: col[1],
      query: spanName(tokens.rows, row), key: spanName(tokens.cols, col), value: valueAt(r, c),
    } : null);
  }

  /** @param {'rows'|'cols'} side @param {Span} span */
  function label(side, [from, to]) {
    const text = visible(tokens[side][from]?.display ?? '');
    return to - from > 1 ? `${from}–${to - 1}` : text;
  }

  /** @param {number} r @param {number} c the weight of a cell, in words */
  function valueAt(r, c) {
    if (!maps) return '–';
    const why = meta && emptyWhy(maps, causal, meta, r, c);
    if (why) return why;
    const value = maps.values[r * (maps.colEdges.length - 1) + c];
    const words = amount(value, maps.bounded);
    const known = maps.exact ? words : maps.signed ? `up to ${words}` : `at most ${words}`;
    return Math.abs(value) < state.least * maps.top ? `${known} (hidden)` : known;
  }

  /** @param {PointerEvent|MouseEvent} event @returns {import('../types.js').Hover} the tokens under the pointer */
  function under(event) {
    const box = overlay.element.getBoundingClientRect();
    const [rows, cols] = spans(state, block());
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    const query = y >= 0 && y < 1 ? rows[0] + Math.floor(y * (rows[1] - rows[0])) : null;
    const key = x >= 0 && x < 1 ? cols[0] + Math.floor(x * (cols[1] - cols[0])) : null;
    // over the labels of the rows only the row counts, and over those of the columns only the column
    if ((x < 0 && query !== null) || (y < 0 && key !== null)) return { query, key };
    return query === null || key === null ? { query: null, key: null } : { query, key };
  }

  /** @param {{query: number, key: number}} to */
  function goTo(to) {
    ctx.setHover(to);
    if (!maps) return;
    const [r, c] = [binOf(maps.rowEdges, to.query), binOf(maps.colEdges, to.key)];
    const words = r < 0 || c < 0 ? '' : valueAt(r, c);
    ctx.announce(`${named(tokens.rows[to.query], to.query)} to ${named(tokens.cols[to.key], to.key)}: ${words}`);
  }

  /** @param {number} factor below 1 looks closer; 0 shows all */
  function zoom(factor) {
    if (factor === 0) {
      ctx.store.set({ rows: null, cols: null });
      return;
    }
    const within = block();
    const [rows, cols] = spans(state, within);
    const at = focus();
    ctx.store.set({
      rows: zoomed(rows, within.rows, at ? at.query + 0.5 : (rows[0] + rows[1]) / 2, factor),
      cols: zoomed(cols, within.cols, at ? at.key + 0.5 : (cols[0] + cols[1]) / 2, factor),
    });
  }

  /** @param {number} query @param {number} key */
  function pin(query, key) {
    const same = state.query === query && state.key === key;
    ctx.store.set(same ? { query: null, key: null } : { query, key });
  }

  let pressed = { x: 0, y: 0 };
  stage.addEventListener('pointerdown', (event) => { pressed = { x: event.clientX, y: event.clientY }; }, true);
  stage.addEventListener('pointermove', (event) => ctx.setHover(under(event)));
  const leave = () => ctx.setHover({ query: null, key: null });
  stage.addEventListener('pointerleave', leave);
  overlay.focus.addEventListener('blur', leave);
  stage.addEventListener('click', (event) => {
    if (Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > 4) return;
    const { query, key } = under(event);
    if (query !== null && key !== null) pin(query, key);
    else if (query !== null) ctx.store.set({ query: state.query === query ? null : query });
    else if (key !== null) ctx.store.set({ key: state.key === key ? null : key });
  }, true);
  overlay.focus.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = focus() ?? { query: spans(state, block())[0][0], key: spans(state, block())[1][0] };
    const next = maps && focus() ? move(event.key, at, maps) : move('', at, null);
    if (event.key === '+' || event.key === '=') zoom(0.5);
    else if (event.key === '-') zoom(2);
    else if (event.key === '0') zoom(0);
    else if (event.key === 'Enter' || event.key === ' ') pin(at.query, at.key);
    else if (next && (event.key.startsWith('Arrow') || ['Home', 'End', 'PageUp', 'PageDown'].includes(event.key))) goTo(next);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  overlay.focus.addEventListener('focus', () => {
    if (!overlay.focus.matches(':focus-visible')) return;
    const [rows, cols] = spans(state, block());
    goTo(focus() ?? { query: rows[0], key: cols[0] });
  });

  async function drawChart() {
    if (!maps || !el.clientWidth) return;
    const [rows, cols] = spans(state, block());
    const room = innerHeight - (stage.getBoundingClientRect().top + scrollY) - 24;
    const f = frame({ width: el.clientWidth, most: Math.min(Math.max(room, innerHeight * 0.74, 480), 960), rows, cols, longest });
    const colours = look();
    const key = JSON.stringify([f, state.scale, state.layer, state.head, state.lens, state.least, ctx.theme, colours]);
    overlay.place(f, all.rows, all.cols);
    drawOverlay();
    if (key === drawn && maps === drawnMaps) return;
    [drawn, drawnMaps] = [key, maps];
    shown = figure({ maps, head: state.head, causal, scale: state.scale, tokens, frame: f, look: colours, drag: !touch, least: state.least, theme: ctx.theme });
    stage.style.width = `${f.width}px`;
    stage.style.height = `${f.height}px`;
    const first = !chart.classList.contains('js-plotly-plot');
    const gd = await draw(chart, shown);
    if (first && alive) gd.on('plotly_relayout', dragged);
  }

  /** @param {Record<string, unknown>} change what Plotly says after a drag */
  function dragged(change) {
    const at = (/** @type {string} */ name) => Number(change[name]);
    if (change['xaxis.range[0]'] === undefined || change['yaxis.range[0]'] === undefined) {
      drawn = '';
      drawChart();
      return;
    }
    const { rows, cols } = block();
    const span = (/** @type {number} */ a, /** @type {number} */ b, /** @type {Span} */ [from, to]) => (
      /** @type {Span} */ ([Math.max(from, Math.round(Math.min(a, b) + 0.5)), Math.min(to, Math.max(Math.round(Math.max(a, b) + 0.5), Math.round(Math.min(a, b) + 0.5) + 1))]));
    ctx.store.set({
      rows: span(at('yaxis.range[0]'), at('yaxis.range[1]'), rows),
      cols: span(at('xaxis.range[0]'), at('xaxis.range[1]'), cols),
    });
  }

  return {
    update(next, data) {
      state = next;
      if (data.attention) {
        maps = mapsOf(data.attention, next.layer);
        meta = data.attention.meta;
        causal = data.attention.meta.stack === 'decoder' && isCausal(maps);
        note.textContent = remarks(maps, causal, next.lens === 'raw', tokens);
      }
      bar.draw(state, spans(state, block()), block());
      return void drawChart().catch((error) => { note.textContent = String(error.message); });
    },
    hover(next) {
      hover = next;
      drawOverlay();
    },
    destroy() {
      alive = false;
      clear(chart);
      el.replaceChildren();
    },
    key(event) {
      if (event.key !== 'Escape') return false;
      if (state.query !== null || state.key !== null) ctx.store.set({ query: null, key: null });
      else if (state.rows || state.cols) zoom(0);
      else return false;
      return true;
    },
    picture: { png: () => picture(needed(), caption(), 'png'), svg: () => picture(needed(), caption(), 'svg') },
    table: () => (maps ? table(maps, causal, tokens, { least: state.least, hidden: briefly(state, maps.bounded) }) : { columns: [], rows: [] }),
  };

  function needed() {
    if (!shown) throw new Error('there is no picture yet');
    return shown;
  }

  function caption() {
    const hidden = briefly(state, maps?.bounded);
    return `${ctx.model?.name ?? ctx.run.model}, ${stackOf(state, ctx.run).name}, layer ${state.layer}, ${headWords(state)}${hidden ? `, ${hidden}` : ''}`;
  }
}
