import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createStore, DEFAULTS } from '../../static/js/store.js';
import { wordTerms } from '../../static/js/terms.js';
import { unitsOf, wordEdges } from '../../static/js/units.js';

const WORDS = [null, 0, 1, 1, 1, 2, null];
const TOKENS = WORDS.map((word, index) => ({ index, word, display: `t${index}`, text: `t${index}`, segment: 0, special: word === null, start: index, end: index + 1 }));
const RUN = { run: 'r', tokens: { encoder: TOKENS }, stacks: [{ name: 'encoder', layers: 1, heads: 1, rows: 7, cols: 7 }] };
const terms = (store = createStore()) => wordTerms(RUN, { rows: TOKENS, cols: TOKENS }, store);

test('words are runs of tokens of one word; what belongs to none stands for itself', () => {
  assert.deepEqual(wordEdges(TOKENS), [0, 1, 2, 5, 6, 7]);
  assert.deepEqual(wordEdges([]), [0]);
  assert.deepEqual(wordEdges([null, null].map((word) => ({ word }))), [0, 1, 2]);
  const { items } = unitsOf(TOKENS);
  assert.deepEqual(items.map(({ index, display }) => [index, display]), [[0, 't0'], [1, 't1'], [2, 't2t3t4'], [3, 't5'], [4, 't6']]);
  assert.equal(items[2].end, 5);
});

test('a view in words counts in words, and the selection stays in tokens', () => {
  const store = createStore({ query: 3, key: null, rows: [1, 5] });
  const { run, tokens, state, store: inWords } = terms(store);
  assert.deepEqual([run.stacks[0].rows, tokens.cols.length], [5, 5]);
  assert.deepEqual([state(store.get()).query, state(store.get()).key, state(store.get()).rows], [2, null, [1, 3]]);
  inWords.set({ key: 3, cols: [2, 5] });
  assert.deepEqual([store.get().key, store.get().cols, store.get().query], [5, [2, 7], 3]);
  inWords.set({ query: null });
  assert.equal(store.get().query, null);
  inWords.setHover({ query: 2, key: null });
  assert.deepEqual(store.hover, { query: 2, key: null });
  store.setHover({ query: 4 });
  assert.deepEqual(inWords.hover, { query: 2, key: null });
});

test('what it asks for goes out in tokens, and the answer comes back in words', () => {
  const { needs, data } = terms();
  assert.deepEqual(needs({ attention: { layer: 0, rows: [1, 3] }, logits: {} }), { logits: {}, attention: { layer: 0, rows: [1, 5], group: 'word' } });
  const meta = { rows: [0, 7], cols: [1, 6], row_edges: [0, 1, 2, 5, 6, 7], col_edges: [1, 2, 5, 6], hidden_rows: [0, 6], hidden_cols: [], sinks: [[3]] };
  const answer = { attention: { meta, values: new Float32Array(15) } };
  const read = data(answer).attention;
  assert.deepEqual([read.meta.rows, read.meta.cols, read.meta.row_edges, read.meta.col_edges], [[0, 5], [1, 4], [0, 1, 2, 3, 4, 5], [1, 2, 3, 4]]);
  assert.deepEqual([read.meta.hidden_rows, read.meta.sinks], [[0, 4], [[2]]]);
  assert.equal(data(answer).attention, read, 'the same answer stays the same');
  assert.deepEqual(data({}), {});
  assert.equal(DEFAULTS.group, 'token');
});
