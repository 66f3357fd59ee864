// The views, in the order of their tabs. To add one: a file beside this one, and its line here.

import { heads } from './heads.js';
import { map } from './map.js';
import { next } from './next.js';
import { tokens } from './tokens.js';

/** @type {readonly import('../types.js').View[]} */
export const VIEWS = [heads, map, tokens, next];
