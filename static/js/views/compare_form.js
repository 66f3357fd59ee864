/** What stands on the other side: a second text, or another model, or both. */

import { h, replace } from '../dom.js';

/** @typedef {import('../types.js').Model} Model */

/**
 * @param {object} given
 * @param {import('../types.js').RunRequest} given.request of the first
 * @param {() => readonly Model[]} given.models
 * @param {(patch: Partial<import('../types.js').Selection>) => void} given.set
 */
export function form({ request, models, set }) {
  const text = h('textarea.compare-text', { id: 'compare-text', rows: 2, spellcheck: 'false', dir: 'auto' });
  const model = h('select.select', { id: 'compare-model' });
  const again = h('button.button.quiet', { type: 'button' }, 'Same as above');
  const element = h('form.compare-form', { 'aria-label': 'The other side' },
    h('div.compare-field-text', {}, h('label.label', { for: 'compare-text' }, 'Compare with this text'), text),
    h('div.compare-side', {}, h('label.label', { for: 'compare-model' }, 'on the model'), model,
      h('div.compare-buttons', {}, h('button.button.primary', { type: 'submit' }, 'Compare'), again)));

  function send() {
    const wanted = text.value.trim() === '' ? request.text : text.value;
    set({
      otherText: wanted === request.text ? null : wanted, otherModel: model.value === request.model ? null : model.value,
      otherLayer: null, otherHead: null,
    });
  }

  element.addEventListener('submit', (event) => {
    event.preventDefault();
    send();
  });
  text.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  model.addEventListener('change', send);
  again.addEventListener('click', () => set({ otherText: null, otherModel: null, otherLayer: null, otherHead: null }));

  return {
    element,
    /** @param {Readonly<import('../types.js').Selection>} state */
    update(state) {
      const other = state.otherModel ?? request.model;
      const ids = new Set([...models().map(({ id }) => id), request.model, other]);
      if (model.dataset.ids !== [...ids].join()) {
        model.dataset.ids = [...ids].join();
        replace(model, [...ids].map((id) => h('option', { value: id }, id)));
      }
      model.value = other;
      if (document.activeElement !== text) text.value = state.otherText ?? request.text;
      again.hidden = state.otherText === null && state.otherModel === null;
    },
  };
}
