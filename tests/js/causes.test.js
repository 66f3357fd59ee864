import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitting, inWords, read, readAll, write } from '../../static/js/knockouts.js';
import { agreement } from '../../static/js/views/causes_maps.js';
import { inCell, measured, rankCorrelation, strongest, table, verdict, written } from '../../static/js/views/causes_words.js';

const token = (display, index) => ({ display, index, id: index, text: display });
const RUN = {
  tokens: { decoder: ['When', ' Mary', ' to'].map(token) },
  stacks: [{ name: 'decoder', layers: 3, heads: 4, rows: 3, cols: 3 }],
};
const EDITS = ['head.decoder.1.3', 'layer.decoder.2', 'token.decoder.1', 'edge.decoder.1.3.2.0', 'edge.decoder.1.*.2.1.drop', 'edge.decoder.*.*.2.1'];

test('every edit comes back from its text', () => {
  for (const text of EDITS) assert.equal(write(read(text)), text);
  assert.deepEqual(read('edge.decoder.*.*.2.1'), { kind: 'edge', stack: 'decoder', query: 2, key: 1, edge: 'resoftmax' });
  assert.deepEqual(read('edge.cross.1.*.2.1.drop'), { kind: 'edge', stack: 'cross', layer: 1, query: 2, key: 1, edge: 'drop' });
  assert.equal(readAll(null).length, 0);
});

test('what names nothing is no edit', () => {
  const wrong = ['', 'head', 'head.decoder', 'head.decoder.1', 'head.decoder.1.*', 'layer.decoder.*', 'head.decoder.1.2.3', 'token.decoder.1.2', 'token.decoder.x',
    'neuron.decoder.1', 'head.other.1.2', 'edge.decoder.1.2.3', 'edge.decoder.*.1.2.3', 'edge.decoder.1.1.*.2', 'head.decoder.1.2.drop', 'token.decoder.-1', 'edge.decoder.1.2.3.4.droop'];
  for (const text of wrong) assert.equal(read(text), null, text);
});

test('edits that the run does not have are left out', () => {
  assert.deepEqual(fitting([...EDITS, 'head.decoder.3.0', 'head.decoder.0.4', 'token.decoder.3', 'layer.cross.0', 'edge.decoder.0.0.3.0'], RUN), EDITS);
  assert.equal(fitting(['layer.decoder.9'], RUN), null);
  assert.equal(fitting(null, RUN), null);
});

test('edits in words', () => {
  const words = EDITS.map((text) => inWords(read(text), RUN));
  assert.deepEqual(words, ['head 1.3', 'attention of layer 2', 'token ·Mary (1)', 'edge ·to (2) → When (0), head 1.3',
    'edge ·to (2) → ·Mary (1), layer 1, every head, dropped', 'edge ·to (2) → ·Mary (1), every layer']);
  const both = { ...RUN, tokens: { ...RUN.tokens, encoder: RUN.tokens.decoder }, stacks: [...RUN.stacks, { ...RUN.stacks[0], name: 'cross' }] };
  assert.equal(inWords(read('head.cross.0.1'), both), 'head 0.1, cross');
});

const STACK = RUN.stacks[0];

test('layers are filled in as they come', () => {
  const first = measured(null, { layer: 0, kl: [0, 1, 2, 3], change: [0, -1, 0, 1], difference: null }, STACK);
  assert.equal(first.done, 1);
  assert.deepEqual(first.kl, [[0, 1, 2, 3], [null, null, null, null], [null, null, null, null]]);
  assert.equal(first.difference, null);
  assert.equal(measured(first, { stage: 'effects', done: 1, total: 3, message: 'head 2' }, STACK), first, 'a word between changes nothing');
  const second = measured(first, { layer: 1, kl: [9, 0, 0, 0], change: [1, 1, 1, 1], difference: null }, STACK);
  assert.deepEqual(second.kl[1], [9, 0, 0, 0]);
  assert.equal(first.kl[1][0], null, 'what was shown stays');
});

test('the strongest are those furthest from zero', () => {
  const found = strongest([[0.1, -3], [null, 2]], 2);
  assert.deepEqual(found, [{ layer: 0, head: 1, value: -3 }, { layer: 1, head: 1, value: 2 }]);
});

