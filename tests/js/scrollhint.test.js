import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sides } from '../../static/js/scrollhint.js';

test('on which sides there is more', () => {
  assert.equal(sides(0, 300, 300), null);
  assert.equal(sides(0, 300, 301), null, 'a pixel of rounding is nothing');
  assert.equal(sides(0, 300, 500), 'right');
  assert.equal(sides(100, 300, 500), 'both');
  assert.equal(sides(200, 300, 500), 'left');
});
