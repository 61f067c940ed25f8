/**
 * A message as it stands in the log: what the store must know of it, and behind that its body.
 *
 *     flags | queue | offset | [priority] | [dueMs] | [expiresMs] | [keyWindowMs, keyUntilMs, key] |
 *     [producer, sequence] | [after] | [leaseMs] | [header count, {name, value}] | body to the end
 *
 * All numbers are varints, texts have their length in front. Pure memory.
 */
import { ByteReader, ByteWriter, varintBytes, writeVarint } from '../containers/varint.ts'
import { PRIORITY_DEFAULT } from '../types/puts.ts'
import { unreadable } from './unreadable.ts'

const Flag = {
  PRIORITY: 1,
  DUE_ELAPSED: 2,
  DUE_WALL: 4,
  EXPIRES: 8,
  KEY: 16,
  HEADERS: 32,
  PRODUCER: 64,
  AFTER: 128,
  LEASE: 256,
} as const
const FLAGS_MAX = 511

/** What a due time is counted by. */
export const DueKind = {
  /** Due at once. */
  NONE: 0,
  /** Milliseconds of the store's own time, which no setting of a clock moves. */
  ELAPSED: 1,
  /** Milliseconds since 1970. */
  WALL: 2,
} as const
export type DueKind = (typeof DueKind)[keyof typeof DueKind]

export type Headers = Readonly<Record<string, string>>
export const NO_HEADERS: Headers = Object.freeze({})

/** What the state needs of a message. */
export interface MessageFacts {
  /** Number of its queue. */
  readonly queue: number
  readonly offset: number
  readonly priority: number
  readonly dueKind: DueKind
  readonly dueMs: number
  /** In the store's own time; 0 = never. */
  readonly expiresMs: number
  readonly key: string | undefined
  readonly keyWindowMs: number
  /** When the key is free again, in the store's own time. */
  readonly keyUntilMs: number
  /** Who numbers its messages, so that one that is sent again is put once. */
  readonly producer: string | undefined
  /** The number that it gave this one. */
  readonly sequence: number
  /** The offset of the message of its key that it comes after; -1 = none. */
  readonly after: number
  /** How long a lease of it is, where whoever reserves does not say; 0 = as long as any. */
  readonly leaseMs: number
}

/** The same with what only a reader of the message wants. */
export interface DecodedMessage extends MessageFacts {
  readonly headers: Headers
  /** A view of the record: it lives and pins what the record does. */
  readonly body: Uint8Array
}

/** Everything in front of the body. */
export function encodeMessageHead(facts: MessageFacts, headers: Headers): Uint8Array {
  const names = Object.keys(headers)
  const flags =
    numberFlags(facts) |
    (facts.key === undefined ? 0 : Flag.KEY) |
    (names.length === 0 ? 0 : Flag.HEADERS) |
    (facts.producer === undefined ? 0 : Flag.PRODUCER) |
    (facts.after < 0 ? 0 : Flag.AFTER)
  const writer = new ByteWriter()
  writer.varint(flags)
  writer.varint(facts.queue)
  writer.varint(facts.offset)
  if ((flags & Flag.PRIORITY) !== 0) writer.varint(facts.priority)
  if (facts.dueKind !== DueKind.NONE) writer.varint(facts.dueMs)
  if (facts.expiresMs !== 0) writer.varint(facts.expiresMs)
  if (facts.key !== undefined) {
    writer.varint(facts.keyWindowMs)
    writer.varint(facts.keyUntilMs)
    writer.text(facts.key)
  }
  if (facts.producer !== undefined) {
    writer.text(facts.producer)
    writer.varint(facts.sequence)
  }
  if (facts.after >= 0) writer.varint(facts.after)
  if (facts.leaseMs > 0) writer.varint(facts.leaseMs)
  if (names.length > 0) {
    writer.varint(names.length)
    for (const name of names) {
      writer.text(name)
      writer.text(headers[name] ?? '')
    }
  }
  return writer.finish()
}

/** Of what most messages say at most: numbers alone. */
function numberFlags(facts: MessageFacts): number {
  return (
    (facts.priority === PRIORITY_DEFAULT ? 0 : Flag.PRIORITY) |
    (facts.dueKind === DueKind.ELAPSED ? Flag.DUE_ELAPSED : 0) |
    (facts.dueKind === DueKind.WALL ? Flag.DUE_WALL : 0) |
    (facts.expiresMs === 0 ? 0 : Flag.EXPIRES) |
    (facts.leaseMs === 0 ? 0 : Flag.LEASE)
  )
}

/** The message has a head of numbers alone: `shortHeadBytes` and `writeShortHead` are for it. */
export function isShortHead(facts: MessageFacts, headers: Headers): boolean {
  return (
    facts.key === undefined &&
    facts.producer === undefined &&
    facts.after < 0 &&
    headers === NO_HEADERS
  )
}

export function shortHeadBytes(facts: MessageFacts): number {
  const flags = numberFlags(facts)
  let bytes = varintBytes(flags) + varintBytes(facts.queue) + varintBytes(facts.offset)
  if (flags === 0) return bytes
  if ((flags & Flag.PRIORITY) !== 0) bytes += varintBytes(facts.priority)
  if (facts.dueKind !== DueKind.NONE) bytes += varintBytes(facts.dueMs)
  if (facts.expiresMs !== 0) bytes += varintBytes(facts.expiresMs)
  if (facts.leaseMs !== 0) bytes += varintBytes(facts.leaseMs)
  return bytes
}

