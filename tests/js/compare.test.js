import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../static/js/api.js';
import { createSession } from '../../static/js/session.js';
import { DEFAULTS } from '../../static/js/store.js';
import { fromUrl, toUrl } from '../../static/js/url.js';
import { compare } from '../../static/js/views/compare.js';
import { asTokens, columns, largestCells, mapsOfDifference, otherOf, unitOf, wordsOf } from '../../static/js/views/compare_pairs.js';
import { beside } from '../../static/js/views/compare_panel.js';
import { near } from '../../static/js/views/compare_strip.js';
import { before, binName, headChanged, quoted, sentence, standing, tokensChanged } from '../../static/js/views/compare_words.js';

const token = (index, display, start = null, end = null) => ({ index, id: index, text: display, display, start, end, word: index, special: false, segment: 0, mask: 1 });
const A = ['the', 'cat', 'sat'].map((word, i) => token(i, word));
const B = ['the', 'old', 'cat', 'ran'].map((word, i) => token(i, word));
const UNITS = [[0, 1, 0, 1], [1, 2, 2, 3]]; // the, cat
const REQUEST = { model: 'minilm', text: 'a', pair: null, target: null };

test('columns hold every token once, in order, paired or alone', () => {
  const all = columns(UNITS, 3, 4);
  assert.deepEqual(all.map(({ span, paired }) => [...span, paired]), [[0, 1, 0, 1, true], [1, 1, 1, 2, false], [1, 2, 2, 3, true], [2, 3, 3, 4, false]]);
  assert.deepEqual(columns([], 1, 0), [{ span: [0, 1, 0, 0], paired: false }]);
  assert.deepEqual([unitOf(UNITS, 'b', 2), unitOf(UNITS, 'a', 2), unitOf(UNITS, 'a', null)], [1, -1, -1]);
});

test('of a long text only changes and their neighbours are drawn, and the rest is counted', () => {
  const pairs = Array.from({ length: 200 }, (_, i) => /** @type {const} */ ([i, i + 1, i, i + 1]));
  const shown = near(columns(pairs.filter((_, i) => i !== 100), 200, 200));
  assert.ok(shown.length < 30);
  const folded = shown.reduce((sum, one) => sum + (one.folded ?? 0), 0);
  assert.equal(folded + shown.filter((one) => !one.folded).length, 200);
  assert.ok(shown.some(({ paired }) => !paired));
});

test('words are written as in the text', () => {
  assert.equal(wordsOf([token(0, 'gu', 0, 2), token(1, 'lls', 2, 5), token(2, 'cry', 6, 9), token(3, '.', 9, 10)], 0, 4), 'gulls cry.');
  assert.equal(wordsOf([token(0, ' gulls', 0, 6), token(1, ' cry', 7, 10)], 0, 2), ' gulls cry');
  assert.equal(quoted(' old  cat\n'), '“old cat”');
  assert.equal(quoted('  '), '“··”');
  assert.equal(asTokens(UNITS, A)[1].display, 'cat');
});

test('what became of the words', () => {
  const self = (tokens) => ({ rows: tokens, cols: tokens });
  const told = (units, a, b) => tokensChanged({ by: 'token', units, col_units: units }, self(a), self(b), ['m', 'm']);
  assert.equal(told(UNITS, A, B), '“old” was added, “sat” became “ran”');
  assert.equal(told([[0, 1, 0, 1]], A, B.slice(0, 1)), '“catsat” was left out');
  assert.equal(told([[0, 1, 0, 1]], A.slice(0, 1), B.slice(0, 1)), 'The tokens are the same');
  assert.match(tokensChanged({ by: 'text', units: UNITS, col_units: UNITS }, self(A), self(B), ['m', 'n']), /m cuts the text into 3 tokens and n into 4; 2 stretches/);
  const cross = tokensChanged({ by: 'token', units: [[0, 1, 0, 1]], col_units: UNITS }, { rows: A.slice(0, 1), cols: A }, { rows: B.slice(0, 1), cols: B }, ['m', 'm']);
  assert.equal(cross, 'Among the keys “old” was added, “sat” became “ran”; among the queries nothing changed');
});

