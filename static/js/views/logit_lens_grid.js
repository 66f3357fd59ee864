/** The cells of the logit lens: layers from the last down, positions across. Arrows move, and what is moved to is opened. */

import { cividis, css, inkOn } from '../colour.js';
import { h, replace, visible } from '../dom.js';
import { digits } from '../format.js';
import { piece } from '../piece.js';
import { brightness, cellWords, largest, MEASURES, rowName, rowTitle, valuesOf } from './logit_lens_words.js';

/** @typedef {import('../answers_predictions.js').LensGridData} LensGridData */
/** @typedef {import('../types.js').Token} Token */

/**
 * @param {readonly Token[]} tokens
 * @param {boolean} follows the token that really follows is known
 * @param {{open: (layer: number, position: number) => void, point: (position: number|null) => void, announce: (text: string) => void}} react
 */
export function createCells(tokens, follows, react) {
  const grid = h('table.lens-grid', { role: 'grid', 'aria-label': 'The likeliest token of each layer at each position' });
  const box = h('div.table-box.lens-box', {}, grid);
  const ends = h('p.lens-ends', { 'aria-hidden': 'true' });
  /** @type {LensGridData|null} */
  let data = null;
  let shown = '';
  /** @type {Map<string, HTMLElement>} */
  let cells = new Map();
  /** @type {HTMLElement|null} the one cell that Tab reaches */
  let stop = null;

  /** @param {LensGridData} next @param {import('../types.js').Selection['cellMeasure']} measure */
  function draw(next, measure) {
    data = next;
    const [from, to] = next.positions;
    const places = Array.from({ length: to - from }, (_, i) => from + i);
    const values = valuesOf(next, measure);
    const most = largest(next, measure);
    cells = new Map();
    replace(grid,
      h('thead', { role: 'rowgroup' },
        h('tr', { role: 'row' }, h('th', { role: 'columnheader', scope: 'col' }, 'after'),
          places.map((i) => h('th', { role: 'columnheader', scope: 'col', title: `${i}`, data: { position: i } }, piece(tokens[i]?.display ?? ''), h('small', {}, i)))),
        follows && h('tr.lens-follows', { role: 'row' }, h('th', { role: 'rowheader', scope: 'row', title: 'What really follows in the text' }, 'text'),
          places.map((i) => h('td', { role: 'gridcell' }, tokens[i + 1] ? piece(tokens[i + 1].display) : '')))),
      h('tbody', { role: 'rowgroup' }, next.layers.toReversed().map((layer) => h('tr', { role: 'row' },
        h('th', { role: 'rowheader', scope: 'row', title: rowTitle(layer) }, rowName(layer)),
        places.map((position, at) => cell(next, layer, position, brightness(values[layer]?.[at], most, measure), next.settled[at] === layer))))));
    replace(ends, 'The line under a cell: from there up it is what the model ends with. ', h('span.lens-scale', {}), ` ${MEASURES[measure].scale}, 0 to ${measure === 'softmax' ? '1' : digits(most)}`);
  }

  /** @param {LensGridData} of @param {number} layer @param {number} position @param {number} share @param {boolean} settles */
  function cell(of, layer, position, share, settles) {
    const colour = cividis(share);
    const words = cellWords(of, layer, position, tokens);
    const made = h('td', {
      role: 'gridcell', tabindex: -1, data: { layer, position, ...(settles ? { settles: '' } : {}) }, 'aria-label': words, title: words,
      style: { background: css(colour), color: inkOn(colour) },
    }, visible(of.texts[layer]?.[position - of.positions[0]] ?? ''));
    cells.set(`${layer}.${position}`, made);
    return made;
  }

  /** @param {Event} event @returns {HTMLElement|null} */
  function cellOf({ target }) {
    return target instanceof Element ? target.closest('td[data-layer]') : null;
  }

  /** @param {HTMLElement} at */
  function open(at) {
    mark(at);
    react.open(Number(at.dataset.layer), Number(at.dataset.position));
  }

  /** @param {HTMLElement|null} at */
  function mark(at) {
    if (stop && stop !== at) {
      stop.tabIndex = -1;
      stop.removeAttribute('aria-selected');
    }
    stop = at;
    if (!at) return;
    at.tabIndex = 0;
    at.setAttribute('aria-selected', 'true');
  }

  /** @param {number} across @param {number} up */
  function move(across, up) {
    if (!stop || !data) return;
    const [layer, position] = [Number(stop.dataset.layer) + up, Number(stop.dataset.position) + across];
    const to = cells.get(`${layer}.${position}`);
    if (!to) {
      if (across && tokens[position]) react.open(layer, position); // in the window beside this one
      return;
    }
    const focused = grid.contains(document.activeElement);
    open(to);
    if (focused) to.focus();
    react.announce(to.getAttribute('aria-label') ?? '');
  }

  grid.addEventListener('click', (event) => {
    const at = cellOf(event);
    if (at) open(at);
  });
  grid.addEventListener('pointerover', (event) => react.point(Number(cellOf(event)?.dataset.position ?? NaN)));
  grid.addEventListener('pointerleave', () => react.point(null));
  grid.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    /** @type {Record<string, [number, number]>} */
    const steps = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    const step = steps[event.key];
    if (!step) return;
    move(...step);
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    elements: [box, ends],
    move,
    /**
     * @param {LensGridData} next
     * @param {import('../types.js').Selection['cellMeasure']} measure
     * @param {number} depth
     * @param {number} position
     */
    update(next, measure, depth, position) {
      const key = `${next.positions} ${measure}`;
      if (next !== data || key !== shown) {
        const focused = grid.contains(document.activeElement);
        shown = key;
        stop = null;
        draw(next, measure);
        if (focused) cells.get(`${depth}.${position}`)?.focus();
      }
      const at = cells.get(`${depth}.${position}`) ?? null;
      mark(at);
      if (at) reveal(box, at);
    },
    /** @param {number|null} position */
    hover(position) {
      for (const head of grid.querySelectorAll('thead th[data-position]')) head.classList.toggle('is-active', position !== null && head instanceof HTMLElement && Number(head.dataset.position) === position);
    },
  };
}

/** Scrolls the grid, and only sideways, to a cell. @param {HTMLElement} box @param {HTMLElement} at */
function reveal(box, at) {
  const fixed = /** @type {HTMLElement|null} */ (box.querySelector('tbody th'))?.offsetWidth ?? 0;
  if (at.offsetLeft - fixed < box.scrollLeft) box.scrollLeft = at.offsetLeft - fixed;
  else if (at.offsetLeft + at.offsetWidth > box.scrollLeft + box.clientWidth) box.scrollLeft = at.offsetLeft + at.offsetWidth - box.clientWidth;
}
