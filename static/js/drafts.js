// What is written in the boxes, held against an example, against the run that is shown, and against what a model knows.

/** @typedef {import('./types.js').Example} Example */
/** @typedef {import('./types.js').RunRequest} RunRequest */
/** @typedef {{text: string, pair: string|null, target: string|null}} Draft */

const MONTH = /\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b/i;

/**
 * Is it the same text, second sentence and target? An empty box is none, and a box writes every end of a line as \n.
 * @param {Readonly<{text: string, pair?: string|null, target?: string|null}>} a
 * @param {Readonly<{text: string, pair?: string|null, target?: string|null}>} b
 */
export function sameDraft(a, b) {
  const written = (/** @type {string|null|undefined} */ text) => (text ?? '').replace(/\r\n?/g, '\n');
  return written(a.text) === written(b.text) && written(a.pair) === written(b.pair) && written(a.target) === written(b.target);
}

/**
 * The example that both the page and the boxes hold; its note is true of nothing else.
 * @param {readonly Example[]} examples
 * @param {Readonly<RunRequest>} asked
 * @param {Draft} draft
 */
export function exampleOf(examples, asked, draft) {
  return examples.find((one) => one.model === asked.model && sameDraft(one, asked) && sameDraft(one, draft)) ?? null;
}

/**
 * Why an answer means nothing, or ''.
 * @param {Readonly<Pick<RunRequest, 'model'|'text'>>} asked
 */
export function doubt({ model, text }) {
  return model !== 'dates' || /\d/.test(text) || MONTH.test(text) ? '' : 'This model knows only written dates; for other text its answer means nothing.';
}
