// What the API answers about attention: maps, one query step by step, comparisons, roles, disagreement. See API.

/**
 * @typedef {object} AttentionParams the query of `GET /api/runs/{run}/attention`
 * @property {import('./types.js').StackName} [stack]
 * @property {number} [layer]
 * @property {number} [head]
 * @property {[number, number]} [rows]
 * @property {[number, number]} [cols]
 * @property {number} [size]
 * @property {'max'|'mean'} [pool]
 * @property {import('./types.js').Lens} [lens]
 * @property {'token'|'word'} [group]
 * @property {string} [hide] `special`, `sink`, or both with a comma
 * @property {number} [position] the prediction that the gradient is of
 * @property {'f32'|'u8'} [dtype]
 *
 * @typedef {object} AttentionMeta
 * @property {string} run
 * @property {import('./types.js').StackName} stack
 * @property {import('./types.js').Lens} lens
 * @property {number[]} layers
 * @property {number[]} heads empty for a lens without heads; the array then has one map on that axis
 * @property {[number, number]} rows first query and one past the last
 * @property {[number, number]} cols
 * @property {number|null} size
 * @property {number[]|null} row_edges where pooled: bin i covers queries edges[i] to edges[i+1]
 * @property {number[]|null} col_edges
 * @property {'token'|'word'} group
 * @property {string} meaning what the lens shows
 * @property {boolean} signed below zero too
 * @property {boolean} bounded within 0 and 1
 * @property {(number|null)[][]|null} sinks [layers][heads], the key that was taken out as the head's sink
 * @property {string[]} hide what was hidden
 * @property {number[]} hidden_rows the special tokens among it
 * @property {number[]} hidden_cols
 * @property {{position: number, id: number, text: string, log_probability: number}|null} prediction what the lens is about
 * @property {import('./types.js').Check[]} checks
 * @property {string[]} warnings
 *
 * @typedef {object} AttentionData a probability is `zero + scale * values[i]`; row-major [layers, heads, rows, cols]
 * @property {AttentionMeta} meta
 * @property {Float32Array|Uint8Array} values
 * @property {[number, number, number, number]} shape
 * @property {number} zero
 * @property {number} scale
 * @property {boolean} [followed] it took long: nothing more is asked of the same kind in passing
 * @property {number} [arrived] when its bytes were here, on the clock of `performance`
 *
 * @typedef {object} NeuronParams the query of `GET /api/runs/{run}/neuron`
 * @property {import('./types.js').StackName} stack
 * @property {number} layer
 * @property {number} head
 * @property {number} query
 * @property {[number, number]} [keys] k, v and product of these only
 *
 * @typedef {object} NeuronData one query of one head, step by step; `k`, `v` and `product` of the keys `keys`, the rest of all
 * @property {string} run
 * @property {import('./types.js').StackName} stack
 * @property {number} layer
 * @property {number} head
 * @property {number} query
 * @property {[number, number]} keys
 * @property {number[]} q
 * @property {number[][]} k
 * @property {number[][]} v
 * @property {number[][]} product
 * @property {number[]} scores scale * q·k, before softcap, bias and mask
 * @property {number[]} bias
 * @property {number[]} entering what the softmax takes where mask is 1
 * @property {(0|1)[]} mask
 * @property {number|null} sink the share that goes to no token
 * @property {number|null} sink_score
 * @property {number[]} probs
 * @property {number[]} z
 * @property {number} scale
 * @property {number|null} softcap
 * @property {number} kv_head
 * @property {import('./types.js').Check[]} checks
 *
 * @typedef {object} CompareParams what Compare needs: another run, and a head of each
 * @property {import('./types.js').RunRequest} other
 * @property {import('./types.js').StackName} stack
 * @property {number} layer
 * @property {number} head
 * @property {number|null} layer_b null: the same
 * @property {number|null} head_b
 * @property {number} size
 * @property {string|null} [mask] what a masked model fills in
 * @property {import('./answers_predictions.js').LogitsParams|null} [logits] what is asked of the prediction of the other, its position one of the first
 *
 * @typedef {[number, number, number, number]} Unit tokens [a0, a1) of the first run, [b0, b1) of the other
 *
 * @typedef {object} Ranking the answer of `POST /api/compare`
 * @property {string} a
 * @property {string} b
 * @property {import('./types.js').StackName} stack
 * @property {import('./types.js').StackName} stack_b
 * @property {'token'|'text'|'word'} by
 * @property {Unit[]} units
 * @property {Unit[]} col_units
 * @property {{layer: number, head: number, divergence: number}[]} heads in bits, the most different first; none for other shapes
 * @property {import('./types.js').Check[]} checks
 * @property {string[]} warnings
 *
 * @typedef {object} DifferenceMeta of `GET /api/compare/map`: other minus first, over paired rows and columns
 * @property {number} layer_b
 * @property {number} head_b
 * @property {Unit[]} units
 * @property {Unit[]} col_units
 * @property {number[]|null} row_edges of pairs, where pooled
 * @property {number[]|null} col_edges
 * @property {number} divergence
 * @property {import('./types.js').Check[]} checks
 *
 * @typedef {object} CompareData
 * @property {import('./types.js').Run|null} run the other one
 * @property {import('./types.js').Problem|null} problem why these cannot be compared; the rest is null then
 * @property {Ranking|null} ranking
 * @property {{meta: DifferenceMeta, values: Float32Array|Uint8Array, shape: number[]}|null} difference
 * @property {AttentionData|null} attention the other's map
 * @property {string|null} path where the difference can be had
 * @property {import('./answers_predictions.js').LogitsData|null} [logits] the prediction of the other
 */