const maps = (values, size) => ({ heads: [0], rowEdges: Array.from({ length: size + 1 }, (_, i) => i), colEdges: Array.from({ length: size + 1 }, (_, i) => i), values: Float32Array.from(values), exact: true, top: 1, signed: false, bounded: true });
const META = { units: UNITS, col_units: UNITS, row_edges: null, col_edges: null };
const DIFFERENCE = mapsOfDifference({ meta: META, values: Float32Array.of(0, 0.25, -0.5, 0), shape: [1, 1, 2, 2] });

test('the largest change, with what it was and is', () => {
  assert.deepEqual(largestCells(DIFFERENCE, 5).map(({ row, col, value }) => [row, col, value]), [[1, 0, -0.5], [0, 1, 0.25]]);
  const a = maps([0, 0, 0, 0.75, 0, 0, 0, 0, 0], 3); // cat → the: 0.75
  const b = maps([0, 0, 0, 0, 0, 0, 0, 0, 0.25, 0, 0, 0, 0, 0, 0, 0], 4); // cat → the: 0.25
  assert.deepEqual(before(a, b, META, 1, 0), [0.75, 0.25]);
  assert.equal(before({ ...a, exact: false }, b, META, 1, 0), null);
  const rows = asTokens(UNITS, A);
  assert.equal(headChanged({ difference: DIFFERENCE, a, b, meta: META, rows, cols: rows }), '“cat” gives 0.5000 less to “the” (0.7500 → 0.2500)');
  const none = mapsOfDifference({ meta: META, values: new Float32Array(4), shape: [1, 1, 2, 2] });
  assert.match(headChanged({ difference: none, a, b, meta: META, rows, cols: rows }), /same way/);
});

test('bins of a long text are named by their ends, words that come twice by their places', () => {
  assert.equal(binName(A, [0, 2, 3], 0), '“the” … “cat” (0–1)');
  assert.equal(binName([...A, token(3, ' the')], [0, 1, 2, 3, 4], 3), '“the” (3)');
});

test('one sentence: the head that changed most, and the one shown', () => {
  const ranking = { heads: [{ layer: 1, head: 2, divergence: 0.25 }, { layer: 0, head: 0, divergence: 0 }] };
  assert.equal(sentence('X', ranking, { layer: 1, head: 2 }, 'Y'), 'X; the head shown, head 2 of layer 1, changed most (0.2500 bits): Y.');
  assert.equal(sentence('X', ranking, { layer: 0, head: 0 }, 'Y'), 'X; head 2 of layer 1 changed most (0.2500 bits), and in head 0 of layer 0, shown here, Y.');
  assert.equal(sentence('X', { heads: [] }, { layer: 0, head: 0 }, 'Y'), 'X; in head 0 of layer 0, Y.');
  assert.deepEqual(standing(ranking, 0, 0), { place: 2, of: 2, divergence: 0 });
  assert.equal(standing(ranking, 5, 5), null);
});

test('a link restores the other side, and its text is not sent', () => {
  const state = { ...DEFAULTS, view: 'compare', otherModel: 'org/m@v', otherText: 'SECRET & <b>', otherLayer: 3, otherHead: 0 };
  const url = new URL(toUrl(state), 'http://127.0.0.1');
  assert.deepEqual(fromUrl(url.search, url.hash), state);
  assert.ok(!url.search.includes('SECRET'));
});

const RUN = { run: 'a', stacks: [{ name: 'encoder', layers: 2, heads: 2, rows: 3, cols: 3 }], tokens: {} };

test('nothing is asked where both sides are the same, or where a link names a model that is not offered', () => {
  const state = { ...DEFAULTS, model: 'minilm', text: 'a' };
  assert.equal(otherOf(state, REQUEST), null);
  assert.deepEqual(otherOf({ ...state, otherText: 'b' }, REQUEST), { ...REQUEST, text: 'b' });
  assert.equal(compare.needs(state, RUN, null, []).compare, undefined);
  assert.equal(compare.needs({ ...state, otherModel: 'far/away' }, RUN, null, [{ id: 'minilm' }]).compare, undefined);
  const asked = compare.needs({ ...state, otherModel: 'smollm2' }, RUN, null, [{ id: 'smollm2' }]).compare;
  assert.deepEqual(asked.other, { ...REQUEST, model: 'smollm2' });
});

