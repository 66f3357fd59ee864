import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attentionData } from '../../static/js/api.js';
import { readSafetensors } from '../../static/js/safetensors.js';

/**
 * A file as the format's specification says it: written here by hand, not by the code under test.
 * @param {Record<string, {dtype: string, shape: number[], bytes: Uint8Array}>} tensors
 * @param {Record<string, string>} [metadata]
 * @param {number} [pad] spaces after the header, which the format allows
 */
function file(tensors, metadata, pad = 0) {
  let offset = 0;
  const header = metadata ? { __metadata__: metadata } : {};
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  const text = new TextEncoder().encode(JSON.stringify(header) + ' '.repeat(pad));
  const out = new Uint8Array(8 + text.length + offset);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  let at = 8 + text.length;
  for (const { bytes } of Object.values(tensors)) {
    out.set(bytes, at);
    at += bytes.length;
  }
  return out.buffer;
}

const floats = (/** @type {number[]} */ values) => {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => view.setFloat32(4 * i, value, true));
  return new Uint8Array(view.buffer);
};

test('float32 is read wherever the data begins, aligned or not', () => {
  for (let pad = 0; pad < 8; pad += 1) {
    const { tensors } = readSafetensors(file({ values: { dtype: 'F32', shape: [2, 2], bytes: floats([0.25, 0.75, 1, 0]) } }, undefined, pad));
    assert.deepEqual([...tensors.values.values], [0.25, 0.75, 1, 0], `with ${pad} spaces`);
    assert.deepEqual(tensors.values.shape, [2, 2]);
  }
});

test('several tensors and the metadata', () => {
  const { tensors, metadata } = readSafetensors(file({
    a: { dtype: 'U8', shape: [3], bytes: new Uint8Array([1, 2, 255]) },
    b: { dtype: 'F32', shape: [], bytes: floats([-1.5]) },
    none: { dtype: 'F32', shape: [0, 4], bytes: new Uint8Array(0) },
  }, { layers: '[3]' }));
  assert.deepEqual([...tensors.a.values], [1, 2, 255]);
  assert.deepEqual([...tensors.b.values], [-1.5]);
  assert.equal(tensors.none.values.length, 0);
  assert.deepEqual(metadata, { layers: '[3]' });
});

test('what is cut off or does not add up is refused', () => {
  const whole = file({ values: { dtype: 'F32', shape: [2], bytes: floats([1, 2]) } });
  assert.throws(() => readSafetensors(new ArrayBuffer(4)), /shorter/);
  assert.throws(() => readSafetensors(whole.slice(0, 20)), /cut off/);
  assert.throws(() => readSafetensors(whole.slice(0, whole.byteLength - 4)), /bytes for the shape/);
  assert.throws(() => readSafetensors(file({ values: { dtype: 'F32', shape: [3], bytes: floats([1, 2]) } })), /bytes for the shape 3/);
  assert.throws(() => readSafetensors(file({ values: { dtype: 'BF16', shape: [1], bytes: new Uint8Array(2) } })), /BF16/);
});

test('an attention answer: the metadata is JSON, u8 comes with its scale', () => {
  const meta = { run: '"abc"', stack: '"encoder"', layers: '[3]', heads: '[7]', rows: '[0,1]', cols: '[0,2]', size: 'null', checks: '[]' };
  const exact = attentionData(file({ values: { dtype: 'F32', shape: [1, 1, 1, 2], bytes: floats([0.25, 0.75]) } }, meta));
  assert.deepEqual([exact.zero, exact.scale, exact.meta.layers, exact.meta.size, exact.meta.run], [0, 1, [3], null, 'abc']);
  const bytes = attentionData(file({ values: { dtype: 'U8', shape: [1, 1, 1, 2], bytes: new Uint8Array([64, 191]) } }, { ...meta, zero: '0.0', scale: '0.00392156862745098' }));
  assert.ok(Math.abs(bytes.zero + bytes.scale * bytes.values[0] - 64 / 255) < 1e-12);
  assert.throws(() => attentionData(file({ other: { dtype: 'U8', shape: [1], bytes: new Uint8Array(1) } }, meta)), /no maps/);
});
