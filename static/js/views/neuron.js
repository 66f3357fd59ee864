/** Neuron: one query and one key of a head, from their dimensions to the output, every number of it. */

import { h, replace } from '../dom.js';
import { digits } from '../format.js';
import { look } from '../look.js';
import { canvasPainter } from '../painter.js';
import { pngBlob, svgBlob } from '../picture.js';
import { stackOf, tokensOf } from '../selection.js';
import { chart } from './neuron_chart.js';
import { keyList } from './neuron_keys.js';
import { drawShare } from './neuron_share.js';
import { queryOf, scoreTerms, shareTerms, sharing, strongest, trust } from './neuron_steps.js';
import { neuronSvg } from './neuron_svg.js';
import { explain, IDLE, lanesOf, name, scoringIdle, scoringWords, table, terms, weighingWords } from './neuron_words.js';

/** @typedef {import('../answers_attention.js').NeuronData} NeuronData */
/** @typedef {import('./neuron_words.js').Vectors} Vectors */

/** Up to this many numbers all keys' vectors come at once; of more only those of the keys that are looked at. */
const WHOLE = 36_000;
/** So many keys at a time. */
const BLOCK = 16;

/** @type {import('../types.js').View} */
export const neuron = {
  id: 'neuron',
  title: 'Neuron',
  howto: 'The query and one key are multiplied dimension by dimension, and the sum becomes the score; softmax turns all scores into shares of 1, and each share of a key’s value goes into the output z. '
    + 'Pin a token above to choose the query, and point at a key in the list to follow it.',
  needs(state, run, model) {
    if (model?.capture === 'weights') return null;
    const stack = stackOf(state, run);
    const query = queryOf(state, stack, tokensOf(stack, run).rows);
    const part = stack.cols * 3 * (model?.head_dim ?? 64) > WHOLE ? { keys: block(0, stack.cols) } : {};
    return { neuron: { stack: stack.name, layer: state.layer, head: state.head, query, ...part } };
  },
  mount,
};

/** @param {number} key @param {number} count @returns {[number, number]} the keys that come together with it */
export function block(key, count) {
  const first = Math.floor(key / BLOCK) * BLOCK;
  return [first, Math.min(first + BLOCK, count)];
}

