// What is asked: the text, a second sentence or a target where the model takes one, and the examples.
// The draft is the person's own: it changes only when they type, take an example or open a link.

import { h, replace } from '../dom.js';
import { exampleOf } from '../drafts.js';
import { fileSize } from '../format.js';

/** A text of more characters than this is set smaller. */
const LONG = 320;

/** @typedef {import('../types.js').Example} Example */
/** @typedef {import('../types.js').Model} Model */
/** @typedef {import('../drafts.js').Draft} Draft */
/** @typedef {import('../types.js').RunRequest} RunRequest */

/**
 * @param {HTMLElement} el
 * @param {{examples: Example[], textLimit: number, onLook: (draft: Draft) => void, onExample: (example: Example) => void, onDraft: () => void}} options
 */
export function createAsk(el, { examples, textLimit, onLook, onExample, onDraft }) {
  const text = field('text', 'Text', 'Paste a sentence, or a page of them');
  const pair = field('pair', 'Second sentence', 'The second sentence');
  const target = field('target', 'Target', 'What the decoder has written (left empty: its own answer)');
  const answer = h('span.ask-answer', {});
  target.box.append(answer);
  const add = h('button.link', { type: 'button' }, '+ second sentence');
  const warning = h('span.ask-warning', { id: 'ask-warning', role: 'status' });
  const side = h('div.ask-side', {});
  const note = h('p.example-note', {});
  const look = h('button.button.primary', { type: 'submit' }, 'Look');
  let pairOpen = false;
  /** @type {Model['kind']} */
  let kind = null;
  let takesPair = true;
  /** @type {Readonly<RunRequest>|null} */
  let asked = null;

  const form = h('form.ask', { novalidate: true },
    h('div.ask-texts', {}, text.box, pair.box, target.box,
      h('div.ask-foot', {}, add, warning, h('span.ask-hint', { 'aria-hidden': 'true' }, h('kbd', {}, '⏎'), ' to look'), look)),
    side);
  replace(el, form, examples.length > 0 && h('div.examples', {}, h('span.label', { id: 'examples-label' }, 'Examples'),
    h('ul', { 'aria-labelledby': 'examples-label' }, examples.map((example) => h('li', {},
      h('button.example', { type: 'button', title: example.note, onclick: () => onExample(example) }, example.title)))), note));

  /** @returns {Draft} */
  function draft() {
    return {
      text: text.input.value,
      pair: kind !== 'decoder' && kind !== 'encoder-decoder' && takesPair && pairOpen ? pair.input.value : null,
      target: kind === 'encoder-decoder' && target.input.value.trim() !== '' ? target.input.value : null,
    };
  }

  /** What is wrong with the draft, before it is sent. */
  function fault() {
    const wanted = draft();
    if (wanted.text.trim() === '') return 'There is no text yet: write or paste some.';
    if (wanted.pair !== null && wanted.pair.trim() === '') return 'The second sentence is empty: write it, or remove it.';
    for (const value of [wanted.text, wanted.pair, wanted.target]) {
      const bytes = value === null ? 0 : new Blob([value]).size;
      if (bytes > textLimit) return `This text has ${fileSize(bytes)}; at most ${fileSize(textLimit)} are taken. Shorten it.`;
    }
    return '';
  }

  /** @param {string} words */
  function warn(words) {
    replace(warning, words);
    if (words) text.input.setAttribute('aria-invalid', 'true');
    else text.input.removeAttribute('aria-invalid');
  }

  /** @param {Event} [event] */
  function submit(event) {
    event?.preventDefault();
    const wrong = fault();
    warn(wrong);
    if (!wrong) onLook(draft());
  }

  /** A long text is set smaller, so that the picture stays near. */
  function size() {
    text.box.classList.toggle('long', text.input.value.length > LONG);
  }

  function arrange() {
    const pairs = kind !== 'decoder' && kind !== 'encoder-decoder' && takesPair;
    add.hidden = !pairs;
    replace(add, pairOpen ? '− second sentence' : '+ second sentence');
    pair.box.hidden = !(pairs && pairOpen);
    target.box.hidden = kind !== 'encoder-decoder';
  }

  function caption() {
    replace(note, (asked && exampleOf(examples, asked, draft())?.note) ?? '');
  }

  function edited() {
    caption();
    onDraft();
  }

  form.addEventListener('submit', submit);
  form.addEventListener('input', (event) => {
    size();
    if (event.target instanceof HTMLTextAreaElement && (warning.textContent || event.target.value.length > textLimit / 4)) warn(fault());
    if (event.target instanceof HTMLTextAreaElement) edited();
  });
  form.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.target instanceof HTMLTextAreaElement) submit(event);
  });
  add.addEventListener('click', () => {
    pairOpen = !pairOpen;
    arrange();
    warn('');
    edited();
    (pairOpen ? pair.input : text.input).focus();
  });

  return {
    side,
    draft,
    focus() {
      text.input.focus();
      text.input.select();
    },
    /** Puts the selection's words in the boxes: an example, or a link that was opened. @param {Draft} state */
    write(state) {
      text.input.value = state.text;
      size();
      if (state.pair !== null) pair.input.value = state.pair;
      if (state.target !== null) target.input.value = state.target;
      pairOpen = state.pair !== null;
      warn('');
      arrange();
      caption();
    },
    /**
     * What an encoder-decoder wrote by itself, where it was given no target; null: nothing yet.
     * @param {string|null} words
     * @param {string} doubt why it means nothing, or ''
     */
    answered(words, doubt) {
      replace(answer, words !== null && ['It wrote ', h('q', {}, words), ' itself.', doubt && ` ${doubt}`]);
    },
    /**
     * @param {Model|null} model what it takes decides which boxes there are
     * @param {Readonly<RunRequest>} now what is looked at: an example's note stays beside the example
     */
    update(model, now) {
      asked = now;
      kind = model?.kind ?? null;
      takesPair = model?.pairs !== false;
      arrange();
      caption();
    },
  };
}

/** @param {string} id @param {string} label @param {string} placeholder */
function field(id, label, placeholder) {
  const input = h('textarea.ask-input', { id, placeholder, rows: 1, spellcheck: 'false', autocomplete: 'off', 'aria-describedby': 'ask-warning' });
  const box = h('div.ask-field', {}, h('label', { for: id, class: id === 'text' ? 'hidden-visually' : 'label' }, label), input);
  return { input, box };
}
