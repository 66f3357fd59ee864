// The views, in the order and the groups of their tabs. To add one: a file beside this one, and its name in a group here.

import { attribution } from './attribution.js';
import { causes } from './causes.js';
import { compare } from './compare.js';
import { disagreement } from './disagreement.js';
import { generate } from './generate.js';
import { grid } from './grid.js';
import { heads } from './heads.js';
import { logitLens } from './logit_lens.js';
import { map } from './map.js';
import { neuron } from './neuron.js';
import { next } from './next.js';
import { roles } from './roles.js';
import { saliency } from './saliency.js';
import { surprisal } from './surprisal.js';
import { tokens } from './tokens.js';
import { whatif } from './whatif.js';

/** A group without views is not shown. @type {readonly {title: string, views: readonly import('../types.js').View[]}[]} */
export const GROUPS = [
  { title: 'Look', views: [heads, map, grid, roles, neuron, compare, disagreement] },
  { title: 'Predict', views: [next, surprisal, logitLens, generate] },
  { title: 'Cause', views: [whatif, causes, attribution, saliency] },
  { title: 'Text', views: [tokens] },
];

export const VIEWS = GROUPS.flatMap(({ views }) => views);
