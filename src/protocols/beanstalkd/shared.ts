/** What all connections of one server have together. */
import type { Store } from '../../index.ts'
import type { TokenCheck } from '../../server/index.ts'
import type { PutRoom } from '../put-room.ts'
import type { Counters } from './counters.ts'
import type { SlotPool } from './pipeline.ts'
import type { Tubes } from './tubes.ts'

export interface Shared {
  readonly store: Store
  readonly tubes: Tubes
  readonly counters: Counters
  readonly slots: SlotPool
  /** For jobs that are put and not durable yet. */
  readonly puts: PutRoom
  /** Jobs that had been put before the store began to count. */
  readonly putsBefore: number
  /** A job's body at most. */
  readonly jobBytesMax: number
  /** Whether a token is one that may come in; absent where anybody may. */
  readonly isToken: TokenCheck | undefined
  /** No job is taken any more. */
  isDraining: boolean
  /** Of this server, to tell it from others: 16 hexadecimal digits. */
  readonly id: string
  readonly version: string
  /** On the clock of `performance`. */
  readonly startedMs: number
  /** The wall clock. */
  nowMs(): number
  /** Something went wrong that is more than its client's affair. */
  report(error: unknown): void
}
