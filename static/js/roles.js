// The roles of heads: what each one means, which ones an answer has, and how a score stands against its null.

/** @typedef {import('./answers_attention.js').Role} Role */
/** @typedef {import('./answers_attention.js').RolesData} RolesData */

/** @type {readonly Role[]} */
export const ROLES = ['previous', 'next', 'first', 'separator', 'duplicate', 'induction', 'sink', 'entropy', 'span', 'distance'];

/** What the score of a role is. @type {Readonly<Record<Role, string>>} */
export const MEANING = {
  previous: 'weight on the token just before',
  next: 'weight on the token just after',
  first: 'weight on the first token',
  separator: 'weight on the tokens that end a text',
  duplicate: 'weight on earlier copies of the same token',
  induction: 'weight on what came after an earlier copy of the same token',
  sink: 'the most that one token is given on average',
  entropy: 'how evenly the weights are spread: 1 is quite even',
  span: 'how many tokens it looks at, in effect',
  distance: 'how many tokens away it looks, on average',
};

/** Roles that are counted in tokens; the others lie between 0 and 1. @type {ReadonlySet<Role>} */
export const IN_TOKENS = new Set(/** @type {Role[]} */ (['span', 'distance']));

/** The roles of more tokens than this take the server longer than one look. */
const LONG = 400;

/** A score that lies closer to its null than so many standard deviations is within it. */
export const BEYOND = 3;

/**
 * Why no head of this stack can have a role, whatever the text; null: it can.
 * @param {Role} role
 * @param {import('./types.js').StackName} stack
 */
export function never(role, stack) {
  if (role === 'next' && stack === 'decoder') return 'this model reads from left to right, so no token can look at the next one';
  if (stack === 'cross' && ['previous', 'next', 'duplicate', 'induction', 'distance'].includes(role)) return 'rows and columns are different texts';
  return null;
}

/** What is asked of the server for the roles of a stack. @param {import('./types.js').Stack} stack @returns {import('./answers_attention.js').RolesParams} */
export function askFor({ name, rows, cols }) {
  return { stack: name, ...(Math.max(rows, cols) > LONG ? { long: true } : {}) };
}

/** @param {import('./types.js').StackName} stack @returns {Role[]} the roles that its heads can have */
export function rolesOf(stack) {
  return ROLES.filter((role) => !never(role, stack));
}

/**
 * The roles without any score, each with the reason.
 * @param {RolesData} data
 * @returns {{role: Role, why: string, shown: boolean}[]} `shown`: a head of this stack can have it on another text
 */
export function missing(data) {
  /** @type {Partial<Record<Role, string>>} */
  const text = {
    separator: 'this text has no token that ends a text', sink: 'a sink needs a text of at least 8 tokens',
    duplicate: 'no token comes twice in this text', induction: 'no token comes twice in this text with another after it',
  };
  return ROLES.filter((role) => data.heads.every((head) => head[role] === null))
    .map((role) => {
      const always = never(role, data.stack);
      return { role, why: always ?? text[role] ?? 'the text is too short', shown: always === null };
    });
}

/**
 * @typedef {object} Standing how a score stands against its null
 * @property {number|null} score
 * @property {number|null} mean of the null
 * @property {number|null} effect standard deviations of the null between the two; null where it has no spread
 * @property {number|null} times the score is the null's mean; null where that is 0
 * @property {boolean|null} beyond the null; null where it has no spread
 */

/**
 * @param {RolesData} data
 * @param {number} i of the head in the answer
 * @param {Role} role
 * @returns {Standing}
 */
export function standing(data, i, role) {
  const score = data.heads[i]?.[role] ?? null;
  const mean = data.null?.roles[role].mean[i] ?? null;
  const effect = data.heads[i]?.effect[role] ?? null;
  return {
    score, mean, effect,
    times: score === null || mean === null || mean <= 0 ? null : score / mean,
    beyond: effect === null ? null : Math.abs(effect) >= BEYOND,
  };
}

/**
 * Does a head do what the role says more than chance does? Of the distance, either way is a find. Null: the null of
 * this role has no spread, so nobody can say.
 * @param {Role} role
 * @param {Standing} standing
 * @returns {boolean|null}
 */
export function standsOut(role, { beyond, effect }) {
  return beyond && role !== 'distance' ? (effect ?? 0) > 0 : beyond;
}

/** @param {Role} role @param {number|null} value */
export function scored(role, value) {
  if (value === null) return '–';
  return value.toFixed(IN_TOKENS.has(role) ? 1 : 3);
}

/** `9.2×`. @param {number|null} times */
export function timesNull(times) {
  if (times === null) return '';
  if (times >= 1000) return '>999×';
  return `${times >= 9.95 ? Math.round(times) : times.toFixed(times < 0.095 ? 2 : 1)}×`;
}

/**
 * All there is to say of a score: `0.412, 9.2 times its null (0.045), 12 standard deviations above it`.
 * @param {Role} role
 * @param {Standing} standing
 * @returns {string}
 */
export function inWords(role, { score, mean, effect, times, beyond }) {
  if (score === null) return 'does not apply';
  const words = [scored(role, score)];
  if (times !== null) words.push(`${timesNull(times).replace('×', '')} times its null of ${scored(role, mean)}`);
  if (effect !== null) words.push(beyond ? `${sds(effect)} ${effect > 0 ? 'above' : 'below'} it` : `within what chance gives: ${sds(effect)} from it`);
  return words.join(', ');
}

/** @param {number} effect */
function sds(effect) {
  const size = Math.abs(effect);
  return `${size >= 9.95 ? Math.round(size) : size.toFixed(1)} standard deviations`;
}

/**
 * Where a head is in the answer; -1: nowhere.
 * @param {RolesData} data
 * @param {{layer: number, head: number}} wanted
 */
export function placeOf(data, { layer, head }) {
  return data.heads.findIndex((one) => one.layer === layer && one.head === head);
}

/**
 * From where to where a role's colours and axes reach.
 * @param {RolesData} data
 * @param {Role} role
 * @returns {[number, number]}
 */
export function reach(data, role) {
  const most = Math.max(0, ...data.heads.map((head) => head[role] ?? 0));
  if (role === 'entropy') return [0, 1];
  if (role === 'span') return [1, Math.max(most, 1.1)];
  return [0, IN_TOKENS.has(role) ? Math.max(most, 0.1) : Math.max(most, 0.05)];
}