/** The same bytes as those of `encodeMessageHead`, without an object for each; returns where they end. */
export function writeShortHead(facts: MessageFacts, target: Uint8Array, at: number): number {
  const flags = numberFlags(facts)
  let next = writeVarint(target, at, flags)
  next = writeVarint(target, next, facts.queue)
  next = writeVarint(target, next, facts.offset)
  if (flags === 0) return next
  if ((flags & Flag.PRIORITY) !== 0) next = writeVarint(target, next, facts.priority)
  if (facts.dueKind !== DueKind.NONE) next = writeVarint(target, next, facts.dueMs)
  if (facts.expiresMs !== 0) next = writeVarint(target, next, facts.expiresMs)
  if (facts.leaseMs !== 0) next = writeVarint(target, next, facts.leaseMs)
  return next
}

/**
 * Reads records, one after the other, into its own fields; made for replay, where a million of them
 * pass. The fields hold until the next call.
 */
export class MessageDecoder implements MessageFacts {
  queue = 0
  offset = 0
  priority = PRIORITY_DEFAULT
  dueKind: DueKind = DueKind.NONE
  dueMs = 0
  expiresMs = 0
  key: string | undefined
  keyWindowMs = 0
  keyUntilMs = 0
  producer: string | undefined
  sequence = 0
  after = -1
  leaseMs = 0
  readonly #reader = new ByteReader()
  #flags = 0

  /** Throws QLOG_NEWER_FORMAT where the record is of no kind that this version writes. */
  decode(record: Uint8Array): this {
    const reader = this.#reader
    reader.reset(record)
    const flags = reader.varint()
    this.#flags = flags
    this.queue = reader.ordinal()
    this.offset = reader.ordinal()
    this.priority = (flags & Flag.PRIORITY) !== 0 ? reader.ordinal() : PRIORITY_DEFAULT
    this.dueKind = dueKindOf(flags)
    this.dueMs = this.dueKind === DueKind.NONE ? 0 : reader.varint()
    this.expiresMs = (flags & Flag.EXPIRES) !== 0 ? reader.varint() : 0
    const hasKey = (flags & Flag.KEY) !== 0
    this.keyWindowMs = hasKey ? reader.varint() : 0
    this.keyUntilMs = hasKey ? reader.varint() : 0
    this.key = hasKey ? reader.text(reader.varint()) : undefined
    const hasProducer = (flags & Flag.PRODUCER) !== 0
    this.producer = hasProducer ? reader.text(reader.varint()) : undefined
    this.sequence = hasProducer ? reader.ordinal() : 0
    this.after = (flags & Flag.AFTER) !== 0 ? reader.varint() : -1
    this.leaseMs = (flags & Flag.LEASE) !== 0 ? reader.varint() : 0
    if (reader.failed || flags > FLAGS_MAX) throw unreadable('is no message that it knows')
    return this
  }

  /** Headers of the record that `decode` read last. */
  headers(): Headers {
    if ((this.#flags & Flag.HEADERS) === 0) return NO_HEADERS
    const headers = readHeaders(this.#reader)
    if (this.#reader.failed) throw unreadable('is no message that it knows')
    return headers
  }

  /** Where in the record its body begins, once `headers` was asked for. */
  get bodyStart(): number {
    return this.#reader.at
  }

  /** Its body, once `headers` was asked for. */
  body(): Uint8Array {
    return this.#reader.bytes(this.#reader.rest)
  }
}

const decoder = new MessageDecoder()

/** One whole message. Throws like {@link MessageDecoder.decode}. */
export function decodeMessage(record: Uint8Array): DecodedMessage {
  decoder.decode(record)
  const headers = decoder.headers()
  return {
    queue: decoder.queue,
    offset: decoder.offset,
    priority: decoder.priority,
    dueKind: decoder.dueKind,
    dueMs: decoder.dueMs,
    expiresMs: decoder.expiresMs,
    key: decoder.key,
    keyWindowMs: decoder.keyWindowMs,
    keyUntilMs: decoder.keyUntilMs,
    producer: decoder.producer,
    sequence: decoder.sequence,
    after: decoder.after,
    leaseMs: decoder.leaseMs,
    headers,
    body: decoder.body(),
  }
}

function dueKindOf(flags: number): DueKind {
  if ((flags & Flag.DUE_ELAPSED) !== 0) return DueKind.ELAPSED
  return (flags & Flag.DUE_WALL) !== 0 ? DueKind.WALL : DueKind.NONE
}

function readHeaders(reader: ByteReader): Headers {
  const headers: Record<string, string> = {}
  const count = reader.varint()
  for (let i = 0; i < count && !reader.failed; i++) {
    const name = reader.text(reader.varint())
    // Not by assignment: a header may be called __proto__.
    const value = reader.text(reader.varint())
    reader.require(!Object.hasOwn(headers, name))
    if (!reader.failed) Object.defineProperty(headers, name, { value, enumerable: true })
  }
  return headers
}
