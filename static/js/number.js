// A number that a person types. What cannot be taken is said in words beside it, and what was typed stays as it is.

import { h } from './dom.js';
import { grouped } from './format.js';

/** @typedef {{min: number, max: number, whole: boolean}} Range */

/** What may be written, in words. @param {Range} range */
export function allowed({ min, max, whole }) {
  return `Write a ${whole ? 'whole number' : 'number'} from ${bound(min)} to ${bound(max)}.`;
}

/** @param {number} value */
function bound(value) {
  return Number.isInteger(value) ? grouped(value) : String(value);
}

/** The number that was typed; null where it is none that is allowed. @param {string} typed @param {Range} range */
export function numberOf(typed, { min, max, whole }) {
  const value = typed.trim() === '' ? NaN : Number(typed);
  return value >= min && value <= max && (!whole || Number.isInteger(value)) ? value : null;
}

/**
 * @param {object} given
 * @param {string} given.id
 * @param {string} given.classes of the field, as `h` takes them
 * @param {Range} given.range
 * @param {number} [given.step] of its arrows
 * @param {string} [given.title] what it is, where its label is too short to say it
 * @param {(value: number) => void} react to a number that is allowed
 */
export function createNumber({ id, classes, range, step = 1, title }, react) {
  let bounds = range;
  const input = h(`input.${classes}`, { type: 'number', id, step, title, inputmode: range.whole ? 'numeric' : 'decimal' });
  const wrong = h('span.number-wrong', { id: `${id}-wrong`, role: 'status' });

  /** Is what was typed allowed? It says so where it is not. */
  function check() {
    const right = numberOf(input.value, bounds) !== null;
    wrong.textContent = right ? '' : allowed(bounds);
    if (right) ['aria-invalid', 'aria-describedby'].forEach((name) => input.removeAttribute(name));
    else {
      input.setAttribute('aria-invalid', 'true');
      input.setAttribute('aria-describedby', wrong.id);
    }
    return right;
  }

  function take() {
    const value = numberOf(input.value, bounds);
    if (check() && value !== null) react(value);
  }

  input.addEventListener('change', take);
  input.addEventListener('input', () => { if (isWrong()) check(); });

  const isWrong = () => input.hasAttribute('aria-invalid');

  return {
    input,
    wrong,
    take,
    isWrong,
    /** Shows a number, unless a person is at the field or has still to mend it. @param {number} value @param {Range} [now] where it has changed */
    show(value, now = bounds) {
      bounds = now;
      [input.min, input.max] = [String(now.min), String(now.max)];
      if (document.activeElement === input || isWrong()) return;
      input.value = String(value);
    },
  };
}
