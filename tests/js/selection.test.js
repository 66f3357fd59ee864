import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asked, opening } from '../../static/js/pages/opening.js';
import { aimed, blockOf, fit, hideOf, requestOf, stackOf, stripPredicts, tokensOf } from '../../static/js/selection.js';
import { DEFAULTS } from '../../static/js/store.js';

const token = (/** @type {number} */ index) => ({ index });
const BERT = { tokens: { encoder: [0, 1, 2].map(token) }, stacks: [{ name: 'encoder', layers: 6, heads: 12, rows: 3, cols: 3 }] };
const T5 = {
  tokens: { encoder: [0, 1, 2].map(token), decoder: [0, 1].map(token) },
  stacks: [{ name: 'encoder', layers: 2, heads: 4, rows: 3, cols: 3 }, { name: 'decoder', layers: 2, heads: 4, rows: 2, cols: 2 }, { name: 'cross', layers: 2, heads: 4, rows: 2, cols: 3 }],
};

test('queries and keys of each stack', () => {
  const sizes = T5.stacks.map((stack) => [tokensOf(stack, T5).rows.length, tokensOf(stack, T5).cols.length]);
  assert.deepEqual(sizes, [[3, 3], [2, 2], [2, 3]]);
  assert.equal(tokensOf(T5.stacks[0], T5).rows, tokensOf(T5.stacks[0], T5).cols);
});

test('a selection from another model is made to fit', () => {
  const state = { ...DEFAULTS, stack: 'decoder', layer: 24, head: 12, heads: [3, 11, 12], query: 3, key: 2, position: 9, edits: ['layer.encoder.5', 'layer.encoder.6', 'token.decoder.1'], rows: [0, 4], cols: [1, 3] };
  assert.deepEqual(fit(state, BERT, null), { stack: null, layer: 5, head: 11, heads: [3, 11], query: null, key: 2, position: null, token: null, against: null, edits: ['layer.encoder.5'], rows: null, cols: [1, 3] });
  assert.equal(fit({ ...DEFAULTS, heads: [12] }, BERT, null).heads, null);
  assert.deepEqual(fit({ ...DEFAULTS, heads: [] }, BERT, null).heads, [], 'none is chosen');
});

test('one that fits is left alone', () => {
  const state = { ...DEFAULTS, stack: 'cross', layer: 1, head: 3, heads: [0], query: 1, key: 2, position: 1, token: 99, against: 0 };
  assert.deepEqual({ ...state, ...fit(state, T5, { vocab: 100 }) }, state);
});

test('a word that the model has not, and a place where it predicts nothing, are left out', () => {
  const of = (/** @type {object} */ state, run = T5) => fit({ ...DEFAULTS, ...state }, run, { vocab: 100, mask: '[MASK]' });
  assert.deepEqual([of({ token: 100, against: 5 }).token, of({ token: 5, against: 999999 }).against], [null, null]);
  const masked = { ...BERT, tokens: { encoder: ['a', '[MASK]', 'b'].map((text, index) => ({ index, text })) } };
  assert.deepEqual([0, 1, 2].map((position) => of({ position }, masked).position), [null, 1, null]);
});

test('the stack is the one named, or the first', () => {
  assert.equal(stackOf({ ...DEFAULTS, stack: 'cross' }, T5).name, 'cross');
  assert.equal(stackOf(DEFAULTS, T5).name, 'encoder');
});

test('an encoder-decoder is asked for its first prediction that is no special token', () => {
  const run = (/** @type {boolean[]} */ ...special) => ({ ...T5, tokens: { ...T5.tokens, decoder: special.map((one, index) => ({ index, special: one })) } });
  const at = (of, position = null) => aimed({ ...DEFAULTS, position, query: 1 }, of, { mask: '[MASK]' }, true).position;
  assert.equal(at(run(true, false, false)), 0, 'T5 and dates: behind the start');
  assert.equal(at(run(true, true, false, false, true)), 1, 'BART begins with two special tokens');
  assert.equal(at(run(true, false, false), 2), 2, 'what is chosen is kept');
  assert.equal(at(run(true)), null, 'an empty answer: the server takes the last');
  assert.equal(at(BERT), null);
});