/**
 * @typedef {'previous'|'next'|'first'|'separator'|'duplicate'|'induction'|'sink'|'entropy'|'span'|'distance'} Role
 *
 * @typedef {'head'|Role|`${Role}-up`} RoleSort by head, or by a role, the largest first (`-up`: the smallest)
 *
 * @typedef {{stack?: import('./types.js').StackName, long?: boolean}} RolesParams the query of `GET /api/runs/{run}/heads`; `long`: it takes more than one look, so it is followed from the start
 *
 * @typedef {{layer: number, head: number, sink_key: number|null, effect: Partial<Record<Role, number|null>>} & Record<Role, number|null>} HeadScores
 *
 * @typedef {object} RoleNull for each head, in the order of the answer
 * @property {'permuted'|'uniform'} kind
 * @property {(number|null)[]} mean
 * @property {(number|null)[]} sd 0: no spread
 *
 * @typedef {object} RolesData
 * @property {string} run
 * @property {import('./types.js').StackName} stack
 * @property {HeadScores[]} heads layer by layer
 * @property {{permutations: number, seed: number, roles: Record<Role, RoleNull>}|null} null
 * @property {number} sink_threshold
 * @property {import('./types.js').Check[]} checks
 * @property {string[]} warnings
 *
 * @typedef {{stack?: import('./types.js').StackName, layer: number, head: number, role: Role, limit?: number}} EvidenceParams
 *
 * @typedef {object} EvidenceData
 * @property {number} layer
 * @property {number} head
 * @property {Role} role
 * @property {number} total how many cells add to the score
 * @property {{query: number, key: number, weight: number, share: number}[]} cells those that add most, first
 * @property {import('./types.js').Check[]} checks
 */

/**
 * @typedef {{stack: import('./types.js').StackName, layer?: number, lenses?: string, position?: number, limit: number}} DisagreementParams the query of `GET /api/runs/{run}/disagreement`
 *
 * @typedef {object} DisagreementData where lenses differ
 * @property {import('./types.js').Lens[]} lenses
 * @property {number[]} layers
 * @property {{layer: number, head: number, divergence: number|null, queries: number}[]} heads in bits, in the order of the model
 * @property {{layer: number, head: number, query: number, key: number, shares: Record<string, number>, difference: number}[]} pairs
 * @property {number} most bits there can be
 * @property {string} meaning
 * @property {import('./types.js').Check[]} checks
 * @property {string[]} warnings
 */

export {};
