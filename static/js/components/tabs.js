// The tabs that choose the view, in named groups (the WAI-ARIA tabs pattern: arrows move between them all).

import { h, replace } from '../dom.js';

/** How much of the row a press on an arrow beside it moves. */
const PAGE = 0.7;
/** Room that the arrows at the ends take, in pixels: the tab that is chosen stays clear of them. */
const CLEAR = 36;

/**
 * @param {HTMLElement} el with role=tablist
 * @param {readonly {title: string, views: readonly {id: string, title: string}[]}[]} groups
 * @param {{panel: HTMLElement, onChoose: (id: string) => void}} options
 */
export function createTabs(el, groups, { panel, onChoose }) {
  const tabs = groups.flatMap(({ views }) => views);
  const buttons = new Map(tabs.map(({ id, title }) => [id, h('button.tab', {
    type: 'button', role: 'tab', id: `tab-${id}`, 'aria-controls': panel.id, onclick: () => onChoose(id),
  }, title)]));
  replace(el, groups.filter(({ views }) => views.length).map(({ title, views }) => {
    const name = `tabs-${title.toLowerCase()}`;
    const own = views.map(({ id }) => /** @type {HTMLElement} */ (buttons.get(id)));
    for (const button of own) button.setAttribute('aria-describedby', name);
    return h('div.tab-group', { role: 'presentation' }, h('span.tab-group-name', { id: name, 'aria-hidden': 'true' }, title), own);
  }));
  const [back, forth] = [arrow('back', '‹', -1), arrow('forth', '›', 1)];
  el.before(back);
  el.after(forth);

  /** For the mouse and the finger; the keyboard has its own. @param {string} side @param {string} sign @param {number} way */
  function arrow(side, sign, way) {
    const move = () => el.scrollBy({ left: way * el.clientWidth * PAGE, behavior: 'smooth' });
    return h(`button.tab-arrow.${side}`, { type: 'button', tabindex: -1, 'aria-hidden': 'true', hidden: true, onclick: move }, sign);
  }

  el.addEventListener('keydown', (event) => {
    const all = [...buttons.values()];
    const at = all.findIndex((button) => button === document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = (to + tabs.length) % tabs.length;
    all[next]?.focus({ preventScroll: true });
    onChoose(tabs[next].id);
  });

  /** Where there are more tabs than room, only the row of tabs scrolls. @param {HTMLElement} button */
  function reveal(button) {
    const [box, row] = [button.getBoundingClientRect(), el.getBoundingClientRect()];
    if (box.left < row.left + CLEAR) el.scrollLeft -= row.left + CLEAR - box.left;
    else if (box.right > row.right - CLEAR) el.scrollLeft += box.right - row.right + CLEAR;
  }

  /** The arrows stand where there is more. */
  function hint() {
    back.hidden = el.scrollLeft <= 1;
    forth.hidden = el.scrollLeft + el.clientWidth >= el.scrollWidth - 1;
  }

  el.addEventListener('scroll', hint, { passive: true });
  new ResizeObserver(() => {
    for (const button of buttons.values()) if (button.ariaSelected === 'true') reveal(button);
    hint();
  }).observe(el);

  return {
    /** @param {string} chosen */
    update(chosen) {
      if (buttons.get(chosen)?.ariaSelected === 'true') return;
      for (const [id, button] of buttons) {
        const selected = id === chosen;
        button.setAttribute('aria-selected', String(selected));
        button.tabIndex = selected ? 0 : -1;
        if (selected) reveal(button);
      }
      hint();
      panel.setAttribute('aria-labelledby', `tab-${chosen}`);
    },
  };
}
