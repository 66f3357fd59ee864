// What the API answers about predictions: logits, generation, edits, surprisal, the logit lens, attribution, saliency.

/**
 * @typedef {object} LogitsParams the query of `GET /api/runs/{run}/logits`
 * @property {number|null} [position]
 * @property {number} [temperature]
 * @property {number} [top_k]
 * @property {number} [top_p]
 * @property {number} [min_p]
 * @property {number} [limit]
 * @property {string} [search]
 * @property {number} [draw]
 *
 * @typedef {object} Candidate
 * @property {number} id
 * @property {string} text
 * @property {number|null} logit null where it is not finite
 * @property {number} softmax over the whole vocabulary, at temperature 1
 * @property {number} probability after the pipeline
 * @property {boolean} kept
 * @property {number} rank by logit, from 0
 * @property {number} below the probability of all that are likelier: a draw of u from here to `below + probability` picks this one
 *
 * @typedef {object} LogitsData
 * @property {number} position
 * @property {Candidate|null} target what really stands at the predicted place; null behind the end
 * @property {number} vocab
 * @property {number|null} entropy null where it is not finite
 * @property {number|null} entropy_after of what the steps left
 * @property {Candidate[]} candidates
 * @property {{step: string, kept: number, removed_mass: number, first_removed?: Candidate|null}[]} pipeline `first_removed`: the likeliest that the step took
 * @property {{u: number, id: number, text: string}|null} [draw]
 * @property {Candidate|null} [drawn] what the draw fell on
 * @property {import('./types.js').Check[]} checks
 */

/**
 * @typedef {object} GenerateParams the body of `POST /api/generate`
 * @property {string} model
 * @property {string} text
 * @property {string} [pair]
 * @property {number[]} [prefix_ids] what was written already
 * @property {number} steps
 * @property {number} temperature
 * @property {number} top_k
 * @property {number} top_p
 * @property {number} min_p
 * @property {number} seed
 * @property {number} [limit]
 * @property {number} [size]
 *
 * @typedef {object} HeadRows of every head of a stack, what one query gives each key
 * @property {import('./types.js').StackName} stack
 * @property {number} query
 * @property {number[]} layers
 * @property {number[]} heads
 * @property {[number, number]} cols
 * @property {number[]|null} col_edges where the keys are pooled
 * @property {number[][][]} values
 *
 * @typedef {object} WritingStart
 * @property {{encoder?: import('./types.js').Token[], decoder?: import('./types.js').Token[]}} tokens
 * @property {'greedy'|'drawn'} sampling
 * @property {number|null} seed
 * @property {number[]|null} masks the positions that a masked model fills, in their order
 * @property {string} says
 * @property {string} text with what was written before
 * @property {string|null} pair
 *
 * @typedef {object} WrittenStep
 * @property {number} step counted from the first token that was ever written
 * @property {number} position
 * @property {import('./types.js').Token} token
 * @property {Candidate} chosen
 * @property {Candidate[]} candidates
 * @property {number} entropy
 * @property {{step: string, kept: number, removed_mass: number}[]} pipeline
 * @property {{u: number, id: number, text: string}|null} draw null: greedy
 * @property {HeadRows} attention
 * @property {HeadRows|null} cross
 * @property {string} text all of it, so far
 * @property {string|null} pair
 * @property {import('./types.js').Check[]} checks
 *
 * @typedef {object} Generated
 * @property {number[]} ids
 * @property {string} text
 * @property {string|null} pair
 * @property {'steps'|'end-token'|'masks'} ended
 * @property {number|null} seed
 * @property {import('./types.js').Check[]} checks
 *
 * @typedef {{start: (start: WritingStart) => void, step: (step: WrittenStep) => void}} WritingEvents
 */

/**
 * @typedef {'kl'|'change'|'difference'} Effect
 *
 * @typedef {object} Edit one thing taken out of a pass; of an edge, no layer is every layer and no head every head
 * @property {'head'|'layer'|'edge'|'token'} kind
 * @property {import('./types.js').StackName} stack
 * @property {number} [layer]
 * @property {number} [head]
 * @property {number} [query]
 * @property {number} [key]
 * @property {'resoftmax'|'drop'} [edge]
 *
 * @typedef {{edits: Edit[], mode: 'zero'|'mean', position?: number, against?: number, limit: number}} EditsParams the body of `POST /api/runs/{run}/edits`
 *
 * @typedef {{id: number, text: string, logit: number, softmax: number, rank: number}} Choice
 *
 * @typedef {object} Moved a candidate before and after
 * @property {number} id
 * @property {string} text
 * @property {number} logit_before
 * @property {number} logit_after
 * @property {number} change
 * @property {number} softmax_before
 * @property {number} softmax_after
 * @property {number} rank_before
 * @property {number} rank_after
 *
 * @typedef {object} EditsData
 * @property {number} position
 * @property {'zero'|'mean'} mode
 * @property {Choice[]} before
 * @property {Choice[]} after
 * @property {Moved[]} changes by their first rank
 * @property {{token: number, against: number, before: number, after: number, change: number}|null} difference
 * @property {number} kl nats
 * @property {boolean} flips
 * @property {import('./types.js').Check[]} checks
 *
 * @typedef {{stack: import('./types.js').StackName, mode: 'zero'|'mean', position?: number, against?: number}} EffectsParams the body of `POST /api/runs/{run}/effects`
 *
 * @typedef {import('./types.js').Stage & {layer?: number, kl?: number[], change?: number[], difference?: number[]|null}} EffectsStage
 *
 * @typedef {object} EffectsData numbers by [layer][head]
 * @property {import('./types.js').StackName} stack
 * @property {number} position
 * @property {number[]} layers
 * @property {number[]} heads
 * @property {{id: number, text: string, logit: number}} token
 * @property {{id: number, text: string, logit: number}|null} against
 * @property {number[][]} kl
 * @property {number[][]} change
 * @property {number[][]|null} difference
 * @property {number} flips
 * @property {import('./types.js').Check[]} checks
 */

