import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clicked, masked, predicting, readMask, toggled, unmaskable, wordBehind } from '../../static/js/masks.js';

const MASK = '[MASK]';
const token = (start, end, text = 'x', segment = 0) => ({ start, end, text, segment });

test('a mask is read strictly', () => {
  assert.deepEqual(readMask('1:4:9'), { segment: 1, start: 4, end: 9 });
  for (const wrong of ['', '4:9', '2:4:9', '0:9:4', '0:4:4', '0:-1:4', '0:1:2:3', 'a:b:c']) assert.equal(readMask(wrong), null);
});

test('masks are put in by code points, each in its own text', () => {
  assert.equal(masked('a 🙂 cup of tea', ['0:4:7', '1:0:1'], 0, MASK), 'a 🙂 [MASK] of tea');
  assert.equal(masked('a 🙂 cup of tea', ['0:4:7', '1:0:1'], 1, MASK), '[MASK] 🙂 cup of tea');
  assert.equal(masked('abc', ['0:1:9'], 0, MASK), 'abc', 'what does not fit is left out');
  assert.equal(masked('abcdef', ['0:1:4', '0:2:5'], 0, MASK), 'a[MASK]ef', 'of two that overlap, the first');
});

test('tokens of the masked text are found in the text as it was written, and back again', () => {
  const text = 'she poured a cup of tea';
  const one = toggled(null, token(4, 10), MASK);
  assert.deepEqual(one, ['0:4:10']);
  const now = masked(text, one, 0, MASK);
  const start = now.indexOf('cup');
  const two = toggled(one, token(start, start + 3), MASK);
  assert.deepEqual(two, ['0:4:10', '0:13:16']);
  const both = masked(text, two, 0, MASK);
  assert.equal(both, 'she [MASK] a [MASK] of tea');
  const second = both.lastIndexOf(MASK);
  assert.deepEqual(toggled(two, token(second, second + 6, MASK), MASK), ['0:4:10']);
  assert.deepEqual(toggled(two, token(4, 10, MASK), MASK), ['0:13:16']);
});

test('a mask that was written, and a token that was added, are no words to mask', () => {
  assert.equal(toggled(null, token(3, 9, MASK), MASK), null);
  assert.equal(toggled(null, token(null, null), MASK), null);
});

test('a click masks, asks about another mask, or gives the word back', () => {
  const run = { tokens: { encoder: [token(null, null, '[CLS]'), token(0, 6, MASK), token(7, 10), token(11, 17, MASK)] } };
  const model = { mask: MASK, language_head: true };
  const state = { masks: ['0:0:3', '0:8:12'] };
  assert.deepEqual(clicked(state, run, model, 1, 3), { position: 3 });
  assert.deepEqual(clicked(state, run, model, 1, 1), { masks: ['0:8:12'], position: null });
  assert.deepEqual(clicked(state, run, model, 1, 2), { masks: ['0:0:3', '0:8:12', '0:4:7'], position: 2 });
  assert.deepEqual(clicked({ masks: ['0:0:3'] }, run, model, 1, 1), { masks: null, position: null });
  assert.equal(clicked(state, run, model, 1, 0), null);
});

test('the word behind a mask, where it is a whole one', () => {
  const model = { mask: MASK, language_head: true };
  const state = { text: 'unwise cup.', pair: null, masks: ['0:2:6', '0:7:10'] };
  assert.equal(wordBehind(state, token(9, 15, MASK), model), 'cup');
  assert.equal(wordBehind(state, token(2, 8, MASK), model), null, 'a piece of a word');
  assert.equal(wordBehind({ ...state, masks: null }, token(2, 8, MASK), model), null, 'written as a mask');
});

test('a masked model predicts at its masks, any other after each token', () => {
  const all = [token(0, 1, 'a'), token(2, 8, '[MASK]'), token(9, 12, '<w>')];
  assert.deepEqual(predicting({ tokens: { encoder: all } }, { mask: '<w>' }), [all[1], all[2]]);
  assert.deepEqual(predicting({ tokens: { encoder: all } }, null), [all[1]]);
  assert.deepEqual(predicting({ tokens: { encoder: all, decoder: all } }, null), all);
});

test('why a token cannot be masked is said', () => {
  const model = { mask: '[MASK]' };
  const of = (text, more = {}) => unmaskable({ text, display: text, special: true, ...more }, model);
  assert.match(of('[CLS]'), /^\[CLS\] cannot be masked: the tokenizer adds it/);
  assert.match(of('[MASK]'), /^This \[MASK\] was written in the text itself/);
  assert.match(of('▁', { display: ' ', special: false }), /^· cannot be masked: no letters/);
  assert.equal(unmaskable(undefined, model), '');
});
