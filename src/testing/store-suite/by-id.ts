/** Taking one message by its id, whatever its place in the order. */
import { equal, isWithin, present } from './checks.ts'
import { type StoreTest, textOf, textsOf, type World, withBody } from './world.ts'

const MINUTE_MS = 60_000

/** Two delayed messages, one put so and one released so, both leased by their ids for a minute. */
async function takeDelayed(world: World) {
  const plain = await world.put('q', 'plain', { delayMs: 10 * MINUTE_MS })
  const released = await world.put('q', 'released')
  await (await world.takeOne('q')).release({ delayMs: 10 * MINUTE_MS })
  const session = await world.watching('q')
  for (const { id } of [plain, released]) {
    present(await session.reserveById(id, { leaseMs: MINUTE_MS }))
  }
  // The lease records ride in a later group.
  await world.put('other', 'x')
  await world.settle()
  equal(world.counts('q').leased, 2)
  return session
}

export const BY_ID: readonly StoreTest[] = [
  {
    name: 'reserveById takes this very message, ready or delayed',
    run: async (world) => {
      const [, b] = await world.putAll('q', 'a', 'b')
      const later = await world.put('q', 'later', { delayMs: 60_000 })
      const session = await world.watching('q')
      const second = present(await session.reserveById(present(b).id))
      equal([second.text(), second.attempt], ['b', 1])
      const delayed = present(await session.reserveById(later.id, { leaseMs: 5_000 }))
      equal(delayed.text(), 'later')
      isWithin(delayed.leaseLeftMs, 4_000, 5_000, 'leaseLeftMs')
      await second.ack()
      equal(textsOf(await world.take('q')), ['a'])
      await delayed.ack()
    },
  },
  {
    name: 'reserveById gives nothing that is leased, buried, finished or unknown',
    run: async (world) => {
      const [a, b, c] = await world.putAll('q', 'a', 'b', 'c')
      const taken = await world.take('q')
      await withBody(taken, 'b').bury()
      await withBody(taken, 'c').ack()
      const session = await world.watching('q')
      for (const id of [present(a).id, present(b).id, present(c).id, 999_999]) {
        equal(await session.reserveById(id), undefined, `message ${id}`)
      }
    },
  },
  {
    name: 'reserveById takes a buried message where it is told that it may, and it is buried no more',
    run: async (world) => {
      const { id } = await world.put('q', 'a')
      await world.bury('q', 'a')
      const session = await world.watching('q')
      equal(await session.reserveById(id), undefined)
      const delivery = present(await session.reserveById(id, { buried: true }))
      equal([delivery.text(), (await world.info('q', id)).state], ['a', 'leased'])
      // Not even before the lease's record is there.
      equal(world.counts('q'), { ready: 0, delayed: 0, leased: 1, buried: 0 })
      equal(await session.reserveById(id, { buried: true }), undefined)
      await delivery.bury()
      equal(world.counts('q'), { ready: 0, delayed: 0, leased: 0, buried: 1 })
      present(await session.reserveById(id, { buried: true }))
      await world.put('q', 'ready')
      equal(world.counts('q'), { ready: 1, delayed: 0, leased: 1, buried: 0 })
      await (await world.takeOne('q')).ack()
      await session.close()
      equal(world.counts('q'), { ready: 1, delayed: 0, leased: 0, buried: 0 })
      equal((await world.takeOne('q')).text(), 'a')
    },
  },
  {
    name: 'the store finds a message by its id, whatever its queue',
    run: async (world) => {
      await world.put('p', 'other')
      const { id, offset } = await world.put('q', 'a', { leaseMs: 7_000 })
      const found = present(await world.store.get(id))
      equal([found.queue, found.offset, found.state, found.leaseMs], ['q', offset, 'ready', 7_000])
      equal([textOf(found.body), found.value === found.body], ['a', true])
      await (await world.takeOne('q')).ack()
      equal(await world.store.get(id), undefined)
      equal(await world.store.get(999_999), undefined)
    },
  },
  {
    name: 'delete lets those be that somebody has, where it is told so',
    run: async (world) => {
      const [a, b, c] = await world.putAll('q', 'a', 'b', 'c')
      const taken = await world.takeOne('q')
      await world.bury('q', 'b')
      const ids = [present(a).id, present(b).id, present(c).id]
      equal(await world.store.queue('q').delete(ids, { unlessLeased: true }), 2)
      await taken.release()
      equal(await world.ready('q'), ['a'])
      equal(await world.store.queue('q').delete(ids, { unlessLeased: true }), 1)
    },
  },
  {
    name: 'a message taken by its id has the attempts of all its deliveries',
    run: async (world) => {
      const { id } = await world.put('q', 'a')
      await world.takeOne('q', { leaseMs: 5_000 })
      await world.advance(6_000)
      const session = await world.watching('q')
      const delivery = present(await session.reserveById(id))
      equal(delivery.attempt, 2)
      await session.close()
      equal((await world.takeOne('q')).attempt, 2)
    },
  },
  {
    name: 'a delayed message that was taken by its id is ready once the lease ends',
    run: async (world) => {
      await takeDelayed(world)
      await world.advance(MINUTE_MS + 1_000)
      equal(await world.ready('q'), ['plain', 'released'])
    },
  },
  {
    name: 'a delayed message that was taken by its id is ready once its session closes',
    run: async (world) => {
      const session = await takeDelayed(world)
      await session.close()
      equal(await world.ready('q'), ['plain', 'released'])
    },
  },
  {
    name: 'a delayed message that was leased at a restart is ready after it',
    run: async (world) => {
      await takeDelayed(world)
      await world.reopen()
      equal(await world.ready('q'), ['plain', 'released'])
    },
  },
  {
    name: 'a delayed message that was leased at a crash is ready after it',
    needs: ['crash'],
    run: async (world) => {
      await takeDelayed(world)
      await world.crashAndOpen()
      equal((await world.drain('q')).sort(), ['plain', 'released'])
    },
  },
]
