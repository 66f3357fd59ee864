// The picture: mounts the view that is chosen, gives it what it needs, and keeps it up to date.

import { h } from './dom.js';
import { aimed, hideOf, stackOf, tokensOf } from './selection.js';
import { tokenTerms, wordTerms } from './terms.js';

/** @typedef {import('./types.js').Run} Run */
/** @typedef {import('./types.js').RunRequest} RunRequest */
/** @typedef {import('./types.js').Model} Model */
/** @typedef {import('./types.js').Needs} Needs */
/** @typedef {import('./types.js').Data} Data */
/** @typedef {import('./types.js').View} View */
/** @typedef {import('./types.js').ViewHandle} ViewHandle */
/** @typedef {import('./types.js').ViewContext} ViewContext */
/** @typedef {{run: Run, request: RunRequest, model: Model|null}} Looking what a run is, and where it came from */
/** @typedef {{view: View, place: HTMLElement, run: Run, stack: string, handle: ViewHandle, ctx: ViewContext, terms: import('./terms.js').Terms, group: string, life: AbortController}} Mounted */

const NOTHING = Object.freeze({});

/**
 * @param {HTMLElement} el
 * @param {object} page
 * @param {import('./types.js').Store} page.store
 * @param {readonly View[]} page.views
 * @param {() => readonly Model[]} page.models
 * @param {ReturnType<typeof import('./session.js').createSession>} page.session
 * @param {(text: string) => void} page.announce
 * @param {ViewContext['use']} page.use
 * @param {ViewContext['write']} page.write
 * @param {(data: Data, looking: Looking, view: View) => void} page.onDrawn
 * @param {{start: (stop: () => void) => void, stage: (stage: import('./types.js').Stage) => void, end: () => void, fail: (error: unknown) => void}} page.wait
 */
