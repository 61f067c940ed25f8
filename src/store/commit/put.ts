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

/** Many are on their way at once, and most share one plan: so it is referred to, and its facts are no fields. */
export class Put implements Encodable, MessageFacts {
  readonly queue: number
  body: Uint8Array
  readonly plan: PutPlan
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
    this.plan = plan
  }

  get priority(): number {
    return this.plan.priority
  }

  get dueKind(): DueKind {
    return this.plan.dueKind
  }

  get dueMs(): number {
    return this.plan.dueMs
  }

  get expiresMs(): number {
    return this.plan.expiresMs
  }

  get key(): string | undefined {
    return this.plan.key
  }

  get keyWindowMs(): number {
    return this.plan.keyWindowMs
  }

  get keyUntilMs(): number {
    return this.plan.keyUntilMs
  }

  get producer(): string | undefined {
    return this.plan.producer
  }

  get sequence(): number {
    return this.plan.sequence
  }

  get after(): number {
    return this.plan.after
  }

  get leaseMs(): number {
    return this.plan.leaseMs
  }

  /** Gives it its place; it can be encoded from then on. */
  place(offset: number): void {
    const { headers } = this.plan
    this.offset = offset
    const isShort = isShortHead(this, headers)
    this.#head = isShort ? undefined : encodeMessageHead(this, headers)
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

/** Bytes that a message will take, as near as that is known before it has its place. */
export function estimateBytes({ headers, key }: PutPlan, body: Uint8Array): number {
  let bytes = body.length + (key?.length ?? 0)
  if (headers === NO_HEADERS) return bytes
  for (const [name, value] of Object.entries(headers)) bytes += name.length + value.length
  return bytes
}
