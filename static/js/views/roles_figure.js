/** The scatter of roles: a point for each head, one role against another, coloured by layer. */

import { cividis, css } from '../colour.js';
import { IN_TOKENS, reach, standing, standsOut } from '../roles.js';

/**
 * @typedef {import('../answers_attention.js').RolesData} RolesData
 * @typedef {import('../answers_attention.js').Role} Role
 */

const STOPS = 9;
/** How many heads of each role are named in the picture. */
const NAMED = 3;
/** Heads below this share of the highest score are not. */
const LEAST = 0.25;
/** How far apart two names must be, in pixels. */
const NAME = Object.freeze([40, 13]);

/**
 * Heads that stand out in neither role are open rings: nothing beyond chance is to be seen there.
 * @param {object} given
 * @param {RolesData} given.data
 * @param {Role} given.x
 * @param {Role} given.y
 * @param {number} given.chosen the place of the current head in the answer
 * @param {number} given.width
 * @param {number} given.height
 * @param {import('../look.js').Look} given.look
 * @param {'light'|'dark'} given.theme
 * @returns {import('../plot.js').Figure}
 */
export function figure({ data, x, y, chosen, width, height, look, theme }) {
  const points = data.heads.map((head, i) => ({ head, i })).filter(({ head }) => head[x] !== null && head[y] !== null);
  const layers = Math.max(...data.heads.map(({ layer }) => layer));
  const font = { family: look.ui, size: 12, color: look.ink2 };
  const plain = (/** @type {number} */ i) => [x, y].every((role) => standsOut(role, standing(data, i, role)) === false);
  const axis = (/** @type {Role} */ role) => {
    const [low, high] = reach(data, role);
    const pad = (high - low) * 0.04;
    return {
      title: { text: `${role}${IN_TOKENS.has(role) ? ', tokens' : ''}`, font: { ...font, size: 13, color: look.ink }, standoff: 8 }, range: [low - pad, high + pad],
      gridcolor: look.line, zeroline: false, linecolor: look.line, tickfont: font, fixedrange: true, automargin: false, nticks: 6,
    };
  };
  const mine = points.find(({ i }) => i === chosen);
  const told = apart(outstanding(data, x, y), data, [x, y], [width - 124, height - 60]);
  return {
    data: [
      {
        type: 'scatter', mode: 'markers', x: points.map(({ head }) => head[x]), y: points.map(({ head }) => head[y]), customdata: points.map(({ i }) => i),
        text: points.map(({ head }) => `${head.layer}.${head.head}`), hovertemplate: `<b>%{text}</b><br>${x} %{x:.3f}<br>${y} %{y:.3f}<extra></extra>`,
        marker: {
          size: 9, color: points.map(({ head }) => head.layer), cmin: 0, cmax: Math.max(layers, 1), colorscale: ramp(theme),
          symbol: points.map(({ i }) => (plain(i) ? 'circle-open' : 'circle')), line: { width: points.map(({ i }) => (plain(i) ? 1.5 : 0.75)), color: points.map(({ head, i }) => (plain(i) ? colour(head.layer / Math.max(layers, 1), theme) : look.paper)) },
          colorbar: {
            title: { text: 'layer', font: { ...font, color: look.ink3 }, side: 'right' }, thickness: 10, outlinewidth: 0, len: 0.7, tickfont: { ...font, color: look.ink3, size: 11 }, tickformat: 'd',
            nticks: Math.min(layers + 1, 6), x: 1, xpad: 10,
          },
        },
      },
      {
        type: 'scatter', mode: 'markers', x: mine ? [mine.head[x]] : [], y: mine ? [mine.head[y]] : [], hoverinfo: 'skip',
        marker: { size: 17, symbol: 'circle-open', line: { width: 2.5 }, color: look.accent },
      },
      {
        type: 'scatter', mode: 'text', x: told.map((i) => data.heads[i][x]), y: told.map((i) => data.heads[i][y]), hoverinfo: 'skip', cliponaxis: false,
        text: told.map((i) => ` ${data.heads[i].layer}.${data.heads[i].head} `), textposition: told.map((i) => side(data, i, x)), textfont: { ...font, color: look.ink },
      },
    ],
    layout: {
      width, height, margin: { l: 58, r: 66, t: 10, b: 50, pad: 0 }, paper_bgcolor: look.paper, plot_bgcolor: look.paper, font, showlegend: false,
      hovermode: 'closest', hoverdistance: 14, dragmode: false, hoverlabel: { bgcolor: look.paper2, bordercolor: look.line, font: { ...font, size: 13, color: look.ink } },
      xaxis: axis(x), yaxis: axis(y),
    },
  };
}

/**
 * The heads that are named: those that score highest, where they stand out.
 * @param {RolesData} data
 * @param {Role} x
 * @param {Role} y
 * @returns {number[]} places in the answer
 */
export function outstanding(data, x, y) {
  const best = (/** @type {Role} */ role) => data.heads.map((_, i) => i)
    .filter((i) => data.heads[i][x] !== null && data.heads[i][y] !== null && standsOut(role, standing(data, i, role)) !== false && (data.heads[i][role] ?? 0) >= LEAST * reach(data, role)[1])
    .sort((a, b) => (data.heads[b][role] ?? 0) - (data.heads[a][role] ?? 0)).slice(0, NAMED);
  return [...new Set([...best(y), ...best(x)])];
}

/**
 * Those whose names do not fall on one another; of two, the first stays.
 * @param {readonly number[]} places
 * @param {RolesData} data
 * @param {[Role, Role]} axes
 * @param {[number, number]} pixels of the plot
 */
function apart(places, data, axes, pixels) {
  /** @type {number[][]} */
  const taken = [];
  return places.filter((i) => {
    const [across, up] = axes.map((role, a) => {
      const [low, high] = reach(data, role);
      return (((data.heads[i][role] ?? 0) - low) / (high - low)) * pixels[a];
    });
    const left = side(data, i, axes[0]) === 'middle left' ? across - NAME[0] : across; // where the name begins
    if (taken.some(([x, y]) => Math.abs(x - left) < NAME[0] && Math.abs(y - up) < NAME[1])) return false;
    return taken.push([left, up]) > 0;
  });
}

/** Where a name has room. @param {RolesData} data @param {number} i @param {Role} x @returns {'middle left'|'middle right'} */
function side(data, i, x) {
  const [low, high] = reach(data, x);
  return (data.heads[i][x] ?? 0) > low + (high - low) * 0.9 ? 'middle left' : 'middle right';
}

/** Cividis without its end that the paper swallows. @param {number} t @param {'light'|'dark'} theme */
function colour(t, theme) {
  return css(cividis(theme === 'light' ? t * 0.86 : 0.22 + t * 0.78));
}

/** @param {'light'|'dark'} theme @returns {[number, string][]} */
function ramp(theme) {
  return Array.from({ length: STOPS }, (_, i) => [i / (STOPS - 1), colour(i / (STOPS - 1), theme)]);
}
