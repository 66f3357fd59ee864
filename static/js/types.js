// The words that the page's modules share, as JSDoc types; there is no code here. Field names are those of the JSON API.

/**
 * @typedef {'encoder'|'decoder'|'cross'} StackName
 * @typedef {'encoder'|'decoder'|'encoder-decoder'} Kind
 *
 * @typedef {object} Model what `GET /api/models` says of one model; null where it is known only once it is loaded
 * @property {string} id
 * @property {string} name
 * @property {Kind|null} kind
 * @property {string|null} architecture
 * @property {number|null} layers
 * @property {number|null} heads
 * @property {number|null} kv_heads
 * @property {number|null} head_dim
 * @property {number|null} hidden
 * @property {number|null} vocab
 * @property {number|null} max_tokens
 * @property {number|null} parameters
 * @property {string} source
 * @property {string|null} revision
 * @property {string|null} licence
 * @property {boolean} loaded
 * @property {'full'|'weights'|null} capture
 * @property {boolean|null} pairs takes a second sentence
 * @property {boolean|null} language_head predicts words
 * @property {string|null} [mask] what is written for a word that it shall fill in
 * @property {string|null} [note] what it can and cannot, from its card
 * @property {string[]} warnings
 *
 * @typedef {object} Check an invariant that was tested on this very answer
 * @property {string} name
 * @property {number|null} value
 * @property {number} limit
 * @property {boolean} ok
 *
 * @typedef {object} Token
 * @property {number} index
 * @property {number} id
 * @property {string} text as in the vocabulary
 * @property {string} display readable, with real spaces and newlines
 * @property {number|null} start offset into the text (for segment 1: into the pair), in code points
 * @property {number|null} end
 * @property {number|null} word
 * @property {boolean} special
 * @property {number} segment
 * @property {number} mask
 *
 * @typedef {object} Stack
 * @property {StackName} name
 * @property {number} layers
 * @property {number} heads
 * @property {number} rows queries
 * @property {number} cols keys
 *
 * @typedef {object} Run one forward pass of one model over one input
 * @property {string} run
 * @property {string} model
 * @property {{encoder?: Token[], decoder?: Token[]}} tokens
 * @property {Stack[]} stacks
 * @property {string|null} answer what an encoder-decoder wrote by itself, where it was given no target
 * @property {{tokenize: number, answer: number, forward: number, total: number}} milliseconds
 * @property {number} bytes
 * @property {Check[]} checks
 * @property {string[]} warnings
 *
 * @typedef {{model: string, text: string, pair: string|null, target: string|null}} RunRequest
 *
 * @typedef {object} Problem an error as the API says it (RFC 9457)
 * @property {string} title
 * @property {number} status
 * @property {string} code
 * @property {string} detail
 * @property {string} hint
 *
 * @typedef {object} Stage where long work is; `total` 0 where it is not known
 * @property {string} stage
 * @property {number} done
 * @property {number} total
 * @property {string} message
 *
 * @typedef {object} Example
 * @property {string} title
 * @property {string} model
 * @property {string} text
 * @property {string} [pair]
 * @property {string} [target]
 * @property {string} note
 * @property {Partial<Selection>} [selection] what to look at first
 *
 * @typedef {object} Boot what the server writes into the page
 * @property {string} version
 * @property {Example[]} examples
 * @property {string} default_model
 * @property {Model[]} [models]
 * @property {{text_limit?: number}} [limits]
 */

