/** The candidates as rows, and at the end of each the stretch between 0 and 1 on which a draw picks it. */

import { h, replace, visible } from '../dom.js';
import { grouped } from '../format.js';
import { piece } from '../piece.js';
import { shorten, weight as written } from '../ticks.js';
import { droppedBy, outcome } from './next_words.js';

/** @typedef {import('../answers_predictions.js').Candidate} Candidate */
/** @typedef {import('../answers_predictions.js').LogitsData} LogitsData */

const LONGEST = 24;
const HEADS = [
  ['rank', '#'], ['piece', 'Word piece'], ['logit', 'Logit'], ['softmax', 'Softmax'], ['probability', 'After the steps'], ['bars', ''], ['stretch', ''],
];

export function candidates() {
  const u = h('span.next-u', { hidden: true });
  const scale = h('span.next-scale', { 'aria-hidden': 'true' }, h('span', {}, '0'), h('span', {}, 'end to end'), h('span', {}, '1'), u);
  const head = h('div.next-row.head', { role: 'row' }, HEADS.map(([name, title]) => h(`span.next-cell.${name}`, { role: 'columnheader' },
    name === 'stretch' ? [h('span.hidden-visually', {}, 'From, to'), scale] : name === 'bars' ? h('span.hidden-visually', {}, 'Bars') : title)));
  const body = h('div', { role: 'rowgroup' });
  const element = h('div.next-table', { role: 'table', 'aria-label': 'Candidates' }, h('div', { role: 'rowgroup' }, head), body);

  return {
    element,
    /** @param {LogitsData} data @param {boolean} searched the rows are what was searched for, not the likeliest */
    update(data, searched) {
      const { candidates: list, draw, drawn } = data;
      const most = Math.max(...list.map((c) => Math.max(c.softmax, c.probability)), drawn?.probability ?? 0, 1e-9);
      const [low, high] = bounds(list);
      const rows = list.map((c) => row(c, data, most, low, high));
      const last = list.at(-1);
      const kept = data.pipeline.at(-1)?.kept ?? data.vocab;
      const above = last && !searched ? last.below + last.probability : 1;
      const more = last && !searched ? kept - last.rank - 1 : 0;
      if (more > 0) rows.push(rest(more, above));
      if (drawn && !list.some(({ id }) => id === drawn.id)) rows.push(row(drawn, data, most, low, high));
      replace(body, rows);
      element.toggleAttribute('data-drawn', Boolean(draw));
      u.hidden = !draw;
      if (!draw) return;
      element.style.setProperty('--u', draw.u.toFixed(5));
      u.textContent = `u ${draw.u.toFixed(3)}`;
      u.toggleAttribute('data-right', draw.u > 0.8);
    },
  };
}

/** @param {readonly Candidate[]} list @returns {[number, number]} what the bars of logits go from and to */
function bounds(list) {
  const logits = list.flatMap(({ logit }) => (logit === null ? [] : [logit]));
  const [least, most] = logits.length ? [Math.min(...logits), Math.max(...logits)] : [0, 1];
  return [least - Math.max(most - least, 1) * 0.35, most];
}

/**
 * @param {Candidate} c
 * @param {LogitsData} data
 * @param {number} most the largest probability, which fills the room for bars
 * @param {number} low
 * @param {number} high
 */
function row(c, data, most, low, high) {
  const marks = `${data.draw?.id === c.id ? '◆ ' : ''}${data.target?.id === c.id ? '▸ ' : ''}`;
  const from = c.below ?? 0;
  const to = from + (c.probability ?? 0);
  const size = c.logit === null ? 0 : (c.logit - low) / (high - low || 1);
  return h('div.next-row', { role: 'row', data: { id: c.id, ...(c.kept ? {} : { dropped: droppedBy(c, data.pipeline) }), ...(data.draw?.id === c.id ? { drawn: '' } : {}) } },
    cell('rank', grouped(c.rank + 1)),
    h('span.next-cell.piece', { role: 'cell', title: `${visible(c.text)} · id ${c.id}` }, marks, piece(shorten(c.text, LONGEST))),
    h('span.next-cell.logit', { role: 'cell', style: { '--size': size.toFixed(4) } }, c.logit === null ? 'not finite' : c.logit.toFixed(2)),
    cell('softmax', written(c.softmax)),
    cell('probability', outcome(c, data.pipeline)),
    h('span.next-cell.bars', { role: 'cell', 'aria-hidden': 'true', style: { '--softmax': (c.softmax / most).toFixed(4), '--kept': (c.probability / most).toFixed(4) } }, h('i', {}), h('b', {})),
    stretch(from, to, c.kept ? `${from.toFixed(4)} to ${to.toFixed(4)}` : 'nowhere'));
}

/** All that are left and not listed. @param {number} more @param {number} from */
function rest(more, from) {
  return h('div.next-row.rest', { role: 'row' }, cell('rank', ''), cell('piece', `… ${grouped(more)} more`), cell('logit', ''), cell('softmax', ''),
    cell('probability', written(Math.max(0, 1 - from))), h('span.next-cell.bars', { role: 'cell', 'aria-hidden': 'true' }), stretch(from, 1, `${from.toFixed(4)} to 1`));
}

/** @param {string} name @param {string} text */
function cell(name, text) {
  return h(`span.next-cell.${name}`, { role: 'cell' }, text);
}

/** @param {number} from @param {number} to @param {string} words */
function stretch(from, to, words) {
  return h('span.next-cell.stretch', { role: 'cell', title: words, style: { '--from': from.toFixed(5), '--size': Math.max(0, to - from).toFixed(5) } },
    h('b', {}), h('span.hidden-visually', {}, words));
}
