// Texts that were written: rows in one block, branches, what is asked for, the table.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { columns } from '../../static/js/views/generate_rows.js';
import { asked, binOf, blank, branch, idsOf, kept, packed, prefixOf, rowOf, sequence, shownRows, without, withPrefix } from '../../static/js/views/generate_texts.js';
import { createShelf, isGone } from '../../static/js/views/generate_shelf.js';
import { choice, headWords, strongest, table, weightOf } from '../../static/js/views/generate_words.js';

const values = [[[0.5, 0.25, 0.25], [0, 1, 0]], [[1, 0, 0], [0.25, 0.5, 0.25]]];
const rows = (over = {}) => ({ stack: 'decoder', query: 2, layers: [0, 1], heads: [0, 1], cols: [0, 3], col_edges: null, values, ...over });
const token = (id, index, display = `w${id}`) => ({ index, id, text: display, display, start: null, end: null, word: null, special: false, segment: 0, mask: 1 });
const candidate = (id, more = {}) => ({ id, text: `w${id}`, logit: 1, softmax: 0.25, probability: 0.5, kept: true, rank: 0, below: 0, ...more });
const step = (i, id, more = {}) => kept({
  step: i, position: 3 + i, token: token(id, 3 + i), chosen: candidate(id), candidates: [candidate(id), candidate(8, { rank: 1 })], entropy: 1,
  pipeline: [{ step: 'temperature', kept: 50, removed_mass: 0 }], draw: { u: 0.125, id, text: `w${id}` }, attention: rows(), cross: null,
  text: `text ${i}`, pair: null, checks: [], ...more,
});
const text = () => ({ start: { tokens: {}, masks: null }, given: [], steps: [step(0, 5), step(1, 6), step(2, 7)], end: 'steps', posted: null });
const before = [token(1, 0), token(2, 1), token(3, 2)];

test('rows lie in one block, and each head finds its own', () => {
  const block = packed(rows());
  assert.deepEqual([block.layers, block.heads, block.bins, block.keys], [2, 2, 3, 3]);
  assert.deepEqual([...rowOf(block, 1, 1)], [0.25, 0.5, 0.25]);
  assert.deepEqual([...rowOf(block, 9, 9)], [0.25, 0.5, 0.25]);
  assert.equal(weightOf(block, 0, 1, 1), 1);
  assert.equal(weightOf(block, 0, 1, 3), null);
});

test('a pooled row names its bins', () => {
  const block = packed(rows({ cols: [0, 7], col_edges: [0, 2, 4, 7] }));
  assert.deepEqual([0, 1, 2, 6].map((key) => binOf(block, key)), [0, 0, 1, 2]);
  assert.deepEqual(strongest(block, 0, 1), [{ key: 2, last: 3, weight: 1 }]);
  assert.equal(headWords(block, 0, 1, []), 'layer 0, head 1: most on tokens 2 to 3, 1.000');
});

test('cross attention is shown where it is looked at', () => {
  const both = step(0, 5, { cross: rows({ stack: 'cross' }) });
  assert.equal(shownRows(both, 'cross').stack, 'cross');
  assert.equal(shownRows(both, 'encoder').stack, 'decoder');
  assert.equal(shownRows(step(0, 5), 'cross').stack, 'decoder');
});

