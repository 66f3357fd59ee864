import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lines } from '../../static/js/views/logit_lens_cell.js';
import { gridSvg } from '../../static/js/views/logit_lens_svg.js';
import { brightness, cellWords, largest as mostOf, placeOf, rowName, table as cellTable, windowOf } from '../../static/js/views/logit_lens_words.js';
import { figure } from '../../static/js/views/surprisal_figure.js';
import { detail, inNats, largest, leastExpected, light, shareOf, table } from '../../static/js/views/surprisal_words.js';

const LOOK = { ink: '#000', ink2: '#111', ink3: '#222', line: '#ccc', paper: '#fff', paper2: '#eee', accent: '#850', glow: '#fb0', ui: 'sans', text: 'serif' };

const scored = (index, nats, rank, text = `t${index}`) => ({ index, id: index, text, nats, rank, entropy: nats === null ? null : 1.5, best: 9, best_text: 'x', best_softmax: 0.5 });
const SURPRISAL = {
  objective: 'clm', stack: 'decoder', scored: 3, nats: 9, loss: 3, perplexity: 20.1, bytes: 9, bits_per_byte: 1.44, checks: [],
  tokens: [scored(0, null, null), scored(1, 2, 0), scored(2, 6, 1023, '<b>'), scored(3, 1, 3)],
};

test('what was not scored is dark, ranks are lit by their logarithm', () => {
  assert.deepEqual(light(SURPRISAL, 'nats'), [null, 2, 6, 1]);
  assert.deepEqual(light(SURPRISAL, 'rank'), [null, 0, 10, 2]);
  assert.deepEqual([largest(SURPRISAL, 'rank'), largest(SURPRISAL, 'nats')], ['1,024', '6.000']);
});

test('the least expected come first, and the table counts ranks from 1', () => {
  assert.deepEqual(leastExpected(SURPRISAL).map(({ index }) => index), [2, 1, 3]);
  assert.deepEqual(table(SURPRISAL).rows[2].slice(0, 5), [2, 2, '<b>', 6, 1024]);
  assert.deepEqual(table(SURPRISAL).rows[0].slice(3, 6), [null, null, null]);
});

test('bars have the numbers, names as plain text, and no logarithm of 0', () => {
  const bars = figure({ data: SURPRISAL, measure: 'nats', chosen: 2, width: 600, look: LOOK });
  assert.deepEqual(bars.data[0].y, [null, 2, 6, 1]);
  assert.deepEqual(bars.data[1].y, [null, 1.5, 1.5, 1.5]);
  assert.equal(bars.layout.xaxis.ticktext[2], '&lt;b&gt;');
  assert.ok(!bars.data[0].text[2].includes('<b><b>'));
  const ranks = figure({ data: SURPRISAL, measure: 'rank', chosen: null, width: 600, look: LOOK });
  assert.deepEqual([ranks.data[0].y, ranks.layout.yaxis.type, ranks.data.length], [[null, 1, 1024, 4], 'log', 1]);
});

test('a token without any probability is not one without a score: it comes first, and is said to be infinite', () => {
  const tokens = [...SURPRISAL.tokens, scored(4, null, 49151), scored(5, null, 7)];
  const data = { ...SURPRISAL, tokens, loss: null, perplexity: null, bits_per_byte: null };
  const worst = leastExpected(data);
  assert.deepEqual(worst.map(({ index }) => index), [4, 5, 2, 1, 3]);
  assert.deepEqual(worst.map((token) => shareOf(token, worst)), [1, 1, 1, 2 / 6, 1 / 6]);
  assert.deepEqual([inNats(tokens[4]), inNats(tokens[2])], ['∞ nats', '6.000 nats']);
  assert.deepEqual([light(data, 'nats'), largest(data, 'nats')], [[null, 2, 6, 1, 6, 6], '∞']);
  assert.deepEqual(table(data).rows.map((row) => row[3]), [null, 2, 6, 1, 'inf', 'inf']);
  const bars = figure({ data, measure: 'nats', chosen: null, width: 600, look: LOOK });
  assert.deepEqual(bars.layout.annotations.map(({ x, text }) => [x, text]), [[4, '∞'], [5, '∞']]);
  assert.ok(bars.data[0].text[4].includes('∞ nats, rank 49,152') && bars.data[0].text[0].includes('not scored'));
  assert.deepEqual(figure({ data, measure: 'rank', chosen: null, width: 600, look: LOOK }).layout.annotations, []);
});

