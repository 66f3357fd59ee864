/**
 * The only door to Plotly. Its script is large and comes from the installed `plotly` package, so it is fetched
 * when the first chart is drawn, once.
 */

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

/**
 * A figure as a file. A PNG has two pixels for each pixel of the figure.
 * @param {Figure} figure with `layout.width` and `layout.height`
 * @param {'png'|'svg'} format
 * @returns {Promise<Blob>}
 */
export async function picture({ data, layout }, format) {
  const { width, height } = layout;
  const options = { format, width, height, scale: format === 'png' ? 2 : 1, imageDataOnly: true };
  const text = await (await plotly()).toImage({ data, layout }, options);
  if (format === 'svg') return new Blob([text], { type: 'image/svg+xml' });
  return new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], { type: 'image/png' });
}
