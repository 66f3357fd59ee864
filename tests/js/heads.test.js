import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs, partOf, rowsAtOnce } from '../../static/js/views/heads_needs.js';
import { strongest } from '../../static/js/views/heads_canvas.js';
import { hit, lane, layout, LEAST_DRAWN, level, LEVELS, levelWeight, middle, seen, stroke } from '../../static/js/views/heads_geometry.js';
import { headsSvg } from '../../static/js/views/heads_svg.js';
import { note, table } from '../../static/js/views/heads_words.js';
import { index, readMaps } from '../../static/js/weights.js';
import { DEFAULTS } from '../../static/js/store.js';

const WIDE = { width: 1000, room: 500, most: 800, rows: 12, cols: 12, label: 90 };

test('rows fill the room, within what can be read and touched; the window is never taller than asked', () => {
  assert.equal(layout(WIDE).rowHeight, 38);
  assert.equal(layout({ ...WIDE, rows: 16 }).rowHeight, 31);
  const long = layout({ ...WIDE, rows: 500, cols: 500 });
  assert.equal(long.rowHeight, 24);
  assert.equal(long.height, 800);
  assert.equal(long.full, 12000);
  for (const width of [320, 375, 768, 1440]) {
    const g = layout({ ...WIDE, width, label: 300 });
    assert.ok(g.left - g.labels - g.numbers >= 0 && g.right + g.labels + g.numbers <= width + 1, `${width}`);
    assert.ok(g.right - g.left > 60, `${width}`);
  }
});

test('of 500 tokens only those in the window are drawn', () => {
  const g = layout({ ...WIDE, rows: 500, cols: 500 });
  assert.deepEqual(seen(g, 0, 500), [0, 34]);
  assert.deepEqual(seen(g, 4800, 500), [200, 234]);
  assert.deepEqual(seen(g, 99999, 500, 4), [500, 500]);
});

test('left is a query, right a key, the middle neither', () => {
  const g = layout(WIDE);
  assert.deepEqual(hit(g, g.left - 20, middle(g, 3)), { query: 3, key: null });
  assert.deepEqual(hit(g, g.right + 20, middle(g, 11)), { query: null, key: 11 });
  assert.deepEqual(hit(g, (g.left + g.right) / 2, middle(g, 3)), { query: null, key: null });
  assert.deepEqual(hit(g, g.left - 20, middle(g, 12)), { query: null, key: null });
});

test('heads that join the same tokens keep to lanes of their own, inside the row', () => {
  const g = layout(WIDE);
  const lanes = Array.from({ length: 12 }, (_, place) => lane(g, place, 12));
  assert.equal(new Set(lanes).size, 12);
  assert.ok(lanes.every((shift) => Math.abs(shift) < g.rowHeight / 2));
  assert.equal(lane(g, 0, 1), 0);
});

test('a larger weight is never thinner or paler', () => {
  const g = layout(WIDE);
  for (let w = 0.05; w <= 1; w += 0.05) {
    assert.ok(stroke(g, 12, w).width > stroke(g, 12, w - 0.05).width);
    assert.ok(stroke(g, 12, w).alpha >= stroke(g, 12, w - 0.05).alpha);
  }
  assert.equal(level(1), LEVELS - 1);
  for (let step = 0; step < LEVELS; step += 1) assert.equal(level(levelWeight(step)), step);
});

/** Two heads over three tokens. */
function tiny() {
  const values = Float32Array.from([0.9, 0.1, 0, 0.5, 0.5, 0, 0.2, 0.02, 0.78, 0.3, 0.3, 0.4, 0, 1, 0, 0.006, 0.004, 0.99]);
  const meta = { heads: [0, 1], rows: [0, 3], cols: [0, 3], row_edges: null, col_edges: null };
  return index(readMaps({ meta, values, shape: [1, 2, 3, 3], zero: 0, scale: 1 }), 0.005);
}
const item = (display, i) => ({ index: i, display });
const TOKENS = { rows: ['a', '<b>&"', ' c'].map(item), cols: ['a', '<b>&"', ' c'].map(item) };

test('the number at a token is the largest weight among the heads shown', () => {
  assert.deepEqual(strongest(tiny(), [0, 1], 'query', 2, 0).map(({ other, head }) => [other, head]), [[2, 1], [0, 0], [1, 0]]);
  assert.deepEqual(strongest(tiny(), [1], 'key', 0, 0).map(({ other, head }) => [other, head]), [[0, 1], [2, 1]]);
});

