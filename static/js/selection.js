// Questions about a selection in the light of a run: which stack, which tokens, and what is out of range.

import { fitting } from './knockouts.js';
import { masked, predicting } from './masks.js';

/** @typedef {import('./types.js').Selection} Selection */
/** @typedef {import('./types.js').Run} Run */
/** @typedef {import('./types.js').Stack} Stack */
/** @typedef {import('./types.js').Token} Token */

/**
 * The stack that is looked at: the one named, or the run's first.
 * @param {Pick<Selection, 'stack'>} state
 * @param {Run} run
 * @returns {Stack}
 */
export function stackOf(state, run) {
  const stack = run.stacks.find(({ name }) => name === state.stack) ?? run.stacks[0];
  if (!stack) throw new Error('the run has no attention');
  return stack;
}

/**
 * Queries are rows, keys are columns; they differ in cross attention only.
 * @param {Stack} stack
 * @param {Run} run
 * @returns {{rows: Token[], cols: Token[]}}
 */
export function tokensOf(stack, run) {
  const rows = (stack.name === 'encoder' ? run.tokens.encoder : run.tokens.decoder) ?? [];
  const cols = (stack.name === 'decoder' ? run.tokens.decoder : run.tokens.encoder) ?? [];
  return { rows, cols };
}

/**
 * What must change for the selection to fit the run. An index that is too large becomes the last one; a token that
 * is not there is unpinned, and a position or a word that the model cannot predict is left out.
 * @param {Readonly<Selection>} state
 * @param {Run} run
 * @param {import('./types.js').Model|null} model null: its vocabulary is not known
 * @returns {Partial<Selection>}
 */
export function fit(state, run, model) {
  const stack = stackOf(state, run);
  const vocab = model?.vocab ?? Infinity;
  const heads = state.heads?.filter((head) => head < stack.heads) ?? null;
  /** @type {(value: number|null, count: number) => number|null} */
  const within = (value, count) => (value !== null && value < count ? value : null);
  return {
    stack: state.stack === stack.name ? state.stack : null,
    layer: Math.min(state.layer, stack.layers - 1),
    head: Math.min(state.head, stack.heads - 1),
    heads: heads?.length === 0 && state.heads?.length ? null : heads,
    query: within(state.query, stack.rows),
    key: within(state.key, stack.cols),
    position: predicting(run, model).some(({ index }) => index === state.position) ? state.position : null,
    token: within(state.token, vocab),
    against: within(state.against, vocab),
    edits: fitting(state.edits, run),
    rows: state.rows && state.rows[1] <= stack.rows ? state.rows : null,
    cols: state.cols && state.cols[1] <= stack.cols ? state.cols : null,
  };
}

/**
 * The selection with the position whose prediction is asked for: the one chosen, else, in a view that is about a
 * prediction, the pinned token where the model predicts at it. Where there is neither, the server takes the first
 * mask, or the last token; the last of an encoder-decoder is followed by the end mark, of which it is sure whatever
 * the text says, so there it is the first position that is followed by a token of the answer itself.
 * @param {Readonly<Selection>} state
 * @param {Run} run
 * @param {import('./types.js').Model|null} model
 * @param {boolean} ofPrediction is the view about one?
 * @returns {Readonly<Selection>}
 */
export function aimed(state, run, model, ofPrediction) {
  const { encoder, decoder } = run.tokens;
  if (state.position !== null) return state;
  if (!encoder || !decoder) return ofPrediction && predicting(run, model).some(({ index }) => index === state.query) ? { ...state, position: state.query } : state;
  const first = decoder.findIndex((_, i) => decoder[i + 1]?.special === false);
  return first < 0 ? state : { ...state, position: first };
}

/**
 * Does the strip show the tokens that predict? Of an encoder-decoder it may show the text instead.
 * @param {Pick<Selection, 'stack'>} state
 * @param {Run} run
 */
export function stripPredicts(state, run) {
  return !run.tokens.decoder || stackOf(state, run).name !== 'encoder';
}

/**
 * What to hide, as the API takes it.
 * @param {Readonly<Pick<Selection, 'hideSpecial'|'hideSink'>>} state
 */
export function hideOf({ hideSpecial, hideSink }) {
  return [hideSpecial && 'special', hideSink && 'sink'].filter(Boolean).join(',') || undefined;
}

/** @typedef {[number, number]} Span first, and one past the last */

/**
 * The block of a pair of sentences that is shown: who looks and at which; all where nothing is chosen or it is no pair.
 * @param {Readonly<Selection>} state
 * @param {Run} run
 * @returns {{rows: Span, cols: Span}}
 */
export function blockOf(state, run) {
  const stack = stackOf(state, run);
  if (!state.segments) return { rows: [0, stack.rows], cols: [0, stack.cols] };
  /** @type {(tokens: readonly Token[], count: number, segment: string) => Span} */
  const part = (tokens, count, segment) => {
    const first = tokens.findIndex((token) => token.segment === 1);
    if (first < 1) return [0, count];
    return segment === 'a' ? [0, first] : [first, count];
  };
  const { rows, cols } = tokensOf(stack, run);
  return { rows: part(rows, stack.rows, state.segments[0]), cols: part(cols, stack.cols, state.segments[1]) };
}

/** Are these tokens of two sentences? @param {readonly Token[]} tokens */
export function isPair(tokens) {
  return tokens.some((token) => token.segment === 1);
}

/**
 * Does what changed ask for another forward pass?
 * @param {Set<keyof Selection>} changed
 */
export function needsRun(changed) {
  return changed.has('model') || changed.has('text') || changed.has('pair') || changed.has('target') || changed.has('masks');
}

/**
 * What to post: the second sentence and the target only where the model takes them, so that a draft survives a
 * change of model and back. What is masked is put in where the model has a word for it.
 * @param {Readonly<Selection>} state
 * @param {import('./types.js').Model|null} model
 * @returns {import('./types.js').RunRequest}
 */
export function requestOf({ model: id, text, pair, target, masks }, model) {
  const kind = model?.kind ?? null;
  const pairs = model?.pairs !== false && (kind === null || kind === 'encoder');
  const written = (/** @type {string} */ words, /** @type {number} */ segment) => (model?.mask ? masked(words, masks, segment, model.mask) : words);
  return { model: id, text: written(text, 0), pair: pairs && pair !== null ? written(pair, 1) : null, target: kind === null || kind === 'encoder-decoder' ? target : null };
}