test('rank correlation', () => {
  assert.equal(rankCorrelation([1, 2, 3, 4], [10, 20, 30, 400]), 1);
  assert.equal(rankCorrelation([1, 2, 3, 4], [4, 3, 2, 1]), -1);
  assert.equal(rankCorrelation([1, 1, 1], [1, 2, 3]), null);
  assert.ok(Math.abs(rankCorrelation([1, 2, 2, 4], [1, 3, 2, 4]) - 0.9486832980505138) < 1e-12, 'ties share their mean rank');
  assert.equal(rankCorrelation([null, 1, 2], [5, 1, 2]), 1, 'what is not known is left out');
});

test('numbers as they are written', () => {
  assert.deepEqual([-3.0437, 0.004, -0.001].map((value) => written(value, true)), ['−3.04', '+0.00', '−0.00']);
  assert.deepEqual([0.2427, null].map((value) => written(value, false)), ['0.243', '–']);
  assert.deepEqual([-3.04, -0.851, -0.001, 0.5, -11.96].map((value) => inCell(value, true)), ['−3.0', '−.85', '.00', '.50', '−12']);
});

const choice = (text, rank, softmax) => ({ id: rank, text, logit: 1, softmax, rank });
const BEFORE = [choice(' Mary', 0, 0.923), choice(' John', 1, 0.02)];
const FOUND = { position: 13, before: BEFORE, edits: null, edge: { query: 13, key: 1 } };

test('the verdict says whether it flips, how far, and what is held against it', () => {
  assert.match(verdict(FOUND), /^The model predicts “Mary” with 92\.3%/);
  const edits = { after: [choice(' John', 0, 0.5)], kl: 3.31, flips: true, changes: [], difference: null };
  assert.equal(verdict({ ...FOUND, edits }), 'The prediction flips from “Mary” to “John”. KL 3.310 nats.');
  const more = { ...edits, flips: false, kl: 0.0001, difference: { token: 0, against: 1, before: 6.12, after: -2.9, change: -9.02 } };
  assert.equal(verdict({ ...FOUND, edits: more }), 'The prediction stays “Mary”. KL 1.0e-4 nats. “Mary” minus “John”: 6.12 → −2.90 (−9.02).');
});

test('the table is of the heads once all are measured, else of the candidates', () => {
  const effects = { kl: [[0.1, 0.2]], change: [[-1, 1]], difference: [[2, 3]], done: 1 };
  const of = table(FOUND, effects, [[0.5, 0.25]], { ablation: 'zero' });
  assert.deepEqual(of.columns, ['layer', 'head', 'kl', 'change', 'difference', 'attention']);
  assert.deepEqual(of.rows, [[0, 0, 0.1, -1, 2, 0.5], [0, 1, 0.2, 1, 3, 0.25]]);
  assert.equal(table(FOUND, { ...effects, done: 0 }, null, { ablation: 'zero' }).rows.length, 2);
});

test('two pictures agree, say little of each other or tell opposite stories; tiny effects are not ranked', () => {
  const looks = [[0.1, 0.2], [0.3, 0.4]];
  const says = (/** @type {number[][]} */ effect) => agreement(effect, looks, [[0, 0], [0.005, 0]]);
  assert.match(says([[1, 2], [3, 4]]), /1\.00; here they tell much the same story/);
  assert.match(says([[-1, 2], [-4, 3]]), /0\.80; here/, 'by the size');
  assert.match(says([[1, 4], [2, 3]]), /0\.40; they agree in part/);
  assert.match(says([[4, 3], [1, 2]]), /−0\.80; they tell opposite stories/);
  assert.match(says([[2, 4], [1, 3]]), /0\.00; where a head looks says little/);
  assert.match(agreement([[4, 3], [1, 2]], looks, [[0.0031, 0], [0.001, null]]), /too small to rank: no head moves the prediction by more than 0\.003 nats/);
  assert.equal(agreement([[1, 1], [1, 1]], looks, [[1, 1], [1, 1]]), '');
});
