/**
 * The grid on a canvas: a small map in each cell, or one flat colour for a role. A head that does not stand out from
 * its null is drawn small, so that colour is not the only sign.
 */

import { cividis, css, diverging } from '../colour.js';
import { reach, standing, standsOut } from '../roles.js';
import { corner, inner, labelStep } from './grid_layout.js';
import { bytesOf, visible } from './grid_maps.js';

/**
 * @typedef {import('./grid_layout.js').Layout} Layout
 * @typedef {import('./grid_layout.js').Head} Head
 * @typedef {import('./grid_maps.js').Maps} Maps
 *
 * @typedef {object} Flat one cell of a role
 * @property {number} layer
 * @property {number} head
 * @property {string|null} fill null: the role does not apply
 * @property {string} ink readable on it
 * @property {string} text
 * @property {boolean} within its null, or below it
 *
 * @typedef {object} Label
 * @property {string} text
 * @property {number} x
 * @property {number} y
 * @property {'center'|'right'|'left'} align
 * @property {boolean} title
 * @property {boolean} turned by a quarter, to read upward
 */

/** The share of a cell's side that a score takes which does not stand out. */
const SMALL = 0.5;

/**
 * What each byte looks like, as four bytes in the order of an ImageData.
 * @param {{scale: 'sqrt'|'linear', signed: boolean, theme: 'light'|'dark'}} how
 * @returns {Uint32Array}
 */
export function lookup({ scale, signed, theme }) {
  const pixels = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i += 1) {
    const t = signed ? (i - 127) / 127 : i / 255;
    const strength = scale === 'sqrt' ? Math.sign(t) * Math.sqrt(Math.abs(t)) : t;
    pixels.set([...(signed ? diverging(strength, theme) : cividis(strength)), 255], i * 4);
  }
  return new Uint32Array(pixels.buffer);
}

/**
 * All maps beside each other, a pixel for each bin; what cannot be seen stays transparent.
 * @param {Maps} maps
 * @param {number} layers
 * @param {Uint32Array} colours
 * @returns {ImageData} layers downward, heads across
 */
export function sheet(maps, layers, colours) {
  const { rows, cols, heads } = maps;
  const image = new ImageData(heads * cols, layers * rows);
  const pixels = new Uint32Array(image.data.buffer);
  const stride = heads * cols;
  const seen = Array.from({ length: rows }, (_, r) => Array.from({ length: cols }, (_, c) => c).filter((c) => visible(maps, r, c)).length);
  for (let layer = 0; layer < layers; layer += 1) {
    for (let head = 0; head < heads; head += 1) {
      const bytes = bytesOf(maps, { layer, head });
      for (let r = 0; r < rows; r += 1) {
        const to = (layer * rows + r) * stride + head * cols;
        for (let c = 0; c < seen[r]; c += 1) pixels[to + c] = colours[bytes[r * cols + c]];
      }
    }
  }
  return image;
}

/**
 * @param {CanvasRenderingContext2D} c
 * @param {Layout} g
 * @param {Maps} maps
 * @param {HTMLCanvasElement} source the sheet
 * @param {{layers: number, heads: number, empty: string}} of
 */
export function paintMaps(c, g, maps, source, { layers, heads, empty }) {
  const side = inner(g);
  c.fillStyle = empty;
  for (let layer = 0; layer < layers; layer += 1) {
    for (let head = 0; head < heads; head += 1) {
      const { x, y } = corner(g, { layer, head });
      c.imageSmoothingEnabled = maps.cols > side * devicePixelRatio;
      c.fillRect(x, y, side, side);
      c.drawImage(source, head * maps.cols, layer * maps.rows, maps.cols, maps.rows, x, y, side, side);
    }
  }
}

/**
 * @param {import('../answers_attention.js').RolesData} data
 * @param {import('../answers_attention.js').Role} role
 * @returns {Flat[]}
 */
