import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../static/js/api.js';
import { createCache } from '../../static/js/cache.js';
import { createSession } from '../../static/js/session.js';

const RUN = { run: 'r1' };
const REQUEST = { model: 'minilm', text: 'a', pair: null, target: null };
const signal = new AbortController().signal;
const expired = () => new ApiError({ title: '', status: 404, code: 'run-expired', detail: '', hint: '' });

/** @param {Record<string, Function>} [over] */
function fake(over = {}) {
  const calls = [];
  const api = {
    createRun: async () => { calls.push('run'); return RUN; },
    attention: async (run, params) => { calls.push(`attention ${params.layer}`); return { run, params }; },
    logits: async (run, params) => { calls.push('logits'); return { run, params }; },
    ...over,
  };
  return { calls, session: createSession(api) };
}

test('the same text is run once, another one again', async () => {
  const { calls, session } = fake();
  await session.run(REQUEST, signal);
  await session.run({ ...REQUEST }, signal);
  await session.run({ ...REQUEST, pair: '' }, signal);
  assert.deepEqual(calls, ['run', 'run']);
});

test('an answer is fetched once and can then be had at once', async () => {
  const { calls, session } = fake();
  const needs = { attention: { layer: 3 }, logits: { top_k: 5 } };
  assert.equal(session.peek(needs, RUN), null);
  const data = await session.fetch(needs, RUN, REQUEST, signal);
  assert.deepEqual(data.attention.params, { layer: 3 });
  assert.deepEqual(await session.fetch(needs, RUN, REQUEST, signal), data);
  assert.deepEqual(session.peek(needs, RUN), data);
  assert.deepEqual(calls.sort(), ['attention 3', 'logits']);
  assert.deepEqual(session.peek({}, RUN), {});
});

test('a run that has expired is posted again, and the question asked again', async () => {
  let times = 0;
  const { calls, session } = fake({ attention: async () => { times += 1; if (times === 1) throw expired(); return 'answer'; } });
  const data = await session.fetch({ attention: { layer: 0 } }, RUN, REQUEST, signal);
  assert.deepEqual([data.attention, calls, times], ['answer', ['run'], 2]);
});

test('other errors are not tried again, nor one that stays', async () => {
  for (const code of ['out-of-range', 'run-expired']) {
    let times = 0;
    const { session } = fake({ attention: async () => { times += 1; throw new ApiError({ title: '', status: 400, code, detail: '', hint: '' }); } });
    await assert.rejects(session.fetch({ attention: { layer: 0 } }, RUN, REQUEST, signal), ApiError);
    assert.equal(times, code === 'run-expired' ? 2 : 1);
  }
});

test('a failure is not remembered', async () => {
  let times = 0;
  const { session } = fake({ attention: async () => { times += 1; if (times === 1) throw new Error('no'); return 'answer'; } });
  await assert.rejects(session.fetch({ attention: { layer: 0 } }, RUN, REQUEST, signal));
  assert.equal((await session.fetch({ attention: { layer: 0 } }, RUN, REQUEST, signal)).attention, 'answer');
});

test('a comparison that was refused is asked for again, one that was answered is not', async () => {
  let refused = true;
  const { calls, session } = fake({
    compare: async () => {
      calls.push('compare');
      if (refused) throw new ApiError({ title: '', status: 413, code: 'too-large', detail: '', hint: '' });
      return { stack: 'decoder', stack_b: 'decoder', units: [] };
    },
    createRun: async () => ({ run: 'r2', stacks: [{ name: 'decoder', layers: 1, heads: 1 }], tokens: { decoder: [] } }),
    difference: async () => ({}),
  });
  const needs = { compare: { other: { ...REQUEST, text: 'b' }, stack: 'decoder', layer: 0, head: 0, layer_b: null, head_b: null, size: 8 } };
  assert.equal((await session.fetch(needs, RUN, REQUEST, signal)).compare.problem.code, 'too-large');
  assert.equal(session.peek(needs, RUN), null);
  refused = false;
  assert.equal((await session.fetch(needs, RUN, REQUEST, signal)).compare.problem, null);
  assert.notEqual(session.peek(needs, RUN), null);
  await session.fetch(needs, RUN, REQUEST, signal);
  assert.equal(calls.filter((one) => one === 'compare').length, 2);
});

test('the cache lets the least recently used go', () => {
  const cache = createCache(2);
  cache.set('a', 1);
  cache.set('b', 2);
  cache.get('a');
  cache.set('c', 3);
  assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c'), cache.size], [1, undefined, 3, 2]);
});
