import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cividis } from '../../static/js/colour.js';
import { DEFAULTS } from '../../static/js/store.js';
import { colourOf, grid } from '../../static/js/views/grid.js';
import { corner, headAt, hit, inner, layout, move, placed, sizeFor } from '../../static/js/views/grid_layout.js';
import { bytesOf, closer, mapsOf, peak, strongest, visible } from '../../static/js/views/grid_maps.js';
import { flats, labels, lookup, patch } from '../../static/js/views/grid_paint.js';
import { orientation, pairWords, remarks, table } from '../../static/js/views/grid_words.js';

const SHAPES = [[6, 12], [30, 9], [1, 1], [48, 64], [12, 12]];

/** Two layers of three heads over `n` tokens; the byte of (layer, head, r, c) by `at`. */
function answer(n, at, { stack = 'encoder', edges = null, rows = null } = {}) {
  const [layers, heads] = [2, 3];
  const values = new Uint8Array(layers * heads * n * n);
  values.forEach((_, i) => { values[i] = at(Math.floor(i / (heads * n * n)), Math.floor(i / (n * n)) % heads, Math.floor(i / n) % n, i % n); });
  const end = edges ? edges.at(-1) : n;
  return { meta: { run: 'r', stack, lens: 'raw', layers: [0, 1], heads: [0, 1, 2], rows: rows ?? [0, end], cols: [0, end], row_edges: edges, col_edges: edges, checks: [] }, values, shape: [layers, heads, n, n], zero: 0, scale: 1 / 255 };
}
const tokens = (n) => { const list = Array.from({ length: n }, (_, index) => ({ index, display: `t${index}` })); return { rows: list, cols: list }; };

test('every head has a place of its own, inside the picture, at every width', () => {
  for (const [layers, heads] of SHAPES) {
    for (const width of [343, 700, 1090]) {
      const g = layout({ width, most: 640, layers, heads });
      assert.ok(g.width <= Math.max(width, 42 + 3 * g.columns), `${layers}×${heads} ${width}: ${g.width}`);
      assert.equal(g.columns * g.rows, layers * heads);
      const seen = new Set();
      for (let layer = 0; layer < layers; layer += 1) {
        for (let head = 0; head < heads; head += 1) {
          const { x, y } = corner(g, { layer, head });
          seen.add(`${x}/${y}`);
          assert.ok(x >= g.left && y >= g.top && x + inner(g) <= g.width && y + inner(g) <= g.height);
          assert.deepEqual(hit(g, x + 1, y + 1), { layer, head });
          const at = placed(g, { layer, head });
          assert.deepEqual(headAt(g, at.column, at.row), { layer, head });
        }
      }
      assert.equal(seen.size, layers * heads);
    }
  }
});

test('many layers lie across a wide screen and stand on a phone; the first layer is at the bottom', () => {
  assert.equal(layout({ width: 1090, most: 640, layers: 30, heads: 9 }).across, 'layers');
  assert.equal(layout({ width: 343, most: 600, layers: 30, heads: 9 }).across, 'heads');
  assert.equal(layout({ width: 343, most: 600, layers: 6, heads: 12 }).across, 'layers');
  const g = layout({ width: 1090, most: 640, layers: 6, heads: 12 });
  assert.equal(g.across, 'heads');
  assert.deepEqual(placed(g, { layer: 0, head: 3 }), { column: 3, row: 5 });
  assert.equal(hit(g, g.left - 1, g.top + 5), null);
  assert.equal(hit(g, g.width + 5, g.top + 5), null);
  assert.match(orientation(g), /^Layers go from the bottom up/);
  assert.match(orientation(layout({ width: 1090, most: 640, layers: 30, heads: 9 })), /^Layers go from left to right/);
});

test('the arrows lead where they point and stop at the edge', () => {
  const [upright, lying] = [layout({ width: 1090, most: 640, layers: 6, heads: 12 }), layout({ width: 1090, most: 640, layers: 30, heads: 9 })];
  assert.deepEqual(move(upright, 'ArrowUp', { layer: 3, head: 1 }), { layer: 4, head: 1 });
  assert.deepEqual(move(upright, 'ArrowRight', { layer: 3, head: 11 }), { layer: 3, head: 11 });
  assert.deepEqual(move(upright, 'Home', { layer: 3, head: 7 }), { layer: 3, head: 0 });
  assert.deepEqual(move(lying, 'ArrowRight', { layer: 3, head: 1 }), { layer: 4, head: 1 });
  assert.deepEqual(move(lying, 'ArrowDown', { layer: 3, head: 1 }), { layer: 3, head: 2 });
  assert.equal(move(upright, 'x', { layer: 3, head: 1 }), null);
});

test('the bins are about the pixels of a cell', () => {
  assert.deepEqual([4, 16, 33, 63, 200].map(sizeFor), [16, 16, 32, 48, 64]);
});

test('one pooled answer of bytes; of a long causal text without the first token, which sees only itself', () => {
  const run = (name, n) => ({ stacks: [{ name, layers: 6, heads: 12, rows: n, cols: n }] });
  const { attention, roles } = grid.needs(DEFAULTS, run('encoder', 15));
  assert.equal(roles, undefined);
  assert.deepEqual({ ...attention, size: 0 }, { stack: 'encoder', lens: 'raw', size: 0, dtype: 'u8' });
  assert.ok(attention.size >= 16 && attention.size <= 64);
  assert.equal(grid.needs(DEFAULTS, run('decoder', 15)).attention.rows, undefined);
  assert.deepEqual(grid.needs(DEFAULTS, run('decoder', 2048)).attention.rows, [1, 2048]);
  assert.deepEqual(grid.needs({ ...DEFAULTS, gridColour: 'induction' }, run('decoder', 15)).roles, { stack: 'decoder' });
});

