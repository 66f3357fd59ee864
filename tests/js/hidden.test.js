import assert from 'node:assert/strict';
import { test } from 'node:test';
import { briefly, inName, sentence } from '../../static/js/hidden.js';
import { DEFAULTS } from '../../static/js/store.js';

const token = (display, index) => ({ index, display, segment: index < 2 ? 0 : 1, special: display.startsWith('[') });
const ITEMS = ['[CLS]', 'a', 'b', '[SEP]'].map(token);
const TOKENS = { rows: ITEMS, cols: ITEMS };
const META = { heads: [0, 1, 2], bounded: true, hide: [], hidden_rows: [], hidden_cols: [], sinks: null };
const says = (state, meta = {}, heads = [0, 1, 2], top = 1) => sentence({ ...DEFAULTS, ...state }, { ...META, ...meta }, top, TOKENS, heads);

test('nothing hidden, nothing said', () => {
  assert.equal(says({}), '');
  assert.equal(briefly(DEFAULTS), '');
  assert.equal(inName(DEFAULTS), '');
});

test('what is hidden is named', () => {
  assert.equal(says({ hideSpecial: true }, { hide: ['special'], hidden_rows: [0, 3], hidden_cols: [0, 3] }), 'Hidden: special tokens ([CLS], [SEP]). What is left is not renormalised.');
  assert.match(says({}, { hide: ['special'] }), /special tokens \(there are none\)/);
  assert.match(says({}, { hide: ['sink'], sinks: [[0, 3, 0]] }), /each head’s sink: \[CLS\] \(0\) in 2 heads, \[SEP\] \(3\) in 1 head\./);
  assert.match(says({}, { hide: ['sink'], sinks: [[0, null, null]] }), /\[CLS\] \(0\) in 1 head, none in 2 heads\./);
  assert.match(says({}, { hide: ['sink'], sinks: [[0, 3, 0]] }, [1]), /Hidden: the sink, \[SEP\] \(3\)\./);
  assert.match(says({}, { hide: ['sink'], sinks: [[null]], heads: [] }, [0]), /sinks \(none: no key that 8 queries can see takes more than 30% of it\)/);
  assert.match(says({ least: 0.05, segments: 'ab' }), /Hidden: all but A → B; weights below 0.05\./);
  assert.match(says({ least: 0.05 }, { bounded: false }, [0], 12), /values below 5% of the largest, 0.6\./);
});

test('the short form for captions and names of files', () => {
  const state = { ...DEFAULTS, group: 'word', segments: 'ba', hideSpecial: true, hideSink: true, least: 0.05 };
  assert.equal(briefly(state), 'in words, only B → A, without special tokens, without sinks, without weights below 0.05');
  assert.match(briefly(state, false), /without values below 5% of the largest$/);
  assert.equal(inName(state), '-words-ba-no-special-no-sinks-least0.05');
});
