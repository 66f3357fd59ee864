/** The Causes view as an SVG file: the sentence, the candidates before and after, and the two pictures of the heads. */

import { cividis, css, diverging, inkOn } from '../colour.js';
import { visible } from '../dom.js';
import { inWords, readAll } from '../knockouts.js';
import { look } from '../look.js';
import { svgPainter } from '../painter.js';
import { escaped } from '../picture.js';
import { shorten, weight } from '../ticks.js';
import { effectTitle, furthest, inCell, rowsOf, verdict, written } from './causes_words.js';

const CELL = { width: 38, height: 20, left: 30, top: 44 };
const LINE = 20;
const WIDTH = 900;
const CANDIDATES = 6;

/**
 * @param {object} now
 * @param {Readonly<import('../types.js').Selection>} now.state
 * @param {import('./causes_words.js').Found} now.found
 * @param {import('./causes_words.js').Effects|null} now.effects
 * @param {number[][]|null} now.attention
 * @param {import('../types.js').Run} now.run
 * @param {'light'|'dark'} now.theme
 * @param {import('../types.js').Stack} now.stack
 * @param {string} now.model
 * @returns {string}
 */
export function causesSvg({ state, found, effects, attention, run, theme, stack, model }) {
  const paint = svgPainter();
  const { ink, ink2, ink3, paper, accent, ui: family, glow } = look();
  const body = svgPainter();
  const title = `${model}, ${stack.name}: ${verdict(found)}`;
  let y = 24;
  const line = (/** @type {string} */ words, /** @type {string} */ fill, size = 12) => {
    body.text(12, y, shorten(words, 150), { fill, size, family });
    y += LINE;
  };
  line(`${model}: ${verdict(found)}`, ink, 14);
  for (const edit of readAll(state.edits)) line(`without ${inWords(edit, run)}`, ink2);
  y += 6;
  const rows = found.edits?.changes.slice(0, CANDIDATES).map((one) => ({ text: one.text, shares: [one.softmax_before, one.softmax_after], change: one.change }))
    ?? found.before.slice(0, CANDIDATES).map((one) => ({ text: one.text, shares: [one.softmax], change: null }));
  for (const { text, shares, change } of rows) {
    body.text(130, y, shorten(visible(text), 16), { fill: ink, size: 12, family, align: 'end' });
    shares.forEach((share, i) => {
      const x = 142 + i * 300;
      body.rect(x, y - 11, Math.max(1, share * 220), 13, i === 0 ? ink3 : accent);
      body.text(x + share * 220 + 6, y, weight(share), { fill: ink2, size: 11, family });
    });
    if (change !== null) body.text(760, y, `logit ${written(change, true)}`, { fill: ink2, size: 11, family });
    y += LINE;
  }
  const cell = Math.min(CELL.width, (WIDTH / 2 - CELL.left - 20) / stack.heads);
  const signed = state.effect === 'change' || (state.effect === 'difference' && effects?.difference);
  /** @type {[string, (number|null)[][], (value: number) => [number, number, number], boolean][]} */
  const pictures = [];
  if (effects) {
    const shown = rowsOf(effects, state.effect ?? 'kl');
    const most = furthest(shown);
    pictures.push([effectTitle(state.effect ?? 'kl', found, state), shown, (value) => (signed ? diverging(value / most, theme) : cividis(Math.sqrt(Math.max(0, value) / most))), Boolean(signed)]);
  }
  if (attention) pictures.push([`Attention from token ${found.edge.query} to token ${found.edge.key}`, attention, (value) => cividis(Math.sqrt(value)), false]);
  pictures.forEach(([name, values, colour, minus], i) => {
    const left = 12 + i * (WIDTH / 2);
    body.text(left, y + 18, shorten(name, 62), { fill: ink, size: 12, family });
    for (let n = 0; n < stack.heads; n += 1) body.text(left + CELL.left + (n + 0.5) * cell, y + CELL.top - 6, String(n), { fill: ink3, size: 10, family, align: 'middle' });
    values.forEach((row, layer) => {
      const top = y + CELL.top + layer * CELL.height;
      body.text(left + CELL.left - 6, top + 14, String(layer), { fill: ink3, size: 10, family, align: 'end' });
      row.forEach((value, head) => {
        if (value === null) return;
        const x = left + CELL.left + head * cell;
        body.rect(x, top, cell - 1, CELL.height - 1, css(colour(value)));
        if (cell >= 26) body.text(x + cell / 2, top + 14, inCell(value, minus), { fill: inkOn(colour(value)), size: 10, family, align: 'middle' });
        if (layer === state.layer && head === state.head) body.path([[x, top], [x + cell - 1, top], [x + cell - 1, top + CELL.height - 1], [x, top + CELL.height - 1], [x, top]], glow, 2);
      });
    });
  });
  const height = y + (pictures.length ? CELL.top + stack.layers * CELL.height : 0) + 12;
  paint.rect(0, 0, WIDTH, height, paper);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}"><title>${escaped(title)}</title>${paint.parts.join('')}${body.parts.join('')}</svg>`;
}
