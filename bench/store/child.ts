/**
 * A process of the benchmark: does what its parent tells it, one verb after the other, so that memory is
 * its own and a kill kills only it. Ends with its parent.
 */

import { openStore } from '../../src/index.ts'
import type { Delivery } from '../../src/store/types/deliveries.ts'
import type { Session } from '../../src/store/types/sessions.ts'
import type { Store } from '../../src/store/types/store.ts'
import { type ArgumentOf, serveVerbs } from '../verb-process.ts'
import { delayedLateness, pacedLatencies, throughRate } from './clocked.ts'
import { MessageSource, putMessages, queueNames, takeMessages } from './loads.ts'
import { loadSqlite, Peer } from './peer.ts'
import type { Layout } from './scale.ts'
import type { StoreVerbs } from './verbs.ts'
import { workThrough } from './working.ts'

/** The command of bench/main.ts that runs it; for nobody else. */
export const STORE_CHILD = 'store-child'

export function serveStoreVerbs(): void {
  serveVerbs<StoreVerbs>(new StoreChild())
}

class StoreChild implements StoreVerbs {
  #store: Store | undefined
  #session: Session | undefined
  #peer: Peer | undefined
  /** Priorities and delays go on from run to run. */
  readonly #sources = new Map<string, MessageSource>()

  async open({ directory, layout }: ArgumentOf<StoreVerbs, 'open'>): Promise<void> {
    this.#store = await openStore(directory)
    await this.#watch(this.#store, layout)
  }

  async openToFirst({ directory, layout }: ArgumentOf<StoreVerbs, 'openToFirst'>): Promise<{
    openSeconds: number
    firstSeconds: number
  }> {
    const started = performance.now()
    this.#store = await openStore(directory)
    const opened = performance.now()
    const session = await this.#watch(this.#store, layout)
    const [delivery] = await session.reserve()
    const first = performance.now()
    await delivery?.release()
    return { openSeconds: (opened - started) / 1000, firstSeconds: (first - started) / 1000 }
  }

  async put({ layout, ...plan }: ArgumentOf<StoreVerbs, 'put'>) {
    const key = JSON.stringify(layout)
    const source = this.#sources.get(key) ?? new MessageSource(layout)
    this.#sources.set(key, source)
    return putMessages(this.#openStore, source, plan)
  }

  async take({ inOrder = false, ...plan }: ArgumentOf<StoreVerbs, 'take'>) {
    return takeMessages(this.#openSession, plan, inOrder ? new OrderCheck().see : undefined)
  }

  async work(load: ArgumentOf<StoreVerbs, 'work'>) {
    return workThrough(this.#openStore, load)
  }

  async buryFirst(): Promise<void> {
    const [delivery] = await this.#openSession.reserve()
    await delivery?.bury({ reason: 'at the head' })
  }

  async memory(): Promise<number> {
    if (!gc) throw new Error('the process was not started with --expose-gc')
    for (let i = 0; i < 3; i++) {
      gc()
      // What a collection frees beyond the heap goes in a turn of its own.
      await new Promise(setImmediate)
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }

  async space() {
    const { appendedBytes, snapshotBytes } = this.#openStore.stats()
    return { appendedBytes, snapshotBytes }
  }

  async through({ messages }: ArgumentOf<StoreVerbs, 'through'>): Promise<number> {
    return throughRate(this.#openStore, this.#openSession, messages)
  }

  async paced({ rate, messages }: ArgumentOf<StoreVerbs, 'paced'>) {
    return pacedLatencies(this.#openStore, this.#openSession, rate, messages)
  }

  async delayed(what: ArgumentOf<StoreVerbs, 'delayed'>) {
    return delayedLateness(this.#openStore, this.#openSession, what)
  }

  async close(): Promise<void> {
    await this.#store?.close()
    this.#peer?.close()
    this.#store = undefined
    this.#session = undefined
    this.#peer = undefined
  }

  async peerOpen({ file }: ArgumentOf<StoreVerbs, 'peerOpen'>): Promise<void> {
    const open = loadSqlite()
    if (typeof open === 'string') throw new Error(open)
    this.#peer = new Peer(open, file)
  }

  async peerInsert({ messages, batch }: ArgumentOf<StoreVerbs, 'peerInsert'>): Promise<number> {
    return this.#openPeer.insert(messages, batch)
  }

  async peerTake({ messages, batch }: ArgumentOf<StoreVerbs, 'peerTake'>): Promise<number> {
    return this.#openPeer.take(messages, batch)
  }

  async #watch(store: Store, layout: Layout): Promise<Session> {
    const session = store.session()
    for (const name of queueNames(layout)) await session.watch(name)
    this.#session = session
    return session
  }

  get #openStore(): Store {
    if (!this.#store) throw new Error('no store is open')
    return this.#store
  }

  get #openSession(): Session {
    if (!this.#session) throw new Error('no store is open')
    return this.#session
  }

  get #openPeer(): Peer {
    if (!this.#peer) throw new Error('no peer is open')
    return this.#peer
  }
}

/** Nothing better may come behind something worse while nothing is put. */
class OrderCheck {
  #priority = -1
  #id = -1

  readonly see = ({ priority, id }: Delivery): void => {
    if (priority < this.#priority || (priority === this.#priority && id <= this.#id)) {
      const before = `${this.#priority}/${this.#id}`
      throw new Error(`priority ${priority}, id ${id} came behind ${before}`)
    }
    this.#priority = priority
    this.#id = id
  }
}
