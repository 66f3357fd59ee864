// The words that the page's modules share, as JSDoc types; there is no code here. Field names are those of the JSON API.

/**
 * @typedef {'encoder'|'decoder'|'cross'} StackName
 *
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
 *
 * @typedef {'aa'|'ab'|'ba'|'bb'} Segments of a pair of sentences: who looks, and at which
 *
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
 * @property {import('./answers_attention.js').Role|null} gridColour what Grid is coloured by; null: the maps themselves
 * @property {import('./answers_attention.js').Role} role the role whose evidence Roles shows
 * @property {import('./answers_attention.js').Role} roleX what the scatter of Roles has on its axes
 * @property {import('./answers_attention.js').Role} roleY
 * @property {import('./answers_attention.js').RoleSort} sort of the table of Roles
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
 * @property {import('./answers_predictions.js').Effect|null} effect what the effect map of Causes shows; null: it is not measured
 * @property {number|null} against the id of a token whose logit is held against the likeliest's
 * @property {number|null} token the id of the predicted token that Attribution and Saliency are about; null: the likeliest
 * @property {import('./answers_predictions.js').SaliencyMethod} method how Saliency takes its gradients
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
 * @typedef {{problem: Problem}} Refused why there is no answer, for a view to say
 */

/**
 * @typedef {{attention?: import('./answers_attention.js').AttentionParams, logits?: import('./answers_predictions.js').LogitsParams, roles?: import('./answers_attention.js').RolesParams, evidence?: import('./answers_attention.js').EvidenceParams, neuron?: import('./answers_attention.js').NeuronParams, compare?: import('./answers_attention.js').CompareParams, disagreement?: import('./answers_attention.js').DisagreementParams, edits?: import('./answers_predictions.js').EditsParams, effects?: import('./answers_predictions.js').EffectsParams, surprisal?: Record<string, never>, lens?: import('./answers_predictions.js').LensParams, lensGrid?: import('./answers_predictions.js').LensGridParams, attribution?: import('./answers_predictions.js').AttributionParams, saliency?: import('./answers_predictions.js').SaliencyParams}} Needs what a view asks the page to fetch
 *
 * @typedef {{attention?: import('./answers_attention.js').AttentionData, logits?: import('./answers_predictions.js').LogitsData, roles?: import('./answers_attention.js').RolesData, evidence?: import('./answers_attention.js').EvidenceData, neuron?: import('./answers_attention.js').NeuronData, compare?: import('./answers_attention.js').CompareData, disagreement?: import('./answers_attention.js').DisagreementData, edits?: import('./answers_predictions.js').EditsData, effects?: import('./answers_predictions.js').EffectsData, surprisal?: import('./answers_predictions.js').SurprisalData, lens?: import('./answers_predictions.js').LensData, lensGrid?: import('./answers_predictions.js').LensGridData, attribution?: import('./answers_predictions.js').AttributionData|Refused, saliency?: import('./answers_predictions.js').SaliencyData|Refused}} Data the answers, under the same names
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
 * @property {(asked: import('./answers_predictions.js').GenerateParams, on: import('./answers_predictions.js').WritingEvents, signal: AbortSignal) => Promise<import('./answers_predictions.js').Generated>} write lets the model write; aborted with the view
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
 * @property {boolean} [ofPrediction] it is about one prediction; a token that is pinned elsewhere is its position
 * @property {boolean} [keep] while another view is shown it is kept as it is, out of the page, and not made anew
 * @property {(state: Readonly<Selection>, run: Run, model: Model|null, models?: readonly Model[]) => Needs|null} needs null: nothing to fetch
 * @property {(el: HTMLElement, ctx: ViewContext) => ViewHandle} mount
 */

export {};
