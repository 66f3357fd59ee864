/** How many tokens, how each is chosen, and the buttons: write, write on, stop. */

import { h } from '../dom.js';
import { createNumber } from '../number.js';

/** @typedef {Partial<import('../types.js').Selection>} Patch */

/** @type {readonly {key: 'writeSteps'|'temperature'|'topK'|'topP'|'minP'|'draw', title: string, what: string, min: number, max: number, step: number}[]} */
const NUMBERS = [
  { key: 'writeSteps', title: 'Steps', what: 'tokens to write at a time, up to 256', min: 1, max: 256, step: 1 },
  { key: 'temperature', title: 'Temperature', what: '0 is greedy: the likeliest is taken, nothing is drawn', min: 0, max: 100, step: 0.1 },
  { key: 'topK', title: 'Top-k', what: 'only the k likeliest; 0: all', min: 0, max: 999999, step: 1 },
  { key: 'topP', title: 'Top-p', what: 'only the fewest that together reach p; 1: all', min: 0, max: 1, step: 0.05 },
  { key: 'minP', title: 'Min-p', what: 'none less likely than p times the likeliest; 0: all', min: 0, max: 1, step: 0.01 },
  { key: 'draw', title: 'Seed', what: 'of the draws: the same seed writes the same text', min: 0, max: 999999, step: 1 },
];

/** @param {{set: (patch: Patch) => void, write: () => void, more: () => void, stop: () => void, use: () => void}} react */
export function createForm(react) {
  const fields = NUMBERS.map((one) => {
    const id = `written-${one.key}`;
    const range = { min: one.min, max: one.max, whole: one.step === 1 };
    const number = createNumber({ id, classes: 'written-number', range, step: one.step, title: one.what }, (value) => react.set({ [one.key]: value }));
    return { one, number, element: h('div.written-field', {}, h('label', { for: id }, one.title), number.input, number.wrong) };
  });
  const write = h('button.button.primary', { type: 'submit' }, 'Write');
  const more = h('button.button', { type: 'button', onclick: () => { started = more; react.more(); } }, 'Write on');
  /** The button that began what is being written. */
  let started = write;
  const stop = h('button.button', { type: 'button', onclick: react.stop, hidden: true }, 'Stop');
  const use = h('button.button', { type: 'button', onclick: react.use, title: 'Puts it in the box above, and looks at it' }, 'Use this text');
  const element = h('form.written-form', { novalidate: true, 'aria-label': 'How to write' }, fields.map((field) => field.element),
    h('div.written-buttons', {}, write, more, stop, use));
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    fields.find(({ number }) => number.input === document.activeElement)?.number.take();
    const wrong = fields.find(({ number }) => number.isWrong());
    if (wrong) wrong.number.input.focus();
    else if (!write.hidden) {
      started = write;
      react.write();
    }
  });

  return {
    element,
    /** Who has the focus after a button that is gone: Stop, then the one that began it. */
    buttons: () => [stop, started, write],
    /**
     * @param {Readonly<import('../types.js').Selection>} state
     * @param {{running: boolean, any: boolean, more: boolean, ready: boolean}} now
     */
    update(state, { running, any, more: goesOn, ready }) {
      for (const { one, number } of fields) number.show(state[one.key] ?? 0);
      write.hidden = running || !ready;
      write.textContent = any ? 'Write again' : 'Write';
      more.hidden = running || !goesOn;
      stop.hidden = !running;
      use.hidden = running || !any;
    },
  };
}
