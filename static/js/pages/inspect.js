// The page: one store, the parts that change it and the parts that show it. They are wired here and only here.

import { ApiError, generate, isAbort, listModels, loadModel, problemOf } from '../api.js';
import { readBoot } from '../boot.js';
import { createAside } from '../components/aside.js';
import { createAsk } from '../components/ask.js';
import { createBusy } from '../components/busy.js';
import { createChecks } from '../components/checks.js';
import { createControls } from '../components/controls.js';
import { createKeyHelp, keyButton } from '../components/keyhelp.js';
import { createLoadProgress } from '../components/load.js';
import { createNotice } from '../components/notice.js';
import { createPicker } from '../components/picker.js';
import { createProblemBox } from '../components/problem.js';
import { createSays } from '../components/says.js';
import { createSight } from '../components/sight.js';
import { createStrip } from '../components/strip.js';
import { createTabs } from '../components/tabs.js';
import { themeButton } from '../components/theme.js';
import { byId, h } from '../dom.js';
import { doubt, sameDraft } from '../drafts.js';
import { createExact } from '../exact.js';
import { grouped } from '../format.js';
import { keepHistory } from '../history.js';
import { bindKeys } from '../keys.js';
import { readOut } from '../readout.js';
import { blockOf, fit, isPair, needsRun, requestOf, stackOf, tokensOf } from '../selection.js';
import { few, unfit, unread } from '../linked.js';
import { hintScroll } from '../scrollhint.js';
import { createSession } from '../session.js';
import { createStage } from '../stage.js';
import { changes, createStore } from '../store.js';
import { checksOf, focusOf, headsShown, marks, rowOf } from '../strength.js';
import { fromUrl, toUrl } from '../url.js';
import { GROUPS, VIEWS } from '../views/all.js';
import { bindingsOf } from './inspect_keys.js';
import { createPins } from './inspect_pins.js';
import { describe, legend, seenBy, stripSight, wayOut } from './describe.js';
import { asked, opening } from './opening.js';
import { takeAway } from './takeaway.js';
import { createWords } from './words.js';

/** @typedef {import('../types.js').Selection} Selection */
/** @typedef {import('../types.js').Model} Model */

const UNPINNED = Object.freeze({ query: null, key: null, position: null, rows: null, cols: null });
/** Words of a vocabulary: of another model they are other words. */
const WORDLESS = Object.freeze({ token: null, against: null });
const MOST_OFFERED = 8;
const TEXT_LIMIT = 256 * 1024;

const boot = readBoot();
const store = createStore(opening(boot, fromUrl(location.search, location.hash)));
const session = createSession();
const [bench, stripSlot, live] = [byId('bench'), byId('strip'), byId('live')];
const before = byId('before');
const announce = (/** @type {string} */ text) => { live.textContent = text; };

/** @type {Model[]} */
let models = boot.models ?? [];
/** @type {AbortController|null} */
let job = null;
/** What of the link that was opened could not be read; null: what is shown is no longer of a link. @type {string[]|null} */
let link = unread(location.search, location.hash);
/** Which model the person chose on this page; a link alone starts no download. */
let chosen = '';
/** The model of the last run that there was. */
let good = '';
/** Whose tokens the strip shows. */
let stripOf = '';
let pointing = 0;

// The parts of the page, from the top.

const ask = createAsk(byId('ask'), {
  examples: boot.examples,
  textLimit: boot.limits?.text_limit ?? TEXT_LIMIT,
  onLook: (draft) => {
    const before = requestOf({ ...store.get(), masks: null }, modelOf(store.get().model));
    if (draft.text === before.text && draft.pair === before.pair && draft.target === before.target) start();
    else store.set({ ...UNPINNED, masks: null, ...draft });
  },
  onDraft: compareDraft,
  onExample: (example) => {
    store.set({ ...UNPINNED, ...WORDLESS, heads: null, stack: null, masks: null, ...asked(example), ...example.selection });
    ask.write(store.get());
  },
});
const pickerSlot = h('div.picker', {});
const loadSlot = h('div.load', { hidden: true });
ask.side.append(pickerSlot, loadSlot);
const picker = createPicker(pickerSlot, {
  onPick: (id) => {
    chosen = id;
    const draft = ask.draft();
    store.set({ ...UNPINNED, ...WORDLESS, ...(draft.text === store.get().text ? {} : { masks: null }), ...draft, model: id, heads: null, stack: null });
  },
});
const load = createLoadProgress(loadSlot);
const problems = createProblemBox(byId('problem'));
const notice = createNotice(byId('notice'), 'Not all of the link could be taken as it is');
const busy = createBusy(byId('busy'), announce);
const strip = createStrip(stripSlot, {
  onHover: (side, index) => store.setHover(hoverOf(side, index)),
  onPin: (side, index) => { if (!words.fill(index)) pin(side, pinned()[side] === index ? null : index); },
  onMove: (side, index) => { if (!words.filling()) pin(side, index); },
  onEdit: (side, index, chip) => words.change(side, index, chip),
});
const tabs = createTabs(byId('views'), GROUPS, {
  panel: byId('view'), onChoose: (id) => store.set({ view: /** @type {Selection['view']} */ (id) }),
});
const checks = createChecks(byId('checks'));
const controls = createControls(byId('controls'), {
  onChange: (patch) => store.set(patch.stack ? { ...patch, ...UNPINNED, heads: null } : patch),
});
const sight = createSight(byId('sight'), { onChange: (patch) => store.set(patch) });
const says = createSays(byId('says'), { onChange: (patch) => store.set(patch) });
const stage = createStage(byId('view'), {
  store, views: VIEWS, models: () => models, session, announce, use, write: generate, onDrawn,
  wait: {
    start: (stop) => busy.show('Computing the picture …', stop),
    stage: busy.stage,
    end: busy.clear,
    fail: failed,
  },
});
const { pinned, pin, hoverOf } = createPins({ store, stage });
const words = createWords({ store, stage, announce });
const actions = takeAway({ store, stage, session, say: (words) => aside.say(words), fail: (error) => problems.show(problemOf(error), []) });
hintScroll(byId('view'));
const exact = createExact(session, point);
const aside = createAside(byId('aside'), actions);
const bindings = bindingsOf({
  store, stage, views: VIEWS, pin: (index) => { if (!words.filling()) pin('query', index); },
  go: { text: ask.focus, model: picker.focus, link: () => actions.find(({ id }) => id === 'link')?.run(), help: () => help.toggle(), stop: busy.stop },
});
const help = createKeyHelp(bindings);
byId('tools').append(themeButton(), keyButton(help.toggle));
bindKeys(bindings);

