// The selection and the address bar: a step back for every text, model and view; the rest overwrites.

import { fromUrl, toUrl } from './url.js';

/** @typedef {import('./types.js').Selection} Selection */

const WAIT = 150;
const STEPS = /** @type {const} */ (['model', 'text', 'pair', 'target', 'masks', 'view', 'otherModel', 'otherText']);

/**
 * Browsers refuse more than about a hundred changes of the address in half a minute, so those that overwrite wait a moment.
 * @param {import('./types.js').Store} store
 * @param {(state: Selection) => void} onTravel the person went back or forward, or edited the address
 */
export function keepHistory(store, onTravel) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  let travelling = false;

  const write = () => {
    clearTimeout(timer);
    timer = undefined;
    history.replaceState(null, '', toUrl(store.get()));
  };
  store.subscribe((state, changed) => {
    if (travelling) return;
    if (STEPS.some((key) => changed.has(key))) {
      clearTimeout(timer);
      timer = undefined;
      if (toUrl(state) !== location.pathname + location.search + location.hash) history.pushState(null, '', toUrl(state));
    } else timer ??= setTimeout(write, WAIT);
  });
  addEventListener('popstate', () => {
    clearTimeout(timer);
    timer = undefined;
    travelling = true;
    try {
      onTravel(fromUrl(location.search, location.hash));
    } finally {
      travelling = false;
    }
  });
  return { write };
}