/**
 * @typedef {'raw'|'no-sink'|'norm'|'rollout'|'alti'|'value-zeroing'|'gradient'} Lens
 * @typedef {'aa'|'ab'|'ba'|'bb'} Segments of a pair of sentences: who looks, and at which
 * @typedef {'heads'|'map'|'grid'|'roles'|'neuron'|'compare'|'lenses'|'tokens'|'next'|'surprisal'|'logit-lens'|'causes'|'generate'|'whatif'|'attribution'|'saliency'} ViewId
 *
 * @typedef {object} Selection all that a link restores; shared by every view
 * @property {string} model
 * @property {string} text
 * @property {string|null} pair
 * @property {string|null} target
 * @property {string[]|null} masks stretches of the texts that the model shall fill in, as `segment:start:end` in code points
 * @property {StackName|null} stack null: the run's first
 * @property {number} layer
 * @property {number} head
 * @property {number[]|null} heads the heads drawn together in Heads; null: all of the layer
 * @property {number|null} query the pinned row
 * @property {number|null} key the pinned column
 * @property {Lens} lens
 * @property {ViewId} view
 * @property {'token'|'word'} group
 * @property {boolean} hideSpecial leave special tokens out
 * @property {boolean} hideSink leave each head's sink out
 * @property {number} least weights below this share of the largest there can be are not drawn; 0: all
 * @property {Segments|null} segments the only block of a pair of sentences that is shown; null: all
 * @property {Lens[]|null} lenses what Lenses holds against each other; null: what the server takes
 * @property {number} temperature
 * @property {number} topK 0: no limit
 * @property {number} topP
 * @property {number} minP
 * @property {Role|null} gridColour what Grid is coloured by; null: the maps themselves
 * @property {Role} role the role whose evidence Roles shows
 * @property {Role} roleX what the scatter of Roles has on its axes
 * @property {Role} roleY
 * @property {RoleSort} sort of the table of Roles
 * @property {[number, number]|null} rows the queries that Map is zoomed to: first, and one past the last; null: all
 * @property {[number, number]|null} cols the keys likewise
 * @property {'sqrt'|'linear'} scale how colours follow weights in Map
 * @property {number|null} position the position whose next token is asked for; null: the last (or the first mask)
 * @property {string} search a candidate looked for in Next word; empty: none
 * @property {number|null} draw the seed of a draw in Next word; null: none
 * @property {'nats'|'rank'|'entropy'} measure what Surprisal lights the strip by
 * @property {'softmax'|'entropy'|'kl'} cellMeasure what the cells of the logit lens are coloured by
 * @property {number|null} depth the row of the logit lens that is open: how many layers lie below; null: the last
 * @property {number} writeSteps how many tokens Generate writes at a time
 * @property {number[]|null} prefix the ids that stood already when Generate was last asked for more, as a branch does; null: none
 * @property {string[]|null} edits what Causes takes away, as knockouts.js writes it; null: nothing
 * @property {'zero'|'mean'} ablation what stands for the output of a head that is taken away
 * @property {Effect|null} effect what the effect map of Causes shows; null: it is not measured
 * @property {number|null} against the id of a token whose logit is held against the likeliest's
 * @property {number|null} token the id of the predicted token that Attribution and Saliency are about; null: the likeliest
 * @property {SaliencyMethod} method how Saliency takes its gradients
 * @property {number} gradients the most that an integral takes
 * @property {string|null} otherModel what Compare holds against `model`; null: the same
 * @property {string|null} otherText what it holds against `text`; null: the same
 * @property {number|null} otherLayer the layer of the other side; null: the same
 * @property {number|null} otherHead
 *
 * @typedef {{query: number|null, key: number|null}} Hover indexes of tokens of the stack's rows and columns
 *
 * @typedef {object} Store
 * @property {() => Readonly<Selection>} get
 * @property {(patch: Partial<Selection>) => void} set
 * @property {(listener: (state: Readonly<Selection>, changed: Set<keyof Selection>) => void) => () => void} subscribe
 * @property {Readonly<Hover>} hover
 * @property {(hover: Partial<Hover>) => void} setHover
 * @property {(listener: (hover: Readonly<Hover>) => void) => () => void} subscribeHover
 */

