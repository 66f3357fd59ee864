/** What is taken away: a list, and buttons that add to it what is selected. */

import { h, replace } from '../dom.js';
import { inWords, MOST, read } from '../knockouts.js';
import { predicting } from '../masks.js';
import { named } from '../ticks.js';

/** @typedef {import('../answers_predictions.js').Edit} Edit */
/** @typedef {import('../types.js').Selection} Selection */
/** @typedef {import('../types.js').Token} Token */

const WHERE = /** @type {const} */ ({ head: 'in this head', layer: 'in every head of this layer', all: 'in every layer' });
const HOW = /** @type {const} */ ({ resoftmax: 'the others take its share', drop: 'its share is lost' });
const INSTEAD = /** @type {const} */ ({ zero: 'zeros', mean: 'its mean' });

/**
 * @param {import('../types.js').ViewContext} ctx
 * @param {import('../types.js').Stack} stack
 * @param {{add: (edit: Edit) => void, set: (patch: Partial<Selection>) => void}} react
 */
export function createForm(ctx, stack, react) {
  const { rows, cols } = ctx.tokens;
  const masked = !ctx.run.tokens.decoder;
  const predicts = predicting(ctx.run, ctx.model);
  /** @type {keyof typeof WHERE} */
  let where = 'head';
  /** @type {keyof typeof HOW} */
  let how = 'resoftmax';
  /** @type {import('./causes_words.js').Found|null} */
  let found = null;
  let state = ctx.store.get();

  const at = choice('causes-at', predicts.map((token) => [token.index, named(token, token.index)]), (value) => react.set({ position: Number(value) }));
  const query = choice('causes-query', rows.map((token) => [token.index, named(token, token.index)]), (value) => react.set({ query: Number(value), ...(found && { position: found.position }) }));
  const key = choice('causes-key', cols.map((token) => [token.index, named(token, token.index)]), (value) => react.set({ key: Number(value) }));
  const whereBox = choice('causes-where', Object.entries(WHERE), (value) => { where = /** @type {keyof typeof WHERE} */ (value); show(); });
  const howBox = choice('causes-how', Object.entries(HOW), (value) => { how = /** @type {keyof typeof HOW} */ (value); });
  const insteadBox = choice('causes-instead', Object.entries(INSTEAD), (value) => react.set({ ablation: /** @type {Selection['ablation']} */ (value) }));

  const buttons = {
    head: button(() => ({ kind: 'head', stack: stack.name, layer: state.layer, head: state.head })),
    layer: button(() => ({ kind: 'layer', stack: stack.name, layer: state.layer })),
    token: button(() => ({ kind: 'token', stack: stack.name, key: found?.edge.key ?? 0 })),
    edge: button(edge),
  };
  const why = h('p.causes-why', { hidden: true });
  const list = h('ul.causes-list', { 'aria-label': 'Taken away' });
  const clear = h('button.link', { type: 'button', onclick: () => react.set({ edits: null }) }, 'Put all back');
  const title = h('h3', { tabindex: -1 }, 'Take away');
  const element = h('section.causes-form', { 'aria-label': 'What is taken away' }, title,
    h('div.causes-fields', {}, field(masked ? 'predicted at' : 'predicted after', at)),
    h('div.causes-fields', {}, field('the token', query), field('looks at', key)),
    h('div.causes-adds', {}, buttons.head, buttons.layer, buttons.token),
    h('div.causes-adds', {}, buttons.edge, whereBox, howBox),
    why,
    h('div.causes-fields', {}, field('the output of a head becomes', insteadBox)),
    list, clear);
  whereBox.setAttribute('aria-label', 'The edge is taken away');
  howBox.setAttribute('aria-label', 'What it had is');

  /**
   * @param {string} id
   * @param {(readonly [string|number, string])[]} options
   * @param {(value: string) => void} onChange
   */
  function choice(id, options, onChange) {
    const select = h('select.select', { id }, options.map(([value, words]) => h('option', { value }, words)));
    select.addEventListener('change', () => onChange(select.value));
    return select;
  }

  /** @param {string} words @param {HTMLElement} control */
  function field(words, control) {
    return h('div.control', {}, h('label.label', { for: control.id }, words), control);
  }

  /** @param {() => Edit} make */
  function button(make) {
    return h('button.button.small', { type: 'button', onclick: () => react.add(make()) });
  }

  /** @returns {Edit} */
  function edge() {
    const { query: from, key: to } = found?.edge ?? { query: 0, key: 0 };
    const place = where === 'all' ? {} : where === 'layer' ? { layer: state.layer } : { layer: state.layer, head: state.head };
    return { kind: 'edge', stack: stack.name, ...place, query: from, key: to, edge: how };
  }

  /** Why the edge or the token cannot be taken away; '' where it can, as far as is known here. */
  function unseen() {
    if (!found || stack.name !== 'decoder') return '';
    if (found.edge.key > found.edge.query) return 'In a decoder no token looks at a later one, so there is no such edge.';
    return found.edge.key === cols.length - 1 ? 'No other token sees the last one: only its edge to itself can be taken away.' : '';
  }

  /** @param {string} text */
  function item(text) {
    const edit = read(text);
    if (!edit) return null;
    const words = inWords(edit, ctx.run);
    const back = () => {
      const rest = (state.edits ?? []).filter((one) => one !== text);
      title.focus({ preventScroll: true });
      react.set({ edits: rest.length ? rest : null });
      ctx.announce(`${words} is back`);
    };
    return h('li', {}, h('span', {}, words), h('button.causes-back', { type: 'button', 'aria-label': `Put back ${words}`, title: 'Put it back', onclick: back }, '×'));
  }

  function show() {
    if (!found) return;
    const { edge: { query: from, key: to } } = found;
    const texts = state.edits ?? [];
    at.value = String(found.position);
    query.value = String(from);
    key.value = String(to);
    insteadBox.value = state.ablation;
    replace(buttons.head, `Head ${state.layer}.${state.head}`);
    replace(buttons.layer, `Attention of layer ${state.layer}`);
    replace(buttons.token, `Token ${named(cols[to], to)}`);
    replace(buttons.edge, `Edge ${named(rows[from], from)} → ${named(cols[to], to)}`);
    const full = texts.length >= MOST;
    const reason = full ? `${MOST} are taken away, which is the most at once: put one back to take another away.` : unseen();
    buttons.head.disabled = buttons.layer.disabled = full;
    buttons.edge.disabled = full || (to > from && stack.name === 'decoder');
    buttons.token.disabled = full || (stack.name === 'decoder' && to === cols.length - 1);
    replace(why, reason);
    why.hidden = reason === '';
    replace(list, texts.map(item));
    list.hidden = clear.hidden = texts.length === 0;
  }

  return {
    element,
    /** @param {Readonly<Selection>} next @param {import('./causes_words.js').Found} now */
    update(next, now) {
      [state, found] = [next, now];
      show();
    },
  };
}
