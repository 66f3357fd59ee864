// What each key does on the inspect page.

import { stackOf, tokensOf } from '../selection.js';
import { unitsOf } from '../units.js';
import { binOf } from '../weights.js';

/** @typedef {import('../keys.js').Binding} Binding */

/**
 * @param {object} page
 * @param {import('../types.js').Store} page.store
 * @param {ReturnType<typeof import('../stage.js').createStage>} page.stage
 * @param {readonly import('../types.js').View[]} page.views
 * @param {{text: () => void, model: () => void, link: () => void, help: () => void, stop: () => boolean}} page.go
 * @param {(index: number|null) => void} page.pin
 * @returns {Binding[]}
 */
export function bindingsOf({ store, stage, views, go, pin }) {
  const stack = () => (stage.looking ? stackOf(store.get(), stage.looking.run) : null);
  const numbered = views.slice(0, 9);
  const within = (/** @type {number} */ value, /** @type {number} */ count) => Math.max(0, Math.min(count - 1, value));

  /** @param {number} step */
  function layer(step) {
    const now = stack();
    if (stage.handle?.arrow) stage.handle.arrow(0, -step);
    else if (now) store.set({ layer: within(store.get().layer + step, now.layers) });
  }

  /** In Heads all heads may be drawn: the first press shows one alone. @param {number} step */
  function head(step) {
    const [now, state] = [stack(), store.get()];
    if (!now) return;
    if (stage.handle?.arrow) stage.handle.arrow(step, 0);
    else if (state.view !== 'heads') store.set({ head: within(state.head + step, now.heads) });
    else if (state.heads?.length !== 1) store.set({ heads: [state.head] });
    else {
      const to = within(state.heads[0] + step, now.heads);
      store.set({ head: to, heads: [to] });
    }
  }

  /** Round and round. @param {number} step */
  function view(step) {
    const at = views.findIndex(({ id }) => id === store.get().view);
    store.set({ view: views[(at + step + views.length) % views.length].id });
  }

  /** @param {number} step */
  function token(step) {
    const [now, state] = [stack(), store.get()];
    if (stage.handle?.along) return void stage.handle.along(step);
    if (!now) return;
    const from = state.query;
    const words = stage.view.sight && state.group === 'word' && stage.looking ? unitsOf(tokensOf(now, stage.looking.run).rows).edges : null;
    const [at, count] = words ? [from === null ? null : binOf(words, from), words.length - 1] : [from, now.rows];
    const to = at === null ? (step > 0 ? 0 : count - 1) : within(at + step, count);
    pin(words ? words[to] : to);
  }

  function escape() {
    if (go.stop() || stage.handle?.stop?.()) return;
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    store.set({ query: null, key: null });
  }

  return [
    { keys: ['←', '→'], does: 'the head before, the head after', run: (i) => head(i ? 1 : -1) },
    { keys: ['↓', '↑'], does: 'a layer down, a layer up', run: (i) => layer(i ? 1 : -1) },
    { keys: ['⇧←', '⇧→'], does: 'pin the token before, the token after', run: (i) => token(i ? 1 : -1) },
    { keys: ['⏎'], does: 'on a token or a cell: pin it, or let it go; on a head: open it' },
    { keys: ['F2'], does: 'on a token: change it in place, and see what that does (or click it twice)' },
    { keys: ['+', '−', '0'], does: 'in the map: zoom in, out, all of it' },
    { keys: ['o'], does: 'on the number of a head: only that head' },
    { keys: numbered.map((_, i) => String(i + 1)), does: numbered.map(({ title }) => title).join(', '), run: (i) => store.set({ view: numbered[i].id }) },
    { keys: [',', '.'], does: 'the view before, the view after', run: (i) => view(i ? 1 : -1) },
    { keys: ['/', 'm'], does: 'write a text, choose a model', run: (i) => (i ? go.model() : go.text()) },
    { keys: ['c'], does: 'copy the link', run: go.link },
    { keys: ['?'], does: 'this list', run: go.help },
    { keys: ['Esc'], does: 'close, stop, let go', run: escape },
  ];
}
