import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changes, createStore, DEFAULTS } from '../../static/js/store.js';

test('a listener hears once of a change, and of what changed', () => {
  const store = createStore({ model: 'minilm' });
  const heard = [];
  store.subscribe((state, changed) => heard.push([state.layer, state.head, [...changed].sort()]));
  store.set({ layer: 3, head: 7, model: 'minilm' });
  assert.deepEqual(heard, [[3, 7, ['head', 'layer']]]);
});

test('setting what is there already is no change, for lists too', () => {
  const store = createStore({ heads: [1, 2], temperature: NaN });
  let heard = 0;
  store.subscribe(() => { heard += 1; });
  store.set({ heads: [1, 2], layer: 0, temperature: NaN });
  assert.equal(heard, 0);
  store.set({ heads: [2, 1] });
  assert.equal(heard, 1);
});

test('who has left hears nothing; one that leaves while it is called disturbs no other', () => {
  const store = createStore();
  const heard = [];
  const leave = store.subscribe(() => { heard.push('first'); leave(); });
  store.subscribe(() => heard.push('second'));
  store.set({ layer: 1 });
  store.set({ layer: 2 });
  assert.deepEqual(heard, ['first', 'second', 'second']);
});

test('a change made by a listener is heard in full', () => {
  const store = createStore();
  const layers = [];
  store.subscribe((state) => { if (state.layer === 9) store.set({ layer: 5 }); });
  store.subscribe(() => layers.push(store.get().layer));
  store.set({ layer: 9 });
  assert.equal(layers.at(-1), 5);
});

test('the state cannot be changed from outside', () => {
  const store = createStore();
  assert.throws(() => { store.get().layer = 4; }, TypeError);
  assert.throws(() => { DEFAULTS.layer = 4; }, TypeError);
});

test('hover is apart from the selection, and is told once', () => {
  const store = createStore();
  const seen = [];
  store.subscribe(() => assert.fail('hover is no selection'));
  store.subscribeHover((hover) => seen.push({ ...hover }));
  store.setHover({ query: 2 });
  store.setHover({ query: 2 });
  store.setHover({ key: 4 });
  assert.deepEqual(seen, [{ query: 2, key: null }, { query: 2, key: 4 }]);
  assert.deepEqual({ ...store.hover }, { query: 2, key: 4 });
});

test('changes names exactly what differs', () => {
  assert.deepEqual(changes(DEFAULTS, { ...DEFAULTS, pair: '', topP: 0.9 }), new Set(['pair', 'topP']));
});

test('another model or text leaves behind what only the one before had', () => {
  const edits = ['head.decoder.1.2', 'token.decoder.3', 'layer.decoder.0', 'edge.decoder.1.2.3.0'];
  const store = createStore({ model: 'a', text: 'x', edits, against: 7 });
  store.set({ text: 'x', layer: 1 });
  assert.deepEqual(store.get().edits, edits);
  store.set({ text: 'y' });
  assert.deepEqual(store.get().edits, ['head.decoder.1.2', 'layer.decoder.0']);
  assert.equal(store.get().against, 7);
  store.set({ model: 'b', text: 'y', edits: ['head.encoder.0.0'] });
  assert.deepEqual([store.get().edits, store.get().against], [['head.encoder.0.0'], null], 'what comes with the change stays');
  store.set({ model: 'a' });
  assert.equal(store.get().edits, null);
});

test('a changed word goes with its text, a text to compare with stays', () => {
  const store = createStore({ model: 'a', text: 'x' });
  store.set({ view: 'whatif', otherText: 'x!' });
  store.set({ model: 'b', masks: null, view: 'map' });
  assert.equal(store.get().otherText, 'x!', 'the same text on another model');
  store.set({ text: 'y' });
  assert.equal(store.get().otherText, null);
  store.set({ view: 'whatif', otherText: 'y!' });
  store.set({ masks: ['0:0:1'] });
  assert.equal(store.get().otherText, null, 'with another mask it is another text');
  store.set({ view: 'compare', otherText: 'z' });
  store.set({ view: 'whatif' });
  store.set({ text: 'w' });
  assert.equal(store.get().otherText, 'z');
  store.set({ text: 'v', otherText: 'q' });
  assert.equal(store.get().otherText, 'q', 'what comes with the change stays');
  const linked = createStore({ text: 'x', view: 'whatif', otherText: 'x!' });
  linked.set({ text: 'y' });
  assert.equal(linked.get().otherText, null, 'of a link');
});

test('what was written on a text does not go with another text, model or mask', () => {
  for (const change of [{ text: 'y' }, { model: 'b' }, { target: 'z' }, { masks: ['0:0:1'] }]) {
    const store = createStore({ model: 'a', text: 'x', prefix: [1, 2] });
    store.set({ text: 'x', masks: null, temperature: 0.5 });
    assert.deepEqual(store.get().prefix, [1, 2]);
    store.set(change);
    assert.equal(store.get().prefix, null, JSON.stringify(change));
  }
});
