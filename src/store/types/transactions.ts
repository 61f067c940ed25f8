/** Verbs of several queues that take effect together. */
import type { BuryOptions, Delivery, ReleaseOptions } from './deliveries.ts'
import type { Group, GroupSettings, RedriveOptions, SeekPlace } from './groups.ts'
import type { MessageRef } from './messages.ts'
import type { PutOptions, PutResult } from './puts.ts'
import type { Queue } from './queues.ts'

/** Verbs that take effect together. Each is checked when it is called, and may throw. */
export interface Transaction {
  put(queue: string, body: Uint8Array | string, options?: PutOptions): void
  /** Through a handle: with its codec and its context. */
  put<T, In>(queue: Queue<T, In>, value: NoInfer<In>, options?: PutOptions): void
  ack(delivery: Delivery): void
  release(delivery: Delivery, options?: ReleaseOptions): void
  retry(delivery: Delivery, error?: unknown): void
  bury(delivery: Delivery, options?: BuryOptions): void
  /** A buried or delayed message of the group. */
  kick(group: Group<unknown>, message: MessageRef): void
  /** Buried messages of the group; tells how many. */
  redrive(group: Group<unknown>, options?: RedriveOptions): number
  /** Settings of a group that exists. */
  configure(group: Group<unknown>, settings: GroupSettings): void
  /** A group that exists begins anew there. */
  seek(group: Group<unknown>, from: SeekPlace): void
  delete(message: MessageRef): void
  pause(queue: string, pauseMs: number): void
  /** Everything put before; what this transaction puts stays, wherever its put stands. */
  purge(queue: string): void
}

export interface TransactionResult {
  /** In the order of the puts. */
  readonly puts: readonly PutResult[]
}
