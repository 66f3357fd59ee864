// Reads the safetensors format, and takes heads out of it: 8 bytes of length, a JSON header, then raw little-endian arrays.

/** @typedef {Float32Array|Float64Array|Uint8Array|Int8Array|Int32Array|Uint32Array|BigInt64Array|Int16Array|Uint16Array} TypedArray */
/** @typedef {{dtype: string, shape: number[], values: TypedArray}} Tensor */

const ARRAYS = /** @type {const} */ ({
  F64: Float64Array, F32: Float32Array, I64: BigInt64Array, I32: Int32Array, U32: Uint32Array,
  I16: Int16Array, U16: Uint16Array, I8: Int8Array, U8: Uint8Array, BOOL: Uint8Array,
});
const HEADER_LIMIT = 100 * 1024 * 1024;

/**
 * Views into `buffer` where the data is aligned, copies where it is not. F16 and BF16 are not read here:
 * the page never asks for them.
 * @param {ArrayBuffer} buffer
 * @returns {{tensors: Record<string, Tensor>, metadata: Record<string, string>}}
 */
export function readSafetensors(buffer) {
  if (buffer.byteLength < 8) throw new Error('safetensors: shorter than its length field');
  const length = new DataView(buffer).getBigUint64(0, true);
  if (length > HEADER_LIMIT || Number(length) + 8 > buffer.byteLength) throw new Error('safetensors: the header is cut off');
  const base = 8 + Number(length);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, Number(length))));
  const { __metadata__: metadata = {}, ...entries } = header;
  /** @type {Record<string, Tensor>} */
  const tensors = {};
  for (const [name, entry] of Object.entries(entries)) tensors[name] = read(buffer, base, name, entry);
  return { tensors, metadata };
}

/**
 * @param {ArrayBuffer} buffer
 * @param {number} base where the data begins
 * @param {string} name
 * @param {{dtype: string, shape: number[], data_offsets: [number, number]}} entry
 * @returns {Tensor}
 */
function read(buffer, base, name, { dtype, shape, data_offsets: [begin, end] }) {
  const Type = ARRAYS[/** @type {keyof typeof ARRAYS} */ (dtype)];
  if (!Type) throw new Error(`safetensors: ${name} has dtype ${dtype}, which is not read here`);
  const count = shape.reduce((product, n) => product * n, 1);
  if (end - begin !== count * Type.BYTES_PER_ELEMENT || base + end > buffer.byteLength) {
    throw new Error(`safetensors: ${name} has ${end - begin} bytes for the shape ${shape.join(' x ')}`);
  }
  const at = base + begin;
  const values = at % Type.BYTES_PER_ELEMENT === 0 ? new Type(buffer, at, count) : new Type(buffer.slice(at, base + end));
  return { dtype, shape, values };
}

/**
 * The same file with only some of the heads of `values`, float32 of [layers, heads, rows, columns].
 * @param {ArrayBuffer} buffer
 * @param {readonly number[]} wanted as the model counts them
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function keepHeads(buffer, wanted) {
  const { tensors: { values: tensor }, metadata } = readSafetensors(buffer);
  /** @type {number[]} */
  const all = JSON.parse(metadata['heads'] ?? '[]');
  if (!tensor || tensor.dtype !== 'F32' || tensor.shape[0] !== 1 || all.length === 0) return new Uint8Array(buffer);
  const [, , rows, cols] = tensor.shape;
  const kept = all.filter((head) => wanted.includes(head));
  const bytes = kept.length * rows * cols * Float32Array.BYTES_PER_ELEMENT;
  const header = new TextEncoder().encode(JSON.stringify({
    __metadata__: { ...metadata, heads: JSON.stringify(kept) },
    values: { dtype: 'F32', shape: [1, kept.length, rows, cols], data_offsets: [0, bytes] },
  }));
  const length = Math.ceil(header.length / 8) * 8;
  const file = new Uint8Array(8 + length + bytes).fill(0x20, 8, 8 + length);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.set(header, 8);
  const values = new Float32Array(file.buffer, 8 + length);
  kept.forEach((head, i) => {
    const at = all.indexOf(head) * rows * cols;
    values.set(/** @type {Float32Array} */ (tensor.values).subarray(at, at + rows * cols), i * rows * cols);
  });
  return file;
}