/**
 * @typedef {object} AttentionParams the query of `GET /api/runs/{run}/attention`
 * @property {StackName} [stack]
 * @property {number} [layer]
 * @property {number} [head]
 * @property {[number, number]} [rows]
 * @property {[number, number]} [cols]
 * @property {number} [size]
 * @property {'max'|'mean'} [pool]
 * @property {Lens} [lens]
 * @property {'token'|'word'} [group]
 * @property {string} [hide] `special`, `sink`, or both with a comma
 * @property {number} [position] the prediction that the gradient is of
 * @property {'f32'|'u8'} [dtype]
 *
 * @typedef {object} AttentionMeta
 * @property {string} run
 * @property {StackName} stack
 * @property {Lens} lens
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
 * @property {Check[]} checks
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
 * @property {Check[]} checks
 *
 * @typedef {object} NeuronParams the query of `GET /api/runs/{run}/neuron`
 * @property {StackName} stack
 * @property {number} layer
 * @property {number} head
 * @property {number} query
 * @property {[number, number]} [keys] k, v and product of these only
 *
 * @typedef {object} NeuronData one query of one head, step by step; `k`, `v` and `product` of the keys `keys`, the rest of all
 * @property {string} run
 * @property {StackName} stack
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
 * @property {Check[]} checks
 *
 * @typedef {object} CompareParams what Compare needs: another run, and a head of each
 * @property {RunRequest} other
 * @property {StackName} stack
 * @property {number} layer
 * @property {number} head
 * @property {number|null} layer_b null: the same
 * @property {number|null} head_b
 * @property {number} size
 * @property {string|null} [mask] what a masked model fills in
 * @property {LogitsParams|null} [logits] what is asked of the prediction of the other, its position one of the first
 *
 * @typedef {[number, number, number, number]} Unit tokens [a0, a1) of the first run, [b0, b1) of the other
 *
 * @typedef {object} Ranking the answer of `POST /api/compare`
 * @property {string} a
 * @property {string} b
 * @property {StackName} stack
 * @property {StackName} stack_b
 * @property {'token'|'text'|'word'} by
 * @property {Unit[]} units
 * @property {Unit[]} col_units
 * @property {{layer: number, head: number, divergence: number}[]} heads in bits, the most different first; none for other shapes
 * @property {Check[]} checks
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
 * @property {Check[]} checks
 *
 * @typedef {object} CompareData
 * @property {Run|null} run the other one
 * @property {Problem|null} problem why these cannot be compared; the rest is null then
 * @property {Ranking|null} ranking
 * @property {{meta: DifferenceMeta, values: Float32Array|Uint8Array, shape: number[]}|null} difference
 * @property {AttentionData|null} attention the other's map
 * @property {string|null} path where the difference can be had
 * @property {LogitsData|null} [logits] the prediction of the other
 */

/**
 * @typedef {'previous'|'next'|'first'|'separator'|'duplicate'|'induction'|'sink'|'entropy'|'span'|'distance'} Role
 * @typedef {'head'|Role|`${Role}-up`} RoleSort by head, or by a role, the largest first (`-up`: the smallest)
 *
 * @typedef {{stack?: StackName, long?: boolean}} RolesParams the query of `GET /api/runs/{run}/heads`; `long`: it takes more than one look, so it is followed from the start
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
 * @property {StackName} stack
 * @property {HeadScores[]} heads layer by layer
 * @property {{permutations: number, seed: number, roles: Record<Role, RoleNull>}|null} null
 * @property {number} sink_threshold
 * @property {Check[]} checks
 * @property {string[]} warnings
 *
 * @typedef {{stack?: StackName, layer: number, head: number, role: Role, limit?: number}} EvidenceParams
 *
 * @typedef {object} EvidenceData
 * @property {number} layer
 * @property {number} head
 * @property {Role} role
 * @property {number} total how many cells add to the score
 * @property {{query: number, key: number, weight: number, share: number}[]} cells those that add most, first
 * @property {Check[]} checks
 */

