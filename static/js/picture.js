/**
 * Pictures to take away: from an SVG string to a file, or through the browser's own renderer to a PNG.
 */

/**
 * Text inside SVG or in one of its attributes.
 * @param {string} text
 */
export function escaped(text) {
  // XML has no place for most control characters, not even escaped
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '�')
    .replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}

/** @param {string} svg */
export function svgBlob(svg) {
  return new Blob([svg], { type: 'image/svg+xml' });
}

/**
 * @param {string} svg with `width` and `height` in pixels
 * @param {number} [scale] pixels of the PNG for each pixel of the SVG
 * @returns {Promise<Blob>}
 */
export async function pngBlob(svg, scale = 2) {
  const address = URL.createObjectURL(svgBlob(svg));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = image.naturalWidth * scale;
    canvas.height = image.naturalHeight * scale;
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => {
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the picture is too large for a PNG'))), 'image/png');
    });
  } finally {
    URL.revokeObjectURL(address);
  }
}