test('the SVG has one line for each weight that is drawn, and tokens as text only', () => {
  const g = layout({ ...WIDE, rows: 3, cols: 3 });
  const paint = { palette: ['#123456', '#654321'], ink: '#000', faint: '#777', glow: '#fb0', font: 'sans' };
  const scene = { g, scroll: 0, index: tiny(), heads: [0, 1], paint, least: 0 };
  const svg = headsSvg(scene, TOKENS, { paper: '#fff', text: '"A", serif', title: 'x < y', hidden: 'without <x>' }, null);
  assert.match(svg, /x &lt; y, all 2 heads:<tspan/);
  assert.match(headsSvg({ ...scene, heads: [1] }, TOKENS, { paper: '#fff', text: '', title: 'x', hidden: '' }, null), />x, head<tspan[^>]*>1</);
  const drawn = Array.from(tiny().maps.values).filter((w) => w >= LEAST_DRAWN).length;
  assert.equal(svg.match(/<path /g).length, drawn);
  assert.ok(!svg.includes('<b>') && svg.includes('&lt;b&gt;&amp;&quot;') && svg.includes('x &lt; y') && svg.includes('without &lt;x&gt;'));
  assert.equal(headsSvg({ ...scene, least: 0.45 }, TOKENS, { paper: '#fff', text: '', title: '', hidden: '' }, null).match(/<path /g).length, 6);
  const pinned = headsSvg(scene, TOKENS, { paper: '#fff', text: 'serif', title: '', hidden: '' }, 2);
  assert.equal(pinned.match(/<path /g).length, 5, 'head 0: 0.78, 0.2, 0.02; head 1: 0.99, 0.006');
  assert.ok(pinned.includes('>0.990</text>') && pinned.includes('>0.020</text>'));
});

test('the table holds every weight of the heads that are shown, and says when rows are missing', () => {
  const { columns, rows, note: says } = table(tiny(), [1], TOKENS.rows, TOKENS.cols, '', 3);
  assert.deepEqual(columns, ['query', 'query token', 'key', 'key token', 'head', 'weight']);
  assert.deepEqual(rows.map((row) => row[5]), Array.from(tiny().maps.values).slice(9));
  assert.deepEqual(rows[5].slice(0, 5), [1, '<b>&"', 2, ' c', 1]);
  assert.equal(says, undefined);
  assert.equal(table(tiny(), [0, 1], TOKENS.rows, TOKENS.cols, '', 3).rows.length, 18);
  assert.match(table(tiny(), [0], TOKENS.rows, TOKENS.cols, '', 2048).note, /Partial: only the rows 0 to 2/);
  assert.equal(table(tiny(), [0], TOKENS.rows, TOKENS.cols, 'without sinks', 3).columns[5], 'weight (without sinks)');
  assert.match(note(0, 12, false, tiny().maps, 0), /No head/);
  assert.match(note(2, 12, false, tiny().maps, 0), /2 of 12/);
});

test('short texts are asked for whole, long ones by the rows near the window', () => {
  const stack = (n) => ({ name: 'encoder', layers: 6, heads: 12, rows: n, cols: n });
  const part = (n) => partOf(DEFAULTS, stack(n), { stacks: [stack(n)] });
  assert.equal(rowsAtOnce(part(128)), 128);
  assert.equal(needs(DEFAULTS, stack(128), part(128), 0).rows, undefined);
  const long = needs(DEFAULTS, stack(2048), part(2048), 2040);
  assert.equal(long.rows[1], 2048);
  const count = long.rows[1] - long.rows[0];
  assert.ok(count >= 72 && count * 12 * 2048 < 2e6, 'more than a window shows, about what a screen has pixels');
  const near = (row) => needs(DEFAULTS, stack(2048), part(2048), row).rows;
  assert.deepEqual(near(1001), near(1003), 'a small move finds the rows that are here');
  for (const row of [0, 7, 500, 1234, 2047]) assert.ok(near(row)[0] <= Math.max(0, row - 27) && near(row)[1] >= Math.min(2048, row + 27), String(row));
});

test('values of a signed lens: by their distance from zero, those below it dotted', () => {
  const values = Float32Array.from([-4, 1, 0.001, NaN, NaN, NaN, 2, -0.5, 0]);
  const meta = { heads: [7], rows: [0, 3], cols: [0, 3], row_edges: null, col_edges: null, signed: true, bounded: false };
  const maps = readMaps({ meta, values, shape: [1, 1, 3, 3], zero: 0, scale: 1 });
  assert.equal(maps.top, 4);
  const of = index(maps, 0.005 * maps.top);
  assert.deepEqual(strongest(of, [7], 'query', 0, 0).map(({ other, weight }) => [other, weight]), [[0, -4], [1, 1]]);
  assert.deepEqual(strongest(of, [7], 'query', 1, 0), [], 'a row without values has no lines');
  assert.deepEqual(strongest(of, [7], 'query', 2, 0.2).map(({ other }) => other), [0], 'least is a share of the largest');
  const g = layout({ ...WIDE, rows: 3, cols: 3 });
  const paint = { palette: ['#123456'], ink: '#000', faint: '#777', glow: '#fb0', font: 'sans' };
  const svg = headsSvg({ g, scroll: 0, index: of, heads: [7], paint, least: 0 }, TOKENS, { paper: '#fff', text: '', title: '', hidden: '' }, null);
  assert.equal(svg.match(/stroke-dasharray="1 5"/g).length, 2);
  assert.match(note(1, 1, false, maps, 0), /The strongest is 4;.*Dotted lines are below zero/);
});
