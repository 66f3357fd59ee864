/** Compare: two texts on one model, or one text on two models: which heads differ most, and where one differs. */

import { divergingScale } from '../colour.js';
import { h, replace } from '../dom.js';
import { digits } from '../format.js';
import { createNumber } from '../number.js';
import { picture } from '../plot.js';
import { requestOf, stackOf, tokensOf } from '../selection.js';
import { focusOf, mapsOf } from '../strength.js';
import { weight as written } from '../ticks.js';
import { isCausal, weightAt } from '../weights.js';
import { form } from './compare_form.js';
import { asTokens, changesBoth, largestCells, mapsOfDifference, otherOf, unitOf } from './compare_pairs.js';
import { beside, panel } from './compare_panel.js';
import { rank } from './compare_rank.js';
import { strip } from './compare_strip.js';
import { before, binName, headChanged, sentence, tokensChanged } from './compare_words.js';
import { cells } from './map_figure.js';
import { spanName } from './map_words.js';

/** @typedef {import('../answers_attention.js').CompareData} CompareData */
/** @typedef {import('../weights.js').Maps} Maps */

/** More rows or columns than this are pooled. */
const SIZE = 256;
const LARGEST = 6;

/** @type {import('../types.js').View} */
export const compare = {
  id: 'compare',
  title: 'Compare',
  howto: 'Tokens that both sides have stand above each other, and heads are ranked by how differently they distribute attention over them: 0 bits is the same, 1 bit nothing in common. '
    + 'In the difference, orange is where the second gives more than the first, blue where it gives less.',
  needs(state, run, model, models = []) {
    const stack = stackOf(state, run);
    const large = stack.rows > SIZE || stack.cols > SIZE ? { size: SIZE, pool: /** @type {const} */ ('max') } : {};
    const attention = { stack: stack.name, layer: state.layer, head: state.head, lens: /** @type {const} */ ('raw'), dtype: /** @type {const} */ ('f32'), ...large };
    const other = otherOf(state, requestOf(state, model));
    if (!other || !offered(other.model, state, models) || changesBoth(other, requestOf(state, model))) return { attention };
    return { attention, compare: { other, stack: stack.name, layer: state.layer, head: state.head, layer_b: state.otherLayer, head_b: state.otherHead, size: SIZE } };
  },
  mount,
};

/** A link alone starts no download: the other model must be one that is offered here. @param {string} id @param {Readonly<import('../types.js').Selection>} state @param {readonly import('../types.js').Model[]} models */
function offered(id, state, models) {
  return id === state.model || models.some((one) => one.id === id);
}

