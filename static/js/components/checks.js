// The badge "✓ 4 checks", which opens the list of what was tested on these very numbers.

import { h, replace } from '../dom.js';
import { measure, words } from '../format.js';

/** @typedef {import('../types.js').Check} Check */

/** @param {HTMLElement} el */
export function createChecks(el) {
  const summary = h('summary.badge', {});
  const panel = h('div.checks-panel', {});
  const details = h('details.checks', {}, summary, panel);
  el.hidden = true;
  replace(el, details);
  details.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !details.open) return;
    event.stopPropagation();
    details.open = false;
    summary.focus();
  });
  document.addEventListener('pointerdown', (event) => {
    if (event.target instanceof Node && !details.contains(event.target)) details.open = false;
  });

  return {
    /** @param {{title: string, checks: Check[]}[]} groups of the run, of the picture */
    update(groups) {
      const all = groups.flatMap(({ checks }) => checks);
      const failed = all.filter(({ ok }) => !ok).length;
      el.hidden = all.length === 0;
      summary.classList.toggle('bad', failed > 0);
      replace(summary, failed ? `✕ ${failed} of ${all.length} checks failed` : `✓ ${all.length} check${all.length === 1 ? '' : 's'}`);
      replace(panel, h('p', {}, 'Tested on these very numbers, before pooling or rounding. Each stays at or below its limit.'),
        groups.filter(({ checks }) => checks.length).map(({ title, checks }) => h('table', {},
          h('caption', {}, title),
          h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'check'), h('th', { scope: 'col' }, 'value'), h('th', { scope: 'col' }, 'limit'))),
          h('tbody', {}, checks.map((check) => h(check.ok ? 'tr' : 'tr.bad', {},
            h('th', { scope: 'row' }, h('span', { 'aria-hidden': 'true' }, check.ok ? '✓ ' : '✕ '), words(check.name), !check.ok && ' (failed)'),
            h('td', {}, measure(check.value)), h('td', {}, measure(check.limit))))))));
    },
  };
}
