import assert from 'node:assert/strict';
import { test } from 'node:test';
import { named, plain, shorten, thin, weight } from '../../static/js/ticks.js';

test('weights have three decimals, four where small, and what is unknown is a dash', () => {
  assert.equal(weight(0.41234), '0.412');
  assert.equal(weight(1), '1.000');
  assert.equal(weight(0.01), '0.010');
  assert.equal(weight(0.00996), '0.0100');
  assert.equal(weight(0.00123), '0.0012');
  assert.equal(weight(0.00004), '<0.0001');
  assert.equal(weight(0), '0.000');
  for (const nothing of [null, undefined, NaN]) assert.equal(weight(nothing), '–');
});

test('text is cut by characters, never through one', () => {
  assert.equal(shorten('animal', 6), 'animal');
  assert.equal(shorten('animals', 6), 'anima…');
  assert.equal(shorten('👩👩👩', 2), '👩…');
});

test('what Plotly would read as markup is shown as it is', () => {
  assert.equal(plain('<b>x</b> &amp; <a href="x">'), '&lt;b&gt;x&lt;/b&gt; &amp;amp; &lt;a href="x"&gt;');
});

test('ticks are every token when there is room, else round steps that keep their distance', () => {
  assert.deepEqual(thin(0, 4, 400, 15), [0, 1, 2, 3]);
  assert.deepEqual(thin(0, 100, 500, 15), [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95]);
  for (const [from, to, pixels] of [[0, 500, 640], [137, 260, 300], [0, 2048, 250]]) {
    const picked = thin(from, to, pixels, 15);
    assert.ok(picked.every((i) => i >= from && i < to));
    assert.ok(picked.length > 1);
    assert.ok(((picked[1] - picked[0]) * pixels) / (to - from) >= 15);
  }
});

test('a token is named by its text and its place', () => {
  assert.equal(named({ display: ' animal' }, 2), '·animal (2)');
  assert.equal(named(undefined, 9), 'token 9');
});