/**
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
function mount(el, ctx) {
  if (ctx.model?.capture === 'weights') return explain(el, ctx);
  const { tokens, run, store } = ctx;
  let state = store.get();
  /** @type {NeuronData|null} */
  let data = null;
  /** @type {Map<number, Vectors>} */
  let vectors = new Map();
  /** @type {Set<number>} the first keys of blocks that are on their way */
  let coming = new Set();
  let pointed = /** @type {number|null} */ (null);

  const title = h('h2.neuron-title', {});
  const shared = h('p.neuron-shared', {});
  const keys = keyList({ point: goTo, pin: (key) => store.set({ key: state.key === key ? null : key }) });
  const scoring = chart('Query and key, dimension by dimension', 'neuron-qk', ctx.announce);
  const weighing = chart('Value and output, dimension by dimension', 'neuron-vz', ctx.announce);
  const score = h('p.neuron-terms', { 'aria-label': 'Score' });
  const share = h('p.neuron-terms', { 'aria-label': 'Probability' });
  const bar = h('canvas.neuron-bar', { 'aria-hidden': 'true' });
  const proof = h('p.neuron-trust', {});
  const step = (/** @type {number} */ n, /** @type {string} */ name, /** @type {string} */ says, /** @type {Node[]} */ ...parts) => (
    h('section.neuron-step', {}, h('h3', {}, h('span.neuron-n', {}, n), name), h('p.neuron-says', {}, says), parts));
  el.append(h('div.neuron', {}, h('div.neuron-head', {}, title, shared), h('div.neuron-body', {}, keys.element, h('div.neuron-steps', {},
    step(1, 'Multiply', 'Each dimension of the query times the same dimension of the key; the sum of the products is large where the two point the same way.', scoring.element),
    step(2, 'Scale', 'The sum times the model’s scale, which keeps softmax from being all or nothing; then what the architecture adds.', score),
    step(3, 'Softmax', 'Every key’s score becomes a positive number, and then its part of the total. The largest score is taken off first, which changes no share.', share, bar),
    step(4, 'Weigh the values', 'The key’s value vector, times its probability, is its part of z, the output of this head for the query; all other keys add the rest.', weighing.element),
    proof))));

  /** The key that is followed: pointed at, else pinned, else the strongest. */
  function current() {
    const wanted = pointed ?? state.key;
    return wanted !== null && data && wanted < data.probs.length ? wanted : data ? strongest(data) : 0;
  }

  /** @param {number|null} key */
  function goTo(key) {
    ctx.setHover({ query: null, key });
    if (key !== null && keys.active) ctx.announce(keys.words(key));
  }

  /** @param {NeuronData} answer */
  function learn({ keys: [first], k, v, product }) {
    k.forEach((row, i) => vectors.set(first + i, { k: row, v: v[i], product: product[i] }));
  }

  /** @param {number} key asks for its vectors, which of a long text are not here yet */
  async function want(key) {
    if (!data) return;
    const of = data;
    const span = block(key, of.probs.length);
    if (coming.has(span[0])) return;
    coming.add(span[0]);
    const { stack, layer, head, query } = of;
    try {
      const { neuron: more } = await ctx.fetch({ neuron: { stack, layer, head, query, keys: span } });
      if (of !== data || !more) return;
      learn(more);
      draw(false);
    } catch {
      coming.delete(span[0]); // asked for again when the key is pointed at again
    }
  }

  /** @param {boolean} all also what does not depend on the key */
  function draw(all) {
    if (!data) return;
    const [now, key] = [data, current()];
    const known = vectors.get(key);
    if (!known) void want(key);
    const [from, to] = [tokens.rows[now.query], tokens.cols[key]];
    replace(title, name(from, now.query), h('span.pair-arrow', { 'aria-label': 'looks at' }, ' → '), name(to, key), h('b.neuron-p', {}, digits(now.probs[key])));
    replace(score, terms(scoreTerms(now, key)), now.mask[key] === 0 && h('span.neuron-note', {}, 'The mask hides this key: it does not enter.'));
    replace(share, terms(shareTerms(now, key)));
    const { theme } = ctx;
    const lanes = lanesOf(now, key, known);
    scoring.update({ lanes: lanes.scoring, count: now.q.length, theme, words: (d) => scoringWords(now, known, d), idle: scoringIdle(now, known) });
    weighing.update({ lanes: lanes.weighing, count: now.z.length, theme, words: (d) => weighingWords(now, key, known, d), idle: IDLE });
    drawBar(now, key);
    if (all) {
      keys.update(now, tokens.cols);
      replace(shared, `Layer ${now.layer}, head ${now.head}. ${sharing(now, stackOf(state, run).heads, ctx.model?.kv_heads ?? null)}`);
      replace(proof, trust(now));
    }
    keys.mark(key, state.key, all);
  }

  /** @param {NeuronData} now @param {number} key */
  function drawBar(now, key) {
    const width = bar.parentElement?.clientWidth ?? 0;
    const context = bar.getContext('2d');
    if (!width || !context) return;
    const ratio = devicePixelRatio || 1;
    [bar.width, bar.height] = [width * ratio, 20 * ratio];
    context.scale(ratio, ratio);
    drawShare(canvasPainter(context), now, key, { x: 0, y: 0, width, height: 14 }, look());
  }

  function picture() {
    if (!data) throw new Error('there is no picture yet');
    const key = current();
    const { theme } = ctx;
    const caption = `${ctx.model?.name ?? run.model}, ${data.stack}, layer ${data.layer}, head ${data.head}`;
    return neuronSvg({ data, key, tokens, lanes: lanesOf(data, key, vectors.get(key)), caption, look: look(), theme });
  }

  return {
    update(next, answers) {
      state = next;
      if (answers.neuron && answers.neuron !== data) {
        data = answers.neuron;
        vectors = new Map();
        coming = new Set([data.keys[0]]);
        learn(data);
      }
      draw(true);
    },
    hover({ key }) {
      if (key === pointed) return;
      pointed = key;
      draw(false);
    },
    destroy: () => el.replaceChildren(),
    picture: { png: () => pngBlob(picture()), svg: async () => svgBlob(picture()) },
    table: () => (data ? table(data, tokens) : { columns: [], rows: [] }),
    key(event) {
      if (event.key !== 'Escape' || (state.query === null && state.key === null)) return false;
      store.set({ query: null, key: null });
      return true;
    },
  };
}
