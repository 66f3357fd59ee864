/**
 * Generate: the model writes on, a token at a time; each step's candidates, its draw, and where every head looked. Any
 * candidate can be taken instead, and the text branches there.
 */

import { h, keepFocus, replace } from '../dom.js';
import { look } from '../look.js';
import { pngBlob, svgBlob } from '../picture.js';
import { named, weight as written } from '../ticks.js';
import { createCandidates } from './generate_candidates.js';
import { createForm } from './generate_form.js';
import { createRows } from './generate_rows.js';
import { rowsSvg } from './generate_svg.js';
import { createShelf, GONE, isGone } from './generate_shelf.js';
import { createText } from './generate_text.js';
import { asked, blank, branch, ENDS, idsOf, kept, prefixOf, sequence, shownRows, withPrefix, without } from './generate_texts.js';
import { choice, headWords, quoted, strongest, table } from './generate_words.js';
import { none } from './next_none.js';

/** @typedef {import('./generate_texts.js').Text} Text */
/** @typedef {import('../types.js').Run} Run */

/** How many of a head's strongest keys are named. */
const NAMED = 3;

/** @type {import('../types.js').View} */
export const generate = {
  id: 'generate',
  title: 'Generate',
  howto: 'The model writes a token at a time; at each step the tokens are lit by what the chosen head gave them, and the small picture has that row of every head. '
    + 'Step back and forth, and take another candidate to see what would have been written.',
  needs: () => null,
  mount,
};

/** What was written on each run, for as long as the page has the run. @type {WeakMap<Run, {texts: Text[], at: number, step: number}>} */
const desks = new WeakMap();

const shelf = createShelf();

