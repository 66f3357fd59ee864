// The button that goes round auto, light, dark. js/theme.js applies the choice, before the page is painted.

import { h, replace } from '../dom.js';

const CHOICES = [
  { name: 'auto', icon: '◐' },
  { name: 'light', icon: '○' },
  { name: 'dark', icon: '●' },
];

/** @returns {HTMLButtonElement} */
export function themeButton() {
  const root = document.documentElement;
  const button = h('button.tool', { type: 'button' });
  const now = () => Math.max(0, CHOICES.findIndex(({ name }) => name === root.dataset.themeChoice));
  const draw = () => {
    const { name, icon } = CHOICES[now()];
    button.title = `Theme: ${name}`;
    replace(button, h('span', { 'aria-hidden': 'true' }, icon), h('span', {}, h('span.hidden-visually', {}, 'Theme: '), name));
  };
  button.addEventListener('click', () => {
    const { name } = CHOICES[(now() + 1) % CHOICES.length];
    root.dataset.themeChoice = name;
    try { localStorage.setItem('theme', name); } catch { /* storage may be off: it lasts for this page */ }
    draw();
  });
  draw();
  return button;
}
