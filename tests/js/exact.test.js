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
const LOOKING = { run: { run: 'r' }, request: {}, model: null };
const STATE = { ...DEFAULTS, view: 'map', layer: 2, head: 5 };

test('maps hold a token when it has a bin of its own', () => {
  const maps = { exact: true, rowEdges: [2, 3, 4], colEdges: [0, 1, 2, 3, 4] };
  assert.equal(holds(maps, { query: 3, key: 0 }), true);
  assert.equal(holds(maps, { query: 1, key: 0 }), false);
  assert.equal(holds(maps, { query: null, key: 0 }), false, 'only a part of the column');
  assert.equal(holds({ ...maps, exact: false }, { query: 3, key: null }), false);
  assert.equal(holds({ ...maps, exact: false }, { query: null, key: null }), true, 'nothing is pointed at');
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
  exact(LOOKING, STATE, POOLED, { query: 0, key: null });
  const before = exact(LOOKING, STATE, POOLED, { query: 3, key: null });
  assert.ok(Math.abs(weightAt(before, 5, 3, 1) - 0.2) < 1e-6, 'of the bin, until it is here');
  await arrival;
  assert.deepEqual(asked, [{ stack: 'encoder', layer: 2, head: 5, lens: 'raw', dtype: 'f32', rows: [3, 4] }]);
  const after = exact(LOOKING, STATE, POOLED, { query: 3, key: null });
  assert.deepEqual([0, 1, 2, 3].map((key) => Math.round(10 * weightAt(after, 5, 3, key))), [1, 2, 3, 4]);
});

test('a failure leaves the numbers of the picture', async () => {
  const session = { peek: () => null, fetch: async () => { throw new Error('no'); } };
  const exact = createExact(session, () => assert.fail('nothing arrived'));
  exact(LOOKING, STATE, POOLED, { query: 3, key: null });
  await new Promise((resolve) => { setTimeout(resolve, 200); });
});
