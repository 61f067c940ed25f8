/**
 * Queues and their groups as all connections of one server share them: made at their first use, with a
 * session that takes messages for whoever asks. An open read is given back by its own connection, so that
 * no session has to end for it; a session ends once no connection uses it, as it keeps its queue from being
 * removed.
 */
import { type Delivery, GROUP_DEFAULT, type Queue, type Session, type Store } from '../../index.ts'
import { PutRoom } from '../put-room.ts'
import { PROTOCOL_RETRY, queueOf } from '../queue-of.ts'
import { type Address, keyOf } from './key.ts'
import { READERS_ASKED_MAX, READERS_MAX } from './limits.ts'
import type { MemcachePlan } from './options.ts'
import type { Tally } from './tally.ts'

export class Reader {
  readonly queue: Queue
  readonly group: string
  /** The key that means it. */
  readonly key: string
  /** How often it was flushed, for `stats`. */
  flushes = 0
  readonly #readers: Readers
  #session: Session | undefined
  #pending: Promise<void> | undefined
  #takes = 0
  /** Connections that use it. */
  #users = 0

  constructor(readers: Readers, { queue, group }: Address) {
    this.#readers = readers
    // The queue keeps to what is asked for first, for all its users.
    const { retry = PROTOCOL_RETRY, onError } = readers.plan
    this.queue = queueOf(readers.store, queue, retry, onError)
    this.group = group
    this.key = keyOf({ queue, group })
  }

  /** A connection uses it, whether or not it waits just now. */
  get isUsed(): boolean {
    return this.#users > 0
  }

  /** No connection uses it, nor does anything that is under way. */
  get isIdle(): boolean {
    const { isUsed } = this
    return !isUsed && this.#takes === 0 && !this.#pending && (this.#session?.leased ?? 0) === 0
  }

  /** The group is there and has been used. */
  get isReady(): boolean {
    return this.#session !== undefined && this.#session.watched.length > 0
  }

  /** There is such a group, or for the default one at least something in the queue. */
  get exists(): boolean {
    // A store that has failed knows nothing: whoever goes on is told so.
    if (this.isReady || this.#readers.store.status !== 'open') return true
    const { groups, messages } = this.queue.stats()
    if (groups.some(({ group }) => group === this.group)) return true
    return this.group === GROUP_DEFAULT && messages > 0
  }

  /** Makes the group where there is none; undefined where that has been done. */
  ready(): Promise<void> | undefined {
    if (this.isReady) return undefined
    this.#pending ??= this.#begin().finally(() => {
      this.#pending = undefined
    })
    return this.#pending
  }

  /** The next message; undefined where none comes within the time. */
  async take(
    waitMs: number,
    leaseMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Delivery | undefined> {
    // A look for what was never put makes no queue; a child begins with its first look.
    if (waitMs === 0 && this.group === GROUP_DEFAULT && !this.exists) return undefined
    this.#takes++
    try {
      await this.ready()
      const options = { timeoutMs: waitMs, leaseMs, ...(signal && { signal }) }
      const [delivery] = (await this.#session?.reserve(options)) ?? []
      return delivery
    } finally {
      this.#takes--
    }
  }

  /** A connection uses it until it leaves. */
  enter(): void {
    this.#users++
  }

  leave(): void {
    this.#users--
    this.letGo()
  }

  /** Its session ends, unless a connection uses it. */
  letGo(): void {
    this.#letGo().catch((error: Error) => {
      // A store that has ended has ended its sessions itself.
      if (this.#readers.store.status === 'open') this.#readers.plan.onError(error)
    })
  }

  async #letGo(): Promise<void> {
    // What failed is told to whoever began it.
    await this.#pending?.catch(() => undefined)
    if (!this.isIdle) return
    this.#readers.shrink(this)
    await this.close()
  }

  /** Nobody uses it at present; whoever still has it begins anew. */
  async close(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await session?.close()
  }

  async #begin(): Promise<void> {
    const isChild = this.group !== GROUP_DEFAULT
    const own = { queue: this.queue.name, group: GROUP_DEFAULT }
    const parent = isChild ? this.#readers.of(own) : undefined
    // A queue whose only group began later than its messages would let go of them.
    await parent?.ready()
    const { groups, nextOffset } = this.queue.stats()
    if (groups.length === 0 && nextOffset === 0) this.#readers.tally.queueCreates++
    this.#session ??= this.#readers.store.session()
    const from = isChild ? 'next' : 'first'
    await this.#session.watch(this.queue.name, { group: this.group, from })
    parent?.letGo()
  }
}

export class Readers {
  readonly store: Store
  readonly plan: MemcachePlan
  readonly tally: Tally
  /** For values that are put and not durable yet. */
  readonly puts = new PutRoom()
  readonly #byKey = new Map<string, Reader>()
  #verbs: Session | undefined

  constructor(store: Store, plan: MemcachePlan, tally: Tally) {
    this.store = store
    this.plan = plan
    this.tally = tally
  }

  of(address: Address): Reader {
    const key = keyOf(address)
    const known = this.#byKey.get(key)
    if (known) return known
    if (this.#byKey.size >= READERS_MAX) this.#makeRoom()
    const reader = new Reader(this, address)
    this.#byKey.set(key, reader)
    return reader
  }

  /** Settles deliveries of all readers, many as one entry; it holds none of them. */
  get verbs(): Session {
    this.#verbs ??= this.store.session()
    return this.#verbs
  }

  /** Only where it is held ready. */
  known(address: Address): Reader | undefined {
    return this.#byKey.get(keyOf(address))
  }

  /** This one is idle: it goes where there are too many. */
  shrink(reader: Reader): void {
    if (this.#byKey.size <= READERS_MAX) return
    if (this.#byKey.get(reader.key) === reader) this.#byKey.delete(reader.key)
  }

  /** More than so many may be in use at once: each of them by a connection, which is bounded in them. */
  #makeRoom(): void {
    let asked = 0
    for (const [key, reader] of this.#byKey) {
      this.#byKey.delete(key)
      if (reader.isIdle) reader.close().catch(this.plan.onError)
      // Behind the others: whoever comes next asks those.
      else this.#byKey.set(key, reader)
      asked += 1
      if (asked >= READERS_ASKED_MAX || this.#byKey.size < READERS_MAX) return
    }
  }
}
