import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stretchOf } from '../../static/js/inplace.js';
import { partner, sameStep } from '../../static/js/partner.js';
import { changes, share, verdict } from '../../static/js/views/whatif_words.js';

const candidate = (id, softmax, rank) => ({ id, text: ` w${id}`, softmax, rank });
const BEFORE = { candidates: [candidate(1, 0.6, 0), candidate(2, 0.2, 1), candidate(3, 0.01, 2)] };
const AFTER = { candidates: [candidate(2, 0.7, 0), candidate(4, 0.1, 1), candidate(5, 0.02, 2)] };

test('a word is taken out of its text by code points, the space before it stays as long as a word does', () => {
  const text = 'a 🙂 cup of tea';
  const stretch = stretchOf(text, { start: 3, end: 7, segment: 0 });
  assert.equal(stretch.word, 'cup');
  assert.equal(stretch.change('glass'), 'a 🙂 glass of tea');
  assert.equal(stretch.change(''), 'a 🙂 of tea', 'the space before it goes with it');
  assert.equal(stretchOf('a cup', { start: 0, end: 1, segment: 0 }).change(''), 'cup');
  assert.equal(stretchOf(text, { start: null, end: null, segment: 0 }), null, 'a token that was added');
  assert.equal(stretchOf(text, { start: 0, end: 1, segment: 1 }), null, 'of the second sentence');
  assert.equal(stretchOf('a  b', { start: 1, end: 3, segment: 0 }), null, 'spaces only');
});

test('candidates of both texts stand side by side, the likeliest of all first', () => {
  assert.deepEqual(changes(BEFORE, AFTER, 2).map(({ id, before, after }) => [id, before?.softmax ?? null, after?.softmax ?? null]),
    [[2, 0.2, 0.7], [1, 0.6, null], [4, null, 0.1]]);
  assert.equal(share(null, AFTER), '<0.020');
  assert.equal(verdict(BEFORE, AFTER), 'The likeliest was “·w1” with 0.600 and is now “·w2” with 0.700; “·w1” has <0.020 now.');
  assert.equal(verdict(BEFORE, BEFORE), 'The likeliest stays “·w1”: 0.600 before, 0.600 now.');
});

test('a place of the first text is followed into the other; the last stays the last', () => {
  const units = [[0, 1, 0, 1], [2, 3, 3, 4], [3, 4, 4, 6]];
  assert.equal(partner(units, 2, 5), 3);
  assert.equal(partner(units, 3, 5), 5, 'of a stretch, its end');
  assert.equal(partner(units, 1, 5), null, 'it has no partner');
  assert.equal(partner(units, 4, 5), null);
  assert.equal(partner(units, null, 5), null);
  assert.deepEqual([sameStep(0, 11, 11), sameStep(6, 11, 5), sameStep(10, 11, 5), sameStep(null, 11, 5)], [0, 4, null, null], 'of two answers, counted from their start');
});
