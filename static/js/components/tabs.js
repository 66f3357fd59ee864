// The tabs that choose the view (the WAI-ARIA tabs pattern: arrows move between them).

import { h, replace } from '../dom.js';

/**
 * @param {HTMLElement} el with role=tablist
 * @param {{id: string, title: string}[]} tabs
 * @param {{panel: HTMLElement, onChoose: (id: string) => void}} options
 */
export function createTabs(el, tabs, { panel, onChoose }) {
  const buttons = tabs.map(({ id, title }) => h('button.tab', {
    type: 'button', role: 'tab', id: `tab-${id}`, 'aria-controls': panel.id, onclick: () => onChoose(id),
  }, title));
  replace(el, buttons);
  el.addEventListener('keydown', (event) => {
    const at = buttons.findIndex((button) => button === document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = (to + tabs.length) % tabs.length;
    buttons[next].focus();
    onChoose(tabs[next].id);
  });
  /** Where there are more tabs than room, only the row of tabs scrolls. @param {HTMLElement} button */
  function reveal(button) {
    const [box, row] = [button.getBoundingClientRect(), el.getBoundingClientRect()];
    if (box.left < row.left) el.scrollLeft -= row.left - box.left;
    else if (box.right > row.right) el.scrollLeft += box.right - row.right;
  }

  new ResizeObserver(() => buttons.filter((button) => button.ariaSelected === 'true').forEach(reveal)).observe(el);

  return {
    /** @param {string} chosen */
    update(chosen) {
      buttons.forEach((button, i) => {
        const selected = tabs[i].id === chosen;
        button.setAttribute('aria-selected', String(selected));
        button.tabIndex = selected ? 0 : -1;
        if (selected) reveal(button);
      });
      panel.setAttribute('aria-labelledby', `tab-${chosen}`);
    },
  };
}
