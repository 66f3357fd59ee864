/**
 * Roles: what each head does on this text, as a sortable table and a scatter, each score beside its null and linked to
 * the cells that are its evidence.
 */

import { h, replace } from '../dom.js';
import { look } from '../look.js';
import { rolesPath } from '../paths.js';
import { clear, draw, picture } from '../plot.js';
import { askFor, never, placeOf, rolesOf } from '../roles.js';
import { stackOf } from '../selection.js';
import { createEvidence } from './roles_evidence.js';
import { figure } from './roles_figure.js';
import { createTable } from './roles_table.js';
import { missingWords, nullWords, table } from './roles_words.js';

/**
 * @typedef {import('../answers_attention.js').Role} Role
 * @typedef {import('../answers_attention.js').RolesData} RolesData
 * @typedef {import('./roles_table.js').Chosen} Chosen
 */

const PAIRS = 8;

/** @type {import('../types.js').View} */
export const roles = {
  id: 'roles',
  title: 'Roles',
  howto: 'Each row is a head and each column something a head may do on this text: the number is its score, the small one how many times its null that is, and the longer the bar under it the further from chance. '
    + 'Choose a score, in the table or the picture, to see the pairs of tokens that make it; choose a pair to open the map there.',
  keep: true,
  needs: (state, run) => ({ roles: askFor(stackOf(state, run)) }),
  mount,
};

/**
 * @param {HTMLElement} el
 * @param {import('../types.js').ViewContext} ctx
 * @returns {import('../types.js').ViewHandle}
 */