keepHistory(store, (state) => {
  link = unread(location.search, location.hash);
  notice.show(few(link));
  store.set(opening(boot, state));
  ask.write(store.get());
  compareDraft();
});
store.subscribe((_, changed) => {
  if (needsRun(changed)) start();
  else show();
});
store.subscribeHover(() => {
  pointing ||= requestAnimationFrame(point);
});

// What happens.

/** Words that a view has made go where a person's go. @param {Partial<import('../types.js').RunRequest>} draft */
function use(draft) {
  store.set({ ...UNPINNED, masks: null, ...draft });
  ask.write(store.get());
}

/** @param {string} id */
function modelOf(id) {
  return models.find((model) => model.id === id) ?? null;
}

function showModels() {
  const { model } = store.get();
  ask.update(modelOf(model), store.get());
  picker.update(models, model);
}

/** One forward pass for what is selected; a later one stops it. */
async function start() {
  job?.abort();
  const mine = new AbortController();
  job = mine;
  const { model: id, text } = store.get();
  problems.clear();
  showModels();
  if (text.trim() === '') return;
  setStale(true);
  ask.answered(null, '');
  try {
    await ready(id, mine);
    busy.show('Running the model …', () => mine.abort());
    const model = modelOf(id);
    const request = requestOf(store.get(), model);
    const run = await session.run(request, mine.signal);
    mine.signal.throwIfAborted();
    busy.clear();
    stage.look({ run, request, model });
    ask.answered(run.answer, doubt(request));
    good = id;
    setStale(false);
    compareDraft();
    bench.hidden = false;
    announce(`${grouped(run.stacks[0]?.rows ?? 0)} tokens`);
    if (!link) notice.clear();
    store.set(fitted(run, model));
    show();
  } catch (error) {
    if (mine !== job) return;
    busy.clear();
    load.clear();
    const problem = isAbort(error) ? STOPPED : problemOf(error);
    const again = () => {
      chosen = id;
      start();
    };
    compareDraft();
    const noModel = [404, 422].includes(problem.status) && !modelOf(id)?.loaded;
    if (noModel) history.replaceState(null, '', toUrl({ ...store.get(), model: good }));
    problems.show(problem, noModel ? otherModels(id) : problem.status === 422 ? [] : [{ title: problem.code === NOT_HERE.code ? 'Load it' : 'Try again', run: again }]);
  }
}

/** The selection as the run has it; of a link that was opened, the page says what is different. @param {import('../types.js').Run} run @param {Model|null} model */
function fitted(run, model) {
  const fitting = fit(store.get(), run, model);
  if (link) notice.show(few([...link, ...unfit(store.get(), fitting, run, model)]));
  link = null;
  return fitting;
}

/** Buttons of the models there are, where the one asked for can never be had. @param {string} id */
function otherModels(id) {
  return models.filter((one) => one.id !== id).slice(0, MOST_OFFERED)
    .map((one) => ({ title: one.id, run: () => { store.set({ ...UNPINNED, ...WORDLESS, model: one.id, heads: null, stack: null }); } }));
}

/** While the boxes or the model differ from the run that is shown, its results are dimmed, and the page says so. */
function compareDraft() {
  const request = stage.looking?.request;
  const { model } = store.get();
  const now = requestOf({ ...store.get(), ...ask.draft() }, modelOf(model));
  const differs = request !== undefined && (request.model !== model || !sameDraft(now, request));
  before.hidden = !differs;
  for (const part of [bench, stripSlot]) part.toggleAttribute('data-before', differs);
}

