/** What the roles say: what their null is, which are missing and why, and all numbers as a table. */

import { BEYOND, missing, rolesOf, standing } from '../roles.js';

/**
 * @typedef {import('../answers_attention.js').RolesData} RolesData
 * @typedef {import('../answers_attention.js').Role} Role
 * @typedef {import('../answers_attention.js').RoleSort} RoleSort
 */

/** What the scores are held against. @param {RolesData} data */
export function nullWords(data) {
  const roles = rolesOf(data.stack);
  const list = (/** @type {Role[]} */ wanted) => {
    const names = wanted.filter((role) => roles.includes(role));
    return names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : names[0];
  };
  const identity = roles.includes('induction')
    ? `For ${list(['duplicate', 'induction'])} it is the score of the same maps when the tokens swap their identities at random, ${data.null?.permutations ?? 0} times. ` : '';
  return `Every score stands beside its null, what it would be by chance. ${identity}`
    + `For ${list(['previous', 'next', 'first', 'separator', 'distance'])} each row’s own weights are scattered at random over the tokens it can see; `
    + `${list(['sink', 'entropy', 'span'])} are held against even attention, which has no spread. `
    + `Bold: more than ${BEYOND} standard deviations above the null${roles.includes('distance') ? ' (of the distance, either way)' : ''}; dim: fewer than ${BEYOND} from it.`;
}

/** @param {RolesData} data */
export function missingWords(data) {
  /** @type {Map<string, string[]>} */
  const reasons = new Map();
  for (const { role, why, shown } of missing(data)) reasons.set(why, [...(reasons.get(why) ?? []), `${role}${shown ? ' (–)' : ''}`]);
  return [...reasons].map(([why, names]) => `No ${names.join(', ')}: ${why}.`).join(' ');
}

/**
 * The order of the rows: places in the answer. What does not apply comes last.
 * @param {RolesData} data
 * @param {RoleSort} sort
 * @returns {number[]}
 */
export function order(data, sort) {
  const places = data.heads.map((_, i) => i);
  if (sort === 'head') return places;
  const [name, up] = sort.split('-');
  const role = /** @type {Role} */ (name);
  const sign = up ? 1 : -1;
  const value = (/** @type {number} */ i) => data.heads[i][role];
  return places.sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null) || a - b;
    return sign * (x - y) || a - b;
  });
}

/**
 * Every number there is: the scores, the means of their nulls and the effects.
 * @param {RolesData} data
 * @param {RoleSort} sort
 * @returns {import('../types.js').Table}
 */
export function table(data, sort) {
  const roles = rolesOf(data.stack);
  return {
    columns: ['layer', 'head', ...roles.flatMap((role) => [role, `${role} null`, `${role} effect`])],
    rows: order(data, sort).map((i) => [data.heads[i].layer, data.heads[i].head, ...roles.flatMap((role) => {
      const { score, mean, effect } = standing(data, i, role);
      return [score, mean, effect];
    })]),
  };
}
