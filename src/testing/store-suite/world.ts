/** The world that a test of the store suite runs in: one store after the other, and shorthands. */
import { fail } from 'node:assert'
import type { Delivery } from '../../store/types/deliveries.ts'
import { GROUP_DEFAULT, type GroupOptions } from '../../store/types/groups.ts'
import type { MessageInfo } from '../../store/types/messages.ts'
import type { PutOptions, PutResult } from '../../store/types/puts.ts'
import type { ReserveOptions, Session } from '../../store/types/sessions.ts'
import type { GroupStats } from '../../store/types/stats.ts'
import type { Store, StoreOptions } from '../../store/types/store.ts'
import type { Ability, StoreFactory } from './factory.ts'

/** One test: named by the behaviour it shows, with the rule's number where it has one. */
export interface StoreTest {
  readonly name: string
  readonly needs?: readonly Ability[]
  readonly run: (world: World) => Promise<void>
}

export interface TakeOptions extends ReserveOptions {
  readonly group?: string
}

/** How long after a call a crash comes: before its write, within its flush, behind it. */
export const CRASHES_MS: readonly number[] = [0, 0.1, 0.5, 2, 10, 30, 100]

/** More than any test puts into one queue. */
const MANY = 400
/** The longest that anything durable takes in a slow world, and more. */
const SETTLE_MS = 1_000

export class World {
  readonly #factory: StoreFactory
  #store: Store | undefined

  constructor(factory: StoreFactory) {
    this.#factory = factory
  }

  /** The store that is open now. */
  get store(): Store {
    return this.#store ?? fail('no store is open')
  }

  get nowMs(): number {
    return this.#factory.nowMs()
  }

  async open(options: StoreOptions = {}): Promise<Store> {
    this.#store = await this.#factory.open(options)
    return this.#store
  }

  async close(): Promise<void> {
    await this.#store?.close()
    this.#store = undefined
  }

  async reopen(): Promise<Store> {
    await this.close()
    return this.open()
  }

  /** The process ends in the middle of its work. */
  async crash(): Promise<void> {
    if (this.#factory.crash === undefined) fail('this world cannot crash')
    await this.#factory.crash()
    this.#store = undefined
  }

  async crashAndOpen(): Promise<Store> {
    await this.crash()
    return this.open()
  }

  advance(ms: number): Promise<void> {
    return this.#factory.advance(ms)
  }

  /** Everything that is under way comes to its end. */
  settle(): Promise<void> {
    return this.advance(SETTLE_MS)
  }

  jumpWallClock(ms: number): void {
    if (this.#factory.jumpWallClock === undefined) fail('this wall clock cannot be set')
    this.#factory.jumpWallClock(ms)
  }

  async advanceWhileDown(ms: number, sameBoot: boolean): Promise<void> {
    if (this.#factory.advanceWhileDown === undefined) fail('this world cannot be down')
    await this.#factory.advanceWhileDown(ms, sameBoot)
  }

  setFull(full: boolean): void {
    if (this.#factory.setFull === undefined) fail('this disk cannot be full')
    this.#factory.setFull(full)
  }

  failNextWrite(): void {
    if (this.#factory.failNextWrite === undefined) fail('the writes of this world never fail')
    this.#factory.failNextWrite()
  }

  /** Puts one message of the queue. */
  put(queue: string, body: string, options: PutOptions = {}): Promise<PutResult> {
    return this.store.queue(queue).put(body, options)
  }

  /** Puts these one after the other. */
  async putAll(queue: string, ...bodies: string[]): Promise<PutResult[]> {
    const results: PutResult[] = []
    for (const body of bodies) results.push(await this.put(queue, body))
    return results
  }

  /** A session that watches these queues for the default group. */
  async watching(...queues: string[]): Promise<Session> {
    const session = this.store.session()
    for (const queue of queues) await session.watch(queue)
    return session
  }

  /** A session that watches one queue for a group. */
  async member(queue: string, group: string, options: GroupOptions = {}): Promise<Session> {
    const session = this.store.session()
    await session.watch(queue, { ...options, group })
    return session
  }

  /** Everything that is ready, or as much as the options say, leased to a session of its own. */
  async take(queue: string, options: TakeOptions = {}): Promise<readonly Delivery[]> {
    const { group = GROUP_DEFAULT, ...reserve } = options
    const session = await this.member(queue, group)
    return session.reserve({ count: MANY, timeoutMs: 0, ...reserve })
  }

  /** The best one, which has to be there. */
  async takeOne(queue: string, options: TakeOptions = {}): Promise<Delivery> {
    const [delivery] = await this.take(queue, { ...options, count: 1 })
    return delivery ?? fail(`nothing is ready in ${queue}`)
  }

  /** What is ready, looked at by leasing it and giving it back. */
  async ready(queue: string, group = GROUP_DEFAULT): Promise<string[]> {
    const session = await this.member(queue, group)
    const deliveries = await session.reserve({ count: MANY, timeoutMs: 0 })
    const bodies = textsOf(deliveries)
    await session.close()
    return bodies
  }

  /** Takes and finishes until nothing is ready. */
  async drain(queue: string, group = GROUP_DEFAULT): Promise<string[]> {
    const session = await this.member(queue, group)
    const bodies: string[] = []
    while (bodies.length < MANY) {
      const deliveries = await session.reserve({ count: MANY, timeoutMs: 0 })
      if (deliveries.length === 0) break
      await session.ack(deliveries)
      bodies.push(...textsOf(deliveries))
    }
    await session.close()
    return bodies
  }

  /** Buries these, in this order, for the default group. */
  async bury(queue: string, ...bodies: string[]): Promise<void> {
    const deliveries = await this.take(queue)
    for (const body of bodies) await withBody(deliveries, body).bury()
    for (const other of deliveries) {
      if (!bodies.includes(other.text())) await other.release()
    }
  }

  /** What is known of one message for a group. */
  async info(queue: string, id: number, group = GROUP_DEFAULT): Promise<MessageInfo> {
    const stored = await this.store.queue(queue).get(id, group)
    return stored ?? fail(`message ${id} is gone`)
  }

  counts(queue: string, group = GROUP_DEFAULT): Counts {
    const { ready, delayed, leased, buried } = this.store.queue(queue).group(group).stats()
    return { ready, delayed, leased, buried }
  }
}

export type Counts = Pick<GroupStats, 'ready' | 'delayed' | 'leased' | 'buried'>

export function textsOf(deliveries: readonly { readonly body: Uint8Array }[]): string[] {
  return deliveries.map(({ body }) => textOf(body))
}

export function textOf(body: Uint8Array | undefined): string {
  return new TextDecoder().decode(body)
}

export function withBody(deliveries: readonly Delivery[], body: string): Delivery {
  return deliveries.find((one) => one.text() === body) ?? fail(`${body} was not delivered`)
}