/** @type {import('../types.js').Problem} */
const STOPPED = { title: 'Stopped', status: 0, code: 'stopped', detail: 'The work was stopped. Nothing that you typed is lost.', hint: '' };
/** @type {import('../types.js').Problem} */
const NOT_HERE = {
  title: 'This model is not here yet', status: 0, code: 'not-here',
  detail: 'The link asks for a model that is not on this machine. It may be a large download.',
  hint: 'Load it if you trust where the link came from, or pick another model.',
};

/**
 * Waits until the model is loaded, showing how far it is.
 * @param {string} id
 * @param {AbortController} mine
 */
async function ready(id, mine) {
  if (!modelOf(id) && chosen !== id) await listed;
  mine.signal.throwIfAborted();
  const known = modelOf(id);
  if (known?.loaded) return;
  if (!known && models.length > 0 && chosen !== id) throw new ApiError(NOT_HERE);
  load.show(known?.name ?? id, () => mine.abort());
  const model = await loadModel(id, load.update, mine.signal);
  mine.signal.throwIfAborted();
  load.clear();
  models = [...models.filter((one) => one.id !== id), { ...model, id, note: model.note ?? known?.note ?? null }].sort((a, b) => order(a) - order(b));
  showModels();
}

const places = new Map(models.map(({ id }, i) => [id, i]));
/** @param {Model} model */
function order({ id }) {
  return places.get(id) ?? places.size;
}

/** The list of models comes while the first run is under way. */
const listed = listModels().then((all) => {
  models = all;
  all.forEach(({ id }, i) => places.set(id, i));
  showModels();
}).catch((error) => {
  if (models.length === 0) problems.show(problemOf(error), []);
});

/** While another text is being run, or could not be, the picture is of an earlier one: seen, not touched. @param {boolean} stale */
function setStale(stale) {
  for (const part of [bench, stripSlot]) part.inert = stale;
}

/** A picture that cannot be had. One that a lens cannot give leaves the one before, and says why. @param {unknown} error */
function failed(error) {
  const again = { title: 'Try again', run: () => { problems.clear(); stage.refresh(); } };
  const problem = isAbort(error) ? STOPPED : problemOf(error);
  const out = wayOut(store.get(), stage.view);
  if (!out || (problem.status !== 422 && problem !== STOPPED)) {
    problems.show(problem, [again]);
    return;
  }
  stage.refuse();
  if (stage.looking) aside.update(stage.view, stage.looking.run, doubt(stage.looking.request));
  checks.update([{ title: 'The run', checks: stage.looking?.run.checks ?? [] }]);
  says.refuse(out.name, problem, [...(problem === STOPPED ? [again] : []), { title: out.title, run: () => store.set(out.patch) }]);
  point();
}

/** Draws what is selected of the run that is there. */
function show() {
  const looking = stage.looking;
  if (!looking || bench.inert) return;
  const state = store.get();
  const stack = stackOf(state, looking.run);
  const fitting = fitted(looking.run, looking.model);
  if (changes(state, { ...state, ...fitting }).size > 0) {
    store.set(fitting);
    return;
  }
  tabs.update(state.view);
  controls.update(state, looking.run, stack);
  sight.update(state, stage.view.sight === true, isPair(tokensOf(stack, looking.run).cols));
  const tokens = `${looking.run.run}/${stack.name}`;
  if (tokens !== stripOf) {
    stripOf = tokens;
    store.setHover({ query: null, key: null });
    strip.update(tokensOf(stack, looking.run), stack.name === 'cross');
  }
  stage.refresh();
}

/** @type {Parameters<typeof createStage>[1]['onDrawn']} */
function onDrawn(data, { run, request }, view) {
  checks.update([
    { title: 'This picture', checks: [...checksOf(data), ...(stage.handle?.checks?.() ?? [])] },
    { title: 'The run', checks: run.checks },
  ]);
  aside.update(view, run, doubt(request));
  if (view.sight && data.attention) says.show(describe(store.get(), data.attention, run));
  else says.clear();
  point();
}

/** What is hovered or pinned, in the strip and the aside. */
function point() {
  cancelAnimationFrame(pointing);
  pointing = 0;
  const looking = stage.looking;
  if (!looking) return;
  const state = seenBy(store.get(), stage.view);
  const answer = stage.data.attention ?? (stage.data.neuron && rowOf(stage.data.neuron));
  if (!answer) {
    const focus = { query: store.hover.query ?? pinned().query, key: store.hover.key };
    const own = stage.handle?.marks?.() ?? null;
    strip.mark(own?.colour ?? null, focus, pinned(), own?.title ?? '', { ...stripSight(state, null, looking.run), bounded: !own, upTo: own?.upTo });
    aside.point(null);
    return;
  }
  const focus = focusOf({ ...state, ...pinned() }, store.hover);
  const tokens = tokensOf(stackOf(state, looking.run), looking.run);
  const maps = exact(looking, state, answer, focus, blockOf(state, looking.run));
  strip.mark(marks(maps, headsShown(state, maps), focus), focus, pinned(), legend(tokens, focus, maps), stripSight(state, answer, looking.run));
  aside.point(readOut(state, maps, focus, tokens));
}

ask.write(store.get());
notice.show(few(link));
start();