function mount(el, ctx) {
  let state = ctx.store.get();
  const stack = stackOf(state, ctx.run);
  const known = rolesOf(stack.name);
  /** @type {RolesData|null} */
  let data = null;
  /** @type {import('../plot.js').Chart|null} */
  let plot = null;
  let drawn = '';
  let evidenceOf = '';
  let alive = true;

  const plain = h('p.roles-null', {}, 'The null of a score is what chance alone would give, and a standard deviation is how far chance usually strays from it: the more of them a score lies above its null, the less it looks like chance.');
  const says = h('p.roles-null', {});
  const lacks = h('p.roles-null', {});
  const chart = h('div.roles-chart', { 'aria-hidden': 'true' });
  const [across, up] = [axis('x', 'Across', (role) => ctx.store.set({ roleX: role })), axis('y', 'Up', (role) => ctx.store.set({ roleY: role }))];
  const sheet = createTable({
    sort: (sort) => ctx.store.set({ sort }),
    choose: (cell) => ctx.store.set(cell),
    announce: ctx.announce,
  });
  const evidence = createEvidence({
    open: (query, key) => ctx.store.set({ view: 'map', query, key, rows: null, cols: null, lens: 'raw' }),
    map: () => ctx.store.set({ view: 'map' }),
    point: (query, key) => ctx.setHover({ query, key }),
  });
  const ring = h('div.roles-ring', { 'aria-hidden': 'true', hidden: true });
  const scatter = h('div.roles-scatter', {}, h('div.roles-axes', {}, across.element, up.element), h('div.roles-plot', {}, chart, ring));
  const all = h('div.roles', { hidden: true }, plain, h('div.roles-top', {}, scatter, evidence.element), says, lacks, sheet.element);
  el.append(all);

  /** @param {Role} wanted @param {Role} other */
  const able = (wanted, other) => (known.includes(wanted) ? wanted : other);
  const chosen = () => ({ layer: state.layer, head: state.head, role: able(state.role, 'sink') });

  /**
   * @param {string} id
   * @param {string} title
   * @param {(role: Role) => void} set
   */
  function axis(id, title, set) {
    const select = h('select.select', { id: `roles-${id}` }, known.map((role) => h('option', { value: role }, role)));
    select.addEventListener('change', () => set(/** @type {Role} */ (select.value)));
    return { select, element: h('div.control', {}, h('label.label', { for: `roles-${id}` }, title), select) };
  }

  const axes = () => ({ x: able(state.roleX, 'sink'), y: able(state.roleY, 'entropy') });

  /** @param {RolesData} of @param {number} mine the place of the head that has a ring; -1: none */
  function pictureOf(of, mine) {
    const width = chart.clientWidth;
    const height = Math.round(Math.min(Math.max(width * 0.72, 280), 440));
    return figure({ data: of, ...axes(), chosen: mine, width, height, look: look(), theme: ctx.theme });
  }

  async function drawChart() {
    if (!data || !chart.clientWidth) return;
    const { x, y } = axes();
    [across.select.value, up.select.value] = [x, y];
    const key = JSON.stringify([data.run, data.stack, x, y, chart.clientWidth, look()]);
    if (key === drawn) {
      drawRing();
      return;
    }
    drawn = key;
    const shown = pictureOf(data, -1);
    chart.style.height = `${shown.layout.height}px`;
    ring.hidden = true;
    const first = !chart.classList.contains('js-plotly-plot');
    const gd = await draw(chart, shown);
    plot = gd;
    drawRing();
    if (!first || !alive) return;
    gd.on('plotly_click', ({ points }) => {
      const head = data?.heads[points[0]?.customdata];
      if (head) ctx.store.set({ layer: head.layer, head: head.head });
    });
  }

  /** Round the current head; over the chart, so that going to another head draws nothing anew. */
  function drawRing() {
    const layout = /** @type {any} */ (plot)?._fullLayout;
    const head = data?.heads[placeOf(data, chosen())];
    const { x, y } = axes();
    ring.hidden = !layout || !head || head[x] === null || head[y] === null;
    if (ring.hidden || !head) return;
    const { xaxis, yaxis } = layout;
    ring.style.transform = `translate(${xaxis._offset + xaxis.l2p(head[x])}px, ${yaxis._offset + yaxis.l2p(head[y])}px)`;
  }

  /** The pairs behind the chosen score; of two calls the last one wins. */
  async function showEvidence() {
    if (!data) return;
    const now = chosen();
    evidence.head(data, now);
    const key = `${now.layer}/${now.head}/${now.role}`;
    if (key === evidenceOf) return;
    evidenceOf = key;
    const i = placeOf(data, now);
    if (data.heads[i]?.[now.role] === null) {
      const why = never(now.role, stack.name);
      evidence.update(null, ctx.tokens, why ? `${why[0].toUpperCase()}${why.slice(1)}.` : 'No query of this text can show it.');
      return;
    }
    try {
      const answer = await ctx.fetch({ evidence: { stack: stack.name, ...now, limit: PAIRS } });
      if (evidenceOf === key && answer.evidence) evidence.update(answer.evidence, ctx.tokens, '');
    } catch (error) {
      if (!alive || evidenceOf !== key) return;
      evidenceOf = '';
      evidence.update(null, ctx.tokens, error instanceof Error ? error.message : 'The pairs could not be fetched.');
    }
  }

  return {
    update(next, answers) {
      state = next;
      if (!answers.roles) return;
      if (data !== answers.roles) {
        data = answers.roles;
        evidenceOf = '';
        replace(says, nullWords(data));
        const words = missingWords(data);
        lacks.hidden = words === '';
        replace(lacks, words);
      }
      all.hidden = false;
      sheet.update(data, next.sort, chosen());
      showEvidence();
      drawChart().catch((error) => { replace(chart, h('p', {}, String(error.message))); });
    },
    hover: () => undefined,
    away: sheet.away,
    destroy() {
      alive = false;
      sheet.destroy();
      clear(chart);
      el.replaceChildren();
    },
    address: () => ({ path: rolesPath(ctx.run.run, { stack: stack.name }), matrix: false }),
    picture: { png: () => picture(needed(), caption(), 'png'), svg: () => picture(needed(), caption(), 'svg') },
    table: () => (data ? table(data, state.sort) : { columns: [], rows: [] }),
  };

  function needed() {
    if (!data) throw new Error('there is no picture yet');
    return pictureOf(data, placeOf(data, chosen()));
  }

  function caption() {
    const { x, y } = axes();
    return `${ctx.model?.name ?? ctx.run.model}, ${stack.name}: ${y} against ${x}`;
  }
}

