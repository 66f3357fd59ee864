import assert from 'node:assert/strict';
import { test } from 'node:test';
import { legend } from '../../static/js/pages/describe.js';
import { readOut } from '../../static/js/readout.js';
import { DEFAULTS } from '../../static/js/store.js';
import { focusOf, headsShown, largest, mapsOf, marks, meanWeight, received } from '../../static/js/strength.js';

// Two layers of two heads over three tokens; every number is different, so that a wrong index is seen.
const VALUES = Array.from({ length: 2 * 2 * 9 }, (_, i) => i / 100);
const DATA = {
  meta: { layers: [4, 5], heads: [1, 7], rows: [0, 3], cols: [0, 3], row_edges: null, col_edges: null, size: null, checks: [] },
  values: Float32Array.from(VALUES), shape: [2, 2, 3, 3], zero: 0, scale: 1,
};
const at = (layer, head, row, col) => VALUES[((layer * 2 + head) * 3 + row) * 3 + col];
const close = (a, b) => assert.ok(Math.abs(a - b) < 1e-6, `${a} is not ${b}`);
const TOKENS = { rows: [0, 1, 2].map((index) => ({ index, display: `t${index}` })), cols: [0, 1, 2].map((index) => ({ index, display: `t${index}` })) };

test('a weight is that of its layer, head, row and column', () => {
  for (const [l, layer] of [[0, 4], [1, 5]]) {
    const maps = mapsOf(DATA, layer);
    assert.equal(mapsOf(DATA, layer), maps, 'read once');
    for (const [h, head] of [[0, 1], [1, 7]]) for (let r = 0; r < 3; r += 1) for (let c = 0; c < 3; c += 1) close(meanWeight(maps, [head], r, c), at(l, h, r, c));
  }
  close(meanWeight(mapsOf(DATA, 5), [1, 7], 2, 0), (at(1, 0, 2, 0) + at(1, 1, 2, 0)) / 2);
  assert.equal(meanWeight(mapsOf(DATA, 5), [1], 3, 0), null);
});

test('which heads are shown', () => {
  const maps = mapsOf(DATA, 4);
  assert.deepEqual(headsShown({ ...DEFAULTS, view: 'heads' }, maps), [1, 7]);
  assert.deepEqual(headsShown({ ...DEFAULTS, view: 'heads', heads: [7, 9] }, maps), [7]);
  assert.deepEqual(headsShown({ ...DEFAULTS, view: 'map', head: 7, heads: [1] }, maps), [7]);
});

test('the strip: a query gives, a key receives, neither is the mean of the columns', () => {
  const maps = mapsOf(DATA, 4);
  const gives = marks(maps, [7], { query: 1, key: 2 });
  assert.equal(gives.rows, null);
  gives.cols.forEach((value, c) => close(value, at(0, 1, 1, c)));
  const receives = marks(maps, [7], { query: null, key: 2 });
  assert.equal(receives.cols, null);
  receives.rows.forEach((value, r) => close(value, at(0, 1, r, 2)));
  received(maps, [1, 7]).forEach((value, c) => close(value, [0, 1, 2].reduce((sum, r) => sum + at(0, 0, r, c) + at(0, 1, r, c), 0) / 6));
});

test('pooled bytes: each token reads its bin', () => {
  const data = { ...DATA, values: Uint8Array.from([0, 51, 102, 255]), shape: [1, 1, 2, 2], scale: 1 / 255,
    meta: { ...DATA.meta, layers: [0], heads: [3], rows: [0, 5], cols: [0, 5], row_edges: [0, 2, 5], col_edges: [0, 3, 5], size: 2 } };
  const maps = mapsOf(data, 0);
  close(meanWeight(maps, [3], 1, 2), 0);
  close(meanWeight(maps, [3], 1, 3), 0.2);
  close(meanWeight(maps, [3], 2, 0), 0.4);
  close(meanWeight(maps, [3], 4, 4), 1);
  received(maps, [3]).forEach((value, key) => close(value, key < 3 ? 0.4 : 1));
});

test('what is received is called a mean only of whole rows, and of bins their largest', () => {
  const count = (rows, cols) => ({ rows: Array.from({ length: rows }, () => ({ display: 't' })), cols: Array.from({ length: cols }, () => ({ display: 't' })) });
  const nothing = { query: null, key: null };
  const pooled = (edges, values) => mapsOf({ ...DATA, values: Float32Array.from(values), shape: [1, 1, edges.length - 1, edges.length - 1],
    meta: { ...DATA.meta, layers: [0], heads: [3], size: edges.length - 1, rows: [0, 4], cols: [0, 4], row_edges: edges, col_edges: edges } }, 0);
  const fine = pooled([0, 2, 4], [0.9, 0.1, 0.2, 0.8]);
  const coarse = pooled([0, 4], [0.9]);
  assert.equal(legend(count(4, 4), nothing, fine), 'largest weight received, in blocks of 2 tokens');
  assert.equal(legend(count(4, 4), nothing, coarse), 'largest weight received, in blocks of 4 tokens');
  assert.equal(Math.max(...received(fine, [3])), Math.max(...received(coarse, [3])));
  close(received(pooled([0, 2, 4], [-0.9, 0.1, 0.2, 0.8]), [3])[0], -0.9);
  const part = mapsOf(DATA, 4);
  assert.equal(legend(count(3, 3), nothing, part), 'what is looked at, on average');
  assert.equal(legend(count(9, 3), nothing, part), 'what is looked at, on average over the rows shown');
  assert.equal(readOut({ ...DEFAULTS, layer: 4 }, part, nothing, { ...TOKENS, rows: count(9, 3).rows }).title, 'Looked at most, on average over the rows shown');
  assert.equal(legend(count(4, 4), { query: 1, key: null }, coarse), 'where “t” looks, the largest in blocks of 4 tokens');
});

test('hover goes before what is pinned', () => {
  assert.deepEqual(focusOf({ ...DEFAULTS, query: 1, key: 2 }, { query: null, key: 0 }), { query: 1, key: 0 });
});

test('the readout names the pair, its number and the strongest partners', () => {
  const state = { ...DEFAULTS, view: 'map', layer: 4, head: 7 };
  const pair = readOut(state, mapsOf(DATA, 4), { query: 2, key: 1 }, TOKENS);
  close(pair.value, at(0, 1, 2, 1));
  assert.deepEqual([pair.query.index, pair.key.index, pair.where], [2, 1, 'layer 4, head 7']);
  assert.deepEqual(pair.top.map((one) => one.token.index), [2, 1, 0]);
  const key = readOut(state, mapsOf(DATA, 4), { query: null, key: 0 }, TOKENS);
  assert.deepEqual([key.value, key.title, key.top.map((one) => one.token.index)], [null, 'Looked at by', [2, 1, 0]]);
  assert.equal(readOut(state, mapsOf(DATA, 4), { query: 99, key: 0 }, TOKENS).query, null);
});

test('largest leaves out zeros and what is not known', () => {
  assert.deepEqual(largest([0.2, null, 0, 0.5, 0.3], 2), [3, 4]);
  assert.deepEqual(largest([0, null], 3), []);
});
