// Elements made from data. Every string becomes a text node or an attribute: nothing here can make markup out of text.

/** @typedef {Node|string|number|null|undefined|false|Child[]} Child */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * `h('p.note', {title: 'x', onclick: f}, 'text', child)`. Attributes that are null, undefined or false are left
 * out, true becomes an empty attribute, `on…` functions listen, `data` and `style` take objects.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K | `${K}.${string}`} tag
 * @param {Record<string, any>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const [name = 'div', ...classes] = tag.split('.');
  const element = /** @type {HTMLElementTagNameMap[K]} */ (document.createElement(name));
  if (classes.length) element.className = classes.join(' ');
  return fill(element, attributes, children);
}

/**
 * The same for SVG.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...Child} children
 * @returns {SVGElement}
 */
export function s(tag, attributes = {}, ...children) {
  return fill(/** @type {SVGElement} */ (document.createElementNS(SVG, tag)), attributes, children);
}

/**
 * @template {HTMLElement|SVGElement} E
 * @param {E} element
 * @param {Record<string, any>} attributes
 * @param {Child[]} children
 * @returns {E}
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on') && typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (name === 'data') Object.assign(element.dataset, value);
    else if (name === 'style') for (const [key, v] of Object.entries(value)) element.style.setProperty(key, String(v));
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

/** @param {Node} parent @param {Child[]} children */
function append(parent, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(parent, child);
    else parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/**
 * Puts these children in the place of all that were there.
 * @template {Element} E
 * @param {E} element
 * @param {...Child} children
 * @returns {E}
 */
export function replace(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/**
 * Makes a change that may take what has the focus out of sight; the first of `heirs` that is there then gets it, or it
 * would be lost to the whole page.
 * @param {Element} place where the focus is looked after
 * @param {() => void} change
 * @param {...(HTMLElement|null|undefined)} heirs
 */
export function keepFocus(place, change, ...heirs) {
  const before = place.contains(document.activeElement);
  change();
  const now = document.activeElement;
  if (!before || (now && place.contains(now) && takesFocus(now))) return;
  heirs.find((one) => one && takesFocus(one))?.focus({ preventScroll: true });
}

/** @param {Element} element */
function takesFocus(element) {
  return element.isConnected && element.closest('[hidden], [inert]') === null && !element.matches(':disabled');
}

/**
 * The element with that id; it is a fault of the page when there is none.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element #${id}`);
  return element;
}

/**
 * A token as a person can read it: spaces are ·, newlines ⏎, tabs ⇥, nothing visible ∅.
 * @param {string} display
 */
export function visible(display) {
  if (display === '') return '∅';
  return display.replaceAll(' ', '·').replaceAll(/\r\n|\r|\n/g, '⏎').replaceAll('\t', '⇥')
    .replaceAll(/[\u0000-\u001f\u007f-\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u205f-\u2069\u3000\ufeff]/g, (c) => `⟨${codepoint(c)}⟩`);
}

/** @param {string} character */
function codepoint(character) {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
