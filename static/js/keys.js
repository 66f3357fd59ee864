// The keyboard: one table of bindings, from which the list of keys is drawn too.

/**
 * @typedef {object} Binding
 * @property {string[]} keys as KeyboardEvent.key, with `Shift+` where it is held; shown as they are
 * @property {string} does
 * @property {(index: number) => void} [run] is told which of the keys it was; none: handled elsewhere, only shown
 */

/**
 * Listens on the document. Keys typed into a field, or with Ctrl, Alt or Meta, are left alone; so is everything
 * while a dialog is open, and whatever a component has taken already.
 * @param {readonly Binding[]} bindings
 * @returns {() => void} stops listening
 */
export function bindKeys(bindings) {
  /** @type {Map<string, () => void>} */
  const table = new Map();
  for (const { keys, run } of bindings) if (run) keys.forEach((key, i) => table.set(KEYS[key] ?? key, () => run(i)));

  /** @param {KeyboardEvent} event */
  function listen(event) {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.key !== 'Escape' && isTyping(event.target)) return;
    if (document.querySelector('dialog[open]')) return;
    const run = table.get(event.shiftKey && event.key.length > 1 ? `Shift+${event.key}` : event.key);
    if (!run) return;
    event.preventDefault();
    run();
  }
  document.addEventListener('keydown', listen);
  return () => document.removeEventListener('keydown', listen);
}

/** What is printed on the keys. @type {Record<string, string>} */
const KEYS = {
  '←': 'ArrowLeft', '→': 'ArrowRight', '↑': 'ArrowUp', '↓': 'ArrowDown', Esc: 'Escape',
  '⇧←': 'Shift+ArrowLeft', '⇧→': 'Shift+ArrowRight',
};

/** @param {EventTarget|null} target */
export function isTyping(target) {
  return target instanceof HTMLElement && (target.matches('input, textarea, select') || target.isContentEditable);
}
