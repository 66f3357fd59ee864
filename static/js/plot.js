/**
 * The only door to Plotly. Its script is large and comes from the installed `plotly` package, so it is fetched
 * when the first chart is drawn, once.
 */

import { plain } from './ticks.js';

const SCRIPT = '/static/plotly.min.js';

/** Nothing is sent anywhere, no mode bar; what the bar did, our own buttons and keys do. */
const CONFIG = { displayModeBar: false, showSendToCloud: false, displaylogo: false, doubleClick: false, responsive: false };

/**
 * @typedef {object} Figure
 * @property {Record<string, unknown>[]} data
 * @property {Record<string, unknown>} layout
 *
 * @typedef {HTMLElement & {on: (event: string, listener: (detail: any) => void) => void}} Chart
 *
 * @typedef {object} Plotly the part of it that is used here
 * @property {(el: HTMLElement, data: unknown[], layout: unknown, config: unknown) => Promise<Chart>} react
 * @property {(figure: unknown, options: unknown) => Promise<string>} toImage
 * @property {(el: HTMLElement) => void} purge
 */

/** @type {Promise<Plotly>|undefined} */
let loading;

/** @returns {Promise<Plotly>} */
export function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = SCRIPT;
    script.onload = () => resolve(/** @type {any} */ (globalThis).Plotly);
    script.onerror = () => {
      loading = undefined;
      script.remove();
      reject(new Error('the charts could not be loaded: reload the page to try again'));
    };
    document.head.append(script);
  });
  return loading;
}

/**
 * Draw a figure, or change the one that is there.
 * @param {HTMLElement} el
 * @param {Figure} figure
 * @returns {Promise<Chart>}
 */
export async function draw(el, { data, layout }) {
  return (await plotly()).react(el, data, layout, CONFIG);
}

/** @param {HTMLElement} el */
export async function clear(el) {
  if (loading) (await loading).purge(el);
}

/** The height of the line that says what a picture shows, in pixels. */
const CAPTION = 30;

/**
 * A figure as a file, with a line on top that says what it shows. A PNG has two pixels for each pixel of the figure.
 * @param {Figure} figure with `layout.width`, `layout.height` and `layout.margin`
 * @param {string} caption
 * @param {'png'|'svg'} format
 * @returns {Promise<Blob>}
 */
export async function picture(figure, caption, format) {
  const { data, layout } = captioned(figure, caption);
  const options = { format, width: layout.width, height: layout.height, scale: format === 'png' ? 2 : 1, imageDataOnly: true };
  const text = await (await plotly()).toImage({ data, layout }, options);
  if (format === 'svg') return new Blob([text], { type: 'image/svg+xml' });
  return new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], { type: 'image/png' });
}

/**
 * @param {Figure} figure
 * @param {string} caption
 * @returns {Figure}
 */
export function captioned({ data, layout }, caption) {
  const margin = /** @type {{l: number, t: number, r: number, b: number}} */ (layout.margin);
  const title = { text: plain(caption), x: 12 / Number(layout.width), xref: 'container', xanchor: 'left', y: 1, yref: 'container', yanchor: 'top', pad: { t: 10 }, font: { size: 13 } };
  const height = Number(layout.height) + CAPTION;
  return { data, layout: { ...layout, title, height, margin: { ...margin, t: margin.t + CAPTION } } };
}