/**
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
function mount(el, ctx) {
  const { store, tokens } = ctx;
  let state = store.get();
  /** @type {CompareData|null} */
  let data = null;
  /** @type {{a: Maps, b: Maps, difference: Maps, rows: import('../types.js').Token[], cols: import('../types.js').Token[]}|null} */
  let maps = null;
  /** @type {{rows: import('../types.js').Token[], cols: import('../types.js').Token[]}} */
  let theirs = { rows: [], cols: [] };
  let hover = store.hover;
  let announced = '';
  let drawing = {};

  const ask = form({ request: ctx.request, models: ctx.models, set: (patch) => store.set(patch) });
  const note = h('p.compare-note', {});
  const what = h('p.compare-what', {});
  const cross = tokens.rows !== tokens.cols;
  const both = strip(cross ? 'Queries' : 'Tokens', { point: pointToken, pin: (query) => store.set({ query: state.query === query ? null : query }) });
  const keys = cross ? strip('Keys', { point: (key) => ctx.setHover({ query: null, key }), pin: (key) => store.set({ key: state.key === key ? null : key }) }) : null;
  const ranking = rank({ choose: (at) => store.set(at), announce: ctx.announce });
  const react = (/** @type {'a'|'b'|'d'} */ side) => ({
    point: (/** @type {import('../types.js').Hover} */ cell) => ctx.setHover(toFirst(side, cell)),
    pin: (/** @type {{query: number, key: number}} */ cell) => pin(toFirst(side, cell)),
    value: (/** @type {{query: number, key: number}} */ cell) => value(side, cell),
    announce: ctx.announce,
  });
  const panels = { a: panel('Map of the first', 'compare-a', react('a')), b: panel('Map of the second', 'compare-b', react('b')), d: panel('Second minus first', 'compare-d', react('d')) };
  const changes = h('ol.compare-changes', {});
  const steppers = otherHead((patch) => store.set(patch));
  const result = h('div.compare-result', { hidden: true },
    both.element, keys?.element ?? null,
    h('div.compare-body', {}, ranking.element, h('div.compare-maps', {}, panels.a.element, h('div', {}, panels.b.element, steppers.element), panels.d.element,
      h('section.compare-most', {}, h('h3.compare-title', {}, 'Largest changes of this head'), changes))));
  el.append(h('div.compare', {}, ask.element, note, what, result));

  /** @param {'a'|'b'|'d'} side @param {import('../types.js').Hover} cell @returns {import('../types.js').Hover} the same in tokens of the first */
  function toFirst(side, { query, key }) {
    const meta = data?.difference?.meta;
    if (side === 'a' || !meta) return { query, key };
    const first = (/** @type {readonly import('../answers_attention.js').Unit[]} */ units, /** @type {number|null} */ index) => {
      if (index === null) return null;
      return (side === 'd' ? units[index] : units[unitOf(units, 'b', index)])?.[0] ?? null;
    };
    return { query: first(meta.units, query), key: first(meta.col_units, key) };
  }

  /** @param {number|null} index */
  function pointToken(index) {
    ctx.setHover(cross || state.query === null ? { query: index, key: null } : { query: null, key: index });
  }

  /** @param {import('../types.js').Hover} cell */
  function pin({ query, key }) {
    if (query === null || key === null) return;
    store.set(state.query === query && state.key === key ? { query: null, key: null } : { query, key });
  }

  /** @param {'a'|'b'|'d'} side @param {{query: number, key: number}} cell in that map */
  function value(side, { query, key }) {
    if (!maps || !data?.difference) return '–';
    if (side !== 'd') return shown(weightAt(maps[side], maps[side].heads[0], query, key), maps[side].exact);
    const amount = signed(weightAt(maps.difference, 0, query, key) ?? 0);
    const pair = maps.difference.exact ? before(maps.a, maps.b, data.difference.meta, query, key) : null;
    return pair ? `${amount} (${written(pair[0])} → ${written(pair[1])})` : maps.difference.exact ? amount : `up to ${amount}`;
  }

  function mark() {
    const focus = focusOf(state, hover);
    both.mark(cross ? { query: focus.query, key: null } : focus);
    keys?.mark({ query: null, key: focus.key });
    const meta = data?.difference?.meta;
    if (!maps || !meta) return;
    const [u, v] = [unitOf(meta.units, 'a', focus.query), unitOf(meta.col_units, 'a', focus.key)];
    panels.a.mark(focus);
    panels.b.mark({ query: meta.units[u]?.[2] ?? null, key: meta.col_units[v]?.[2] ?? null });
    panels.d.mark({ query: u < 0 ? null : u, key: v < 0 ? null : v });
  }

  /** The three maps, one after the other; a later call stops an earlier one. */
  async function draw() {
    if (!maps || !data?.difference || !data.run) return;
    const mine = (drawing = {});
    const { a, b, difference, rows, cols } = maps;
    const { run, ranking: ranks, difference: { meta } } = data;
    const causal = { a: stackOf(state, ctx.run).name === 'decoder' && isCausal(a), b: ranks?.stack_b === 'decoder' && isCausal(b) };
    const range = Math.abs(largestCells(difference, 1)[0]?.value ?? 0) || 1;
    const scale = divergingScale(ctx.theme);
    /** @type {[ReturnType<typeof panel>, Parameters<ReturnType<typeof panel>['draw']>[0]][]} */
    const wanted = [
      [panels.a, { title: `First: ${ctx.request.model}, layer ${state.layer}, head ${state.head}`, maps: a, tokens, causal: causal.a, scale: state.scale }],
      [panels.b, { title: `Second: ${run.model}, layer ${meta.layer_b}, head ${meta.head_b}`, maps: b, tokens: theirs, causal: causal.b, scale: state.scale }],
      [panels.d, {
        title: 'Second minus first', maps: difference, tokens: { rows, cols }, causal: causal.a && causal.b && isCausal(difference), scale: 'linear',
        dress: ({ data: [trace], layout }) => ({ layout, data: [{ ...trace, zmin: -range, zmax: range, colorscale: scale, colorbar: ticks(trace.colorbar, range) }] }),
      }],
    ];
    for (const [one, what] of wanted) {
      await one.draw(what);
      if (mine !== drawing) return;
    }
    mark();
  }

  function tell() {
    if (!data?.ranking || !data.difference || !maps || !data.run) return;
    const { ranking: ranks, difference: { meta }, run } = data;
    const head = headChanged({ difference: maps.difference, a: maps.a, b: maps.b, meta, rows: maps.rows, cols: maps.cols });
    const words = sentence(tokensChanged(ranks, tokens, theirs, [ctx.request.model, run.model]), ranks, state, head);
    replace(what, words);
    if (words !== announced) ctx.announce(words);
    announced = words;
    const { difference, rows, cols } = maps;
    replace(changes, largestCells(difference, LARGEST).map(({ row, col, value: amount }) => {
      const [r, c] = [difference.rowEdges[row], difference.colEdges[col]];
      const pair = difference.exact ? before(maps?.a ?? null, maps?.b ?? null, meta, r, c) : null;
      return h('li', {}, h('button.compare-change', { type: 'button', onclick: () => pin(toFirst('d', { query: r, key: c })) },
        h('span.compare-cell', {}, `${binName(rows, difference.rowEdges, row)} → ${binName(cols, difference.colEdges, col)}`), h('span.compare-amount', { data: { sign: amount > 0 ? 'more' : 'less' } }, signed(amount)),
        h('small', {}, pair ? `${written(pair[0])} → ${written(pair[1])}` : '')));
    }));
  }

  return {
    update(next, answers) {
      state = next;
      ask.update(next);
      const other = otherOf(next, ctx.request);
      data = answers.compare ?? null;
      const ready = Boolean(other && data?.ranking && data.difference && data.attention && data.run && answers.attention);
      result.hidden = !ready;
      what.hidden = !ready;
      replace(note, remark(other, data, ctx));
      note.classList.toggle('is-problem', Boolean(data?.problem));
      if (!ready || !data?.run || !data.ranking || !data.difference || !data.attention || !answers.attention) return;
      const stack = stackOf({ stack: data.ranking.stack_b }, data.run);
      theirs = tokensOf(stack, data.run);
      const { units, col_units: colUnits } = data.difference.meta;
      if (!maps || maps.a !== mapsOf(answers.attention, next.layer) || maps.b !== mapsOf(data.attention, data.difference.meta.layer_b)) {
        maps = {
          a: mapsOf(answers.attention, next.layer), b: mapsOf(data.attention, data.difference.meta.layer_b),
          difference: mapsOfDifference(data.difference), rows: asTokens(units, tokens.rows), cols: asTokens(colUnits, tokens.cols),
        };
      }
      both.update(units, tokens.rows, theirs.rows);
      keys?.update(colUnits, tokens.cols, theirs.cols);
      ranking.update(data.ranking, stackOf(next, ctx.run), next);
      steppers.update(data.ranking.heads.length === 0 ? { stack, layer: data.difference.meta.layer_b, head: data.difference.meta.head_b } : null);
      tell();
      draw().catch((error) => { replace(note, String(error.message)); });
    },
    hover(next) {
      hover = next;
      mark();
    },
    destroy() {
      drawing = {};
      for (const one of Object.values(panels)) one.clear();
      el.replaceChildren();
    },
    key(event) {
      if (event.key !== 'Escape' || (state.query === null && state.key === null)) return false;
      store.set({ query: null, key: null });
      return true;
    },
    ready: () => !result.hidden,
    picture: { png: () => file('png'), svg: () => file('svg') },
    table,
    address: () => (data?.path ? { path: data.path, matrix: true } : null),
  };

  /** @param {'png'|'svg'} format */
  function file(format) {
    const parts = [['First', panels.a], ['Second', panels.b], ['Second minus first', panels.d]].map(([title, one]) => (
      { title: String(title), figure: /** @type {ReturnType<typeof panel>} */ (one).figure }));
    if (parts.some(({ figure }) => !figure)) return Promise.reject(new Error('there is no picture yet'));
    const caption = `${ctx.request.model} and ${data?.run?.model}, ${stackOf(state, ctx.run).name}, layer ${state.layer}, head ${state.head}`;
    return picture(beside(/** @type {Parameters<typeof beside>[0]} */ (parts)), caption, format);
  }

  /** @returns {import('../types.js').Table} */
  function table() {
    if (data?.ranking?.heads.length) {
      return { columns: ['layer', 'head', 'divergence'], rows: data.ranking.heads.map(({ layer, head, divergence }) => [layer, head, divergence]) };
    }
    if (!maps) return { columns: [], rows: [] };
    const { difference, rows, cols } = maps;
    const name = (/** @type {readonly import('../types.js').Token[]} */ list, /** @type {readonly number[]} */ edges, /** @type {number} */ i) => spanName(list, [edges[i], edges[i + 1]]);
    return {
      columns: ['query', ...difference.colEdges.slice(0, -1).map((_, i) => name(cols, difference.colEdges, i))],
      rows: cells(difference, 0, false).map((row, i) => [name(rows, difference.rowEdges, i), ...row]),
    };
  }
}

