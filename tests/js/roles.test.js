import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askFor, inWords, missing, reach, ROLES, rolesOf, standing, timesNull } from '../../static/js/roles.js';
import { bar } from '../../static/js/views/roles_table.js';
import { figure, outstanding } from '../../static/js/views/roles_figure.js';
import { missingWords, nullWords, order, table } from '../../static/js/views/roles_words.js';

const LOOK = { ink: '#000', ink2: '#111', ink3: '#222', line: '#ccc', paper: '#fff', paper2: '#eee', accent: '#850', glow: '#fb0', ui: 'sans', text: 'serif' };

/** @param {Partial<Record<string, (number|null)[]>>} scores by role @param {Partial<Record<string, (number|null)[]>>} effects */
function answer(scores, effects = {}, stack = 'decoder') {
  const count = Object.values(scores)[0].length;
  const of = (list, i) => list?.[i] ?? null;
  return {
    run: 'r', stack, sink_threshold: 0.3, checks: [], warnings: [],
    heads: Array.from({ length: count }, (_, i) => ({
      layer: Math.floor(i / 2), head: i % 2, sink_key: null, ...Object.fromEntries(ROLES.map((role) => [role, of(scores[role], i)])),
      effect: Object.fromEntries(ROLES.map((role) => [role, of(effects[role], i)])),
    })),
    null: { permutations: 50, seed: 0, roles: Object.fromEntries(ROLES.map((role) => [role, { kind: 'uniform', mean: Array(count).fill(0.05), sd: Array(count).fill(0.01) }])) },
  };
}

test('long texts are followed from the start', () => {
  assert.deepEqual(askFor({ name: 'encoder', layers: 6, heads: 12, rows: 15, cols: 15 }), { stack: 'encoder' });
  assert.deepEqual(askFor({ name: 'encoder', layers: 6, heads: 12, rows: 401, cols: 401 }), { stack: 'encoder', long: true });
});

test('a decoder has no next, cross attention no role of place or identity', () => {
  assert.ok(!rolesOf('decoder').includes('next'));
  assert.deepEqual(rolesOf('cross'), ['first', 'separator', 'sink', 'entropy', 'span']);
  assert.equal(rolesOf('encoder').length, 10);
});

test('a role without a score is told apart: never in this model, or not in this text', () => {
  const data = answer({ previous: [0.1, 0.2], first: [0.1, 0.2], sink: [0.3, 0.4], entropy: [1, 1], span: [2, 2], distance: [3, 3] });
  assert.deepEqual(missing(data).map(({ role, shown }) => [role, shown]), [['next', false], ['separator', true], ['duplicate', true], ['induction', true]]);
  assert.match(missingWords(data), /No next: this model reads from left to right.*No duplicate \(–\): no token comes twice/);
});

test('a score stands against its null', () => {
  const data = answer({ previous: [0.5, 0.06] }, { previous: [45, 1] });
  const [far, near] = [standing(data, 0, 'previous'), standing(data, 1, 'previous')];
  assert.deepEqual([far.beyond, near.beyond, standing(data, 0, 'sink').beyond], [true, false, null]);
  assert.ok(Math.abs(far.times - 10) < 1e-9);
  assert.equal(inWords('previous', far), '0.500, 10 times its null of 0.050, 45 standard deviations above it');
  assert.equal(inWords('previous', near), '0.060, 1.2 times its null of 0.050, within what chance gives: 1.0 standard deviations from it');
  assert.equal(inWords('sink', standing(data, 0, 'sink')), 'does not apply');
  assert.deepEqual([0.004, 0.2, 3.14, 12.7, 5000].map(timesNull), ['0.00×', '0.2×', '3.1×', '13×', '>999×']);
});

test('bars grow with the effect, either way', () => {
  assert.equal(bar(null), 0);
  assert.ok(bar(-12) > bar(3) && bar(3) > bar(1) && bar(1e6) === 1);
});

test('sorting: the largest first, or the smallest, what does not apply last', () => {
  const data = answer({ previous: [0.2, null, 0.9, 0.2] });
  assert.deepEqual(order(data, 'head'), [0, 1, 2, 3]);
  assert.deepEqual(order(data, 'previous'), [2, 0, 3, 1]);
  assert.deepEqual(order(data, 'previous-up'), [0, 3, 2, 1]);
});

test('the table to take away has every score, null and effect', () => {
  const { columns, rows } = table(answer({ previous: [0.2, 0.9] }, { previous: [1, 8] }), 'previous');
  assert.deepEqual(columns.slice(0, 5), ['layer', 'head', 'previous', 'previous null', 'previous effect']);
  assert.deepEqual(rows[0].slice(0, 5), [0, 1, 0.9, 0.05, 8]);
  assert.ok(!columns.includes('next'));
});

test('the sentence of the null names only roles that there are', () => {
  assert.match(nullWords(answer({ previous: [1] })), /duplicate and induction.*50 times.*previous, first, separator and distance/);
  assert.doesNotMatch(nullWords(answer({ first: [1] }, {}, 'cross')), /identities|previous/);
});

test('the scatter: a point a head, open where both scores are within their null, the best named', () => {
  const data = answer({ previous: [0.9, 0.06, 0.05, null], induction: [0.01, 0.7, 0.02, 0.5] }, { previous: [80, 0.5, 0.1, null], induction: [0.2, 40, 0.3, 30] });
  assert.deepEqual(outstanding(data, 'previous', 'induction').sort(), [0, 1]);
  const { data: [points, mine, names] } = figure({ data, x: 'previous', y: 'induction', chosen: 1, width: 500, height: 400, look: LOOK, theme: 'light' });
  assert.deepEqual(points.customdata, [0, 1, 2]);
  assert.deepEqual(points.x, [0.9, 0.06, 0.05]);
  assert.deepEqual(points.marker.symbol, ['circle', 'circle', 'circle-open']);
  assert.deepEqual([mine.x, mine.y], [[0.06], [0.7]]);
  assert.deepEqual(names.text.map((text) => text.trim()).sort(), ['0.0', '0.1']);
});

test('colours and axes reach as far as the scores', () => {
  const data = answer({ entropy: [0.4], span: [7], distance: [3], induction: [0.2] });
  assert.deepEqual(['entropy', 'span', 'distance', 'induction'].map((role) => reach(data, role)), [[0, 1], [1, 7], [0, 3], [0, 0.2]]);
});

test('a name to the right of its point and one to the left of another do not meet', () => {
  const x = [0.1, 0.8, 0.95, 0.2];
  const data = answer({ previous: x, induction: [0, 0, 0, 0.1] }, { previous: x.map(() => 20), induction: x.map(() => 20) });
  const { data: [, , names] } = figure({ data, x: 'previous', y: 'induction', chosen: 0, width: 460, height: 400, look: LOOK, theme: 'light' });
  assert.deepEqual(names.text.includes(' 1.0 ') && names.text.includes(' 0.1 '), false, 'their boxes would overlap');
  assert.ok(names.text.includes(' 1.0 '), 'the first stays');
});
