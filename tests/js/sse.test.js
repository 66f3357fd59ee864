import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEvents, splitEvents } from '../../static/js/sse.js';

/** @param {string} text @param {number} size of the pieces that arrive, in bytes */
function arriving(text, size) {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, at += size));
    },
  });
}

const STREAM = ': ping\n\nevent: progress\ndata: {"message":"läd\\u00fc"}\n\ndata: one\ndata: two\n\nevent: ready\r\ndata: {}\r\n\r\n';

test('events come out the same however the bytes are cut', async () => {
  for (const size of [1, 2, 3, 7, 1000]) {
    const events = [];
    for await (const event of readEvents(arriving(STREAM, size))) events.push(event);
    assert.deepEqual(events, [
      { event: 'progress', data: '{"message":"läd\\u00fc"}' }, { event: 'message', data: 'one\ntwo' }, { event: 'ready', data: '{}' },
    ], `in pieces of ${size}`);
  }
});

test('an event that has not ended yet is kept for later', () => {
  assert.deepEqual(splitEvents('event: a\ndata: 1\n\nevent: b\nda'), { events: [{ event: 'a', data: '1' }], rest: 'event: b\nda' });
});

test('leaving the loop cancels the stream', async () => {
  let cancelled = false;
  const stream = new ReadableStream({
    pull: (controller) => controller.enqueue(new TextEncoder().encode('data: x\n\n')),
    cancel: () => { cancelled = true; },
  });
  for await (const { data } of readEvents(stream)) {
    assert.equal(data, 'x');
    break;
  }
  assert.ok(cancelled);
});
