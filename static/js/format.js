// Numbers and facts as words.

const GROUPED = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** A number without decimals, as people read it: 49,152. @param {number} value */
export function grouped(value) {
  return GROUPED.format(value);
}

/**
 * A share of 1 as a percentage, with enough digits where it is small.
 * @param {number} share
 * @returns {string}
 */
export function percent(share) {
  if (share >= 0.0005 || share === 0) return `${(share * 100).toFixed(1)}%`;
  if (share >= 0.00001) return `${Number((share * 100).toPrecision(2))}%`;
  return `${(share * 100).toExponential(0).replace('e-', 'e−')}%`;
}

/** A probability, three decimals; what is too small for them says so. @param {number|null} value */
export function probability(value) {
  if (value === null) return '–';
  if (value > 0 && value < 0.0005) return '<0.001';
  return value.toFixed(3);
}

/** Any number to four significant digits, with a true minus: 14.32, −0.001234, 1.234e-7; a large one whole: 12,345. @param {number|null|undefined} value */
export function digits(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text = size < 1e-4 || size >= 1e6 ? size.toExponential(3) : size >= 1000 ? grouped(size) : size.toPrecision(4);
  return `${value < 0 ? '−' : ''}${text}`;
}

/** 22,713,216 parameters are 23M. @param {number|null} total */
export function short(total) {
  if (total === null) return '';
  for (const [unit, size] of /** @type {[string, number][]} */ ([['B', 1e9], ['M', 1e6], ['K', 1e3]])) {
    if (total >= size * 0.9995) {
      const value = total / size;
      return `${value >= 9.95 || unit === 'K' ? Math.round(value) : Number(value.toFixed(1))}${unit}`;
    }
  }
  return String(total);
}

/** @param {number} bytes */
export function fileSize(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(0)} KB`;
  if (bytes < 1024 ** 3) return `${(bytes / 1024 ** 2).toFixed(1)} MB`;
  return `${(bytes / 1024 ** 3).toFixed(1)} GB`;
}

/** @param {number} ms */
export function duration(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** A measured value of any size, for the list of checks: 3.6e-7, 0.012, 4. @param {number|null} value */
export function measure(value) {
  if (value === null) return 'not a number';
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return grouped(value);
  return Math.abs(value) < 0.001 || Math.abs(value) >= 1e5 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

/** `rows-sum-to-1` reads as `rows sum to 1`. @param {string} name */
export function words(name) {
  return name.replaceAll(/[-_]/g, ' ');
}

/**
 * The size of a model: `6×12 · 23M`.
 * @param {Pick<import('./types.js').Model, 'layers'|'heads'|'parameters'>} model
 */
export function modelSize({ layers, heads, parameters }) {
  return [layers !== null && heads !== null ? `${layers}×${heads}` : '', short(parameters)].filter(Boolean).join(' · ');
}
