import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULTS } from '../../static/js/store.js';
import { next } from '../../static/js/views/next.js';
import { figure } from '../../static/js/views/next_figure.js';
import { seedOf } from '../../static/js/views/next_pipeline.js';
import { facts } from '../../static/js/views/next_words.js';

const LOOK = { ink: '#000', ink2: '#111', ink3: '#222', line: '#ccc', paper: '#fff', paper2: '#eee', accent: '#850', glow: '#fb0', ui: 'sans', text: 'serif' };
const decoder = { stacks: [{ name: 'decoder', rows: 9, cols: 9 }], tokens: { decoder: [] } };
const candidate = (id, text, logit, softmax, probability) => ({ id, text, logit, softmax, probability, kept: probability > 0, rank: id });
const DATA = {
  position: 8, vocab: 1000, entropy: 1, entropy_after: 0.5623, draw: { u: 0.1, id: 0, text: ' Mary' }, checks: [],
  candidates: [candidate(0, ' Mary', 3, 0.6, 0.75), candidate(1, '<i>', -1, 0.2, 0.25), candidate(2, '\n', -2, 0.1, 0)],
  target: candidate(1, '<i>', -1, 0.2, 0.25),
  pipeline: [{ step: 'temperature', kept: 1000, removed_mass: 0 }, { step: 'top-k', kept: 2, removed_mass: 0.2 }],
};

test('a model without a language head is asked nothing', () => {
  assert.equal(next.needs(DEFAULTS, decoder, { language_head: false }), null);
  const { logits } = next.needs({ ...DEFAULTS, temperature: 0.5, topK: 4, search: 'ma', draw: 0 }, decoder, { language_head: true });
  assert.deepEqual(logits, { temperature: 0.5, top_k: 4, top_p: 1, min_p: 0, limit: 20, search: 'ma', draw: 0 });
});

test('a logit that is not finite is said, and the others are drawn as ever', () => {
  const given = { ...DATA, candidates: [candidate(0, 'a', null, null, null), ...DATA.candidates] };
  const { data: [logits], layout } = figure({ data: given, width: 700, look: LOOK });
  assert.deepEqual(logits.text, ['not finite', '3.00', '-1.00', '-2.00']);
  assert.equal(logits.x[0], 0, 'no bar');
  assert.ok(layout.xaxis.range.every(Number.isFinite));
  const before = figure({ data: DATA, width: 700, look: LOOK }).data[0];
  assert.deepEqual(logits.x.slice(1), before.x);
  const none = figure({ data: { ...DATA, candidates: [candidate(0, 'a', null, null, null)] }, width: 700, look: LOOK });
  assert.ok([...none.layout.xaxis.range, ...none.layout.xaxis2.range].every(Number.isFinite));
});

test('the bars are the numbers, and candidates are text', () => {
  const { data: [logits, softmax, after], layout } = figure({ data: DATA, width: 700, look: LOOK });
  DATA.candidates.forEach((c, i) => assert.ok(Math.abs(logits.base + logits.x[i] - c.logit) < 1e-12));
  assert.ok(logits.x.every((length) => length > 0), 'negative logits have bars too');
  assert.deepEqual(softmax.x, [0.6, 0.2, 0.1]);
  assert.deepEqual(after.x, [0.75, 0.25, 0]);
  assert.deepEqual(layout.yaxis.ticktext, ['◆ ·Mary', '▸ &lt;i&gt;', '⏎']);
  const words = layout.annotations.map(({ text }) => text);
  assert.ok(words.includes('0.750 (0.600)') && words.includes('dropped (0.100)'));
  assert.ok(figure({ data: DATA, width: 300, look: LOOK }).layout.annotations.some(({ text }) => text === '0.750'));
});

test('the facts say how sure the model was, how many are left, and that 0 is greedy', () => {
  const words = facts(DATA, DEFAULTS);
  assert.match(words, /1\.00 nats/);
  assert.match(words, /among 2\.7 equal/);
  assert.match(words, /2 of 1,000/);
  assert.match(words, /◆ was drawn/);
  assert.match(facts(DATA, { ...DEFAULTS, temperature: 0 }), /greedy/);
});

test('the entropy is said before the steps and after them, once where they change nothing', () => {
  assert.match(facts(DATA, DEFAULTS), /^Before the steps: entropy 1\.00 nats, as unsure as a choice among 2\.7 equal words; after them: 0\.56 nats, as unsure as a choice among 1\.8 equal words\. /);
  const plain = { ...DATA, pipeline: [{ step: 'temperature', kept: 1000, removed_mass: 0 }], entropy_after: 1 };
  assert.match(facts(plain, DEFAULTS), /^Entropy 1\.00 nats: as unsure as a choice among 2\.7 equal words\. All 1,000/);
  assert.match(facts({ ...plain, entropy_after: 1.5 }, { ...DEFAULTS, temperature: 2 }), /after them: 1\.50 nats/, 'temperature alone changes it too');
  assert.match(facts({ ...DATA, entropy_after: 0 }, { ...DEFAULTS, temperature: 0 }), /after them: 0\.00 nats, sure of one word\. Temperature 0 is greedy/);
  assert.match(facts({ ...DATA, entropy: null, entropy_after: null }, DEFAULTS), /^2 of 1,000/);
});

test('a seed is whole and within bounds', () => {
  assert.deepEqual(['7', '99999999', '1.5', '-3', '-0.5', '05', ''].map(seedOf), [7, 999999, 1, 0, 0, 5, null]);
});
