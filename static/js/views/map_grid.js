/**
 * What lies over the heatmap: the row and the column that are pointed at, the names of both, the exact weight, and a
 * cursor for the keyboard. To a screen reader it is a grid with one cell that moves.
 */

import { h } from '../dom.js';

/**
 * @typedef {import('./map_figure.js').Frame} Frame
 *
 * @typedef {object} Cell
 * @property {number} row first token of the bin
 * @property {number} rowEnd
 * @property {number} col
 * @property {number} colEnd
 * @property {string} query its name
 * @property {string} key
 * @property {string} value the weight in words
 *
 * @typedef {object} Grid
 * @property {HTMLElement} element over the plot, marks and all
 * @property {HTMLElement} focus what takes the keyboard
 * @property {(f: Frame, rows: number, cols: number) => void} place
 * @property {(at: {row: [number, number]|null, col: [number, number]|null}, names: {query: string, key: string}) => void} bands
 * @property {(cell: Cell|null) => void} cell
 */

/**
 * @param {string} [label] what the grid is
 * @param {string} [id] of its cell
 * @returns {Grid}
 */
export function grid(label = 'Attention map: rows are queries, columns are keys', id = 'map-cell') {
  const row = h('div.map-band');
  const col = h('div.map-band');
  const rowName = h('div.map-name', { data: { side: 'row' } });
  const colName = h('div.map-name', { data: { side: 'col' } }, h('span'));
  const cursor = h('div.map-cursor.away', { role: 'gridcell', id });
  const line = h('div', { role: 'row' }, cursor);
  const tip = h('div.map-tip');
  const focus = h('div.map-grid', { role: 'grid', tabindex: 0, 'aria-label': label }, line);
  const element = h('div.map-over', {}, h('div', { 'aria-hidden': 'true' }, row, col), focus, h('div', { 'aria-hidden': 'true' }, rowName, colName, tip));
  /** @type {Frame|null} */
  let f = null;

  /** @param {Frame} at @param {number} token @returns {number} pixels from the top of the plot to where a token begins */
  const y = (at, token) => ((token - at.rows[0]) / (at.rows[1] - at.rows[0])) * at.plotHeight;
  /** @param {Frame} at @param {number} token */
  const x = (at, token) => ((token - at.cols[0]) / (at.cols[1] - at.cols[0])) * at.plotWidth;

  return {
    element,
    focus,
    place(next, rows, cols) {
      f = next;
      element.style.inset = `${f.top}px auto auto ${f.left}px`;
      element.style.width = `${f.plotWidth}px`;
      element.style.height = `${f.plotHeight}px`;
      element.style.setProperty('--label', `${f.left}px`);
      focus.setAttribute('aria-rowcount', String(rows));
      focus.setAttribute('aria-colcount', String(cols));
      colName.dataset.angle = String(f.angle);
    },
    bands(at, names) {
      if (!f) return;
      const [top, bottom] = at.row ? clip(y(f, at.row[0]), y(f, at.row[1]), f.plotHeight) : [0, 0];
      const [left, right] = at.col ? clip(x(f, at.col[0]), x(f, at.col[1]), f.plotWidth) : [0, 0];
      row.hidden = rowName.hidden = bottom <= top;
      col.hidden = colName.hidden = right <= left;
      box(row, 0, top, f.plotWidth, bottom - top);
      box(col, left, 0, right - left, f.plotHeight);
      rowName.textContent = names.query;
      rowName.style.top = `${(top + bottom) / 2}px`;
      if (colName.firstChild) colName.firstChild.textContent = names.key;
      colName.style.left = `${(left + right) / 2}px`;
    },
    cell(cell) {
      const shown = f && cell && cell.row < f.rows[1] && cell.rowEnd > f.rows[0] && cell.col < f.cols[1] && cell.colEnd > f.cols[0];
      cursor.classList.toggle('away', !shown);
      tip.hidden = !shown;
      if (!f || !cell || !shown) {
        focus.removeAttribute('aria-activedescendant');
        return;
      }
      const [top, bottom] = clip(y(f, cell.row), y(f, cell.rowEnd), f.plotHeight);
      const [left, right] = clip(x(f, cell.col), x(f, cell.colEnd), f.plotWidth);
      box(cursor, left, top, right - left, bottom - top);
      focus.setAttribute('aria-activedescendant', cursor.id);
      line.setAttribute('aria-rowindex', String(cell.row + 1));
      cursor.setAttribute('aria-colindex', String(cell.col + 1));
      cursor.setAttribute('aria-label', `${cell.query} to ${cell.key}: ${cell.value}`);
      tip.replaceChildren(h('strong', {}, cell.value), h('span', {}, `${cell.query} → ${cell.key}`));
      tip.style.left = `${Math.min(Math.max((left + right) / 2, 70), Math.max(f.plotWidth - 70, 70))}px`;
      const below = top < 76;
      tip.style.top = `${below ? bottom : top}px`;
      tip.toggleAttribute('data-below', below);
    },
  };
}

/** @param {number} from @param {number} to @param {number} most @returns {[number, number]} */
function clip(from, to, most) {
  return [Math.min(Math.max(from, 0), most), Math.min(Math.max(to, 0), most)];
}

/** @param {HTMLElement} el @param {number} left @param {number} top @param {number} width @param {number} height */
function box(el, left, top, width, height) {
  el.style.transform = `translate(${left}px, ${top}px)`;
  el.style.width = `${width}px`;
  el.style.height = `${height}px`;
}
