import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meant } from '../../static/js/components/picker.js';
import { doubt, exampleOf, sameDraft } from '../../static/js/drafts.js';

const EXAMPLES = [
  { model: 'minilm', text: 'A cat.', note: 'one' },
  { model: 'minilm', text: 'A cat.', pair: 'It sat.', note: 'two' },
];
const draft = (text, pair = null, target = null) => ({ text, pair, target });

test('an example’s note is of its model, its text and its second sentence, as run and as written', () => {
  const of = (model, run, written) => exampleOf(EXAMPLES, { model, ...run }, written)?.note ?? null;
  assert.equal(of('minilm', draft('A cat.'), draft('A cat.')), 'one');
  assert.equal(of('minilm', draft('A cat.', 'It sat.'), draft('A cat.', 'It sat.')), 'two');
  assert.equal(of('gpt2', draft('A cat.'), draft('A cat.')), null, 'another model');
  assert.equal(of('minilm', draft('A cat.'), draft('A cat!')), null, 'an edit that was not sent');
  assert.equal(of('minilm', draft('A dog.'), draft('A cat.')), null, 'another text was run');
  assert.equal(of('minilm', draft('A cat.'), draft('A cat.', 'It sat.')), null, 'half of it');
});

test('an empty box is none, and ends of lines are one', () => {
  assert.ok(sameDraft(draft('a\r\nb', ''), draft('a\nb')));
  assert.ok(!sameDraft(draft('a', 'b'), draft('a')));
  assert.ok(!sameDraft(draft('a', null, 'b'), draft('a')));
  assert.ok(!sameDraft(draft('a '), draft('a')));
});

test('an answer of dates to what is no date is doubted', () => {
  for (const text of ['hello world', 'Maybe marching', 'decent']) assert.match(doubt({ model: 'dates', text }), /only written dates/);
  for (const text of ['4/7', 'the first of March', 'sept', 'May', 'DECEMBER the tenth']) assert.equal(doubt({ model: 'dates', text }), '');
  assert.equal(doubt({ model: 'other', text: 'hello world' }), '');
});

test('a model is meant in any case of letters, exactly written ones first', () => {
  const models = [{ id: 'MiniLM' }, { id: 'minilm' }, { id: 'GPT2' }];
  assert.deepEqual(['minilm', 'MiniLM', 'gpt2', 'org/Other'].map((typed) => meant(models, typed)), ['minilm', 'MiniLM', 'GPT2', 'org/Other']);
});
