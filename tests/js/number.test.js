// What may be typed into a field for a number.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowed, numberOf } from '../../static/js/number.js';

const STEPS = { min: 1, max: 256, whole: true };
const SHARE = { min: 0, max: 1, whole: false };

test('a number is taken within its bounds, whole where it must be', () => {
  const steps = ['1', '256', ' 20 ', '0', '257', '1.5', '-3', '', ' ', 'x', '1e2', 'NaN', 'Infinity'];
  assert.deepEqual(steps.map((typed) => numberOf(typed, STEPS)), [1, 256, 20, null, null, null, null, null, null, null, 100, null, null]);
  assert.deepEqual(['0', '1', '.5', '1.01', '-0.1'].map((typed) => numberOf(typed, SHARE)), [0, 1, 0.5, null, null]);
});

test('what is allowed is said', () => {
  assert.equal(allowed(STEPS), 'Write a whole number from 1 to 256.');
  assert.equal(allowed(SHARE), 'Write a number from 0 to 1.');
});
