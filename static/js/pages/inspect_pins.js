// Which tokens are pinned and which are pointed at: what the strip's query and key are to each view.

import { stackOf, stripPredicts } from '../selection.js';

/**
 * @param {object} page
 * @param {import('../types.js').Store} page.store
 * @param {ReturnType<typeof import('../stage.js').createStage>} page.stage
 */
export function createPins({ store, stage }) {
  /** In Causes the pinned token is the key that may be taken away. */
  function pinned() {
    const own = stage.handle?.pinned?.();
    if (own) return own;
    const { view, position, query, key } = store.get();
    if (view === 'causes' && !twoTexts()) return { query: key, key: null };
    if (view === 'neuron') return { query: query ?? stage.data.neuron?.query ?? null, key };
    return asks() ? { query: position ?? stage.data.logits?.position ?? null, key: null } : { query, key };
  }

  /** In Next word the pinned token is the position that is asked about, where it is in the strip. */
  function asks() {
    return store.get().view === 'next' && stage.looking !== null && stripPredicts(store.get(), stage.looking.run);
  }

  /** Are rows and columns different texts? */
  function twoTexts() {
    return stage.looking !== null && stackOf(store.get(), stage.looking.run).name === 'cross';
  }

  /** @param {'query'|'key'} side @param {number|null} index */
  function pin(side, index) {
    store.setHover({ query: null, key: null });
    if (stage.handle?.pin?.(side, index)) return;
    if (store.get().view === 'causes' && side === 'query' && !twoTexts()) store.set({ key: index });
    else if (asks() && side === 'query') store.set({ position: index });
    else store.set({ [side]: index });
  }

  /**
   * With one strip for both, the token that is pointed at is the query, or, once a query is pinned, the key.
   * @param {'query'|'key'} side
   * @param {number|null} index
   */
  function hoverOf(side, index) {
    const state = store.get();
    const cross = stage.looking && stackOf(state, stage.looking.run).name === 'cross';
    const asKey = side === 'key' || (!cross && !stage.handle?.pinned && pinned().query !== null && state.view !== 'tokens' && state.view !== 'next');
    return asKey ? { query: null, key: index } : { query: index, key: null };
  }

  return { pinned, pin, hoverOf };
}
