import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followed } from '../../static/js/api.js';
import { bits, headWords, largest, table } from '../../static/js/views/disagreement_words.js';

const head = (layer, number, divergence) => ({ layer, head: number, divergence, queries: 5 });
const DATA = { lenses: ['raw', 'norm'], most: 1, layers: [0, 1], heads: [head(0, 0, 0.2), head(0, 1, null), head(1, 0, 0.5), head(1, 1, 0)], pairs: [] };

test('bits as they are written in a cell', () => {
  assert.deepEqual([0, 0.004, 0.123, 0.994, 0.999, 1.58, null].map(bits), ['.00', '.00', '.12', '.99', '1.0', '1.6', '–']);
});

test('the head with the largest disagreement is the scale', () => {
  assert.equal(largest(DATA), 0.5);
  assert.equal(largest({ ...DATA, heads: [head(0, 0, 0)] }), 1, 'nothing to divide by zero');
});

test('a head in words: how far, of how much, which of all', () => {
  assert.match(headWords(DATA, DATA.heads[2]), /^0\.500 bits of at most 1\.00, a mean over 5 queries: the most of all 4 heads/);
  assert.match(headWords(DATA, DATA.heads[0]), /number 2 of 4 heads/);
  assert.match(headWords(DATA, DATA.heads[1]), /cannot be compared/);
});

test('the table has every head in the order of the model', () => {
  const { columns, rows } = table(DATA);
  assert.equal(columns[2], 'divergence of raw and norm (bits)');
  assert.deepEqual(rows[1], [0, 1, null, 5]);
  assert.equal(rows.length, 4);
});

test('an answer that came by a stream is the same as one that came as bytes, null as NaN', () => {
  const answer = followed({ layers: [3], heads: [1], rows: [0, 2], cols: [0, 2], values: [[[[0.5, -1], [null, null]]]] });
  assert.deepEqual(answer.shape, [1, 1, 2, 2]);
  assert.deepEqual(Array.from(answer.values), [0.5, -1, NaN, NaN]);
  assert.equal(answer.meta.values, undefined);
  assert.equal(answer.followed, true);
});
