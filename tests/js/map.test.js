import assert from 'node:assert/strict';
import { test } from 'node:test';
import { captioned } from '../../static/js/plot.js';
import { DEFAULTS } from '../../static/js/store.js';
import { map, spans } from '../../static/js/views/map.js';
import { cells, figure, frame, visibleCell } from '../../static/js/views/map_figure.js';
import { move, zoomed } from '../../static/js/views/map_moves.js';
import { emptyWhy, remarks, table } from '../../static/js/views/map_words.js';
import { readMaps } from '../../static/js/weights.js';

const LOOK = { ink: '#000', ink2: '#111', ink3: '#222', line: '#ccc', paper: '#fff', paper2: '#eee', accent: '#850', glow: '#fb0', ui: 'sans', text: 'serif' };

/** @param {number} n @param {(r: number, c: number) => number} at */
function maps(n, at, edges = null) {
  const values = Float32Array.from({ length: n * n }, (_, i) => at(Math.floor(i / n), i % n));
  const end = edges ? edges.at(-1) : n;
  const meta = { heads: [7], rows: [0, end], cols: [0, end], row_edges: edges, col_edges: edges };
  return readMaps({ meta, values, shape: [1, 1, n, n], zero: 0, scale: 1 });
}
const tokens = (n) => { const list = Array.from({ length: n }, (_, index) => ({ index, display: index === 1 ? '<b>' : `t${index}` })); return { rows: list, cols: list }; };
const causal = (r, c) => (c > r ? 0 : 1 / (r + 1));

test('what cannot be seen is empty, what is zero is zero', () => {
  const read = maps(3, causal);
  const [first, second] = cells(read, 7, true);
  assert.deepEqual(Array.from(first), [1, NaN, NaN]);
  assert.deepEqual(Array.from(second), [0.5, 0.5, NaN]);
  assert.deepEqual(Array.from(cells(maps(2, () => 0), 7, false)[0]), [0, 0]);
  const pooled = maps(2, causal, [0, 2, 5]);
  assert.deepEqual([visibleCell(pooled, 0, 0), visibleCell(pooled, 0, 1), visibleCell(pooled, 1, 1)], [true, false, true]);
});

test('the picture fits its place at every width and number of tokens, cells square where rows equal columns', () => {
  for (const width of [343, 700, 1000]) {
    for (const n of [3, 12, 128, 500]) {
      const f = frame({ width, most: 640, rows: [0, n], cols: [0, n], longest: 12 });
      assert.ok(f.width <= width + 1, `${width} ${n}: ${f.width}`);
      assert.ok(f.height <= 641, `${width} ${n}: ${f.height}`);
      assert.ok(Math.abs(f.plotWidth - f.plotHeight) <= 1);
      assert.ok(f.plotWidth / n <= 48.5);
      assert.ok(f.plotWidth >= Math.min(n * 20, 180), `${width} ${n}: ${f.plotWidth}`);
    }
  }
});

test('the figure: rows downward, exact numbers, cells between token edges, labels that are text', () => {
  const read = maps(4, (r, c) => (r * 4 + c) / 16);
  const f = frame({ width: 800, most: 600, rows: [0, 4], cols: [0, 4], longest: 3 });
  const { data: [heat], layout } = figure({ maps: read, head: 7, causal: false, scale: 'sqrt', tokens: tokens(4), frame: f, look: LOOK, drag: true });
  assert.deepEqual(heat.z.map((row) => Array.from(row)), [0, 1, 2, 3].map((r) => [0, 1, 2, 3].map((c) => (r * 4 + c) / 16)));
  assert.ok(heat.z.every((row) => row instanceof Float32Array));
  assert.deepEqual(heat.x, [-0.5, 0.5, 1.5, 2.5, 3.5]);
  assert.deepEqual([heat.zmin, heat.zmax], [0, 1]);
  assert.deepEqual(layout.yaxis.range, [3.5, -0.5]);
  assert.deepEqual(layout.xaxis.range, [-0.5, 3.5]);
  assert.deepEqual(layout.xaxis.ticktext, ['t0', '&lt;b&gt;', 't2', 't3']);
  const { layout: with_ } = captioned({ data: [], layout }, 'a <b> model');
  assert.equal(with_.title.text, 'a &lt;b&gt; model');
  assert.equal(with_.height - layout.height, with_.margin.t - layout.margin.t);
});