test('a view of a prediction asks at the position that is chosen, else at the pinned token where the model predicts', () => {
  const decoder = { tokens: { decoder: [0, 1, 2].map(token) } };
  const at = (/** @type {object} */ state, run = decoder, ofPrediction = true) => aimed({ ...DEFAULTS, ...state }, run, { mask: '[MASK]' }, ofPrediction).position;
  assert.equal(at({ position: 2, query: 1 }), 2);
  assert.equal(at({ query: 1 }), 1);
  assert.equal(at({ query: 50 }), null);
  assert.equal(at({}), null, 'the next word of a decoder stays the last');
  assert.equal(at({ query: 1 }, decoder, false), null, 'other views pin what they like');
  const masked = { tokens: { encoder: ['a', '[MASK]', '[MASK]'].map((text, index) => ({ text, index })) } };
  assert.deepEqual([0, 1, 2].map((query) => at({ query }, masked)), [null, 1, 2], 'of a masked model only its masks');
  assert.equal(at({ query: 2 }, T5), null, 'a pinned token of the encoder is no position of the decoder');
});

test('whether the strip shows the tokens that predict', () => {
  assert.deepEqual([null, 'encoder', 'decoder', 'cross'].map((stack) => stripPredicts({ stack }, T5)), [false, false, true, true]);
  assert.equal(stripPredicts({ stack: null }, BERT), true);
});

test('a block of a pair of sentences', () => {
  const pair = { ...BERT, tokens: { encoder: [0, 0, 1].map((segment, index) => ({ index, segment })) } };
  const block = (segments, run = pair) => blockOf({ ...DEFAULTS, segments }, run);
  assert.deepEqual(block(null), { rows: [0, 3], cols: [0, 3] });
  assert.deepEqual(block('ab'), { rows: [0, 2], cols: [2, 3] });
  assert.deepEqual(block('ba'), { rows: [2, 3], cols: [0, 2] });
  assert.deepEqual(block('ab', BERT), { rows: [0, 3], cols: [0, 3] }, 'one sentence has no blocks');
});

test('what is hidden, as the API takes it', () => {
  assert.equal(hideOf({ hideSpecial: false, hideSink: false }), undefined);
  assert.equal(hideOf({ hideSpecial: true, hideSink: true }), 'special,sink');
});

test('the second sentence and the target go only to models that take them', () => {
  const state = { ...DEFAULTS, model: 'm', text: 'a', pair: 'b', target: 'c' };
  assert.deepEqual(requestOf(state, { kind: 'encoder', pairs: true }), { model: 'm', text: 'a', pair: 'b', target: null });
  assert.deepEqual(requestOf(state, { kind: 'encoder', pairs: false }), { model: 'm', text: 'a', pair: null, target: null });
  assert.deepEqual(requestOf(state, { kind: 'decoder', pairs: false }), { model: 'm', text: 'a', pair: null, target: null });
  assert.deepEqual(requestOf(state, { kind: 'encoder-decoder', pairs: false }), { model: 'm', text: 'a', pair: null, target: 'c' });
  assert.deepEqual(requestOf(state, null), { model: 'm', text: 'a', pair: 'b', target: 'c' });
});

const BOOT = {
  version: '', default_model: 'minilm',
  examples: [{ title: '', note: '', model: 'minilm', text: 'first', selection: { layer: 3, query: 9 } }, { title: '', note: '', model: 'smollm2', text: 'second', pair: 'p' }],
};

test('the page opens on the first example and what is to be seen in it', () => {
  assert.deepEqual(opening(BOOT, DEFAULTS), { ...DEFAULTS, model: 'minilm', text: 'first', layer: 3, query: 9 });
});

test('a link without a text takes an example of its model, and keeps what it says', () => {
  const link = { ...DEFAULTS, model: 'smollm2', view: 'map', layer: 1 };
  assert.deepEqual(opening(BOOT, link), { ...link, text: 'second', pair: 'p' });
  assert.deepEqual(opening(BOOT, { ...DEFAULTS, model: 'other' }), { ...DEFAULTS, model: 'other', text: 'first' });
});

test('a link with a text is taken as it is; nothing is invented without examples', () => {
  assert.deepEqual(opening(BOOT, { ...DEFAULTS, text: 'mine' }), { ...DEFAULTS, model: 'minilm', text: 'mine' });
  assert.deepEqual(opening({ ...BOOT, examples: [] }, DEFAULTS), { ...DEFAULTS, model: 'minilm' });
  assert.deepEqual(asked(BOOT.examples[0]), { model: 'minilm', text: 'first', pair: null, target: null });
});
