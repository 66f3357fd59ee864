/** What the grid says: the names of its heads, what their strongest pairs are, and its numbers as a table. */

import { inWords, standing } from '../roles.js';
import { named, weight as written } from '../ticks.js';
import { peak } from './grid_maps.js';
import { spanName } from './map_words.js';

/**
 * @typedef {import('./grid_layout.js').Head} Head
 * @typedef {import('./grid_maps.js').Maps} Maps
 * @typedef {import('../answers_attention.js').RolesData} RolesData
 * @typedef {import('../answers_attention.js').Role} Role
 * @typedef {{rows: readonly import('../types.js').Token[], cols: readonly import('../types.js').Token[]}} Tokens
 * @typedef {{query: number, key: number, weight: number}} Pair exact
 */

/** @param {Head} of */
export function titleOf({ layer, head }) {
  return `Layer ${layer}, head ${head}`;
}

/**
 * @param {Maps} maps
 * @param {Head} of
 * @param {Pair|undefined} pair undefined: not here yet; the picture's own byte is said
 * @param {Tokens} tokens
 * @returns {{pair: string, value: string}}
 */
export function pairWords(maps, of, pair, tokens) {
  if (pair) return { pair: `${named(tokens.rows[pair.query], pair.query)} → ${named(tokens.cols[pair.key], pair.key)}`, value: written(pair.weight) };
  const { rows, cols, weight } = peak(maps, of);
  return { pair: `${spanName(tokens.rows, rows)} → ${spanName(tokens.cols, cols)}`, value: `≈ ${weight.toFixed(2)}` };
}

/** @param {RolesData} data @param {Role} role @param {number} i the head's place in the answer */
export function roleWords(data, role, i) {
  return `${role} ${inWords(role, standing(data, i, role))}`;
}

/** Which way the layers go: it depends on the width, so it is said. @param {import('./grid_layout.js').Layout} g */
export function orientation({ across }) {
  return across === 'heads' ? 'Layers go from the bottom up, heads from left to right.' : 'Layers go from left to right, heads from the top down, since that makes larger squares here.';
}

/**
 * What is to be known about the picture.
 * @param {Maps} maps
 * @param {RolesData|undefined} roles
 * @param {Role|null} colour
 */
export function remarks(maps, roles, colour) {
  if (colour && roles) {
    const what = roles.null?.roles[colour].sd.some((sd) => sd !== null && sd > 0)
      ? `A full square stands out: it lies more than 3 standard deviations ${colour === 'distance' ? 'from' : 'above'} its null. For a small one chance does as well.`
      : 'The null of this role has no spread: it is what even attention would score.';
    return `${what} Point at a head to read its score and its null.`;
  }
  const says = [];
  if (!maps.exact) {
    const step = (/** @type {number[]} */ edges) => Math.max(...edges.slice(1).map((edge, i) => edge - edges[i]));
    says.push(`Each point stands for up to ${step(maps.rowEdges)} × ${step(maps.colEdges)} tokens and has their largest weight; pointing at a head reads its strongest pair exactly.`);
  }
  if (maps.causal) says.push(`The empty half cannot be seen: no token looks at a later one. The first token sees only itself and is left out${maps.rowEdges[0] > 0 ? '' : ' of the strongest pairs'}.`);
  return says.join(' ');
}

/**
 * One row a head: its strongest pair, and its score where a role colours the grid.
 * @param {Maps} maps
 * @param {RolesData|undefined} roles
 * @param {Role|null} colour
 * @param {Tokens} tokens
 * @returns {import('../types.js').Table}
 */
export function table(maps, roles, colour, tokens) {
  const heads = maps.data.meta.layers.flatMap((layer) => Array.from({ length: maps.heads }, (_, head) => ({ layer, head })));
  const scored = colour && roles ? { roles, colour } : null;
  return {
    columns: ['layer', 'head', ...(scored ? [scored.colour, 'mean of its null', 'effect'] : []), 'strongest query', 'its key', 'weight, to 1/255'],
    rows: heads.map((of, i) => {
      const top = peak(maps, of);
      const now = scored && standing(scored.roles, i, scored.colour);
      return [of.layer, of.head, ...(now ? [now.score, now.mean, now.effect] : []),
        spanName(tokens.rows, top.rows), spanName(tokens.cols, top.cols), Number(top.weight.toFixed(4))];
    }),
  };
}
