import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diverging, divergingScale } from '../../static/js/colour.js';
import { digits } from '../../static/js/format.js';
import { svgPainter } from '../../static/js/painter.js';
import { DEFAULTS } from '../../static/js/store.js';
import { rowOf } from '../../static/js/strength.js';
import { block, neuron } from '../../static/js/views/neuron.js';
import { ordered } from '../../static/js/views/neuron_keys.js';
import { dimensionAt, drawLanes, geometry, largestSize, placeOf } from '../../static/js/views/neuron_lanes.js';
import { queryOf, running, scoreTerms, shapes, shareTerms, sharing, softmaxOf, strongest, trust } from '../../static/js/views/neuron_steps.js';
import { neuronSvg } from '../../static/js/views/neuron_svg.js';
import { lanesOf, scoringWords, table, weighingWords } from '../../static/js/views/neuron_words.js';

const LOOK = { ink: '#000', ink2: '#111', ink3: '#222', line: '#ccc', paper: '#fff', paper2: '#eee', accent: '#850', glow: '#fb0', ui: 'sans', text: 'serif' };
const token = (index, display, special = false) => ({ index, id: index, text: display, display, start: null, end: null, word: index, special, segment: 0, mask: 1 });
const TOKENS = [token(0, '[CLS]', true), token(1, 'a<b'), token(2, 'c')];
const e = Math.exp;
// Two dimensions, three keys: scores 0.5 (q·k) = 1, -1, 3; the last is hidden.
const DATA = {
  run: 'r', stack: 'encoder', layer: 0, head: 1, query: 1, keys: [0, 3], q: [1, 2], k: [[2, 0], [0, -1], [2, 2]], v: [[1, 0], [0, 1], [5, 5]],
  product: [[2, 0], [0, -2], [2, 4]], scores: [1, -1, 3], bias: [0, 0, 0], entering: [1, -1, 3], mask: [1, 1, 0], sink: null, sink_score: null,
  probs: [e(1) / (e(1) + e(-1)), e(-1) / (e(1) + e(-1)), 0], z: [e(1) / (e(1) + e(-1)), e(-1) / (e(1) + e(-1))], scale: 0.5, softcap: null, kv_head: 0,
  checks: [{ name: 'z-equals-the-models', value: 2.5e-7, limit: 1e-4, ok: true }, { name: 'probs-recomputed', value: 1e-8, limit: 1e-5, ok: true }],
};
const value = (terms) => terms.map((term) => term.value);

test('four significant digits, with a true minus', () => {
  const shown = [0, 14.3249, -0.00123456, 1.23456e-7, 0.99996, 12345.6, 1.5e6, null, NaN, -Infinity].map(digits);
  assert.deepEqual(shown, ['0', '14.32', '−0.001235', '1.235e-7', '1.000', '12,346', '1.500e+6', '–', '–', '–']);
});

test('signed colours: the same distance from zero is as strong on both sides, and zero is the paper', () => {
  for (const theme of ['light', 'dark']) {
    const far = (t) => diverging(t, theme).reduce((sum, c, i) => sum + Math.abs(c - diverging(0, theme)[i]), 0);
    assert.ok(far(1) > far(0.5) && far(0.5) > far(0.1) && far(-1) > far(-0.5));
    assert.deepEqual(diverging(7, theme), diverging(1, theme));
    assert.equal(divergingScale(theme)[2][0], 0.5);
  }
});

test('the query: pinned, else the last of a decoder, else the first that is no special token', () => {
  const stack = { name: 'encoder', rows: 3, cols: 3, layers: 1, heads: 2 };
  assert.equal(queryOf({ ...DEFAULTS, query: 2 }, stack, TOKENS), 2);
  assert.equal(queryOf({ ...DEFAULTS, query: 9 }, stack, TOKENS), 1);
  assert.equal(queryOf(DEFAULTS, { ...stack, name: 'decoder' }, TOKENS), 2);
  assert.equal(queryOf(DEFAULTS, stack, [TOKENS[0]]), 0);
});

test('what is asked for: all vectors of a short text, a block of a long one, nothing of weights alone', () => {
  const run = (cols) => ({ stacks: [{ name: 'decoder', rows: cols, cols, layers: 2, heads: 2 }], tokens: { decoder: [] } });
  assert.deepEqual(neuron.needs(DEFAULTS, run(15), { head_dim: 64 }), { neuron: { stack: 'decoder', layer: 0, head: 0, query: 14 } });
  assert.deepEqual(neuron.needs(DEFAULTS, run(500), { head_dim: 64 }).neuron.keys, [0, 16]);
  assert.equal(neuron.needs(DEFAULTS, run(15), { capture: 'weights' }), null);
  assert.deepEqual(block(17, 20), [16, 20]);
});

test('the steps: dot product, scale, softmax over what is seen', () => {
  assert.equal(strongest(DATA), 0);
  assert.deepEqual(value(scoreTerms(DATA, 0)), ['2.000', '0.5000', '1.000']);
  const { largest, total, seen } = softmaxOf(DATA);
  assert.deepEqual([largest, seen], [1, 2]);
  assert.ok(Math.abs(total - (1 + e(-2))) < 1e-12);
  assert.deepEqual(value(shareTerms(DATA, 1)), [digits(e(-2)), digits(1 + e(-2)), digits(DATA.probs[1])]);
  assert.deepEqual(value(shareTerms(DATA, 2)), ['0', digits(1 + e(-2)), '0']);
  assert.equal(shareTerms(DATA, 2)[0].name, 'hidden');
  assert.deepEqual(running([1, -2, 4]), [1, -1, 3]);
});

