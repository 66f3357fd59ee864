import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { cividis, colourscale, css, HEAD_COLOURS, headColour, headDash, inkOn } from '../../static/js/colour.js';

const STYLE = readFileSync(new URL('../../static/css/global.css', import.meta.url), 'utf8');

/** Relative luminance (WCAG 2.2) of red, green, blue from 0 to 255. */
function luminance(rgb) {
  const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const hex = (text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));
const contrast = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };

test('cividis runs from navy to yellow and only gets lighter', () => {
  assert.deepEqual(cividis(0), [0, 32, 76]);
  assert.deepEqual(cividis(1), [255, 233, 69]);
  assert.deepEqual(cividis(-3), cividis(0));
  assert.deepEqual(cividis(7), cividis(1));
  const light = Array.from({ length: 101 }, (_, i) => luminance(cividis(i / 100)));
  light.slice(1).forEach((value, i) => assert.ok(value >= light[i] - 1e-3, `at ${i + 1}`));
});

test('a square-root scale gives the weight w the colour that a linear one gives to its root', () => {
  const scale = colourscale('sqrt', 11);
  assert.equal(scale[0][0], 0);
  assert.equal(scale.at(-1)[0], 1);
  for (const [weight, colour] of scale) assert.equal(colour, css(cividis(Math.sqrt(weight))));
  for (const [weight, colour] of colourscale('linear', 11)) assert.equal(colour, css(cividis(weight)));
});

test('a thirteenth head has the first colour again, but a dashed line', () => {
  const palette = Array.from({ length: HEAD_COLOURS }, (_, i) => `c${i}`);
  assert.equal(headColour(12, palette), headColour(0, palette));
  assert.deepEqual(headDash(11), []);
  assert.notDeepEqual(headDash(12), []);
  assert.notDeepEqual(headDash(24), headDash(12));
});

test('every head can be seen on the paper of its theme: at least 3 to 1', () => {
  const [light, dark] = STYLE.split(':root[data-theme="dark"]');
  for (const part of [light, dark]) {
    const paper = hex(/--paper: (#[0-9a-f]{6})/.exec(part)[1]);
    const heads = [...part.matchAll(/--head-\d+: (#[0-9a-f]{6})/g)].map((found) => found[1]);
    assert.equal(heads.length, HEAD_COLOURS);
    assert.equal(new Set(heads).size, HEAD_COLOURS);
    for (const colour of heads) assert.ok(contrast(hex(colour), paper) >= 3, `${colour}: ${contrast(hex(colour), paper)}`);
  }
});

test('black or white is read on any colour of the scale', () => {
  const light = (rgb) => rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  for (let t = 0; t <= 1; t += 0.01) {
    const [own, ink] = [light(cividis(t)), inkOn(cividis(t)) === '#000' ? 0 : 1];
    assert.ok((Math.max(own, ink) + 0.05) / (Math.min(own, ink) + 0.05) >= 4.5, String(t));
  }
});