const problem = (code, status) => new ApiError({ title: 'T', status, code, detail: 'D', hint: 'H' });
const OTHER = { run: 'b', stacks: [{ name: 'decoder', layers: 1, heads: 4, rows: 4, cols: 4 }], tokens: {} };

function fake(over = {}) {
  const calls = [];
  const api = {
    createRun: async ({ text }) => { calls.push(`run ${text}`); return text === 'b' ? OTHER : RUN; },
    attention: async (run, { layer, head }) => { calls.push(`attention ${run} ${layer} ${head}`); return { run }; },
    compare: async ({ a, b }) => { calls.push(`compare ${a} ${b}`); return { stack_b: 'decoder', heads: [] }; },
    difference: async (path) => { calls.push(path); return { path }; },
    ...over,
  };
  return { calls, session: createSession(/** @type {any} */ (api)) };
}
const params = (more = {}) => ({ other: { ...REQUEST, text: 'b' }, stack: 'encoder', layer: 1, head: 1, layer_b: null, head_b: null, size: 256, ...more });
const { signal } = new AbortController();

test('the heads are ranked once for all heads; what is out of range on the other side becomes its last', async () => {
  const { calls, session } = fake();
  const { compare: first } = await session.fetch({ compare: params() }, RUN, REQUEST, signal);
  assert.equal(first.run, OTHER);
  assert.deepEqual(calls, ['run b', 'compare a b', '/api/compare/map?a=a&b=b&stack=encoder&layer=1&head=1&layer_b=0&head_b=1&size=256', 'attention b 0 1']);
  await session.fetch({ compare: params({ head: 0, head_b: 3 }) }, RUN, REQUEST, signal);
  assert.deepEqual(calls.slice(4), ['/api/compare/map?a=a&b=b&stack=encoder&layer=1&head=0&layer_b=0&head_b=3&size=256', 'attention b 0 3']);
});

test('runs that the server let go are both made again', async () => {
  let first = true;
  const { calls, session } = fake({
    compare: async () => {
      if (first) { first = false; throw problem('run-expired', 404); }
      return { stack_b: 'decoder', heads: [] };
    },
  });
  await session.fetch({ compare: params() }, RUN, REQUEST, signal);
  assert.deepEqual(calls.slice(0, 3), ['run b', 'run a', 'run b']);
});

test('runs that do not go together are an answer, a server that fails is not', async () => {
  const { session } = fake({ compare: async () => { throw problem('not-applicable', 422); } });
  const { compare: answer } = await session.fetch({ compare: params() }, RUN, REQUEST, signal);
  assert.equal(answer.problem.code, 'not-applicable');
  assert.equal(answer.ranking, null);
  const broken = fake({ compare: async () => { throw problem('busy', 503); } });
  await assert.rejects(broken.session.fetch({ compare: params() }, RUN, REQUEST, signal), /T: D/);
});

test('figures side by side keep their axes apart and inside', () => {
  const figure = (width) => ({ data: [{ type: 'heatmap', z: [[1]], colorbar: { orientation: 'h' } }], layout: { width, height: 200, margin: { l: 40, r: 10, t: 40, b: 40 }, xaxis: {}, yaxis: {}, font: {} } });
  const { data, layout } = beside([{ title: 'A', figure: figure(300) }, { title: 'B', figure: figure(200) }]);
  assert.deepEqual(data.map((trace) => trace.xaxis), ['x', 'x2']);
  assert.equal(layout.width, 500);
  assert.ok(layout.xaxis.domain[1] < layout.xaxis2.domain[0]);
  assert.deepEqual(layout.annotations.map(({ text }) => text), ['A', 'B']);
});
