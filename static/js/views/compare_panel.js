/** One of the three maps of Compare: a heatmap with its pointer, its keyboard and its name. */

import { h, replace, visible } from '../dom.js';
import { look } from '../look.js';
import { clear, draw } from '../plot.js';
import { binOf } from '../weights.js';
import { figure, frame } from './map_figure.js';
import { grid } from './map_grid.js';
import { move } from './map_moves.js';
import { bin, spanName } from './map_words.js';

/** @typedef {import('../weights.js').Maps} Maps */
/** @typedef {import('../types.js').Token} Token */
/** @typedef {{query: number, key: number}} Cell */

/**
 * @typedef {object} Shown
 * @property {string} title
 * @property {Maps} maps of one head
 * @property {{rows: readonly Token[], cols: readonly Token[]}} tokens
 * @property {boolean} causal
 * @property {'sqrt'|'linear'} scale
 * @property {((figure: import('../plot.js').Figure) => import('../plot.js').Figure)} [dress] changes the figure before it is drawn
 */

/**
 * @param {string} label
 * @param {string} id
 * @param {object} react
 * @param {(cell: import('../types.js').Hover) => void} react.point
 * @param {(cell: Cell) => void} react.pin
 * @param {(cell: Cell) => string} react.value a cell's number in words
 * @param {(words: string) => void} react.announce
 */
