// The views, in the order of their tabs. To add one: a file beside this one, and its line here.

import { compare } from './compare.js';
import { disagreement } from './disagreement.js';
import { grid } from './grid.js';
import { heads } from './heads.js';
import { map } from './map.js';
import { neuron } from './neuron.js';
import { next } from './next.js';
import { roles } from './roles.js';
import { tokens } from './tokens.js';

/** @type {readonly import('../types.js').View[]} */
export const VIEWS = [heads, map, grid, roles, neuron, compare, disagreement, tokens, next];
