import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExact, holds } from '../../static/js/exact.js';
import { DEFAULTS } from '../../static/js/store.js';
import { weightAt } from '../../static/js/weights.js';

const POOLED = {
  meta: { run: 'r', stack: 'encoder', layers: [2], heads: [5], rows: [0, 4], cols: [0, 4], row_edges: [0, 2, 4], col_edges: [0, 2, 4], checks: [] },
  values: Uint8Array.from([0, 255, 51, 102]), shape: [1, 1, 2, 2], zero: 0, scale: 1 / 255,
};
const ROW = {
  meta: { ...POOLED.meta, rows: [3, 4], row_edges: null, col_edges: null },
  values: Float32Array.from([0.1, 0.2, 0.3, 0.4]), shape: [1, 1, 1, 4], zero: 0, scale: 1,
};
const ALL = { rows: [0, 4], cols: [0, 4] };
const TOKENS = [0, 1, 1, 2].map((word, index) => ({ index, word, display: String(index) }));
const LOOKING = { run: { run: 'r', tokens: { encoder: TOKENS }, stacks: [{ name: 'encoder', layers: 3, heads: 6, rows: 4, cols: 4 }] }, request: {}, model: null };
const STATE = { ...DEFAULTS, view: 'map', layer: 2, head: 5 };

test('maps hold a token when it has a bin of its own', () => {
  const maps = { exact: true, rowEdges: [2, 3, 4], colEdges: [0, 1, 2, 3, 4] };
  assert.equal(holds(maps, { query: 3, key: 0 }, ALL), true);
  assert.equal(holds(maps, { query: 1, key: 0 }, ALL), false);
  assert.equal(holds(maps, { query: null, key: 0 }, ALL), false, 'only a part of the column');
  assert.equal(holds({ ...maps, exact: false }, { query: 3, key: null }, ALL), false);
  assert.equal(holds({ ...maps, exact: false }, { query: null, key: null }, ALL), true, 'nothing is pointed at');
});

test('the row is asked for once somebody stays, and read from then on', async () => {
  const asked = [];
  let here = null;
  let arrived = () => undefined;
  const arrival = new Promise((resolve) => { arrived = resolve; });
  const session = {
    peek: () => here,
    fetch: async (needs) => { asked.push(needs.attention); here = { attention: ROW }; return here; },
  };
  const exact = createExact(session, () => arrived());
  exact(LOOKING, STATE, POOLED, { query: 0, key: null }, ALL);
  const before = exact(LOOKING, STATE, POOLED, { query: 3, key: null }, ALL);
  assert.ok(Math.abs(weightAt(before, 5, 3, 1) - 0.2) < 1e-6, 'of the bin, until it is here');
  await arrival;
  assert.deepEqual(asked, [{ stack: 'encoder', layer: 2, head: 5, lens: 'raw', dtype: 'f32', rows: [3, 4] }]);
  const after = exact(LOOKING, STATE, POOLED, { query: 3, key: null }, ALL);
  assert.deepEqual([0, 1, 2, 3].map((key) => Math.round(10 * weightAt(after, 5, 3, key))), [1, 2, 3, 4]);
});

test('a failure leaves the numbers of the picture', async () => {
  const session = { peek: () => null, fetch: async () => { throw new Error('no'); } };
  const exact = createExact(session, () => assert.fail('nothing arrived'));
  exact(LOOKING, STATE, POOLED, { query: 3, key: null }, ALL);
  await new Promise((resolve) => { setTimeout(resolve, 200); });
});

test('a gradient is asked for of the prediction that the picture is of', async () => {
  const asked = [];
  const session = { peek: () => null, fetch: async (needs) => { asked.push(needs.attention); } };
  const gradient = { ...POOLED, meta: { ...POOLED.meta, prediction: { position: 0, id: 6, text: '2', log_probability: 0 } } };
  createExact(session, () => undefined)(LOOKING, { ...STATE, lens: 'gradient' }, gradient, { query: 3, key: null }, ALL);
  await new Promise((resolve) => { setTimeout(resolve, 200); });
  assert.deepEqual(asked, [{ stack: 'encoder', layer: 2, head: 5, lens: 'gradient', dtype: 'f32', position: 0, rows: [3, 4] }]);
});

test('in words the whole word is asked for, within the block, and without what is hidden; outside of it nothing is', async () => {
  const asked = [];
  const session = { peek: () => null, fetch: async (needs) => { asked.push(needs.attention); } };
  const words = { ...POOLED, meta: { ...POOLED.meta, group: 'word', hide: ['special'], size: 2 } };
  const exact = createExact(session, () => undefined);
  const block = { rows: [0, 3], cols: [3, 4] };
  exact(LOOKING, STATE, words, { query: 2, key: null }, block);
  await new Promise((resolve) => { setTimeout(resolve, 200); });
  exact(LOOKING, STATE, words, { query: 3, key: null }, block);
  await new Promise((resolve) => { setTimeout(resolve, 200); });
  assert.deepEqual(asked, [{ stack: 'encoder', layer: 2, head: 5, lens: 'raw', dtype: 'f32', group: 'word', hide: 'special', rows: [1, 3], cols: [3, 4] }]);
});

test('of bytes that are small enough, the whole map is asked for, even where nothing is pointed at', async () => {
  const bytes = { ...POOLED, meta: { ...POOLED.meta, rows: [0, 2], cols: [0, 2], row_edges: null, col_edges: null } };
  const asked = await new Promise((resolve) => {
    const session = { peek: () => null, fetch: async (needs) => { resolve(needs.attention); return {}; } };
    const tokens = [{ index: 0 }, { index: 1 }];
    const looking = { ...LOOKING, run: { ...LOOKING.run, stacks: [{ name: 'encoder', layers: 3, heads: 6, rows: 2, cols: 2 }], tokens: { encoder: tokens } } };
    createExact(session, () => undefined)(looking, STATE, bytes, { query: null, key: null }, { rows: [0, 2], cols: [0, 2] });
  });
  assert.deepEqual(asked, { stack: 'encoder', layer: 2, head: 5, lens: 'raw', dtype: 'f32' });
});

test('of pooled bytes, the largest of each bin is asked for in full where nothing is pointed at', async () => {
  const bytes = { ...POOLED, meta: { ...POOLED.meta, size: 2 } };
  const asked = await new Promise((resolve) => {
    const session = { peek: () => null, fetch: async (needs) => { resolve(needs.attention); return {}; } };
    createExact(session, () => undefined)(LOOKING, STATE, bytes, { query: null, key: null }, ALL);
  });
  assert.deepEqual(asked, { stack: 'encoder', layer: 2, head: 5, lens: 'raw', dtype: 'f32', size: 2 });
});
