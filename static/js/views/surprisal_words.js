/** What Surprisal says in words and numbers: how a model reads a text, the totals, one token, and the table. */

import { h } from '../dom.js';
import { digits, grouped } from '../format.js';
import { piece } from '../piece.js';
import { weight } from '../ticks.js';

/**
 * @typedef {import('../answers_predictions.js').SurprisalData} SurprisalData
 * @typedef {import('../answers_predictions.js').ScoredToken} ScoredToken
 * @typedef {import('../types.js').Selection['measure']} Measure
 */

/** @type {Record<Measure, {title: string, legend: string}>} */
export const MEASURES = {
  nats: { title: 'surprisal', legend: 'surprisal in nats' },
  rank: { title: 'rank', legend: 'rank, on a logarithmic scale' },
  entropy: { title: 'entropy', legend: 'entropy before it, in nats' },
};

/** @type {Record<SurprisalData['objective'], string>} */
const READS = {
  clm: 'This model reads from left to right: each token is scored by what the tokens before it made it expect. The first has none before it, and no score.',
  mlm: 'This model fills in masks: each token was masked in turn and scored by all the others, before and behind it. The sum of these log-probabilities is the pseudo-log-likelihood; it is not comparable with the loss of a model that reads from left to right.',
  seq2seq: 'Each token of the target is scored by the text and the target before it, as the model is trained; the end of the target counts too.',
};

const UNKNOWN = 'not known here';

/** @param {SurprisalData} data */
export function reads({ objective }) {
  return READS[objective];
}

/** @param {SurprisalData} data */
export function totals(data) {
  const { loss, perplexity, bits_per_byte: bits, scored, tokens, bytes } = data;
  const endless = tokens.some((token) => natsOf(token) === Infinity);
  const one = (/** @type {string} */ name, /** @type {number|null} */ value, /** @type {string} */ unit) => h('div', { data: { total: name } },
    h('dt', {}, name), h('dd', {}, endless && value === null && unit !== UNKNOWN ? '∞' : digits(value), ' ', h('small', {}, unit)));
  return [
    one('loss', loss, 'nats a token'), one('perplexity', perplexity, 'e to the loss'),
    one('bits per byte', bits, bytes === null ? UNKNOWN : `over ${grouped(bytes)} bytes`),
    h('div', { data: { total: 'scored' } }, h('dt', {}, 'scored'), h('dd', {}, grouped(scored), ' ', h('small', {}, `of ${grouped(tokens.length)} tokens`))),
  ];
}

/** −ln of the probability; infinite where that is 0, and null, as the rank is, where there is no score. @param {ScoredToken} token */
export function natsOf({ nats, rank }) {
  return rank === null ? null : nats ?? Infinity;
}

/** @param {ScoredToken} token */
export function inNats(token) {
  return natsOf(token) === Infinity ? '∞ nats' : `${digits(token.nats)} nats`;
}

/** The largest surprisal that is a number. @param {readonly ScoredToken[]} tokens */
const finite = (tokens) => tokens.reduce((top, { nats }) => Math.max(top, nats ?? 0), 0);

/** One token: how unexpected, and what was expected. @param {ScoredToken|undefined} token @param {SurprisalData} data */
export function detail(token, data) {
  if (!token) return ['Point at a token or a bar; a click keeps it.'];
  const name = [h('b', {}, piece(token.text)), ` (${token.index})`];
  const nats = natsOf(token);
  if (nats === null || token.rank === null) return [...name, data.objective === 'mlm' ? ' is a special token and has no score.' : ' has nothing before it, and no score.'];
  return [
    ...name, ` ${inNats(token)}: ${nats === Infinity ? 'probability 0, the model rules it out' : `probability ${weight(Math.exp(-nats))}`}, rank ${grouped(token.rank + 1)}, entropy ${digits(token.entropy)}. `,
    token.best === token.id ? 'It was the likeliest.' : ['The likeliest was ', h('b', {}, piece(token.best_text ?? '')), ` with ${weight(token.best_softmax)}.`],
  ].flat();
}

/** The scored tokens, the least expected first. @param {SurprisalData} data @returns {ScoredToken[]} */
export function leastExpected({ tokens }) {
  const size = (/** @type {ScoredToken} */ token) => Math.min(natsOf(token) ?? 0, Number.MAX_VALUE);
  return tokens.filter(({ rank }) => rank !== null).sort((a, b) => size(b) - size(a));
}

/** How full the line of a token in that list is. @param {ScoredToken} token @param {readonly ScoredToken[]} listed */
export function shareOf(token, listed) {
  return natsOf(token) === Infinity ? 1 : (token.nats ?? 0) / (finite(listed) || 1);
}

/**
 * How strongly each token is lit, an infinite surprisal as the largest that is a number: ranks by their logarithm, or the first of the vocabulary would all be dark.
 * @param {SurprisalData} data
 * @param {Measure} measure
 * @returns {(number|null)[]}
 */
export function light({ tokens }, measure) {
  const most = finite(tokens) || 1;
  const nats = (/** @type {ScoredToken} */ token) => (natsOf(token) === Infinity ? most : token.nats);
  return tokens.map((token) => (measure === 'rank' ? (token.rank === null ? null : Math.log2(1 + token.rank)) : measure === 'nats' ? nats(token) : token[measure]));
}

/** The largest of a measure, as it is written. @param {SurprisalData} data @param {Measure} measure */
export function largest({ tokens }, measure) {
  if (measure === 'nats' && tokens.some((token) => natsOf(token) === Infinity)) return '∞';
  const most = tokens.reduce((top, token) => Math.max(top, token[measure] ?? 0), 0);
  return measure === 'rank' ? grouped(most + 1) : digits(most);
}

/** @param {SurprisalData} data @returns {import('../types.js').Table} */
export function table({ tokens }) {
  return {
    columns: ['index', 'id', 'text', 'nats', 'rank', 'entropy', 'likeliest', 'likeliest softmax'],
    rows: tokens.map((t) => [t.index, t.id, t.text, natsOf(t) === Infinity ? 'inf' : t.nats, t.rank === null ? null : t.rank + 1, t.entropy, t.best_text, t.best_softmax]),
  };
}