/**
 * @typedef {{stack: StackName, layer?: number, lenses?: string, position?: number, limit: number}} DisagreementParams the query of `GET /api/runs/{run}/disagreement`
 *
 * @typedef {object} DisagreementData where lenses differ
 * @property {Lens[]} lenses
 * @property {number[]} layers
 * @property {{layer: number, head: number, divergence: number|null, queries: number}[]} heads in bits, in the order of the model
 * @property {{layer: number, head: number, query: number, key: number, shares: Record<string, number>, difference: number}[]} pairs
 * @property {number} most bits there can be
 * @property {string} meaning
 * @property {Check[]} checks
 * @property {string[]} warnings
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
 * @property {StackName} stack
 * @property {number} query
 * @property {number[]} layers
 * @property {number[]} heads
 * @property {[number, number]} cols
 * @property {number[]|null} col_edges where the keys are pooled
 * @property {number[][][]} values
 *
 * @typedef {object} WritingStart
 * @property {{encoder?: Token[], decoder?: Token[]}} tokens
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
 * @property {Token} token
 * @property {Candidate} chosen
 * @property {Candidate[]} candidates
 * @property {number} entropy
 * @property {{step: string, kept: number, removed_mass: number}[]} pipeline
 * @property {{u: number, id: number, text: string}|null} draw null: greedy
 * @property {HeadRows} attention
 * @property {HeadRows|null} cross
 * @property {string} text all of it, so far
 * @property {string|null} pair
 * @property {Check[]} checks
 *
 * @typedef {object} Generated
 * @property {number[]} ids
 * @property {string} text
 * @property {string|null} pair
 * @property {'steps'|'end-token'|'masks'} ended
 * @property {number|null} seed
 * @property {Check[]} checks
 *
 * @typedef {{start: (start: WritingStart) => void, step: (step: WrittenStep) => void}} WritingEvents
 */

/**
 * @typedef {'kl'|'change'|'difference'} Effect
 *
 * @typedef {object} Edit one thing taken out of a pass; of an edge, no layer is every layer and no head every head
 * @property {'head'|'layer'|'edge'|'token'} kind
 * @property {StackName} stack
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
 * @property {Check[]} checks
 *
 * @typedef {{stack: StackName, mode: 'zero'|'mean', position?: number, against?: number}} EffectsParams the body of `POST /api/runs/{run}/effects`
 *
 * @typedef {Stage & {layer?: number, kl?: number[], change?: number[], difference?: number[]|null}} EffectsStage
 *
 * @typedef {object} EffectsData numbers by [layer][head]
 * @property {StackName} stack
 * @property {number} position
 * @property {number[]} layers
 * @property {number[]} heads
 * @property {{id: number, text: string, logit: number}} token
 * @property {{id: number, text: string, logit: number}|null} against
 * @property {number[][]} kl
 * @property {number[][]} change
 * @property {number[][]|null} difference
 * @property {number} flips
 * @property {Check[]} checks
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
 * @property {StackName} stack
 * @property {'clm'|'mlm'|'seq2seq'} objective
 * @property {ScoredToken[]} tokens
 * @property {number} scored how many
 * @property {number|null} nats summed; null where it is not finite
 * @property {number|null} loss their mean
 * @property {number|null} perplexity
 * @property {number|null} bytes of the scored tokens
 * @property {number|null} bits_per_byte
 * @property {Check[]} checks
 * @property {string[]} [warnings]
 *
 * @typedef {{position?: number, limit?: number}} LensParams the query of `GET /api/runs/{run}/lens`
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
 * @property {Check[]} checks
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
 * @property {Check[]} checks
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
 * @property {{stack: StackName, heads: number[][], bias: number[]}[]} attention by layer, and by layer and head
 * @property {number[]} mlp
 * @property {number[]} mlp_bias
 * @property {number} norm_bias
 * @property {number} head_bias
 * @property {number} parts their sum
 * @property {number} remainder what they lack of the total
 * @property {Check[]} checks
 *
 * @typedef {'gradient-x-input'|'integrated-gradients'} SaliencyMethod
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
 * @property {Check[]} checks
 * @property {string[]} [warnings]
 *
 * @typedef {{problem: Problem}} Refused why there is no answer, for a view to say
 */

