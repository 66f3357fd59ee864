/** Texts that were written: their steps, what branches off where, and what is asked for to go on. Nothing here draws. */

/** @typedef {import('../types.js').Token} Token */
/** @typedef {import('../answers_predictions.js').Candidate} Candidate */
/** @typedef {import('../answers_predictions.js').WrittenStep} WrittenStep */
/** @typedef {import('../answers_predictions.js').WritingStart} WritingStart */
/** @typedef {import('../answers_predictions.js').GenerateParams} GenerateParams */

/**
 * @typedef {object} Rows of every head what one query gives each key (or bin of keys): layer by layer, head by head
 * @property {import('../types.js').StackName} stack
 * @property {number} query
 * @property {number} layers
 * @property {number} heads
 * @property {number} keys
 * @property {number} bins
 * @property {number[]|null} edges
 * @property {Float32Array} values none where they are not kept any more
 *
 * @typedef {object} OwnStep what is kept of a step
 * @property {Rows} own
 * @property {Rows|null} over what an encoder-decoder's heads see of its text
 * @property {boolean} picked the token was chosen by hand
 *
 * @typedef {Omit<WrittenStep, 'attention'|'cross'|'step'> & OwnStep} Step
 *
 * @typedef {object} Text
 * @property {WritingStart} start
 * @property {readonly number[]} given the ids before the first step: of a branch that came with a link
 * @property {Step[]} steps
 * @property {GenerateParams|null} posted what was asked for last
 * @property {string} end how it ended; empty while it is being written
 */

/** How a text may end, as a person reads it. @type {Record<string, string>} */
export const ENDS = {
  steps: 'as many steps as were asked for', 'end-token': 'the model wrote its end token', masks: 'no mask is left', stopped: 'stopped',
};

/** Numbers in one block, as they are a quarter of the size. @param {import('../answers_predictions.js').HeadRows} rows @returns {Rows} */
export function packed({ stack, query, layers, heads, cols, col_edges: edges, values }) {
  const bins = values[0]?.[0]?.length ?? 0;
  const flat = new Float32Array(layers.length * heads.length * bins);
  values.forEach((layer, l) => layer.forEach((row, h) => flat.set(row, (l * heads.length + h) * bins)));
  return { stack, query, layers: layers.length, heads: heads.length, keys: cols[1], bins, edges, values: flat };
}

/** @param {WrittenStep} step @returns {Step} */
export function kept({ attention, cross, step: _, ...rest }) {
  return { ...rest, own: packed(attention), over: cross && packed(cross), picked: false };
}

/** One head's row. @param {Rows} rows @param {number} layer @param {number} head */
export function rowOf(rows, layer, head) {
  const at = (Math.min(layer, rows.layers - 1) * rows.heads + Math.min(head, rows.heads - 1)) * rows.bins;
  return rows.values.subarray(at, at + rows.bins);
}

/** Which number of a row a key has. @param {Rows} rows @param {number} key */
export function binOf({ edges }, key) {
  if (!edges) return key;
  const after = edges.findIndex((edge) => edge > key);
  return after < 1 ? -1 : after - 1;
}

/** The rows of the stack that is looked at, where the step has them; else those of the tokens written. @param {Step} step @param {string} stack */
export function shownRows(step, stack) {
  return stack === 'cross' && step.over ? step.over : step.own;
}

/** A text of which nothing is written yet. @param {readonly number[]} [given] @returns {Text} */
export function blank(given = []) {
  return { start: { tokens: {}, sampling: 'greedy', seed: null, masks: null, says: '', text: '', pair: null }, given, steps: [], end: '', posted: null };
}

/** All ids that were written. @param {Text} text */
export function idsOf({ given, steps }) {
  return [...given, ...steps.map(({ token }) => token.id)];
}

/** The ids that stood already when more of this text was last asked for; null: none. @param {Text|null} text */
export function prefixOf(text) {
  return text?.posted?.prefix_ids ?? null;
}

/** Where the text with these ids before it is. @param {readonly Text[]} texts @param {readonly number[]|null} prefix */
export function withPrefix(texts, prefix) {
  return texts.findIndex((text) => String(prefixOf(text)) === String(prefix));
}

/** The tokens that were given, once the server has said what they are. @param {Text} text @returns {Token[]} */
function givenTokens({ start: { masks, tokens }, given }) {
  const all = (masks ? tokens.encoder : tokens.decoder) ?? [];
  return given.flatMap((_, i) => all[masks ? masks[i] : all.length - given.length + i] ?? []);
}

/**
 * The text up to a step, with another token there. What follows is still to be written.
 * @param {Text} text
 * @param {number} at
 * @param {Candidate} candidate
 * @returns {Text}
 */
export function branch({ start, given, steps }, at, candidate) {
  const here = steps[at];
  const token = { ...here.token, id: candidate.id, text: candidate.text, display: candidate.text, special: false };
  return { start, given, end: '', posted: null, steps: [...steps.slice(0, at), { ...here, token, chosen: candidate, draw: null, picked: true }] };
}

/**
 * The texts without one of them, and which of them is looked at then: the same, or where it was the one, its neighbour.
 * @param {readonly Text[]} texts
 * @param {number} at
 * @param {Text} gone
 */
export function without(texts, at, gone) {
  const left = texts.filter((one) => one !== gone);
  const same = left.indexOf(texts[at]);
  return { texts: left, at: same >= 0 ? same : Math.max(0, Math.min(at, left.length - 1)) };
}

/**
 * The tokens of the side that is written on, and which step wrote each; null: it was there before.
 * @param {Text} text
 * @param {readonly Token[]} before
 * @returns {{token: Token, step: number|null}[]}
 */
export function sequence(text, before) {
  /** @type {{token: Token, step: number|null}[]} */
  const all = before.map((token) => ({ token, step: null }));
  for (const token of givenTokens(text)) all[token.index] = { token, step: null };
  text.steps.forEach(({ token, position }, step) => { all[position] = { token, step }; });
  return all;
}

/**
 * @param {Readonly<import('../types.js').Selection>} state
 * @param {import('../types.js').RunRequest} request
 * @param {readonly number[]} before what was written already
 * @returns {GenerateParams}
 */
export function asked(state, { model, text, pair }, before) {
  return {
    model, text, ...(pair === null ? {} : { pair }), ...(before.length ? { prefix_ids: [...before] } : {}), steps: state.writeSteps,
    temperature: state.temperature, top_k: state.topK, top_p: state.topP, min_p: state.minP, seed: state.draw ?? 0, limit: 12, size: 512,
  };
}
