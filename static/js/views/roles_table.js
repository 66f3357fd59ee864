/**
 * The table of roles: a row for each head, a column for each role. Each score has a bar for how far it lies from its
 * null, and how many times that null it is. To a screen reader it is a grid; arrows move through it.
 */

import { h, replace } from '../dom.js';
import { MEANING, inWords, rolesOf, scored, standing, standsOut, timesNull } from '../roles.js';
import { order } from './roles_words.js';

/**
 * @typedef {import('../answers_attention.js').RolesData} RolesData
 * @typedef {import('../answers_attention.js').Role} Role
 * @typedef {import('../answers_attention.js').RoleSort} RoleSort
 * @typedef {{layer: number, head: number, role: Role}} Chosen
 */

/** Rows drawn at once; the rest follow, so many at a time, while nothing else is to be done. */
const AT_ONCE = 28;
const AT_A_TIME = 40;
/** Milliseconds: what is seen is painted first, and then the rest comes bit by bit. */
const LATER = 120;
const PAUSE = 16;
/** A bar is full at this many standard deviations. */
const FULL = 30;

/** @param {{sort: (sort: RoleSort) => void, choose: (cell: Chosen) => void, announce: (text: string) => void}} react */
export function createTable(react) {
  const head = h('tr', { role: 'row' });
  const body = h('tbody', { role: 'rowgroup' });
  const grid = h('table.roles-table', { role: 'grid', 'aria-label': 'Roles of the heads' }, h('thead', { role: 'rowgroup' }, head), body);
  const box = h('div.table-box.roles-box', {}, grid);
  /** @type {RolesData|null} */
  let data = null;
  /** @type {RoleSort} */
  let sort = 'head';
  /** @type {Role[]} */
  let roles = [];
  /** @type {Chosen|null} */
  let chosen = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let later;
  /** @type {HTMLElement|null} the one cell that Tab reaches */
  let stop = null;
  /** The rows in their order, as far as they were made. @type {HTMLTableRowElement[]} */
  let made = [];

  function drawHead() {
    const [by, up] = sort.split('-');
    replace(head, column('head', 'head', by === 'head' ? 'ascending' : null, 'layer and head'),
      roles.map((role) => column(role, role, by === role ? (up ? 'ascending' : 'descending') : null, MEANING[role])));
  }

  /** @param {'head'|Role} name @param {string} title @param {'ascending'|'descending'|null} now @param {string} meaning */
  function column(name, title, now, meaning) {
    const next = name === 'head' ? 'head' : now === 'descending' ? /** @type {RoleSort} */ (`${name}-up`) : name;
    return h('th', { scope: 'col', role: 'columnheader', 'aria-sort': now ?? 'none' },
      h('button', { type: 'button', title: meaning, data: { sort: name }, onclick: () => react.sort(next) }, title,
        h('span', { 'aria-hidden': 'true' }, now === 'ascending' ? ' ↑' : now === 'descending' ? ' ↓' : '')));
  }

  function drawRows() {
    if (!data) return;
    clearTimeout(later);
    const rows = order(data, sort);
    grid.setAttribute('aria-rowcount', String(rows.length + 1));
    made = [];
    replace(body, rows.slice(0, AT_ONCE).map(line));
    box.scrollTop = 0;
    mark();
    follow(rows, AT_ONCE);
  }

  /** @param {readonly number[]} rows @param {number} from */
  function follow(rows, from) {
    if (from >= rows.length) return;
    later = setTimeout(() => {
      body.append(...rows.slice(from, from + AT_A_TIME).map((i, at) => line(i, from + at)));
      if (!body.querySelector('.chosen')) {
        mark();
        if (sort === 'head') reveal();
      }
      follow(rows, from + AT_A_TIME);
    }, from === AT_ONCE ? LATER : PAUSE);
  }

  /** @param {number} i of the head in the answer @param {number} at its row */
  function line(i, at) {
    return (made[at] ??= row(i, at));
  }

  /** @param {number} i @param {number} at */
  function row(i, at) {
    const now = /** @type {RolesData} */ (data);
    const { layer, head: number } = now.heads[i];
    return h('tr', { role: 'row', data: { layer, head: number }, 'aria-rowindex': at + 2 },
      h('th', { role: 'rowheader', scope: 'row', title: `layer ${layer}, head ${number}` }, `${layer}.${number}`),
      roles.map((role) => {
        const it = standing(now, i, role);
        const words = `${role} ${inWords(role, it)}`;
        if (it.score === null) return h('td', { role: 'gridcell', tabindex: -1, data: { role }, 'aria-label': words }, '–');
        return h('td', {
          role: 'gridcell', tabindex: -1, data: { role, standing: it.beyond === null ? 'plain' : !it.beyond ? 'within' : standsOut(role, it) ? 'beyond' : 'below' },
          style: { '--effect': bar(it.effect).toFixed(3) }, title: words, 'aria-label': words,
        }, scored(role, it.score), h('small', {}, timesNull(it.times)));
      }));
  }

  function unmark() {
    for (const old of body.querySelectorAll('.chosen, [aria-selected]')) {
      old.classList.remove('chosen');
      old.removeAttribute('aria-selected');
    }
  }

  /** Marks the chosen row and cell, and makes that cell the one that Tab reaches. */
  function mark() {
    unmark();
    const line = chosen && body.querySelector(`tr[data-layer="${chosen.layer}"][data-head="${chosen.head}"]`);
    const cell = /** @type {HTMLElement|null} */ (line?.querySelector(`td[data-role="${chosen?.role}"]`) ?? body.querySelector('td'));
    line?.classList.add('chosen');
    if (line) cell?.setAttribute('aria-selected', 'true');
    if (stop) stop.tabIndex = -1;
    stop = cell;
    if (stop) stop.tabIndex = 0;
  }

  /** @param {HTMLElement|null|undefined} cell */
  function focus(cell) {
    if (!cell) return;
    if (stop) stop.tabIndex = -1;
    stop = cell;
    cell.tabIndex = 0;
    cell.focus();
    const line = cell.closest('tr');
    react.announce(`Layer ${line?.dataset.layer}, head ${line?.dataset.head}, ${cell.getAttribute('aria-label')}`);
  }

  /** @param {Event} event @returns {HTMLElement|null} */
  function cellOf({ target }) {
    return target instanceof Element ? target.closest('td') : null;
  }

  /** @param {HTMLElement} cell */
  function choose(cell) {
    const line = cell.closest('tr');
    react.choose({ layer: Number(line?.dataset.layer), head: Number(line?.dataset.head), role: /** @type {Role} */ (cell.dataset.role) });
  }

  body.addEventListener('click', (event) => {
    const line = event.target instanceof Element ? event.target.closest('tr') : null;
    const cell = cellOf(event) ?? /** @type {HTMLElement|null} */ (line?.querySelector(`td[data-role="${chosen?.role}"]`));
    if (cell) choose(cell);
  });
  body.addEventListener('keydown', (event) => {
    const cell = cellOf(event);
    if (!cell || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const line = /** @type {HTMLElement} */ (cell.closest('tr'));
    const at = roles.indexOf(/** @type {Role} */ (cell.dataset.role));
    const same = (/** @type {Element|null|undefined} */ other) => /** @type {HTMLElement|undefined} */ (other?.querySelectorAll('td')[at]);
    const far = (/** @type {number} */ rows) => {
      const lines = [...body.children];
      return lines[Math.max(0, Math.min(lines.length - 1, lines.indexOf(line) + rows))];
    };
    /** @type {Record<string, () => HTMLElement|null|undefined>} */
    const to = {
      ArrowUp: () => same(line.previousElementSibling), ArrowDown: () => same(line.nextElementSibling),
      ArrowLeft: () => line.querySelectorAll('td')[at - 1], ArrowRight: () => line.querySelectorAll('td')[at + 1],
      Home: () => line.querySelector('td'), End: () => line.querySelectorAll('td')[roles.length - 1],
      PageUp: () => same(far(-10)), PageDown: () => same(far(10)),
    };
    if (to[event.key]) focus(to[event.key]());
    else if (event.key === 'Enter' || event.key === ' ') choose(cell);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    element: box,
    destroy: () => clearTimeout(later),
    /** Out of sight: coming back, the table is laid out as it was the first time, its head before the rest. */
    away() {
      clearTimeout(later);
      unmark();
      body.replaceChildren(...made.slice(0, AT_ONCE));
    },
    /** @param {RolesData} next @param {RoleSort} by @param {Chosen} now */
    update(next, by, now) {
      const same = next === data && by === sort;
      const moved = !chosen || chosen.layer !== now.layer || chosen.head !== now.head;
      [data, sort, chosen, roles] = [next, by, now, rolesOf(next.stack)];
      if (same) {
        mark();
        const rows = order(data, sort);
        if (body.rows.length === Math.min(AT_ONCE, rows.length)) {
          clearTimeout(later);
          follow(rows, AT_ONCE);
        }
      } else {
        drawHead();
        drawRows();
      }
      if (moved && (same || by === 'head')) reveal();
    },
  };

  /** Scrolls the table, and only the table, to the chosen head. */
  function reveal() {
    const line = /** @type {HTMLElement|null} */ (body.querySelector('tr.chosen'));
    if (!line) return;
    const top = line.offsetTop - head.offsetHeight;
    if (top < box.scrollTop || line.offsetTop + line.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = top - box.clientHeight / 3;
  }
}

/** The length of a bar, 0 to 1: logarithmic, since effects reach from 1 to hundreds. @param {number|null} effect */
export function bar(effect) {
  if (effect === null) return 0;
  return Math.min(Math.log1p(Math.abs(effect)) / Math.log1p(FULL), 1);
}
