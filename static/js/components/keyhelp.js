// The list of keys, opened by ? and by its button.

import { h, replace } from '../dom.js';

/** @param {readonly {keys: string[], does: string}[]} bindings */
export function createKeyHelp(bindings) {
  const dialog = h('dialog.keys', { 'aria-labelledby': 'keys-title' },
    h('div.keys-head', {}, h('h2', { id: 'keys-title' }, 'Keys'),
      h('button.button.small', { type: 'button', onclick: () => dialog.close() }, 'Close')),
    h('dl', {}, bindings.map(({ keys, does }) => h('div', {},
      h('dt', {}, keys.map((key) => [h('kbd', {}, key), ' '])), h('dd', {}, does)))));
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  return { toggle: () => (dialog.open ? dialog.close() : dialog.showModal()) };
}

/** @param {() => void} onClick */
export function keyButton(onClick) {
  const button = h('button.tool', { type: 'button', 'aria-haspopup': 'dialog', 'aria-keyshortcuts': '?', onclick: onClick });
  return replace(button, h('kbd', {}, '?'), h('span', {}, 'Keys'));
}
