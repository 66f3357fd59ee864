import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binOf, eachWeight, index, isCausal, readMaps, sink, weightAt } from '../../static/js/weights.js';

/** Maps of `heads` heads made by a function of head, query, key. */
function maps(heads, rows, cols, at, shift = 0) {
  const values = new Float32Array(heads.length * rows * cols);
  heads.forEach((_, h) => { for (let r = 0; r < rows; r += 1) for (let c = 0; c < cols; c += 1) values[(h * rows + r) * cols + c] = at(h, r, c); });
  const meta = { heads, rows: [shift, shift + rows], cols: [0, cols], row_edges: null, col_edges: null };
  return readMaps({ meta, values, shape: [1, heads.length, rows, cols], zero: 0, scale: 1 });
}
const close = (a, b) => assert.ok(Math.abs(a - b) < 1e-6, `${a} is not ${b}`);

test('the weight of a head between two tokens, also where the answer begins in the middle', () => {
  const read = maps([3, 5], 4, 6, (h, r, c) => h * 100 + r * 10 + c, 20);
  close(weightAt(read, 5, 22, 4), 124);
  assert.equal(weightAt(read, 5, 19, 4), null);
  assert.equal(weightAt(read, 5, 24, 4), null);
  assert.equal(weightAt(read, 4, 22, 4), null);
  assert.equal(weightAt(read, 5, null, 4), null);
  assert.ok(read.exact);
});

test('bytes become weights by zero and scale, and a pooled answer is read by its edges', () => {
  const meta = { heads: [0], rows: [0, 5], cols: [0, 5], row_edges: [0, 2, 5], col_edges: [0, 3, 5] };
  const read = readMaps({ meta, values: Uint8Array.from([0, 51, 102, 255]), shape: [1, 1, 2, 2], zero: 0, scale: 1 / 255 });
  close(weightAt(read, 0, 1, 4), 0.2);
  close(weightAt(read, 0, 2, 0), 0.4);
  close(weightAt(read, 0, 4, 3), 1);
  assert.equal(read.exact, false);
  assert.deepEqual([0, 1, 2, 4, 5, -1, null].map((i) => binOf([0, 2, 5], i)), [0, 0, 1, 1, -1, -1, -1]);
});

test('an answer whose shape and edges disagree is refused', () => {
  const meta = { heads: [0], rows: [0, 3], cols: [0, 2], row_edges: null, col_edges: null };
  assert.throws(() => readMaps({ meta, values: new Float32Array(4), shape: [1, 1, 2, 2], zero: 0, scale: 1 }), /invalid attention answer/);
});

test('the index gives the weights of a query and of a key, largest first, none below the least', () => {
  const at = (h, r, c) => ((h * 7 + r * 5 + c * 3) % 11) / 11;
  const of = index(maps([0, 1], 6, 8, at), 0.3);
  for (const [side, count, other] of [['query', 6, 8], ['key', 8, 6]]) {
    for (let item = 0; item < count; item += 1) {
      const seen = [];
      eachWeight(of, side, item, [1], (head, to, weight) => seen.push([head, to, weight]));
      const expected = Array.from({ length: other }, (_, i) => (side === 'query' ? at(1, item, i) : at(1, i, item))).filter((w) => w >= 0.3).sort((a, b) => b - a);
      assert.equal(seen.length, expected.length);
      seen.forEach(([head, to, weight], i) => {
        assert.equal(head, 1);
        close(weight, expected[i]);
        close(weight, side === 'query' ? at(1, item, to) : at(1, to, item));
      });
    }
  }
  const few = [];
  eachWeight(of, 'query', 2, [0, 1], (head, to, weight) => few.push(weight), 0.8);
  assert.ok(few.length > 0 && few.every((w) => w >= 0.8));
  eachWeight(of, 'query', 99, [0], () => assert.fail('there is no such row'));
});

test('a sink is a key with more than 0.3 of the rows that see it, at least eight of them', () => {
  const causal = (r, c) => (c > r ? 0 : c === 0 ? 0.6 : 0.4 / r);
  const read = maps([0], 12, 12, (h, r, c) => (r === 0 && c === 0 ? 1 : causal(r, c)));
  const found = sink(read, 0, true);
  assert.equal(found.key, 0);
  close(found.share, (1 + 11 * 0.6) / 12);
  assert.equal(sink(maps([0], 12, 12, () => 1 / 12), 0, false), null);
  assert.equal(sink(maps([0], 7, 7, (h, r, c) => (c === 0 ? 1 : 0)), 0, false), null, 'seven rows are too few');
});

test('causal is what is exactly zero above the diagonal', () => {
  assert.equal(isCausal(maps([0], 4, 4, (h, r, c) => (c > r ? 0 : 1 / (r + 1)))), true);
  assert.equal(isCausal(maps([0], 4, 4, (h, r, c) => (c > r ? 1e-9 : 1))), false);
  const pooled = { heads: [0], rows: [0, 4], cols: [0, 4], row_edges: [0, 2, 4], col_edges: [0, 2, 4] };
  assert.equal(isCausal(readMaps({ meta: pooled, values: Float32Array.from([1, 0, 1, 1]), shape: [1, 1, 2, 2], zero: 0, scale: 1 })), true);
});