test('a role that heads of this stack cannot have colours nothing', () => {
  const stack = (name) => ({ name, layers: 1, heads: 1, rows: 2, cols: 2 });
  assert.equal(colourOf({ gridColour: 'next' }, stack('encoder')), 'next');
  assert.equal(colourOf({ gridColour: 'next' }, stack('decoder')), null);
  assert.equal(colourOf({ gridColour: 'induction' }, stack('cross')), null);
  assert.equal(colourOf({ gridColour: null }, stack('encoder')), null);
});

test('the strongest pair: of a short text by the byte, then exactly; a causal first row does not count', () => {
  const at = (layer, head, r, c) => (layer === 1 && head === 2 ? (r === 0 && c === 0 ? 255 : r === 2 && c === 1 ? 102 : 3) : 7);
  const maps = mapsOf(answer(4, at));
  assert.deepEqual(peak(maps, { layer: 1, head: 2 }), { rows: [0, 1], cols: [0, 1], weight: 1 });
  const causal = mapsOf(answer(4, at, { stack: 'decoder' }));
  assert.deepEqual(peak(causal, { layer: 1, head: 2 }).rows, [2, 3]);
  assert.ok(Math.abs(peak(causal, { layer: 1, head: 2 }).weight - 0.4) < 1e-9);
  assert.deepEqual(closer(causal, { layer: 1, head: 2 }), { rows: [1, 4], cols: [0, 4] });
  const exact = { meta: { rows: [1, 4], cols: [0, 4] }, values: Float32Array.from([0, 0, 0, 0, 0.1, 0.41, 0, 0, 0, 0, 0, 0.2]), shape: [1, 1, 3, 4] };
  const found = strongest(exact);
  assert.deepEqual([found.query, found.key], [2, 1]);
  assert.equal(pairWords(causal, { layer: 1, head: 2 }, found, tokens(4)).pair, 't2 (2) → t1 (1)');
  assert.equal(pairWords(causal, { layer: 1, head: 2 }, found, tokens(4)).value, '0.410');
  assert.equal(pairWords(causal, { layer: 1, head: 2 }, undefined, tokens(4)).value, '≈ 0.40');
  assert.equal(table(maps, undefined, null, tokens(4)).rows.length, 6);
});

test('of a pooled text the strongest bin is read closer', () => {
  const maps = mapsOf(answer(2, (l, h, r, c) => (r === 1 && c === 0 ? 200 : 9), { edges: [0, 30, 61] }));
  assert.equal(maps.exact, false);
  assert.deepEqual(closer(maps, { layer: 0, head: 1 }), { rows: [30, 61], cols: [0, 30] });
  assert.match(remarks(maps, undefined, null), /up to 31 × 31 tokens/);
  assert.equal(bytesOf(maps, { layer: 1, head: 2 }).length, 4);
});

test('what a causal query cannot see stays empty', () => {
  const maps = mapsOf(answer(3, () => 1, { stack: 'decoder' }));
  assert.deepEqual([visible(maps, 0, 0), visible(maps, 0, 1), visible(maps, 2, 2)], [true, false, true]);
  assert.equal(visible(mapsOf(answer(3, () => 1)), 0, 2), true);
});

test('bytes become colours: cividis, or two directions where numbers go below zero', () => {
  const rgb = (table, i) => [table[i] & 255, (table[i] >> 8) & 255, (table[i] >> 16) & 255];
  const linear = lookup({ scale: 'linear', signed: false, theme: 'light' });
  assert.deepEqual(rgb(linear, 255), cividis(1));
  assert.deepEqual(rgb(linear, 51), cividis(0.2));
  assert.deepEqual(rgb(lookup({ scale: 'sqrt', signed: false, theme: 'light' }), 51), cividis(Math.sqrt(0.2)));
  const signed = lookup({ scale: 'linear', signed: true, theme: 'light' });
  assert.notDeepEqual(rgb(signed, 0), rgb(signed, 254));
  assert.ok(rgb(signed, 127).every((part) => part > 200), 'zero is the paper');
});

test('a role is one colour a head; within its null it is drawn small', () => {
  const scores = [0.9, 0.05, null];
  const heads = scores.map((induction, head) => ({ layer: 0, head, induction, effect: { induction: head === 0 ? 12 : head === 1 ? 0.4 : null } }));
  const data = { run: 'r', stack: 'encoder', heads, null: { permutations: 50, seed: 0, roles: { induction: { kind: 'permuted', mean: [0.1, 0.05, null], sd: [0.02, 0.02, null] } } }, sink_threshold: 0.3, checks: [], warnings: [] };
  const [high, low, none] = flats(data, 'induction');
  assert.deepEqual([high.within, low.within, none.fill], [false, true, null]);
  assert.deepEqual([high.text, low.text, none.text], ['.90', '.05', '–']);
  const g = layout({ width: 700, most: 500, layers: 1, heads: 3 });
  assert.ok(patch(g, low).size < patch(g, high).size);
  assert.equal(patch(g, high).size, inner(g));
  assert.ok(labels(g).some(({ text }) => text === '2'));
});
