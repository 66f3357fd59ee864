/**
 * Colours for numbers and for heads.
 *
 * Magnitudes use cividis (Nuñez, Anderton & Renslow 2018), which reads the same with and without
 * colour-blindness. Heads use the custom properties `--head-0` .. `--head-11` of the style sheet; a
 * thirteenth head starts again at the first colour with a dashed line, so that colour is never the only sign.
 */

/** Cividis at 0, 1/17, .. 1, as red, green, blue from 0 to 255; the stops of plotly.js. */
const CIVIDIS = [
  [0, 32, 76], [0, 42, 102], [0, 52, 110], [39, 63, 108], [60, 74, 107], [76, 85, 107], [91, 95, 109],
  [104, 106, 112], [117, 117, 117], [131, 129, 120], [146, 140, 120], [161, 152, 118], [176, 165, 114],
  [192, 177, 109], [209, 191, 102], [225, 204, 92], [243, 219, 79], [255, 233, 69],
];

/** How many heads have a colour of their own. */
export const HEAD_COLOURS = 12;

/**
 * The cividis colour of a number between 0 and 1; what lies outside takes the nearer end.
 * @param {number} t
 * @returns {[number, number, number]} red, green, blue, each a whole number from 0 to 255
 */
export function cividis(t) {
  const at = Math.min(Math.max(t, 0), 1) * (CIVIDIS.length - 1);
  const low = Math.min(Math.floor(at), CIVIDIS.length - 2);
  const part = at - low;
  const [from, to] = [CIVIDIS[low], CIVIDIS[low + 1]];
  const mix = (/** @type {0|1|2} */ c) => Math.round(from[c] + (to[c] - from[c]) * part);
  return [mix(0), mix(1), mix(2)];
}

/**
 * @param {readonly number[]} rgb
 * @returns {string} a CSS colour
 */
export function css([r, g, b]) {
  return `rgb(${r},${g},${b})`;
}

/**
 * Black or white, whichever is read better on a colour (at least 4.5:1 on any).
 * @param {readonly number[]} rgb
 */
export function inkOn(rgb) {
  const [r, g, b] = rgb.map((value) => (value <= 10 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000' : '#fff';
}

/**
 * A Plotly colour scale over 0..1. With `sqrt` the colours follow the square root of the number, which spreads
 * out the small weights; the numbers themselves stay as they are.
 * @param {'linear'|'sqrt'} scale
 * @param {number} [stops]
 * @returns {[number, string][]}
 */
export function colourscale(scale, stops = 33) {
  return Array.from({ length: stops }, (_, i) => {
    const t = i / (stops - 1);
    return /** @type {[number, string]} */ ([scale === 'sqrt' ? t * t : t, css(cividis(t))]);
  });
}

/** The ends and the middle of the scale for signed numbers: blue below zero, the paper at zero, orange above. */
const SIGNED = {
  light: [[23, 78, 148], [122, 168, 216], [243, 241, 235], [232, 158, 72], [150, 74, 6]],
  dark: [[150, 200, 255], [58, 110, 176], [32, 34, 38], [176, 106, 28], [255, 190, 92]],
};

/**
 * The colour of a signed number between -1 and 1; zero is the paper. Told apart with any colour vision.
 * @param {number} t
 * @param {'light'|'dark'} theme
 * @returns {[number, number, number]}
 */
export function diverging(t, theme) {
  const stops = SIGNED[theme];
  const at = ((Math.min(Math.max(t, -1), 1) + 1) / 2) * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  const mix = (/** @type {0|1|2} */ c) => Math.round(stops[low][c] + (stops[low + 1][c] - stops[low][c]) * (at - low));
  return [mix(0), mix(1), mix(2)];
}

/**
 * The same as a Plotly colour scale over 0..1, zero in the middle; with `sqrt` as in `colourscale`, on both sides.
 * @param {'light'|'dark'} theme
 * @param {'linear'|'sqrt'} [scale]
 * @returns {[number, string][]}
 */
export function divergingScale(theme, scale = 'linear') {
  if (scale === 'linear') return SIGNED[theme].map((colour, i) => [i / (SIGNED[theme].length - 1), css(colour)]);
  return Array.from({ length: 33 }, (_, i) => {
    const t = i / 16 - 1;
    return /** @type {[number, string]} */ ([(Math.sign(t) * t * t + 1) / 2, css(diverging(t, theme))]);
  });
}

/**
 * The colours of the heads in the theme that is showing.
 * @param {Element} [element] any element of the page
 * @returns {string[]} twelve CSS colours
 */
export function headPalette(element = document.documentElement) {
  const style = getComputedStyle(element);
  return Array.from({ length: HEAD_COLOURS }, (_, i) => style.getPropertyValue(`--head-${i}`).trim() || '#777');
}

/**
 * @param {number} head
 * @param {readonly string[]} palette
 * @returns {string}
 */
export function headColour(head, palette) {
  return palette[head % palette.length];
}

/**
 * The dashes of a head's lines: none for the first twelve, then longer and longer.
 * @param {number} head
 * @returns {number[]} lengths for `setLineDash`
 */
export function headDash(head) {
  const round = Math.floor(head / HEAD_COLOURS);
  return round === 0 ? [] : [3 + 3 * round, 3];
}

/**
 * The value of a custom property, trimmed.
 * @param {string} name such as `--ink`
 * @param {string} fallback used where the style sheet has none
 * @param {Element} [element]
 */
export function token(name, fallback, element = document.documentElement) {
  return getComputedStyle(element).getPropertyValue(name).trim() || fallback;
}