test('what is said of one token: no score, or an infinite one', () => {
  const node = (text) => ({ textContent: text, className: '', append() {}, setAttribute() {}, appendChild() {} });
  globalThis.document = { createElement: () => node(''), createTextNode: node };
  globalThis.Node = class {};
  const said = (token) => detail(token, SURPRISAL).filter((part) => typeof part === 'string').join('');
  assert.match(said(scored(0, null, null)), /has nothing before it, and no score/);
  assert.match(said(scored(4, null, 49151)), /∞ nats: probability 0, the model rules it out, rank 49,152,/);
  assert.match(said(scored(1, 2, 0)), /2\.000 nats: probability 0\.135, rank 1,/);
});

const GRID = {
  run: 'r', stack: 'decoder', positions: [1, 3], approximate: false, layers: [0, 1, 2], top: [[1, 2], [3, 2], [3, 4]], texts: [['a', 'b'], ['c', 'b'], ['c', '<']],
  softmax: [[0.5, 0.25], [0.75, 0.5], [0.5, 1]], entropy: [[1, 2], [3, 4], [5, 6]], kl_to_final: [[8, null], [1, 2], [0, 0]], settled: [1, 2], checks: [],
};
const TOKENS = ['w', 'x', 'y'].map((display, index) => ({ index, display, text: display }));

test('rows of the lens are named by the layer they come after', () => {
  assert.deepEqual([0, 1, 30].map(rowName), ['emb', '0', '29']);
  assert.equal(cellWords(GRID, 1, 2, TOKENS), 'after layer 0, at y (2): b 0.500, entropy 4.000, KL 2.000 nats');
  assert.deepEqual([mostOf(GRID, 'softmax'), mostOf(GRID, 'entropy'), mostOf(GRID, 'kl')], [1, 6, 8]);
  assert.deepEqual(cellTable(GRID, TOKENS).rows[5], [2, 2, 'y', 4, '<', 1, 6, 0]);
});

test('brightness: a share of the largest, of divergences by the square root', () => {
  assert.deepEqual([brightness(2, 8, 'entropy'), brightness(2, 8, 'kl'), brightness(null, 8, 'kl'), brightness(-1e-9, 8, 'kl')], [0.25, 0.5, 0, 0]);
});

test('a long text is shown a window at a time', () => {
  assert.deepEqual([windowOf(3, 28), windowOf(3, 29), windowOf(24, 30), windowOf(2047, 2048)], [[0, 28], [0, 24], [24, 30], [2040, 2048]]);
});

test('the lens opens where a prediction is wanted', () => {
  const state = (query, position) => ({ query, position });
  const decoder = { tokens: { decoder: TOKENS } };
  assert.deepEqual([state(null, null), state(1, 0), state(null, 99)].map((s) => placeOf(s, decoder, null)), [2, 0, 2]);
  const both = { tokens: { encoder: [...TOKENS, ...TOKENS], decoder: TOKENS } };
  assert.equal(placeOf(state(5, null), both, null), 2, 'a token of the encoder is no position of the decoder');
  const encoder = { tokens: { encoder: TOKENS } };
  assert.deepEqual([placeOf(state(null, 2), encoder, { mask: 'y' }), placeOf(state(0, null), encoder, { mask: 'y' }), placeOf(state(null, null), encoder, {})], [2, 0, 0]);
  const words = { tokens: { encoder: [{ text: '[CLS]', special: true }, { text: 'a', special: false }, { text: '[SEP]', special: true }] } };
  assert.equal(placeOf(state(null, null), words, { mask: '[MASK]' }), 1, 'without a mask the first word');
});

test('the picture escapes what it writes and marks where a column settles', () => {
  globalThis.document = { documentElement: {} };
  globalThis.getComputedStyle = () => ({ getPropertyValue: () => '' });
  const svg = gridSvg(GRID, 'softmax', TOKENS, 'a & b');
  assert.ok(svg.includes('a &amp; b') && svg.includes('&lt;') && !svg.includes('><<'));
  assert.equal(svg.match(/<path/g).length, 2);
  assert.equal(svg.match(/<rect/g).length, 1 + 6);
});

test('the way through the layers is drawn from the answer', () => {
  const layer = (l, kl) => ({ layer: l, candidates: [], entropy: l, kl_to_final: kl, final: null, target: null });
  const { data, layout } = lines({ run: 'r', position: 1, settled: 1, approximate: false, layers: [layer(0, 3), layer(1, 0)], checks: [] }, 1, 200, LOOK);
  assert.deepEqual(data.map(({ y }) => y), [[3, 0], [0, 1]]);
  assert.equal(layout.shapes[0].x0, 1);
});