/**
 * @typedef {object} ScoredToken null where it was not scored
 * @property {number} index
 * @property {number} id
 * @property {string} text
 * @property {number|null} nats −ln of the probability it was given; null too where that is infinite
 * @property {number|null} rank from 0
 * @property {number|null} entropy of what was expected in its place, in nats
 * @property {number|null} best the likeliest in its place
 * @property {string|null} best_text
 * @property {number|null} best_softmax
 *
 * @typedef {object} SurprisalData the answer of `GET /api/runs/{run}/surprisal`
 * @property {import('./types.js').StackName} stack
 * @property {'clm'|'mlm'|'seq2seq'} objective
 * @property {ScoredToken[]} tokens
 * @property {number} scored how many
 * @property {number|null} nats summed; null where it is not finite
 * @property {number|null} loss their mean
 * @property {number|null} perplexity
 * @property {number|null} bytes of the scored tokens
 * @property {number|null} bits_per_byte
 * @property {import('./types.js').Check[]} checks
 * @property {string[]} [warnings]
 *
 * @typedef {{position?: number, limit?: number}} LensParams the query of `GET /api/runs/{run}/lens`
 *
 * @typedef {{positions?: [number, number]}} LensGridParams the query of `GET /api/runs/{run}/lens/grid`
 *
 * @typedef {{id: number, text: string, logit: number|null, softmax: number|null, rank: number}} Reading a token in one layer's distribution
 *
 * @typedef {object} LensLayer
 * @property {number} layer how many layers lie below
 * @property {Reading[]} candidates
 * @property {number|null} entropy nats
 * @property {number|null} kl_to_final nats
 * @property {Reading} final the token the model ends with
 * @property {Reading|null} target what really stands there
 *
 * @typedef {object} LensData the logit lens at one position
 * @property {string} run
 * @property {number} position
 * @property {boolean} approximate the head was trained on the last states only
 * @property {number} settled the first layer from which on the likeliest token stays the model's own
 * @property {LensLayer[]} layers from the embeddings up
 * @property {import('./types.js').Check[]} checks
 *
 * @typedef {object} LensGridData the logit lens over layers and positions; rows are layers, from the embeddings up
 * @property {[number, number]} positions
 * @property {boolean} approximate
 * @property {number[]} layers
 * @property {number[][]} top ids of the likeliest
 * @property {string[][]} texts
 * @property {(number|null)[][]} softmax
 * @property {(number|null)[][]} entropy
 * @property {(number|null)[][]} kl_to_final
 * @property {number[]} settled
 * @property {import('./types.js').Check[]} checks
 */

/**
 * @typedef {{position?: number, token?: number, against?: number}} AttributionParams the query of `GET /api/runs/{run}/attribution`
 *
 * @typedef {object} AttributionData a logit, less that of `against`, as the sum of its parts
 * @property {string} run
 * @property {number} position
 * @property {{id: number, text: string, logit: number}} token
 * @property {{id: number, text: string, logit: number}|null} against
 * @property {number} total
 * @property {{name: string, value: number}[]} embedding
 * @property {{stack: import('./types.js').StackName, heads: number[][], bias: number[]}[]} attention by layer, and by layer and head
 * @property {number[]} mlp
 * @property {number[]} mlp_bias
 * @property {number} norm_bias
 * @property {number} head_bias
 * @property {number} parts their sum
 * @property {number} remainder what they lack of the total
 * @property {import('./types.js').Check[]} checks
 *
 * @typedef {'gradient-x-input'|'integrated-gradients'} SaliencyMethod
 *
 * @typedef {AttributionParams & {method: SaliencyMethod, steps?: number}} SaliencyParams the body of `POST /api/runs/{run}/saliency`
 *
 * @typedef {object} SaliencyData
 * @property {string} run
 * @property {SaliencyMethod} method
 * @property {number} position
 * @property {number} token
 * @property {string} text
 * @property {number|null} against
 * @property {string|null} against_text
 * @property {Partial<Record<'encoder'|'decoder', number[]>>} tokens the scores of each input, in nats
 * @property {number} value
 * @property {number} baseline
 * @property {number} total
 * @property {number} gap total - (value - baseline)
 * @property {number} steps
 * @property {import('./types.js').Check[]} checks
 * @property {string[]} [warnings]
 */

export {};