export function createStage(el, { store, views, models, session, announce, use, write, onDrawn, wait }) {
  /** @type {Looking|null} */
  let looking = null;
  /** @type {Mounted|null} */
  let mounted = null;
  /** Views out of sight that are kept, since making them anew takes long. @type {Mounted[]} */
  let parked = [];
  /** @type {AbortController|null} */
  let fetching = null;
  /** @type {Data} */
  let data = NOTHING;

  const theme = () => (document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light');

  /** @param {Looking} now @param {View} view */
  function mount(now, view) {
    const stack = stackOf(store.get(), now.run);
    const group = view.sight ? store.get().group : 'token';
    /** @param {Mounted} one */
    const fits = (one) => one.run === now.run && one.stack === stack.name;
    /** @param {Mounted} one */
    const same = (one) => one.view === view && one.group === group && fits(one);
    if (mounted && same(mounted)) return mounted;
    unmount();
    parked.filter((one) => !fits(one)).forEach(end);
    parked = parked.filter(fits);
    el.dataset.view = view.id;
    const kept = parked.find(same);
    if (kept) {
      parked = parked.filter((one) => one !== kept);
      kept.ctx.theme = theme();
      el.append(kept.place);
      mounted = kept;
      return mounted;
    }
    const life = new AbortController();
    const terms = (group === 'word' ? wordTerms : tokenTerms)(now.run, tokensOf(stack, now.run), store);
    const ctx = {
      store: terms.store, run: terms.run, request: now.request, model: now.model, tokens: terms.tokens,
      setHover: terms.store.setHover, announce, models, theme: /** @type {'light'|'dark'} */ (theme()),
      use,
      write: written(now, view, life.signal),
      fetch: async (/** @type {Needs} */ more, /** @type {((stage: import('./types.js').Stage) => void)|undefined} */ onStage, /** @type {AbortSignal|undefined} */ signal) => (
        terms.data(await fetchMore(inTokens(more, view, terms, now.run), now, life.signal, onStage, signal))),
      told: () => { if (!life.signal.aborted && mounted?.ctx === ctx) onDrawn(data, now, view); },
    };
    const place = h('div.view-place', {});
    el.append(place);
    mounted = { view, place, run: now.run, stack: stack.name, handle: view.mount(place, ctx), ctx, terms, group, life };
    return mounted;
  }

  /**
   * What a view asks for, counted in tokens, without what is hidden; a gradient is of the prediction that is chosen.
   * @param {Needs} needs
   * @param {View} view
   * @param {import('./terms.js').Terms} terms
   * @param {Run} run
   * @returns {Needs}
   */
  function inTokens(needs, view, terms, run) {
    const { attention, ...rest } = terms.needs(needs);
    if (!attention) return rest;
    const hide = view.sight ? hideOf(store.get()) : undefined;
    const { position } = aimed(store.get(), run, null, false);
    const of = attention.lens === 'gradient' && run.tokens.decoder && position !== null ? { position } : {};
    return { ...rest, attention: { ...attention, ...(hide ? { hide } : {}), ...of } };
  }

  /** The selection as a view has it. @param {Mounted} one */
  function seen({ terms, run, view, ctx }) {
    return terms.state(aimed(store.get(), run, ctx.model, view.ofPrediction === true));
  }

  /**
   * Of long work, how far it is is shown, and it can be stopped.
   * @param {Needs} needs
   * @param {Looking} now
   * @param {AbortSignal} life
   * @param {(stage: import('./types.js').Stage) => void} [onStage]
   * @param {AbortSignal} [signal] of the view itself
   */
  async function fetchMore(needs, now, life, onStage, signal) {
    const mine = new AbortController();
    let told = false;
    try {
      return await session.fetch(needs, now.run, now.request, AbortSignal.any([life, mine.signal, ...(signal ? [signal] : [])]), (stage) => {
        if (!told) wait.start(() => mine.abort());
        told = true;
        wait.stage(stage);
        onStage?.(stage);
      });
    } finally {
      if (told && !life.aborted) wait.end();
    }
  }

  /**
   * What a view lets the model write; once it is there, or was stopped, its checks are shown.
   * @param {Looking} now
   * @param {View} view
   * @param {AbortSignal} life
   * @returns {ViewContext['write']}
   */
  function written(now, view, life) {
    return async (asked, on, signal) => {
      try {
        return await write(asked, on, AbortSignal.any([life, signal]));
      } finally {
        if (!life.aborted) onDrawn(data, now, view);
      }
    };
  }

  function unmount() {
    if (!mounted) return;
    delete el.dataset.drawn;
    refused(false);
    mounted.place.remove();
    if (mounted.view.keep) {
      mounted.handle.away?.();
      parked.push(mounted);
    } else end(mounted);
    mounted = null;
  }

  /** @param {Mounted} one */
  function end({ life, handle }) {
    life.abort();
    handle.destroy();
  }

  /** Draws what is chosen now; of two calls the last one wins. */
  async function refresh() {
    fetching?.abort();
    fetching = null;
    if (!looking) return;
    const now = looking;
    const view = viewOf();
    const { handle } = mount(now, view);
    const needs = needsOf();
    const known = session.peek(needs, now.run);
    if (known) {
      wait.end();
      draw(handle, known, now, view);
      return;
    }
    const mine = new AbortController();
    fetching = mine;
    wait.start(() => mine.abort());
    try {
      const fetched = await session.fetch(needs, now.run, now.request, mine.signal, wait.stage);
      if (mine.signal.aborted) return;
      fetching = null;
      wait.end();
      draw(handle, fetched, now, view);
    } catch (error) {
      if (mine !== fetching) return;
      fetching = null;
      wait.end();
      wait.fail(error);
    }
  }

  /** @param {ViewHandle} handle @param {Data} fresh @param {Looking} now @param {View} view */
  function draw(handle, fresh, now, view) {
    data = fresh;
    refused(false);
    el.dataset.drawn = '';
    update(handle);
    onDrawn(data, now, view);
  }

  function redraw() {
    if (!mounted || !looking) return;
    mounted.ctx.theme = theme();
    update(mounted.handle);
  }

  /** @param {boolean} now */
  function refused(now) {
    el.toggleAttribute('data-refused', now);
    el.inert = now;
  }

  /** @param {ViewHandle} handle */
  function update(handle) {
    if (mounted) handle.update(seen(mounted), mounted.terms.data(data));
  }

  /** @returns {Needs} */
  function needsOf() {
    if (!looking) return NOTHING;
    const now = mount(looking, viewOf());
    const { view, terms } = now;
    return inTokens(view.needs(seen(now), terms.run, looking.model, models()) ?? NOTHING, view, terms, looking.run);
  }

  function viewOf() {
    return views.find(({ id }) => id === store.get().view) ?? views[0];
  }

  let width = 0;
  new ResizeObserver(() => {
    if (el.clientWidth === width) return;
    const first = width === 0;
    width = el.clientWidth;
    if (!first && !fetching) requestAnimationFrame(redraw);
  }).observe(el);
  addEventListener('themechange', redraw);
  store.subscribeHover((hover) => mounted?.handle.hover(mounted.terms.hover(hover)));
  el.addEventListener('keydown', (event) => {
    if (!event.defaultPrevented && mounted?.handle.key?.(event)) event.preventDefault();
  });

  return {
    refresh,
    /** @param {Looking|null} now */
    look(now) { looking = now; },
    get looking() { return looking; },
    get handle() { return mounted?.handle ?? null; },
    get data() { return data; },
    get view() { return viewOf(); },
    needs: needsOf,
    /** The picture that is there is not what was asked for, and what was cannot be had. */
    refuse() {
      data = NOTHING;
      refused(true);
    },
  };
}
