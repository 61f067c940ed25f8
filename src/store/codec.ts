/**
 * What the values of a queue are on disk: the codecs that come along, and the use of any codec, whose
 * mistakes become typed errors here. Pure memory.
 */
import { QlogError, QlogTypeError } from '../errors.ts'
import { textOf } from './check.ts'

/** Makes bodies of values and values of bodies. Both are called often, and must not be asynchronous. */
export interface Codec<T> {
  /** Names it in errors. */
  readonly name?: string
  /** Throws where it cannot: then nothing is put. */
  encode(value: T): Uint8Array | string
  /** Throws where the body is none of its own: then the delivery is a failed attempt. */
  decode(body: Uint8Array): T
}

/** Wrong bytes are an error, not a question mark. JSON itself has no mark of the byte order in front. */
const strict = new TextDecoder('utf-8', { fatal: true })
/** The same, and a text gives back every character that was put. */
const exact = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const JSON_CODEC: Codec<unknown> = {
  name: 'json',
  encode: (value) => {
    const json: string | undefined = JSON.stringify(value)
    if (json === undefined) throw new TypeError(`JSON has nothing for ${typeof value}`)
    return json
  },
  decode: (body) => JSON.parse(strict.decode(body)),
}

const TEXT_CODEC: Codec<string> = {
  name: 'text',
  encode: (value) => {
    if (typeof value !== 'string') throw new TypeError(`${typeof value} is no text`)
    if (!value.isWellFormed()) throw new TypeError('half a surrogate pair has no UTF-8')
    return value
  },
  decode: (body) => exact.decode(body),
}

const BYTES_CODEC: Codec<Uint8Array> = {
  name: 'bytes',
  encode: (value) => {
    if (!(value instanceof Uint8Array)) throw new TypeError('not a Uint8Array')
    return value
  },
  decode: (body) => body,
}

/**
 * Values as JSON. What they come back as is what `JSON.parse` makes of them: a Date is a text then. The
 * type is a promise of whoever puts; nothing checks it.
 */
export function json<T = unknown>(): Codec<T> {
  return JSON_CODEC as Codec<T>
}

/** Texts as UTF-8. */
export function text(): Codec<string> {
  return TEXT_CODEC
}

/** Bytes as they are; unlike a queue without a codec it refuses texts. */
export function bytes(): Codec<Uint8Array> {
  return BYTES_CODEC
}

export function checkCodec<T>(codec: Codec<T>): Codec<T> {
  const { encode, decode } = (codec ?? {}) as Partial<Codec<T>>
  if (typeof encode === 'function' && typeof decode === 'function') return codec
  const hint =
    typeof codec === 'function' ? ', and is itself a function: call it, as in json()' : ''
  throw new QlogTypeError(`codec must have the functions encode and decode${hint}`)
}

/** Throws QLOG_CODEC where the codec does not make a body of the value. */
export function encodeWith<T>(codec: Codec<T>, value: T): Uint8Array | string {
  let body: unknown
  try {
    body = codec.encode(value)
  } catch (error) {
    const message = `the codec ${nameOf(codec)} cannot encode this: ${textOf(error)}`
    throw new QlogError('QLOG_CODEC', message, { cause: error })
  }
  if (typeof body === 'string' || body instanceof Uint8Array) return body
  throw new QlogError('QLOG_CODEC', `the codec ${nameOf(codec)} made neither bytes nor a text`)
}

/** Throws QLOG_CODEC where the codec does not make a value of the body. */
export function decodeWith<T>(codec: Codec<T>, body: Uint8Array): T {
  try {
    return codec.decode(body)
  } catch (error) {
    const message = `the codec ${nameOf(codec)} cannot decode the body: ${textOf(error)}`
    throw new QlogError('QLOG_CODEC', message, { cause: error })
  }
}

/** The value of one body, made when it is first asked for, and from then on the same. */
export class LazyValue<T> {
  readonly #codec: Codec<T>
  #has = false
  #value: T | undefined

  constructor(codec: Codec<T>) {
    this.#codec = codec
  }

  of(body: Uint8Array): T {
    if (!this.#has) this.set(decodeWith(this.#codec, body))
    return this.#value as T
  }

  /** Somebody has decoded it already. */
  set(value: T): void {
    this.#value = value
    this.#has = true
  }
}

function nameOf(codec: { readonly name?: string }): string {
  return typeof codec.name === 'string' ? codec.name : 'of this queue'
}