/**
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
function mount(el, ctx) {
  if (ctx.model?.language_head === false) return none(el, ctx);
  const desk = desks.get(ctx.run) ?? { texts: [], at: 0, step: 0 };
  desks.set(ctx.run, desk);
  const both = Boolean(ctx.run.tokens.encoder && ctx.run.tokens.decoder);
  const before = both ? (ctx.run.tokens.decoder ?? []).slice(0, 1) : ctx.run.tokens.decoder ?? ctx.run.tokens.encoder ?? [];
  const mask = ctx.model?.mask ?? '[MASK]';
  const masks = ctx.run.tokens.decoder ? null : before.filter(({ text }) => text === mask).length;
  let state = ctx.store.get();
  /** @type {AbortController|null} */
  let running = null;
  let alive = true;
  let waiting = 0;
  let trouble = '';

  const form = createForm({ set: (patch) => ctx.store.set(patch), write: () => begin(null), more: () => goOn(text()), stop: () => running?.abort(), use });
  const says = h('p.written-says', { id: 'written-says' });
  const texts = h('div.toggles.written-texts', { role: 'group', 'aria-label': 'Texts that were written' });
  const over = createText({ go, along, point: (key) => ctx.setHover({ query: null, key }) });
  const side = createText({ go, along, point: (index) => ctx.setHover({ query: null, key: !both && index !== null && index < before.length ? index : null }) });
  const slider = h('input.written-slider', { type: 'range', id: 'written-step', min: 1, step: 1, 'aria-label': 'Step' });
  slider.addEventListener('input', () => go(Number(slider.value) - 1));
  const arrow = (/** @type {string} */ sign, /** @type {string} */ name, /** @type {number} */ by) => h('button.stepper-button', { type: 'button', 'aria-label': name, title: `${name} (⇧${by < 0 ? '←' : '→'})`, onclick: () => along(by) }, sign);
  const where = h('span.written-where', {});
  const scrub = h('div.written-scrub', {}, h('div.stepper', { role: 'group', 'aria-label': 'Step' }, arrow('‹', 'The step before', -1), where, arrow('›', 'The step after', 1)), slider);
  const how = h('p.written-choice', {});
  const candidates = createCandidates({ pick: (candidate) => begin({ at: desk.step, candidate }) });
  const rowsTitle = h('h3', {});
  const rows = createRows({ choose: (layer, head) => ctx.store.set({ layer, head }), name: nameOf, announce: ctx.announce });
  const headSays = h('p.written-says', {});
  const key = h('p.written-key', {}, 'A line for each layer, a column for each head. In a cell the keys stand from the first to the last, brighter where the head looked more.');
  const body = h('div.written-body', { hidden: true }, scrub,
    h('div.written-two', {}, h('section', {}, h('h3', {}, 'Candidates'), how, candidates.element), h('section', {}, rowsTitle, headSays, rows.element, key)));
  el.append(h('div.written', {}, form.element, says, texts, both && over.element, side.element, body));

  const text = () => desk.texts[desk.at] ?? null;
  const step = () => text()?.steps[desk.step] ?? null;

  /** @param {number} to */
  function go(to) {
    const count = text()?.steps.length ?? 0;
    desk.step = Math.min(Math.max(to, 0), Math.max(count - 1, 0));
    draw();
  }

  /** @param {number} by */
  function along(by) {
    go(desk.step + by);
    const now = step();
    if (now) ctx.announce(`step ${desk.step + 1}: ${choice(now)}`);
  }

  /** A text from the start, or one that leaves the current where another candidate is taken. @param {{at: number, candidate: import('../answers_predictions.js').Candidate}|null} other */
  function begin(other) {
    const from = text();
    if (other && !from) return;
    put(other && from ? branch(from, other.at, other.candidate) : blank(), other ? other.at : 0);
  }

  /** @param {Text} fresh @param {number} at the step that is looked at */
  function put(fresh, at) {
    running?.abort();
    desk.texts.push(fresh);
    [desk.at, desk.step] = [desk.texts.length - 1, at];
    goOn(fresh);
  }

  /** The selection says which text it is, so that a link leads to it: one that is not here is written. */
  function follow() {
    if (String(state.prefix) === String(prefixOf(text()))) return;
    const known = withPrefix(desk.texts, state.prefix);
    if (known >= 0) turnTo(known);
    else if (state.prefix) put(blank(state.prefix), 0);
  }

  /** @param {number} at */
  function turnTo(at) {
    desk.at = at;
    go(Math.min(desk.step, (text()?.steps.length ?? 0) - 1));
    tell();
  }

  function tell() {
    if (alive) ctx.store.set({ prefix: prefixOf(text()) });
  }

  /** @param {Text|null} now */
  async function goOn(now) {
    if (!now) return;
    const mine = new AbortController();
    const first = now.steps.length;
    let follows = true;
    running = mine;
    trouble = '';
    now.end = '';
    now.posted = asked(state, ctx.request, idsOf(now));
    draw();
    tell();
    /** Whoever scrubs meanwhile is left where they are. */
    const show = () => {
      if (text() === now && follows) desk.step = Math.max(now.steps.length - 1, 0);
      soon();
    };
    try {
      const answer = await ctx.write(now.posted, {
        start(start) {
          now.start = { ...start, tokens: now.start.tokens.encoder || now.start.tokens.decoder ? now.start.tokens : start.tokens };
          const last = now.steps.at(-1);
          if (last?.picked) Object.assign(last, { text: start.text, pair: start.pair });
          show();
        },
        step(fresh) {
          follows = desk.step >= now.steps.length - 1;
          const taken = kept(fresh);
          now.steps.push(taken);
          shelf.add(taken, [now, text()]);
          show();
        },
      }, mine.signal);
      now.end = answer.ended;
      ctx.announce(`${now.steps.length - first} tokens written: ${ENDS[answer.ended]}`);
    } catch (error) {
      now.end = 'stopped';
      if (!isStop(error)) trouble = wordsOf(error);
      ctx.announce(trouble || `Stopped after ${now.steps.length - first} tokens`);
      if (now.steps.length === 0) {
        Object.assign(desk, without(desk.texts, desk.at, now));
        tell();
      }
    }
    if (running === mine) running = null;
    soon();
  }

  function use() {
    const last = text()?.steps.at(-1);
    if (!last) return;
    if (both) ctx.use({ target: last.text });
    else ctx.use({ text: last.text, ...(last.pair === null ? {} : { pair: last.pair }) });
  }

  /** Steps may come faster than they can be drawn. */
  function soon() {
    waiting ||= requestAnimationFrame(() => {
      waiting = 0;
      if (alive) draw();
    });
  }

  function keysOf() {
    const rows = step() && shownRows(/** @type {import('./generate_texts.js').Step} */ (step()), state.stack ?? '');
    return rows?.stack === 'cross' ? ctx.run.tokens.encoder ?? [] : sequence(text() ?? blank(), before).map(({ token }) => token);
  }

  /** @param {number} layer @param {number} head */
  function nameOf(layer, head) {
    const now = step();
    return now ? headWords(shownRows(now, state.stack ?? ''), layer, head, keysOf()) : `layer ${layer}, head ${head}`;
  }

  function draw() {
    keepFocus(el, drawAll, ...form.buttons());
  }

  function drawAll() {
    const [now, at] = [text(), step()];
    const ready = masks !== 0;
    const ended = now?.end === 'end-token' || now?.end === 'masks' || (masks !== null && now !== null && idsOf(now).length >= masks);
    form.update(state, { running: running !== null, any: (now?.steps.length ?? 0) > 0, more: Boolean(now?.steps.length) && !ended, ready });
    replace(says, sentence(ready));
    says.classList.toggle('trouble', trouble !== '');
    const choosing = texts.contains(document.activeElement);
    replace(texts, desk.texts.length > 1 && desk.texts.map((one, i) => h('button.toggle', {
      type: 'button', 'aria-pressed': String(i === desk.at), title: one.steps.at(-1)?.text.slice(-200) ?? '', onclick: () => turnTo(i),
    }, `Text ${i + 1}`)));
    if (choosing) /** @type {HTMLElement|undefined} */ (texts.children[desk.at])?.focus();
    side.write(both ? 'Answer' : masks === null ? 'Text' : 'Text, its masks filled from left to right', now ? sequence(now, before) : before.map((token) => ({ token, step: null })));
    if (both) over.write('Text', (ctx.run.tokens.encoder ?? []).map((token) => ({ token, step: null })));
    body.hidden = !at;
    const seen = at && shownRows(at, state.stack ?? '');
    const cross = seen?.stack === 'cross';
    side.light(cross ? null : seen, state, desk.step, at?.own.query ?? null);
    if (both) over.light(cross ? seen : null, state, -1, null);
    side.reveal();
    if (!at || !now || !seen) return;
    slider.max = String(now.steps.length);
    slider.value = String(desk.step + 1);
    slider.setAttribute('aria-valuetext', `step ${desk.step + 1} of ${now.steps.length}, ${at.token.display}`);
    where.textContent = `step ${desk.step + 1} of ${now.steps.length}`;
    replace(how, choice(at));
    candidates.update(at);
    const keys = keysOf();
    const asks = masks === null ? sequence(now, before)[seen.query]?.token.display ?? '' : mask;
    replace(rowsTitle, `Where every head looked from ${quoted(asks)}${both ? (cross ? ', into the text' : ', at the answer so far') : ''}`);
    rows.element.hidden = key.hidden = isGone(seen);
    if (isGone(seen)) {
      replace(headSays, GONE);
      return;
    }
    replace(headSays, `Layer ${state.layer}, head ${state.head}: `, strongest(seen, state.layer, state.head, NAMED).map((one, i) => [i > 0 && ', ',
      one.key === one.last ? named(keys[one.key], one.key) : `tokens ${one.key} to ${one.last}`, ' ', h('b', {}, written(one.weight))]),
    seen.edges && ` (the largest in blocks of up to ${Math.max(...seen.edges.slice(1).map((edge, i) => edge - /** @type {number[]} */ (seen.edges)[i]))} tokens)`,
    state.stack === 'encoder' && both && ' The encoder read its text once, before the first step: choose decoder or cross.');
    const colours = look();
    rows.update(seen, state, { ink: colours.ink3, font: colours.ui });
  }

  /** @param {boolean} ready */
  function sentence(ready) {
    const now = text();
    if (trouble) return trouble;
    if (!ready) return ['This model fills masks: put ', h('b', {}, mask), ' into the text where it is to write a word.'];
    if (running) return `Writing … ${now?.steps.length ?? 0} tokens.`;
    if (!now) return state.temperature === 0 ? 'Temperature 0 is greedy: the likeliest token is taken at every step, and nothing is drawn.' : `Tokens are drawn, with seed ${state.draw ?? 0}: the same seed writes the same text.`;
    const given = now.given.length;
    return `${now.start.says} It ended: ${ENDS[now.end] ?? now.end}.${given ? ` The link gave its first ${given === 1 ? 'token' : `${given} tokens`}, without what they were chosen from.` : ''}`;
  }

  return {
    update(next) {
      state = next;
      follow();
      draw();
    },
    hover: (hover) => (both && state.stack === 'cross' ? over : side).hover(hover.key),
    destroy() {
      alive = false;
      running?.abort();
      cancelAnimationFrame(waiting);
      el.replaceChildren();
    },
    ready: () => step() !== null,
    stop() {
      running?.abort();
      return running !== null;
    },
    along,
    arrow: (across, down) => (rows.element.hidden || !step() ? undefined : rows.move(across, down)),
    checks: () => worst(text()?.steps.flatMap((one) => one.checks) ?? []),
    posted: () => ({ path: '/api/generate', body: text()?.posted ?? asked(state, ctx.request, []) }),
    picture: { png: () => pngBlob(svg()), svg: async () => svgBlob(svg()) },
    table: () => table(text(), state),
  };

  function svg() {
    const at = step();
    if (!at) throw new Error('there is no picture yet');
    const seen = shownRows(at, state.stack ?? '');
    return rowsSvg(seen, state, [`${ctx.model?.name ?? ctx.run.model}, ${seen.stack}: the new row of every head, step ${desk.step + 1}${isGone(seen) ? ', is not kept any more' : ''}`, choice(at), `…${at.text.slice(-80)}`]);
  }
}

/** Of each name the check that comes closest to its limit, or is beyond it. @param {readonly import('../types.js').Check[]} checks */
function worst(checks) {
  /** @type {Map<string, import('../types.js').Check>} */
  const found = new Map();
  const bad = (/** @type {import('../types.js').Check} */ { value, limit }) => (value === null ? Infinity : limit === 0 ? value : value / limit);
  for (const check of checks) {
    const known = found.get(check.name);
    if (!known || bad(check) > bad(known)) found.set(check.name, check);
  }
  return [...found.values()];
}

/** @param {unknown} error */
function isStop(error) {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** @param {unknown} error */
function wordsOf(error) {
  const problem = /** @type {{problem?: import('../types.js').Problem}} */ (error).problem;
  return problem ? `${problem.detail} ${problem.hint}` : String(error instanceof Error ? error.message : error);
}