export function panel(label, id, react) {
  const title = h('h3.compare-title', {});
  const chart = h('div.map-chart', { 'aria-hidden': 'true' });
  const overlay = grid(`${label}: rows are queries, columns are keys`, id);
  const stage = h('div.map-stage', {}, chart, overlay.element);
  const read = h('p.compare-read', { 'aria-hidden': 'true' });
  const element = h('figure.compare-panel', {}, title, read, stage);
  /** @type {Shown|null} */
  let shown = null;
  /** @type {import('../plot.js').Figure|null} */
  let drawn = null;
  let key = '';
  /** @type {Maps|null} */
  let drawnMaps = null;
  /** @type {import('../types.js').Hover} */
  let at = { query: null, key: null };

  /** @param {PointerEvent|MouseEvent} event @returns {Cell|null} */
  function under(event) {
    if (!shown) return null;
    const box = overlay.element.getBoundingClientRect();
    const { rowEdges, colEdges } = shown.maps;
    const place = (/** @type {number} */ part, /** @type {readonly number[]} */ edges) => Math.floor(edges[0] + part * (edges[edges.length - 1] - edges[0]));
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return x < 0 || x >= 1 || y < 0 || y >= 1 ? null : { query: place(y, rowEdges), key: place(x, colEdges) };
  }

  stage.addEventListener('pointermove', (event) => react.point(under(event) ?? { query: null, key: null }));
  stage.addEventListener('pointerleave', () => react.point({ query: null, key: null }));
  stage.addEventListener('click', (event) => {
    const cell = under(event);
    if (cell) react.pin(cell);
  });
  overlay.focus.addEventListener('blur', () => react.point({ query: null, key: null }));
  overlay.focus.addEventListener('focus', () => { if (overlay.focus.matches(':focus-visible')) go(cellOf() ?? first()); });
  overlay.focus.addEventListener('keydown', (event) => {
    if (!shown || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const now = cellOf();
    if (event.key === 'Enter' || event.key === ' ') react.pin(now ?? first());
    else if (event.key.startsWith('Arrow') || ['Home', 'End', 'PageUp', 'PageDown'].includes(event.key)) go(now ? move(event.key, now, shown.maps) : first());
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  /** @returns {Cell|null} */
  function cellOf() {
    return at.query === null || at.key === null ? null : { query: at.query, key: at.key };
  }

  function first() {
    return { query: shown?.maps.rowEdges[0] ?? 0, key: shown?.maps.colEdges[0] ?? 0 };
  }

  /** @param {Cell} cell */
  function go(cell) {
    react.point(cell);
    if (!shown) return;
    const { rows, cols } = shown.tokens;
    react.announce(`${spanName(rows, [cell.query, cell.query + 1])} to ${spanName(cols, [cell.key, cell.key + 1])}: ${react.value(cell)}`);
  }

  function mark() {
    if (!shown) return;
    const { maps, tokens } = shown;
    const [r, c] = [binOf(maps.rowEdges, at.query), binOf(maps.colEdges, at.key)];
    const row = r < 0 ? null : bin(maps.rowEdges, r);
    const col = c < 0 ? null : bin(maps.colEdges, c);
    const name = (/** @type {readonly Token[]} */ list, /** @type {[number, number]} */ [from, to]) => (to - from > 1 ? `${from}–${to - 1}` : visible(list[from]?.display ?? ''));
    overlay.bands({ row, col }, { query: row ? name(tokens.rows, row) : '', key: col ? name(tokens.cols, col) : '' });
    replace(read, row && col ? [`${spanName(tokens.rows, row)} → ${spanName(tokens.cols, col)} `, h('b', {}, react.value({ query: row[0], key: col[0] }))] : []);
    overlay.cell(row && col ? {
      row: row[0], rowEnd: row[1], col: col[0], colEnd: col[1], query: spanName(tokens.rows, row), key: spanName(tokens.cols, col),
      value: react.value({ query: row[0], key: col[0] }),
    } : null);
  }

  return {
    element,
    get figure() { return drawn; },
    /** @param {Shown} next */
    async draw(next) {
      shown = next;
      replace(title, next.title);
      const { maps, tokens } = next;
      const width = element.clientWidth;
      if (!width) return;
      const span = (/** @type {readonly number[]} */ edges) => /** @type {[number, number]} */ ([edges[0], edges[edges.length - 1]]);
      const longest = Math.max(...[...tokens.rows, ...tokens.cols].map(({ display }) => display.length)) + (tokens.rows.length > 40 ? 4 : 0);
      const f = frame({ width, most: Math.max(420, Math.min(innerHeight * 0.6, 560)), rows: span(maps.rowEdges), cols: span(maps.colEdges), longest });
      overlay.place(f, tokens.rows.length, tokens.cols.length);
      mark();
      const colours = look();
      const now = JSON.stringify([f, next.scale, colours, next.causal]);
      if (now === key && maps === drawnMaps) return;
      [key, drawnMaps] = [now, maps];
      const plain = figure({ maps, head: maps.heads[0], causal: next.causal, scale: next.scale, tokens, frame: f, look: colours, drag: false });
      drawn = next.dress ? next.dress(plain) : plain;
      stage.style.width = `${f.width}px`;
      stage.style.height = `${f.height}px`;
      await draw(chart, drawn);
    },
    /** @param {import('../types.js').Hover} next in the tokens of this map */
    mark(next) {
      at = next;
      mark();
    },
    clear: () => clear(chart),
  };
}

/**
 * Figures side by side in one, each with its title: what is taken away.
 * @param {{title: string, figure: import('../plot.js').Figure}[]} parts
 * @returns {import('../plot.js').Figure}
 */
export function beside(parts) {
  const head = 26;
  const sizes = parts.map(({ figure: { layout } }) => ({ width: Number(layout.width), height: Number(layout.height), margin: /** @type {any} */ (layout.margin) }));
  const [width, height] = [sizes.reduce((sum, one) => sum + one.width, 0), Math.max(...sizes.map((one) => one.height)) + head];
  /** @type {import('../plot.js').Figure} */
  const all = { data: [], layout: { ...parts[0].figure.layout, width, height, margin: { l: 0, r: 0, t: 0, b: 0 }, annotations: [] } };
  let left = 0;
  parts.forEach(({ title, figure: { data, layout } }, i) => {
    const { width: own, height: tall, margin } = sizes[i];
    const suffix = i === 0 ? '' : String(i + 1);
    const domain = [(left + margin.l) / width, (left + own - margin.r) / width];
    const up = [1 - (head + tall - margin.b) / height, 1 - (head + margin.t) / height];
    for (const trace of data) {
      const bar = /** @type {any} */ (trace.colorbar);
      const vertical = bar.orientation === 'v';
      all.data.push({ ...trace, xaxis: `x${suffix}`, yaxis: `y${suffix}`, colorbar: {
        ...bar, x: vertical ? domain[1] : domain[0], y: vertical ? up[1] : up[0] } });
    }
    all.layout[`xaxis${suffix}`] = { .../** @type {any} */ (layout.xaxis), domain, anchor: `y${suffix}` };
    all.layout[`yaxis${suffix}`] = { .../** @type {any} */ (layout.yaxis), domain: up, anchor: `x${suffix}` };
    /** @type {any[]} */ (all.layout.annotations).push({ text: title, x: left + 12, xref: 'x domain', xanchor: 'left', y: 1, yref: 'paper', yanchor: 'top', showarrow: false });
    const note = /** @type {any[]} */ (all.layout.annotations).at(-1);
    Object.assign(note, { x: (left + 12) / width, xref: 'paper', font: { .../** @type {any} */ (layout.font), size: 13 } });
    left += own;
  });
  return all;
}
