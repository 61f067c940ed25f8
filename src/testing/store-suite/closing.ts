/** Closing: what is in flight comes to its end, and then every call says that the store is closed. */
import type { Delivery } from '../../store/types/deliveries.ts'
import type { Session } from '../../store/types/sessions.ts'
import type { Store } from '../../store/types/store.ts'
import { codeOf, equal, isTrue, isWithin, present, rejected, Watched } from './checks.ts'
import type { StoreTest } from './world.ts'

const CLOSED = 'QLOG_CLOSED'

/** Every call that needs the store, by name. */
function calls(store: Store, session: Session): Readonly<Record<string, () => unknown>> {
  const queue = store.queue('q')
  const group = queue.group()
  return {
    put: () => queue.put('x'),
    putMany: () => queue.putMany(['x']),
    createGroup: () => queue.createGroup('g'),
    get: () => queue.get(1),
    read: () => queue.read(),
    delete: () => queue.delete([1]),
    pause: () => queue.pause(1_000),
    peek: () => group.peek(),
    list: () => group.list(),
    'kick of a count': () => group.kick(1),
    'kick by name': () => group.kick([1]),
    configure: () => group.configure({ leasedMax: 1 }),
    remove: () => group.remove(),
    transaction: () => store.transaction((tx) => tx.put('q', 'x')),
    compact: () => store.compact(),
    watch: () => session.watch('other'),
    reserve: () => session.reserve(),
    'reserve that does not wait': () => session.reserve({ timeoutMs: 0 }),
    reserveById: () => session.reserveById(1),
    deliveries: () => session.deliveries().next(),
    'reserve of a new session': () => store.session().reserve(),
  }
}

/** The lease ended with the store: either word is true. */
async function hasEnded(delivery: Delivery): Promise<void> {
  for (const verb of ['ack', 'release', 'retry', 'bury'] as const) {
    const error = await delivery[verb]().then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    isTrue([CLOSED, 'QLOG_STALE_LEASE'].includes(codeOf(error)), `${verb}: ${codeOf(error)}`)
  }
}

export const CLOSING: readonly StoreTest[] = [
  {
    name: 'after close every call rejects with QLOG_CLOSED',
    run: async (world) => {
      const { store } = world
      await world.putAll('q', 'a')
      const session = await world.watching('q')
      const all = calls(store, session)
      const delivery = await world.takeOne('q')
      equal(store.status, 'open')
      await store.close()
      equal(store.status, 'closed')
      equal(store.stats().status, 'closed')
      for (const [name, call] of Object.entries(all)) await rejected(CLOSED, call, name)
      await hasEnded(delivery)
      await session.close()
      await store.close()
    },
  },
  {
    name: 'puts and acks that were called before close are there afterwards',
    run: async (world) => {
      const { store } = world
      await world.putAll('q', 'a')
      const delivery = await world.takeOne('q')
      const work = Promise.all([
        store.queue('q').put('b'),
        delivery.ack(),
        store.queue('q').putMany(['c', 'd']),
        store.transaction((tx) => tx.put('q', 'e')),
      ])
      const closed = store.close()
      await work
      await closed
      await world.open()
      equal(await world.drain('q'), ['b', 'c', 'd', 'e'])
    },
  },
  {
    name: 'close with a time limit leaves no promise open, and keeps what resolved',
    run: async (world) => {
      const { store } = world
      const queue = store.queue('q')
      const puts = Array.from({ length: 20 }, (_, row) => new Watched(queue.put(`${row}`)))
      const before = world.nowMs
      await store.close({ timeoutMs: 1 })
      isWithin(world.nowMs - before, 0, 1_000, 'time')
      equal(store.status, 'closed')
      await world.settle()
      equal(
        puts.filter(({ state }) => state === 'pending'),
        [],
      )
      const done = puts.filter(({ state }) => state === 'done').length
      await world.open()
      const found = await world.drain('q')
      isTrue(found.length >= done, `${done} resolved, ${found.length} are there`)
    },
  },
  {
    name: 'what waits when the store closes rejects with QLOG_CLOSED',
    run: async (world) => {
      const session = await world.watching('q')
      const waiting = new Watched(session.reserve())
      const other = await world.watching('q')
      const loop = new Watched(other.deliveries().next())
      await world.settle()
      await world.store.close()
      await world.settle()
      equal([codeOf(waiting.error), codeOf(loop.error)], [CLOSED, CLOSED])
    },
  },
  {
    name: 'close can be called twice at once',
    run: async (world) => {
      await world.putAll('q', 'a')
      const { store } = world
      const first = store.close()
      isTrue(store.status !== 'open', 'it does not call itself open')
      await rejected(CLOSED, () => store.queue('q').put('late'))
      await Promise.all([first, store.close()])
      await world.open()
      equal(await world.drain('q'), ['a'])
    },
  },
  {
    name: 'disposing of a store closes it',
    run: async (world) => {
      await world.putAll('q', 'a')
      const { store } = world
      await store[Symbol.asyncDispose]()
      equal(store.status, 'closed')
      await world.open()
      equal(await world.drain('q'), ['a'])
    },
  },
  {
    name: 'a signal that was aborted keeps a reserve from waiting, not the store from closing',
    run: async (world) => {
      const session = await world.watching('q')
      const abort = new AbortController()
      const waiting = new Watched(session.reserve({ signal: abort.signal }))
      await world.settle()
      const closed = world.store.close()
      abort.abort()
      await closed
      await world.settle()
      equal(waiting.state, 'failed')
      isTrue(['QLOG_ABORTED', CLOSED].includes(codeOf(present(waiting.error))), 'with a reason')
    },
  },
]