/** @param {number|null} value @param {boolean} exact */
function shown(value, exact) {
  return exact ? written(value) : `at most ${written(value)}`;
}

/** @param {number} value */
function signed(value) {
  return value > 0 ? `+${digits(value)}` : digits(value);
}

/** @param {unknown} bar of a figure @param {number} range */
function ticks(bar, range) {
  const at = [-range, -range / 2, 0, range / 2, range];
  return { .../** @type {Record<string, unknown>} */ (bar), tickvals: at, ticktext: at.map((value) => (value > 0 ? '+' : value < 0 ? '−' : '') + Math.abs(value).toFixed(range < 0.1 ? 3 : 2)) };
}

/**
 * What there is to say before, or in place of, the result.
 * @param {import('../types.js').RunRequest|null} other
 * @param {CompareData|null} data
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../dom.js').Child[]}
 */
function remark(other, data, ctx) {
  if (!other) return ['Both sides are the same. Change a word of the text, or choose another model.'];
  if (!offered(other.model, ctx.store.get(), ctx.models())) return ['The other model is not here yet. Choose it as the model above first, which loads it; then come back.'];
  if (changesBoth(other, ctx.request)) {
    const same = (/** @type {string} */ title, /** @type {Partial<import('../types.js').Selection>} */ patch) => (
      h('button.button', { type: 'button', onclick: () => ctx.store.set({ ...patch, otherLayer: null, otherHead: null }) }, title));
    return [h('b', {}, 'Change one thing at a time. '), 'Compare another text on the same model, or the same text on another model. ',
      same('Same text', { otherText: null }), ' ', same('Same model', { otherModel: null })];
  }
  if (data?.problem) return [h('b', {}, `${data.problem.title}. `), data.problem.detail, ' ', data.problem.hint];
  return data?.ranking?.warnings.length ? [`${data.ranking.warnings.join(' ')} Choose a head of each to see where they differ.`] : [];
}

/** @param {(patch: Partial<import('../types.js').Selection>) => void} set */
function otherHead(set) {
  const field = (/** @type {'otherLayer'|'otherHead'} */ name, /** @type {string} */ title) => {
    const number = createNumber({ id: `compare-${name}`, classes: 'compare-number', range: { min: 0, max: 0, whole: true } }, (value) => set({ [name]: value }));
    return { ...number, box: h('span.control', {}, h('label.label', { for: number.input.id }, title), number.input, number.wrong) };
  };
  const [layer, head] = [field('otherLayer', 'Layer of the second'), field('otherHead', 'Head')];
  const element = h('div.compare-steppers', { hidden: true }, layer.box, head.box);
  return {
    element,
    /** @param {{stack: import('../types.js').Stack, layer: number, head: number}|null} now null: the same as of the first */
    update(now) {
      element.hidden = now === null;
      if (!now) return;
      layer.show(now.layer, { min: 0, max: now.stack.layers - 1, whole: true });
      head.show(now.head, { min: 0, max: now.stack.heads - 1, whole: true });
    },
  };
}
