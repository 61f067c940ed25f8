/** Producers that number their messages: one that is sent again is put once. */
import { equal, rejected } from './checks.ts'
import { failsWithTwin, outlivesCrash, resolvesBehindTwin } from './twins.ts'
import { type StoreTest, textsOf, type World } from './world.ts'

const NOT_REMEMBERED = { id: 0, offset: -1, duplicate: true }

function send(world: World, body: string, sequence: number, producer = 'p') {
  return world.put('q', body, { producer, sequence })
}

export const PRODUCERS: readonly StoreTest[] = [
  {
    name: 'a number that a producer sends again puts nothing and resolves as a duplicate',
    run: async (world) => {
      equal((await send(world, 'one', 1)).duplicate, false)
      equal((await send(world, 'two', 2)).duplicate, false)
      equal(await send(world, 'one again', 1), NOT_REMEMBERED)
      equal(await world.ready('q'), ['one', 'two'])
      equal((await world.put('q', 'other')).offset, 2)
    },
  },
  {
    name: 'numbers come in any order: what was passed over is no duplicate',
    run: async (world) => {
      for (const sequence of [10, 9, 3, 0]) {
        equal((await send(world, `${sequence}`, sequence)).duplicate, false)
      }
      for (const sequence of [10, 9, 3, 0]) {
        equal((await send(world, 'again', sequence)).duplicate, true)
      }
      equal((await send(world, '4', 4)).duplicate, false)
      equal(await world.ready('q'), ['10', '9', '3', '0', '4'])
    },
  },
  {
    name: 'rule 21: a number sent again while the first is in flight resolves with it, not before it',
    run: (world) => resolvesBehindTwin(world, { producer: 'p', sequence: 1 }),
  },
  {
    name: 'rule 21: a duplicate that resolved stands for a message that outlives a crash',
    needs: ['crash'],
    run: (world) => outlivesCrash(world, { producer: 'p', sequence: 1 }),
  },
  {
    name: 'rule 21: a duplicate fails with the put it rests on, and the number is free again',
    needs: ['setFull'],
    run: (world) => failsWithTwin(world, { producer: 'p', sequence: 1 }),
  },
  {
    name: 'numbers are known after a restart, a compaction and the end of their messages',
    run: async (world) => {
      for (const sequence of [1, 2, 5]) await send(world, `${sequence}`, sequence)
      await world.drain('q')
      await world.reopen()
      equal(await send(world, 'again', 2), NOT_REMEMBERED)
      await world.store.compact()
      await send(world, '3', 3)
      await world.reopen()
      for (const sequence of [1, 2, 3, 5]) {
        equal(await send(world, 'again', sequence), NOT_REMEMBERED)
      }
      equal((await send(world, '4', 4)).duplicate, false)
      equal(await world.ready('q'), ['3', '4'])
    },
  },
  {
    name: 'numbers are known after a crash',
    needs: ['crash'],
    run: async (world) => {
      await send(world, 'first', 1)
      await world.crashAndOpen()
      equal(await send(world, 'again', 1), NOT_REMEMBERED)
      equal((await send(world, 'second', 2)).duplicate, false)
    },
  },
  {
    name: 'another producer, and another queue, count for themselves',
    run: async (world) => {
      await send(world, 'a', 1)
      equal((await send(world, 'b', 1, 'other')).duplicate, false)
      const elsewhere = await world.put('r', 'c', { producer: 'p', sequence: 1 })
      equal(elsewhere.duplicate, false)
      equal(await world.ready('q'), ['a', 'b'])
    },
  },
  {
    name: 'a batch puts of each number one message, and none that is there',
    run: async (world) => {
      await send(world, 'a', 1)
      const [again, b, twin, c] = await world.store.queue('q').putMany([
        { body: 'again', producer: 'p', sequence: 1 },
        { body: 'b', producer: 'p', sequence: 2 },
        { body: 'twin', producer: 'p', sequence: 2 },
        { body: 'c', producer: 'p', sequence: 3 },
      ])
      equal(again, NOT_REMEMBERED)
      equal([b?.duplicate, c?.duplicate], [false, false])
      equal(twin, { id: b?.id, offset: b?.offset, duplicate: true })
      equal(textsOf(await world.take('q')), ['a', 'b', 'c'])
    },
  },
  {
    name: 'a batch waits for a number that is on its way',
    run: async (world) => {
      const first = send(world, 'first', 1)
      const batch = world.store.queue('q').putMany([
        { body: 'again', producer: 'p', sequence: 1 },
        { body: 'next', producer: 'p', sequence: 2 },
      ])
      equal((await first).duplicate, false)
      equal(
        (await batch).map(({ duplicate }) => duplicate),
        [true, false],
      )
      equal(await world.ready('q'), ['first', 'next'])
    },
  },
  {
    name: 'a transaction puts and acknowledges once, however often its message is sent',
    run: async (world) => {
      for (let round = 0; round < 2; round++) {
        const { puts } = await world.store.transaction((tx) => {
          tx.put('q', 'body', { producer: 'p', sequence: 8 })
        })
        equal(puts[0]?.duplicate, round > 0)
      }
      equal(await world.ready('q'), ['body'])
    },
  },
  {
    name: 'a producer and its numbers are held to their ranges',
    run: async (world) => {
      const refused = (options: object) =>
        rejected('QLOG_INVALID_ARGUMENT', () => world.put('q', 'x', options))
      for (const producer of ['', 17, 'x'.repeat(201), 'a\nb', null]) {
        await refused({ producer, sequence: 1 })
      }
      for (const sequence of [-1, 1.5, Number.NaN, '1', 2 ** 53 - 1, undefined]) {
        await refused({ producer: 'p', sequence })
      }
      await refused({ sequence: 1 })
      await refused({ producer: 'p', sequence: 1, key: 'k' })
      equal(world.store.queues(), [])
      equal((await send(world, 'last', 2 ** 53 - 2)).duplicate, false)
      equal((await send(world, 'last', 2 ** 53 - 2)).duplicate, true)
    },
  },
]
