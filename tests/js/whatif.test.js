import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparison } from '../../static/js/comparison.js';
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
  const at = (position) => partner(units, position, 5, 8);
  assert.equal(at(2), 3);
  assert.equal(at(3), 5, 'of a stretch, its end');
  assert.equal(at(1), 2, 'of a token that was changed, the last of those in its place');
  assert.equal(at(4), 7);
  assert.deepEqual([sameStep(0, 11, 11), sameStep(6, 11, 5), sameStep(10, 11, 5)], [0, 4, 4], 'of two answers, counted from their start');
});

test('of tokens that were left out, or changed at the edges of the text', () => {
  const units = [[1, 2, 0, 1], [3, 4, 1, 2]];
  assert.equal(partner(units, 2, 6, 4), 0, 'left out: the token before it');
  assert.equal(partner(units, 0, 6, 4), null, 'left out at the start: nothing is before it');
  assert.equal(partner(units, 4, 6, 4), 3, 'behind the last that both have');
  assert.equal(partner([], 0, 3, 2), 1, 'all is another');
});

const ASKED = { other: { text: 'b' }, stack: 'decoder', layer: 0, head: 0, layer_b: null, head_b: null, size: 8 };

/** The position that the other text is asked at; null: it is not asked. */
async function askedAt(a, b, units, logits, mask) {
  const ranking = { stack: a.tokens.decoder ? 'decoder' : 'encoder', units };
  ranking.stack_b = ranking.stack;
  const told = await comparison({
    api: { compare: async () => ranking, difference: async () => ({}) }, run: async () => b, answer: async (name, params) => (name === 'logits' ? params : {}),
    again: (ask) => ask(), keep: (_, make) => make(),
  }, a, { text: 'a' }, { ...ASKED, logits, mask }, new AbortController().signal);
  return told.logits?.position ?? null;
}

const runOf = (stack, ...texts) => ({ run: texts.join(), stacks: [{ name: stack, layers: 1, heads: 1 }], tokens: { [stack]: texts.map((text, index) => ({ text, index })) } });

test('both texts are asked at the same place, and a masked model only where the other has a mask too', async () => {
  const [a, b] = [runOf('decoder', 'John', 'gave', 'to'), runOf('decoder', 'old', 'Mary', 'gave', 'to')];
  const units = [[1, 2, 2, 3], [2, 3, 3, 4]];
  assert.equal(await askedAt(a, b, units, { position: 0 }, null), 1, 'the word that was edited');
  assert.equal(await askedAt(a, b, units, {}, null), 3, 'the last');
  assert.equal(await askedAt(a, b, units, null, null), null, 'nothing is asked');
  const [m, n] = [runOf('encoder', 'a', '[MASK]', 'b', '[MASK]', '.'), runOf('encoder', 'a', 'cup', 'b', '[MASK]', '.')];
  const same = [[0, 1, 0, 1], [2, 3, 2, 3], [3, 4, 3, 4], [4, 5, 4, 5]];
  assert.equal(await askedAt(m, n, same, { position: 3 }, '[MASK]'), 3);
  assert.equal(await askedAt(m, n, same, {}, '[MASK]'), null, 'the first mask became a word: the other mask is another place');
});