test('softcap, bias and sink have steps of their own, and only where there are any', () => {
  assert.deepEqual(shapes(DATA), { biased: false, masked: true, capped: false, sink: false, enters: false });
  const capped = { ...DATA, softcap: 2, bias: [0.25, 0, 0], entering: [2 * Math.tanh(0.5) + 0.25, -1, 3] };
  assert.deepEqual(scoreTerms(capped, 0).map(({ name }) => name), ['q·k', 'scale', 'score', 'softcap 2.000', 'position bias', 'enters softmax']);
  assert.deepEqual(value(scoreTerms(capped, 0)).slice(3), [digits(2 * Math.tanh(0.5)), '0.2500', digits(2 * Math.tanh(0.5) + 0.25)]);
  const sunk = { ...DATA, sink: 0.5, sink_score: 2 };
  assert.ok(Math.abs(softmaxOf(sunk).total - (1 + e(-1) + e(-3))) < 1e-12);
  assert.match(shareTerms(sunk, 0)[1].name, /2 keys and the sink/);
  assert.deepEqual(table(sunk, { rows: TOKENS, cols: TOKENS }).rows.at(-1).slice(2), ['sink', null, null, null, 1, 2, 0.5]);
});

test('shared keys and values are told', () => {
  assert.match(sharing({ ...DATA, head: 4, kv_head: 1 }, 9, 3), /heads 3, 4 and 5 share key\/value head 1/);
  assert.match(sharing(DATA, 12, 12), /its own/);
  assert.match(sharing(DATA, 12, null), /its own/);
});

test('how far from the model is said, also when it is too far', () => {
  assert.match(trust(DATA), /in this layer: 2\.500e-7 of its largest value\. .*1\.000e-8/);
  assert.match(trust({ ...DATA, checks: [{ ...DATA.checks[0], ok: false }] }), /too much/);
  assert.equal(trust({ ...DATA, checks: [] }), '');
});

test('lanes: the part of the key and of all others make z, whatever the key', () => {
  for (const key of [0, 1, 2]) {
    const { scoring, weighing } = lanesOf(DATA, key, { k: DATA.k[key], v: DATA.v[key], product: DATA.product[key] });
    const [, part, rest, z] = weighing.map(({ values }) => values);
    part.forEach((number, d) => assert.ok(Math.abs(number + rest[d] - z[d]) < 1e-12));
    assert.equal(scoring[3].values.at(-1), DATA.product[key][0] + DATA.product[key][1]);
  }
  assert.equal(lanesOf(DATA, 0, undefined).scoring[1].values, null);
  assert.match(scoringWords(DATA, { k: [2, 0], v: [1, 0], product: [2, 0] }, 0), /q 1\.000 × k 2\.000 = 2\.000; sum so far 2\.000/);
  assert.match(weighingWords(DATA, 2, undefined, 0), /^dimension 0: z 0\.8808$/);
});

test('dimensions find their place in one block or several, and the pointer finds them again', () => {
  const lanes = lanesOf(DATA, 0, undefined).scoring;
  for (const [width, count] of [[700, 64], [343, 64], [343, 256], [200, 5], [0, 3]]) {
    const g = geometry(width, count, lanes, 50);
    for (let d = 0; d < count; d += 1) {
      const { x, y } = placeOf(g, d);
      assert.equal(dimensionAt(g, x + g.cell / 2, y + 3), d);
      if (width) assert.ok(x + g.cell <= width);
    }
    assert.equal(dimensionAt(g, 10, 3), null);
  }
  assert.equal(geometry(343, 64, lanes, 50).perLine, 32);
  assert.equal(largestSize([1, -4], null), 4);
  assert.equal(largestSize(null), 1);
});

test('the picture holds the numbers, and tokens as text', () => {
  const paint = svgPainter();
  const { scoring } = lanesOf(DATA, 0, { k: DATA.k[0], v: DATA.v[0], product: DATA.product[0] });
  drawLanes(paint, geometry(400, 2, scoring, 50), scoring, { look: LOOK, theme: 'light' });
  assert.ok(paint.parts.length > 10);
  const svg = neuronSvg({ data: DATA, key: 1, tokens: { rows: TOKENS, cols: TOKENS }, lanes: lanesOf(DATA, 1, undefined), caption: 'm & n', look: LOOK, theme: 'dark' });
  assert.match(svg, /m &amp; n/);
  assert.match(svg, /a&lt;b/);
  assert.match(svg, new RegExp(digits(DATA.probs[1]).replace('.', '\\.')));
  assert.ok(!svg.includes('NaN'));
});

test('keys by position or by probability; the row is an attention answer', () => {
  assert.deepEqual(ordered({ ...DATA, probs: [0.2, 0.5, 0.3] }, 'probability'), [1, 2, 0]);
  assert.deepEqual(ordered(DATA, 'position'), [0, 1, 2]);
  const row = rowOf(DATA);
  assert.deepEqual(row.shape, [1, 1, 1, 3]);
  assert.deepEqual(row.meta.rows, [1, 2]);
  assert.equal(rowOf(DATA), row, 'read once');
});