/**
 * @typedef {{attention?: AttentionParams, logits?: LogitsParams, roles?: RolesParams, evidence?: EvidenceParams, neuron?: NeuronParams, compare?: CompareParams, disagreement?: DisagreementParams, edits?: EditsParams, effects?: EffectsParams, surprisal?: Record<string, never>, lens?: LensParams, lensGrid?: LensGridParams, attribution?: AttributionParams, saliency?: SaliencyParams}} Needs what a view asks the page to fetch
 * @typedef {{attention?: AttentionData, logits?: LogitsData, roles?: RolesData, evidence?: EvidenceData, neuron?: NeuronData, compare?: CompareData, disagreement?: DisagreementData, edits?: EditsData, effects?: EffectsData, surprisal?: SurprisalData, lens?: LensData, lensGrid?: LensGridData, attribution?: AttributionData|Refused, saliency?: SaliencyData|Refused}} Data the answers, under the same names
 *
 * @typedef {object} ViewContext
 * @property {Store} store
 * @property {Run} run
 * @property {RunRequest} request what was asked to get the run
 * @property {Model|null} model
 * @property {{rows: Token[], cols: Token[]}} tokens of the stack looked at when the view was mounted
 * @property {(hover: Partial<Hover>) => void} setHover
 * @property {(text: string) => void} announce says it to screen readers
 * @property {'light'|'dark'} theme read it at each update: it changes
 * @property {() => readonly Model[]} models all that are offered
 * @property {(draft: Partial<RunRequest>) => void} use puts these words in the boxes above, and looks at them
 * @property {(asked: GenerateParams, on: WritingEvents, signal: AbortSignal) => Promise<Generated>} write lets the model write; aborted with the view
 * @property {(data: Needs, onStage?: (stage: Stage) => void, signal?: AbortSignal) => Promise<Data>} fetch asks the page for more, for instance one exact row; aborted with the view
 * @property {() => void} told what the view has of its own, its checks and what can be taken away, has changed
 *
 * @typedef {object} Picture what the view draws, to take away
 * @property {() => Promise<Blob>} png
 * @property {() => Promise<Blob>} svg
 *
 * @typedef {{columns: string[], rows: (string|number|boolean|null)[][], note?: string}} Table `note`: what the table lacks, its first line
 *
 * @typedef {object} Part
 * @property {readonly number[]} heads
 * @property {[number, number]|null} rows null: all that are shown
 *
 * @typedef {object} StripColour how strongly each token is marked in the strip, from 0 to 1
 * @property {(number|null)[]|null} rows
 * @property {(number|null)[]|null} cols
 *
 * @typedef {object} ViewHandle
 * @property {(state: Readonly<Selection>, data: Data) => void} update also called when the theme or the width changes
 * @property {(hover: Readonly<Hover>) => void} hover
 * @property {() => Hover} [pinned] the tokens of the strip that are pinned, where these are not the query and the key
 * @property {(side: 'query'|'key', index: number|null) => boolean} [pin] pins one of them; false: it is left to the page
 * @property {() => {colour: StripColour, title: string, upTo?: string}|null} [marks] how it lights the tokens of the strip, where that is not by attention
 * @property {() => void} destroy
 * @property {() => void} [away] of a view that is kept: it goes out of sight; it comes back with an update
 * @property {() => boolean} [ready] is there something to take away now? Without it: always
 * @property {Picture} [picture]
 * @property {() => Part} [part] what the numbers at hand are of
 * @property {() => Table} [table] the numbers that are drawn, for CSV
 * @property {() => Check[]} [checks] what was tested on the numbers that it fetched itself
 * @property {() => {path: string, body: unknown}|null} [posted] what was posted to get the numbers that are drawn
 * @property {(step: number) => void} [along] where ⇧ and an arrow lead in this picture; none: to the next token
 * @property {() => {path: string, matrix: boolean}|null} [address] where the API has what is drawn, if it is no look at one map of this run; `matrix`: also as safetensors
 * @property {(event: KeyboardEvent) => boolean} [key] true: the view took the key
 * @property {(index: number) => void} [fill] a token was clicked that is to be masked, or given back
 * @property {() => boolean} [stop] stops the work that it has under way; was there any?
 * @property {(right: number, down: number) => void} [arrow] where the arrows of the page lead in this picture; none: to the next head or layer
 *
 * @typedef {object} View
 * @property {ViewId} id
 * @property {string} title
 * @property {string} howto how to read it, in two sentences
 * @property {boolean} [sight] it heeds what is hidden and can look at words in the place of tokens
 * @property {boolean} [keep] while another view is shown it is kept as it is, out of the page, and not made anew
 * @property {(state: Readonly<Selection>, run: Run, model: Model|null, models?: readonly Model[]) => Needs|null} needs null: nothing to fetch
 * @property {(el: HTMLElement, ctx: ViewContext) => ViewHandle} mount
 */

export {};