test('a branch keeps what was before it, and leaves the text it came from as it was', () => {
  const first = text();
  const other = branch(first, 1, candidate(8, { rank: 1 }));
  assert.deepEqual(idsOf(other), [5, 8]);
  assert.deepEqual(idsOf(first), [5, 6, 7]);
  assert.deepEqual([other.end, other.steps[1].picked, other.steps[1].draw], ['', true, null]);
  assert.match(choice(other.steps[1]), /your choice \(rank 2/);
  assert.match(choice(first.steps[1]), /drawn with u = 0\.1250 among 50/);
  assert.match(choice(step(0, 5, { draw: null })), /greedy, the likeliest is taken/);
});

test('rules of the model are told', () => {
  const pipeline = [{ step: 'own-rules', kept: 40, removed_mass: 0.25 }];
  assert.match(choice(step(0, 5, { pipeline })), /had forbidden 25\.0%/);
});

test('written tokens stand behind the text, or in its masks', () => {
  assert.deepEqual(sequence(text(), before).map(({ token: { id }, step: at }) => [id, at]), [[1, null], [2, null], [3, null], [5, 0], [6, 1], [7, 2]]);
  const masks = { ...text(), steps: [step(0, 9, { position: 1 })] };
  assert.deepEqual(sequence(masks, before).map(({ token: { id } }) => id), [1, 9, 3]);
});

test('ids that came with a link stand before the steps, in their places, and are asked for again', () => {
  const opened = { ...text(), given: [40, 41], start: { tokens: { decoder: [...before, token(40, 3), token(41, 4)] }, masks: null }, steps: [step(2, 5, { position: 5 })] };
  assert.deepEqual(sequence(opened, before).map(({ token: { id }, step: at }) => [id, at]), [[1, null], [2, null], [3, null], [40, null], [41, null], [5, 0]]);
  assert.deepEqual(idsOf(opened), [40, 41, 5]);
  assert.deepEqual(idsOf(branch(opened, 0, candidate(8))), [40, 41, 8]);
  const masks = { ...blank([9]), start: { tokens: { encoder: [token(1, 0), token(9, 1), token(3, 2)] }, masks: [1] } };
  assert.deepEqual(sequence(masks, before).map(({ token: { id } }) => id), [1, 9, 3]);
  assert.deepEqual(sequence(blank([9]), before).map(({ token: { id } }) => id), [1, 2, 3], 'the server has not said yet what they are');
  assert.deepEqual(table({ ...opened, steps: text().steps.slice(0, 1) }, { layer: 0, head: 1, stack: null }).rows[0][0], 2);
});

test('a text is known by the ids that stood when more of it was asked for', () => {
  const state = { writeSteps: 7, temperature: 1, topK: 0, topP: 1, minP: 0, draw: null };
  const of = (ids) => ({ ...text(), posted: asked(state, { model: 'm', text: 't', pair: null }, ids) });
  const texts = [of([]), of([5, 8]), blank([1])];
  assert.deepEqual(texts.map(prefixOf), [null, [5, 8], null]);
  assert.deepEqual([[5, 8], null, [5]].map((prefix) => withPrefix(texts, prefix)), [1, 0, -1]);
  assert.equal(prefixOf(null), null);
});

test('what is asked for goes on behind what is there', () => {
  const state = { writeSteps: 7, temperature: 0.5, topK: 3, topP: 0.9, minP: 0.1, draw: null };
  const request = { model: 'm', text: 't', pair: null, target: 'x' };
  assert.deepEqual(asked(state, request, []), {
    model: 'm', text: 't', steps: 7, temperature: 0.5, top_k: 3, top_p: 0.9, min_p: 0.1, seed: 0, limit: 12, size: 512,
  });
  const more = asked({ ...state, draw: 4 }, { ...request, pair: 'p' }, [5, 6]);
  assert.deepEqual([more.prefix_ids, more.seed, more.pair], [[5, 6], 4, 'p']);
});

test('the table has every step and the strongest key of the chosen head', () => {
  const { columns: names, rows: lines } = table(text(), { layer: 0, head: 1, stack: null });
  assert.equal(lines.length, 3);
  const line = Object.fromEntries(names.map((name, i) => [name, lines[2][i]]));
  assert.deepEqual([line.step, line.id, line.chosen, line.u, line.key, line.weight], [2, 7, 'drawn', 0.125, 1, 1]);
  assert.deepEqual(table(null, { layer: 0, head: 0, stack: null }).rows, []);
});

test('a row is drawn in the columns there are: the largest of several keys, or a key over several columns', () => {
  assert.deepEqual(columns([0.1, 0.4, 0.2, 0.3], 2), [0.4, 0.3]);
  assert.deepEqual(columns([0.25, 0.75], 4), [0.25, 0.25, 0.75, 0.75]);
});

test('the newest rows are kept up to a bound; those of other texts go first, with what is said of them', () => {
  const [first, second] = [text(), { ...text(), steps: [] }];
  const bytes = first.steps[0].own.values.byteLength;
  const shelf = createShelf(3 * bytes);
  const gone = () => [first, second].map(({ steps }) => steps.map(({ own }) => isGone(own)));
  for (const one of first.steps) shelf.add(one, [first]);
  assert.deepEqual(gone(), [[false, false, false], []]);
  const write = (id) => {
    second.steps.push(step(second.steps.length, id));
    shelf.add(second.steps.at(-1), [second, null]);
  };
  write(1);
  assert.deepEqual(gone(), [[true, false, false], [false]], 'the oldest of the other text');
  for (const id of [2, 3, 4]) write(id);
  assert.deepEqual(gone(), [[true, true, true], [true, false, false, false]], 'then the oldest of its own');
  const numbers = table(second, { layer: 0, head: 1, stack: null });
  assert.deepEqual(numbers.rows.map((row) => row.at(-1)), [null, 1, 1, 1]);
  assert.match(numbers.note, /not kept any more/);
  assert.equal(table(text(), { layer: 0, head: 1, stack: null }).note, undefined);
  assert.equal(weightOf(first.steps[0].own, 0, 1, 1), null);
  assert.equal(headWords(first.steps[0].own, 0, 1, []), 'layer 0, head 1: nothing');
});

test('a branch has the rows of the text that it left, once', () => {
  const first = text();
  const other = branch(first, 2, candidate(8));
  const shelf = createShelf(2 * first.steps[0].own.values.byteLength);
  for (const one of first.steps) shelf.add(one, [first, other]);
  assert.deepEqual([first, other].map(({ steps }) => steps.map(({ own }) => isGone(own))), [[true, false, false], [true, false, false]]);
});

test('the rows of an encoder-decoder\'s look at its text count too', () => {
  const both = [step(0, 5, { cross: rows({ stack: 'cross' }) }), step(1, 6, { cross: rows({ stack: 'cross' }) })];
  const shelf = createShelf(3 * both[0].own.values.byteLength);
  for (const one of both) shelf.add(one, []);
  assert.deepEqual(both.map(({ own, over }) => [isGone(own), isGone(over)]), [[true, false], [false, false]]);
});

test('where an empty text is taken out, the one that is looked at stays', () => {
  const [a, b, c, d] = [text(), text(), text(), text()];
  assert.deepEqual(without([a, b, c, d], 2, b), { texts: [a, c, d], at: 1 });
  assert.equal(without([a, b, c], 2, b).texts[1], c);
  assert.equal(without([a, b], 0, b).at, 0);
  assert.equal(without([a, b], 1, b).at, 0);
  assert.deepEqual(without([a], 0, a), { texts: [], at: 0 });
});
