/**
 * A message that is not simply waiting in its lane: it came back, was delayed or buried for a group, or
 * was leased more than once. Everything else costs no object.
 */
import type { DueKind } from '../records/message-record.ts'

/** Where an exception stands when nobody has it leased. */
export type ExceptionState = 'ready' | 'delayed' | 'buried'

export class Exception {
  readonly offset: number
  readonly id: number
  state: ExceptionState = 'ready'
  priority = 0
  dueKind: DueKind = 0
  dueMs = 0
  /** Deliveries that count. */
  attempts = 0
  leases = 0
  timeouts = 0
  releases = 0
  buries = 0
  kicks = 0
  /** Its place among the buried. */
  sequence = 0
  reason = ''
  error = ''
  /** Of the heap that holds it while the store is open; -1 = none. */
  heapIndex = -1
  /** That heap. */
  holder: { remove(exception: Exception): void } | undefined

  constructor(offset: number, id: number) {
    this.offset = offset
    this.id = id
  }

  /** What is saved of it, in an object of its own. */
  copy(): Exception {
    return Object.assign(new Exception(this.offset, this.id), this)
  }
}
