/**
 * What the handle of a queue makes of what it is given: bodies of values, headers of the moment, and values
 * of the bodies that it shows. Changes nothing.
 */
import { QlogTypeError } from '../errors.ts'
import { checkBody, checkHeaders, checkOptionNames, checkOwnBody, checkPut } from './check.ts'
import { type Codec, checkCodec, encodeWith, LazyValue } from './codec.ts'
import { PLAIN_PUT, type PutPlan } from './commit/put.ts'
import type { StoreCore } from './store-core.ts'
import type { MessageInfo, StoredMessage } from './types/messages.ts'
import type { PutItem, PutOptions } from './types/puts.ts'
import type { QueueOptions, TypedQueueOptions } from './types/queues.ts'

const OBJECTS_IN_BODY = 'a value that is an object goes in { body: value }'
const ITEM = `an item of putMany (${OBJECTS_IN_BODY})`

/** The options of a queue that concern its handle alone, checked. */
export interface ValueOptions<T> {
  readonly codec: Codec<T> | undefined
  readonly context: QueueOptions['context']
}

export class QueueValues<T> {
  readonly codec: Codec<T> | undefined
  readonly #core: StoreCore
  readonly #context: QueueOptions['context']
  /** Options that can ask for nothing else when they come again, and what they ask for. */
  #known: PutOptions | undefined
  #knownPlan: PutPlan = PLAIN_PUT

  constructor(core: StoreCore, { codec, context }: ValueOptions<T>) {
    this.#core = core
    this.codec = codec
    this.#context = context
  }

  /** The body of a value, which may be the caller's bytes. Throws QlogTypeError, QLOG_CODEC, QLOG_TOO_LARGE. */
  bytes(value: unknown): Uint8Array {
    return checkBody(this.#encoded(value), this.#core.log.limits.messageBytesMax)
  }

  /** The same, kept for later: the caller may use its bytes again, and a codec those that it made last. */
  ownBytes(value: unknown): Uint8Array {
    return checkOwnBody(this.#encoded(value), this.#core.log.limits.messageBytesMax)
  }

  #encoded(value: unknown): unknown {
    return this.codec === undefined ? value : encodeWith(this.codec, value as T)
  }

  /** What a put is asked for, with the headers of the moment; its own headers go before those. */
  plan(options: PutOptions | undefined, what?: string): PutPlan {
    const own =
      options !== undefined && options === this.#known
        ? this.#knownPlan
        : this.#check(options, what)
    const added = this.#context?.()
    if (added === undefined) return own
    return { ...own, headers: checkHeaders({ ...checkHeaders(added), ...own.headers }) }
  }

  #check(options: PutOptions | undefined, what: string | undefined): PutPlan {
    const plan = checkPut(options, this.#core.clock, what)
    if (options !== undefined && isTimeless(options)) {
      this.#known = options
      this.#knownPlan = plan
    }
    return plan
  }

  /** One of `putMany`: an object is an item with a body, anything else is a value by itself. */
  item(item: unknown): { readonly bytes: Uint8Array; readonly plan: PutPlan } {
    if (typeof item !== 'object' || item === null || item instanceof Uint8Array) {
      return { bytes: this.#bytesOfMany(item), plan: this.plan(undefined) }
    }
    if (!('body' in item)) {
      throw new QlogTypeError(`this item of putMany has no \`body\`: ${OBJECTS_IN_BODY}`)
    }
    const { body, ...options } = item as PutItem<unknown>
    const has = Object.keys(options).length > 0
    return { plan: this.plan(has ? options : undefined, ITEM), bytes: this.#bytesOfMany(body) }
  }

  /** All items are encoded before any is appended. */
  #bytesOfMany(value: unknown): Uint8Array {
    return this.codec === undefined ? this.bytes(value) : this.ownBytes(value)
  }

  /** A message that was looked at; its value is made when it is asked for, and may throw QLOG_CODEC. */
  stored(info: MessageInfo, body: Uint8Array): StoredMessage<T> {
    const { codec } = this
    const lazy = codec && new LazyValue(codec)
    const message = { ...info, body }
    const get = (): unknown => (lazy === undefined ? body : lazy.of(body))
    return Object.defineProperty(message, 'value', { get }) as StoredMessage<T>
  }
}

/** They are what they are for good, and no clock has a say in what becomes of them. */
function isTimeless(options: PutOptions): boolean {
  const { delayMs, at, ttlMs, key, headers } = options
  const isPlain = delayMs === undefined && at === undefined && ttlMs === undefined
  return isPlain && key === undefined && headers === undefined && isFixed(options)
}

/** Frozen, and all of it its own values: what is inherited, or what a getter says, may be another next time. */
function isFixed(options: object): boolean {
  if (!Object.isFrozen(options)) return false
  const prototype: unknown = Object.getPrototypeOf(options)
  if (prototype !== Object.prototype && prototype !== null) return false
  const properties = Object.values(Object.getOwnPropertyDescriptors(options))
  return properties.every((property) => 'value' in property)
}

export function checkValueOptions<T>(
  options: Partial<TypedQueueOptions<T>> | undefined,
): ValueOptions<T> {
  checkOptionNames('the options of queue', options, ['codec', 'context', 'retry'])
  const { codec, context } = options ?? {}
  if (context !== undefined && typeof context !== 'function') {
    throw new QlogTypeError('context must be a function')
  }
  return { codec: codec === undefined ? undefined : checkCodec(codec), context }
}
