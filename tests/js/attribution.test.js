import assert from 'node:assert/strict';
import { test } from 'node:test';

import { blanks, cellText, kindsOf, largestOf, partsOf, remainder, table } from '../../static/js/views/attribution_words.js';
import { signed } from '../../static/js/views/parts.js';
import { saliency } from '../../static/js/views/saliency.js';
import { adds, short } from '../../static/js/views/saliency_words.js';
import { DEFAULTS } from '../../static/js/store.js';

const DATA = {
  run: 'r', position: 3, token: { id: 5, text: ' a', logit: 2 }, against: null, total: 2.5,
  embedding: [{ name: 'token', value: 0.25 }, { name: 'position', value: -0.5 }],
  attention: [{ stack: /** @type {const} */ ('decoder'), heads: [[1, -2], [0.5, 0]], bias: [0.125, 0] }],
  mlp: [3, 0.25], mlp_bias: [0, 0.0625], norm_bias: 0.5, head_bias: -0.6875, parts: 2.5, remainder: 0, checks: [],
};

test('a cell has two digits, and what is next to nothing none, which is said', () => {
  assert.deepEqual([1.364, -0.134, 0.0049, -0.005, -12.3, null].map(cellText), ['1.4', '−.13', '', '−.01', '−12', '']);
  assert.equal(blanks([1, -0.0049]), 'A cell without a number wrote less than 0.005 either way.');
  assert.equal(blanks([1, -0.005]), '');
});

test('the parts and the kinds sum to the same', () => {
  const sum = (/** @type {{value: number}[]} */ list) => list.reduce((total, { value }) => total + value, 0);
  assert.equal(sum(partsOf(DATA)), 2.5);
  assert.equal(sum(kindsOf(DATA)), 2.5);
  assert.deepEqual(kindsOf(DATA).map(({ name, value }) => [name, value]), [
    ['embedding of the token', 0.25], ['embedding of the position', -0.5], ['heads', -0.5], ['MLPs', 3.25], ['biases', 0],
  ].filter(([, value]) => value !== 0));
});

test('the largest parts come first, whatever their sign', () => {
  assert.deepEqual(largestOf(DATA, 3).map(({ name }) => name), ['MLP 0', 'head 0.1', 'head 0.0']);
  assert.deepEqual(table(DATA).rows.at(-1), ['total', null, null, null, 2.5]);
});

test('numbers are written with their sign, and small ones are not nothing', () => {
  assert.deepEqual([2.8549, -0.041, 2.1e-6, 0].map(signed), ['+2.855', '−0.041', '+2.1e-6', '+0.000']);
  assert.match(remainder({ ...DATA, remainder: -2e-6 }), /remainder is −2\.0e-6/);
});

test('saliency says what its scores sum to, and what is missing', () => {
  const data = {
    run: 'r', method: /** @type {const} */ ('integrated-gradients'), position: 3, token: 5, text: ' a', against: null, against_text: null,
    tokens: { decoder: [1, 2] }, value: -1, baseline: -4.125, total: 3, gap: -0.125, steps: 40, checks: [],
  };
  assert.match(adds(data), /sum to \+3\.000.*changes by \+3\.125.*is −0\.125, after 40 gradients/);
  assert.equal(short(data), false);
  const failed = { ...data, checks: [{ name: 'scores-sum-to-the-change', value: 0.3, limit: 0.05, ok: false }] };
  assert.equal(short(failed), true);
  assert.match(adds(failed), /^40 gradients were not enough: the scores sum to \+3\.000, and .* changes by \+3\.125\. Read them as a rough guide only\.$/);
  assert.equal(adds(failed).split('3.000').length + adds(failed).split('3.125').length, 4, 'each sum once');
  assert.match(adds({ ...data, method: 'gradient-x-input' }), /add up, where enough steps are taken, and the view says whether they do\.$/);
});

test('an integral takes the gradients of the selection', () => {
  const run = /** @type {any} */ ({ tokens: { decoder: [{ index: 0 }] }, stacks: [] });
  const asked = (/** @type {object} */ state) => saliency.needs({ ...DEFAULTS, ...state }, run, null)?.saliency;
  assert.deepEqual(asked({}), { method: 'gradient-x-input' });
  assert.deepEqual(asked({ method: 'integrated-gradients' }), { method: 'integrated-gradients', steps: 128 });
  assert.deepEqual(asked({ method: 'integrated-gradients', gradients: 512 }), { method: 'integrated-gradients', steps: 512 });
});