test('short texts come whole, long ones pooled, a zoom fetches its own part', () => {
  const run = (n) => ({ stacks: [{ name: 'encoder', layers: 6, heads: 12, rows: n, cols: n }] });
  const state = { ...DEFAULTS, layer: 2, head: 5 };
  assert.deepEqual(map.needs(state, run(128)).attention, { stack: 'encoder', layer: 2, head: 5, lens: 'raw', dtype: 'f32' });
  const long = map.needs(state, run(500)).attention;
  assert.deepEqual([long.rows, long.cols, long.size, long.pool], [[0, 500], [0, 500], 256, 'max']);
  const near = map.needs({ ...state, rows: [100, 160], cols: [40, 100] }, run(500)).attention;
  assert.deepEqual([near.rows, near.cols], [[100, 160], [40, 100]]);
  assert.deepEqual(spans({ ...state, rows: [100, 600], cols: null }, { rows: [0, 500], cols: [10, 20] }), [[100, 500], [10, 20]], 'no further than the block that is shown');
  assert.equal(map.needs({ ...state, lens: 'rollout' }, run(12)).attention.head, undefined);
});

test('the keys move by cells and stay inside; a zoom keeps its place and ends in everything', () => {
  const read = maps(3, () => 1, [0, 2, 4, 7]);
  assert.deepEqual(move('ArrowDown', { query: 1, key: 1 }, read), { query: 2, key: 0 });
  assert.deepEqual(move('ArrowRight', { query: 4, key: 6 }, read), { query: 4, key: 4 });
  assert.deepEqual(move('ArrowUp', { query: 0, key: 0 }, read), { query: 0, key: 0 });
  assert.deepEqual(move('End', { query: 2, key: 0 }, read), { query: 2, key: 4 });
  assert.deepEqual(move('PageDown', { query: 0, key: 0 }, read), { query: 4, key: 0 });
  assert.deepEqual(zoomed([0, 100], [0, 100], 50, 0.5), [25, 75]);
  assert.deepEqual(zoomed([0, 100], [0, 100], 99, 0.5), [50, 100]);
  assert.deepEqual(zoomed([0, 5], [0, 100], 2, 0.1), [0, 4]);
  assert.equal(zoomed([25, 75], [0, 100], 50, 2), null);
  assert.deepEqual(zoomed([40, 60], [40, 60], 40, 0.5), [40, 50]);
});

test('the words: a sink is named, a pooled map says so, an empty half is not zero', () => {
  const parks = maps(12, (r, c) => (c > r ? 0 : c === 0 ? (r ? 0.8 : 1) : 0.2 / r));
  const words = remarks(parks, true, true, tokens(12));
  assert.match(words, /not visible/);
  assert.match(words, /Column t0 \(0\) is a sink: it takes 82%/);
  assert.doesNotMatch(remarks(maps(12, () => 1 / 12), false, true, tokens(12)), /sink/);
  assert.match(remarks(maps(2, () => 1, [0, 3, 5]), false, true, tokens(5)), /up to 3 × 3/);
  const { columns, rows } = table(maps(3, causal), true, tokens(3), { least: 0, hidden: '' });
  assert.deepEqual(columns, ['query', 't0 (0)', '<b> (1)', 't2 (2)']);
  assert.deepEqual(rows[1], ['<b> (1)', 0.5, 0.5, null]);
  const left = table(maps(3, causal), true, tokens(3), { least: 0.4, hidden: 'without weights below 0.4' });
  assert.equal(left.columns[0], 'query (without weights below 0.4)');
  assert.deepEqual(left.rows[2].slice(1), [null, null, null]);
});

test('why a cell is empty: not visible, hidden, or no value', () => {
  const read = maps(3, (r, c) => (r === 1 || c === 2 ? NaN : 0.5));
  const meta = { hide: ['sink'], hidden_rows: [], hidden_cols: [], sinks: [[2]] };
  assert.equal(emptyWhy(read, true, meta, 0, 1), 'not visible');
  assert.equal(emptyWhy(read, false, meta, 0, 2), 'hidden');
  assert.equal(emptyWhy(read, false, meta, 1, 0), 'no value');
  assert.equal(emptyWhy(read, false, { ...meta, hidden_rows: [1] }, 1, 0), 'hidden');
  assert.equal(emptyWhy(read, false, meta, 0, 0), '');
});

test('a lens without bounds scales to its largest, a signed one to both sides of zero', () => {
  const f = frame({ width: 800, most: 600, rows: [0, 2], cols: [0, 2], longest: 3 });
  const given = { head: 7, causal: false, scale: 'sqrt', tokens: tokens(2), frame: f, look: LOOK, drag: true };
  const heat = (signed) => figure({ ...given, maps: { ...maps(2, (r, c) => (c ? -3 : 1)), top: 3, bounded: false, signed } }).data[0];
  assert.deepEqual([heat(false).zmin, heat(false).zmax], [0, 3]);
  assert.deepEqual([heat(true).zmin, heat(true).zmax], [-3, 3]);
  const scale = heat(true).colorscale;
  assert.equal(scale.length, 33);
  assert.deepEqual([scale[0][0], scale[16][0], scale[32][0]], [0, 0.5, 1]);
  assert.equal(scale[16][1], 'rgb(243,241,235)');
  assert.deepEqual(heat(true).colorbar.ticktext, ['−3', '−1.5', '0', '1.5', '3']);
});