export function flats(data, role) {
  const [low, high] = reach(data, role);
  return data.heads.map(({ layer, head }, i) => {
    const it = standing(data, i, role);
    const { score } = it;
    if (score === null) return { layer, head, fill: null, ink: '', text: '–', within: false };
    const colour = cividis((score - low) / (high - low));
    const bright = 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2] > 118;
    return { layer, head, fill: css(colour), ink: bright ? '#111' : '#fff', text: short(score), within: standsOut(role, it) === false };
  });
}

/** At most three characters: .41, 1.0, 12. @param {number} value */
function short(value) {
  if (value >= 9.95) return String(Math.round(value));
  return value >= 0.995 ? value.toFixed(1) : value.toFixed(2).slice(1);
}

/**
 * Where the colour of a flat cell is: all of the cell, or its middle.
 * @param {Layout} g
 * @param {Flat} flat
 */
export function patch(g, flat) {
  const { x, y } = corner(g, flat);
  const side = inner(g);
  const size = flat.within ? Math.max(Math.round(side * SMALL), 2) : side;
  const indent = (side - size) / 2;
  return { x: x + indent, y: y + indent, size };
}

/** How large the number in a cell is written; 0: there is no room. @param {Layout} g */
export function numberSize(g) {
  const side = inner(g);
  return side < 26 ? 0 : Math.min(Math.round(side * 0.34), 15);
}

/**
 * @param {CanvasRenderingContext2D} c
 * @param {Layout} g
 * @param {readonly Flat[]} cells
 * @param {{empty: string, ink: string, font: string}} look
 */
export function paintRoles(c, g, cells, look) {
  const side = inner(g);
  const points = numberSize(g);
  c.font = `${points}px ${look.font}`;
  c.textAlign = 'center';
  c.textBaseline = 'middle';
  for (const flat of cells) {
    const { x, y } = corner(g, flat);
    c.fillStyle = look.empty;
    c.fillRect(x, y, side, side);
    const part = patch(g, flat);
    if (flat.fill) {
      c.fillStyle = flat.fill;
      c.fillRect(part.x, part.y, part.size, part.size);
    }
    if (!points || (flat.within && part.size < points * 1.9)) continue;
    c.fillStyle = flat.fill ? flat.ink : look.ink;
    c.fillText(flat.text, x + side / 2, y + side / 2 + 0.5);
  }
}

/**
 * What stands beside the cells: the numbers of layers and heads, and which is which.
 * @param {Layout} g
 * @returns {Label[]}
 */
export function labels(g) {
  const side = inner(g);
  const [column, row] = g.across === 'heads' ? ['head', 'layer'] : ['layer', 'head'];
  const [across, down] = [labelStep(g.cell, 18), labelStep(g.cell, 13)];
  /** @type {Label[]} */
  const list = [
    { text: `${column} →`, x: g.left, y: 9, align: 'left', title: true, turned: false },
    { text: g.across === 'heads' ? `${row} →` : `← ${row}`, x: 8, y: (g.top + g.height) / 2, align: 'center', title: true, turned: true },
  ];
  for (let i = 0; i < g.columns; i += across) {
    list.push({ text: String(i), x: g.left + i * g.cell + side / 2, y: g.top - 9, align: 'center', title: false, turned: false });
  }
  for (let i = 0; i < g.rows; i += down) {
    const at = g.across === 'heads' ? g.rows - 1 - i : i;
    list.push({ text: String(i), x: g.left - 8, y: g.top + at * g.cell + side / 2, align: 'right', title: false, turned: false });
  }
  return list;
}

/**
 * @param {CanvasRenderingContext2D} c
 * @param {Layout} g
 * @param {{ink: string, faint: string, font: string}} look
 */
export function paintLabels(c, g, look) {
  c.textBaseline = 'middle';
  for (const { text, x, y, align, title, turned } of labels(g)) {
    c.save();
    c.translate(x, y);
    if (turned) c.rotate(-Math.PI / 2);
    c.font = `12px ${look.font}`;
    c.fillStyle = title ? look.faint : look.ink;
    c.textAlign = align;
    c.fillText(text, 0, 0);
    c.restore();
  }
}
