import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULTS } from '../../static/js/store.js';
import { fromUrl, misread, MOST_PREFIX, toUrl } from '../../static/js/url.js';

const read = (/** @type {string} */ link) => {
  const url = new URL(link, 'http://127.0.0.1');
  return fromUrl(url.search, url.hash);
};

const FULL = {
  ...DEFAULTS, model: 'org/name@rev', text: 'a & b = c # d + e % f\n“ü” 👩‍👩‍👧 ', pair: 'x=1&y=2', target: '<img src=x onerror=alert(1)>', stack: 'cross',
  layer: 11, head: 3, heads: [0, 5, 11], query: 0, key: 12, lens: 'rollout', view: 'map', temperature: 0.7, topK: 50, topP: 0.95, minP: 0.05, position: 0,
  rows: [2, 40], cols: [0, 7], scale: 'linear', search: 'Mary & John', draw: 0, prefix: [28, 0, 49151],
  gridColour: 'entropy', role: 'sink', roleX: 'span', roleY: 'distance', sort: 'first-up', gradients: 512,
};

test('a link restores everything', () => {
  assert.deepEqual(read(toUrl(FULL)), FULL);
});

test('any text comes back as it was', () => {
  for (const text of ['', ' ', '&', '#', '%', '%41', '+', '?', '=', '\u0000', '\r\n', '\t', '\u202eabc', 'é', 'e\u0301', '\ufeff', '𝔸', "'", '"', 'text=1&pair=2']) {
    const state = { ...DEFAULTS, text: `a${text}b`, pair: text || null };
    assert.deepEqual(read(toUrl(state)), state, JSON.stringify(text));
  }
});

test('no text is in the part that a browser sends', () => {
  const link = new URL(toUrl({ ...FULL, text: 'SECRET', pair: 'SECRET', target: 'SECRET', search: 'SECRET' }), 'http://127.0.0.1');
  assert.ok(!(link.pathname + link.search).includes('SECRET'));
  assert.ok(!link.search.includes('49151'), 'ids are words too');
  assert.ok(link.hash.includes('SECRET'));
});

test('what is the default is left out', () => {
  assert.equal(toUrl(DEFAULTS), '/');
  assert.equal(toUrl({ ...DEFAULTS, model: 'minilm', layer: 3, text: 'hi' }), '/?model=minilm&layer=3#text=hi');
});

test('an empty second sentence is not the same as none', () => {
  assert.equal(read(toUrl({ ...DEFAULTS, text: 'a', pair: '' })).pair, '');
  assert.equal(read(toUrl({ ...DEFAULTS, text: 'a', pair: null })).pair, null);
});

test('what cannot be read is ignored, and the rest is kept', () => {
  const bad = '/?view=nope&layer=-1&head=1.5&heads=1,x&query=1e3&lens=magic&temperature=-1&top_p=2&min_p=NaN&top_k=&stack=encoders&key=99999999&gradients=200&position=4';
  assert.deepEqual(read(bad), { ...DEFAULTS, position: 4 });
  assert.equal(read(`/?model=${'x'.repeat(201)}`).model, '');
  assert.deepEqual(read('/?heads=3,3,1').heads, [3, 1]);
  assert.deepEqual(read('/?edits=head.decoder.1.2,nonsense,head.decoder.1.2,token.encoder.3').edits, ['head.decoder.1.2', 'token.encoder.3']);
});

test('ids that were written are taken where they can be ids, and not without end', () => {
  const prefix = (/** @type {string} */ text) => read(`/#text=a&prefix=${text}`).prefix;
  assert.deepEqual(prefix('5,0,49151'), [5, 0, 49151]);
  for (const bad of ['', ',', '5,', '-1', '1.5', '12345678', '5 6', '5,x', `0${',1'.repeat(MOST_PREFIX)}`]) assert.equal(prefix(bad), null, bad.slice(0, 20));
  assert.equal(prefix(`0${',1'.repeat(MOST_PREFIX - 1)}`)?.length, MOST_PREFIX);
  assert.deepEqual(misread('', '#text=a&prefix=5,x&search=b'), [{ name: 'prefix', value: '5,x', known: true, read: null }]);
});

test('what is not taken as it is written is named, and nothing else', () => {
  const named = (/** @type {string} */ link) => {
    const url = new URL(link, 'http://127.0.0.1');
    return misread(url.search, url.hash).map(({ name, known, read }) => [name, known, read]);
  };
  assert.deepEqual(named(toUrl(FULL)), []);
  assert.deepEqual(named('/?view=nope&layer=-1&head=2&temperature=1e9&heads=3,3,1&who=me#text=a&colour=red'),
    [['view', true, null], ['layer', true, null], ['temperature', true, null], ['heads', true, '3,1'], ['who', false, null], ['colour', false, null]]);
});
