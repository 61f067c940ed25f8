/** A message on its way into the log: encodes itself into the log's buffer. Pure memory. */
import type { Encodable } from '../../log/seam.ts'
import {
  DueKind,
  encodeMessageHead,
  type Headers,
  isShortHead,
  type MessageFacts,
  NO_HEADERS,
  shortHeadBytes,
  writeShortHead,
} from '../records/message-record.ts'
import { type OnDuplicate, PRIORITY_DEFAULT } from '../types/puts.ts'

/** What `put` was asked for, checked. */
export interface PutPlan extends Omit<MessageFacts, 'queue' | 'offset'> {
  readonly headers: Headers
  /** What becomes of it where its key is taken. */
  readonly onDuplicate: OnDuplicate
}

export const PLAIN_PUT: PutPlan = {
  priority: PRIORITY_DEFAULT,
  dueKind: DueKind.NONE,
  dueMs: 0,
  expiresMs: 0,
  key: undefined,
  keyWindowMs: 0,
  keyUntilMs: 0,
  producer: undefined,
  sequence: 0,
  after: -1,
  leaseMs: 0,
  headers: NO_HEADERS,
  onDuplicate: 'drop',
}

export class Put implements Encodable, MessageFacts {
  readonly queue: number
  body: Uint8Array
  readonly priority: number
  readonly dueKind: DueKind
  readonly dueMs: number
  readonly expiresMs: number
  readonly key: string | undefined
  readonly keyWindowMs: number
  readonly keyUntilMs: number
  readonly producer: string | undefined
  readonly sequence: number
  readonly after: number
  readonly leaseMs: number
  readonly headers: Headers
  /** Given when it is appended, so that offsets follow the order of the log. */
  offset = -1
  id = 0
  byteLength = 0
  /** A queue that is full takes it all the same: it must not be lost. */
  mayExceed = false
  /** All in front of the body; absent where that is numbers alone. */
  #head: Uint8Array | undefined

  constructor(queue: number, body: Uint8Array, plan: PutPlan) {
    this.queue = queue
    this.body = body
    this.priority = plan.priority
    this.dueKind = plan.dueKind
    this.dueMs = plan.dueMs
    this.expiresMs = plan.expiresMs
    this.key = plan.key
    this.keyWindowMs = plan.keyWindowMs
    this.keyUntilMs = plan.keyUntilMs
    this.producer = plan.producer
    this.sequence = plan.sequence
    this.after = plan.after
    this.leaseMs = plan.leaseMs
    this.headers = plan.headers
  }

  /** Gives it its place; it can be encoded from then on. */
  place(offset: number): void {
    this.offset = offset
    const isShort = isShortHead(this, this.headers)
    this.#head = isShort ? undefined : encodeMessageHead(this, this.headers)
    this.byteLength = (this.#head?.length ?? shortHeadBytes(this)) + this.body.length
  }

  encodeInto(target: Uint8Array, at: number): void {
    let next = at
    if (this.#head) {
      target.set(this.#head, at)
      next += this.#head.length
    } else next = writeShortHead(this, target, at)
    target.set(this.body, next)
  }
}
