/** The order of delivery: ready messages by (priority, id), lowest first, each returning to its place. */
import { PRIORITY_MAX } from '../../store/types/puts.ts'
import { equal, present } from './checks.ts'
import { type StoreTest, textsOf, type World, withBody } from './world.ts'

const MINUTE_MS = 60_000

async function putWith(world: World, queue: string, ...priorities: number[]): Promise<void> {
  for (const priority of priorities) await world.put(queue, `${queue}${priority}`, { priority })
}

export const ORDER: readonly StoreTest[] = [
  {
    name: 'ready messages come by priority, and by id within one priority',
    run: async (world) => {
      for (const [body, priority] of [
        ['c1', 30],
        ['a1', 10],
        ['c2', 30],
        ['b1', 20],
        ['a2', 10],
      ] as const) {
        await world.put('q', body, { priority })
      }
      const order = ['a1', 'a2', 'b1', 'c1', 'c2']
      equal(await world.ready('q'), order)
      equal(await world.drain('q'), order)
    },
  },
  {
    name: 'the whole range of priorities is ordered as unsigned numbers, over a restart too',
    run: async (world) => {
      await putWith(world, 'q', PRIORITY_MAX, 0x8000_0000, 0, 0x7fff_ffff, 1)
      const order = ['q0', 'q1', 'q2147483647', 'q2147483648', 'q4294967295']
      equal(await world.ready('q'), order)
      await world.reopen()
      equal(await world.ready('q'), order)
    },
  },
  {
    name: 'a message put without a priority stands between 1023 and 1025',
    run: async (world) => {
      await putWith(world, 'q', 1_025)
      await world.put('q', 'default')
      await putWith(world, 'q', 1_023)
      equal(await world.ready('q'), ['q1023', 'default', 'q1025'])
    },
  },
  {
    name: 'a released message returns to its place',
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c')
      const taken = await world.take('q')
      await withBody(taken, 'c').release()
      await withBody(taken, 'a').release()
      await withBody(taken, 'b').release()
      await world.put('q', 'd')
      equal(await world.ready('q'), ['a', 'b', 'c', 'd'])
      await world.reopen()
      equal(await world.ready('q'), ['a', 'b', 'c', 'd'])
    },
  },
  {
    name: 'a message whose lease ended returns to its place',
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c')
      equal(textsOf(await world.take('q', { count: 2, leaseMs: 5_000 })), ['a', 'b'])
      equal(textsOf(await world.take('q', { count: 2 })), ['c'])
      await world.put('q', 'd')
      await world.advance(6_000)
      equal(textsOf(await world.take('q')), ['a', 'b', 'd'])
    },
  },
  {
    name: 'a release with a priority moves the message, and it keeps that priority',
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c')
      const taken = await world.take('q')
      await withBody(taken, 'a').release({ priority: 2_000 })
      await withBody(taken, 'b').release()
      await withBody(taken, 'c').release({ priority: 5 })
      equal(await world.ready('q'), ['c', 'b', 'a'])
      await world.reopen()
      const again = await world.take('q')
      equal(
        again.map(({ priority }) => priority),
        [5, 1_024, 2_000],
      )
      for (const delivery of again) await delivery.release()
      equal(await world.drain('q'), ['c', 'b', 'a'])
    },
  },
  {
    name: 'a bury with a priority is where a kick puts the message',
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      await withBody(await world.take('q', { count: 1 }), 'a').bury({ priority: 3_000 })
      await world.reopen()
      equal(await world.store.queue('q').group().kick(1), 1)
      equal(await world.ready('q'), ['b', 'a'])
    },
  },
  {
    name: 'across queues the lowest (priority, id) goes first',
    run: async (world) => {
      await putWith(world, 'a', 20, 40)
      await putWith(world, 'b', 10, 20, 30)
      await putWith(world, 'c', 20)
      const session = await world.watching('c', 'b', 'a')
      const one = await session.reserve({ timeoutMs: 0 })
      equal(textsOf(one), ['b10'])
      const rest = await session.reserve({ count: 10, timeoutMs: 0 })
      equal(textsOf(rest), ['a20', 'b20', 'c20', 'b30', 'a40'])
      equal(
        rest.map(({ queue }) => queue),
        ['a', 'b', 'c', 'b', 'a'],
      )
    },
  },
  {
    name: 'a message that waited for promoteAfterMs goes before all of better priority',
    run: async (world) => {
      await world.store.queue('q').createGroup('patient')
      await world.store.queue('q').createGroup('fair', { promoteAfterMs: MINUTE_MS })
      await world.put('q', 'low', { priority: 2_000 })
      await world.advance(MINUTE_MS + 1_000)
      await world.put('q', 'high', { priority: 1 })
      await world.reopen()
      equal(await world.ready('q', 'patient'), ['high', 'low'])
      equal(await world.ready('q', 'fair'), ['low', 'high'])
    },
  },
  {
    name: 'a released message that waited for promoteAfterMs again goes first as well',
    run: async (world) => {
      await world.store.queue('q').createGroup('fair', { promoteAfterMs: MINUTE_MS })
      await world.put('q', 'low', { priority: 2_000 })
      await (await world.takeOne('q', { group: 'fair' })).release()
      await world.advance(MINUTE_MS + 1_000)
      await world.put('q', 'high', { priority: 1 })
      equal(textsOf(await world.take('q', { group: 'fair' })), ['low', 'high'])
    },
  },
  {
    name: 'promoteAfterMs can be set later and taken away again',
    run: async (world) => {
      const group = await world.store.queue('q').createGroup('g')
      const low = await world.put('q', 'low', { priority: 2_000 })
      await world.advance(MINUTE_MS)
      const high = await world.put('q', 'high', { priority: 1 })
      equal((await group.peek())?.id, high.id)
      await group.configure({ promoteAfterMs: 30_000 })
      equal(group.stats().promoteAfterMs, 30_000)
      equal((await group.peek())?.id, low.id)
      await group.configure({ promoteAfterMs: null })
      equal(group.stats().promoteAfterMs, undefined)
      equal((await group.peek())?.id, high.id)
      equal(await world.ready('q', 'g'), ['high', 'low'])
    },
  },
  {
    name: 'hundreds of different priorities keep their order: waiting, delayed, released, reopened',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.createGroup('early')
      // Each once, in an order that is neither rising nor falling.
      const priorities = Array.from({ length: 300 }, (_, row) => (row * 77) % 300)
      await queue.putMany(
        priorities.map((priority) => ({
          body: `${priority}`,
          priority,
          ...(priority % 5 === 0 && { delayMs: MINUTE_MS }),
        })),
      )
      const all = priorities.map((_, row) => row)
      const due = all.filter((row) => row % 5 !== 0).map((row) => `${row}`)
      equal(await world.ready('q', 'early'), due)
      equal(await world.ready('q'), due)
      await world.advance(MINUTE_MS)
      equal(
        await world.drain('q', 'early'),
        all.map((row) => `${row}`),
      )
      const taken = await world.take('q', { count: 100 })
      equal(
        textsOf(taken),
        all.slice(0, 100).map((row) => `${row}`),
      )
      const session = await world.watching('q')
      await present(taken[0]).release({ priority: 300 })
      for (const delivery of taken.slice(50)) await delivery.release()
      for (const delivery of taken.slice(1, 50)) await delivery.ack()
      await session.close()
      await world.reopen()
      equal(
        await world.drain('q'),
        [...all.slice(50), 0].map((row) => `${row}`),
      )
      equal(world.store.queue('q').stats().messages, 0)
    },
  },
  {
    name: 'a better message that arrives later goes before those that are waiting',
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      const session = await world.watching('q')
      equal(textsOf(await session.reserve()), ['a'])
      await world.put('q', 'urgent', { priority: 0 })
      equal(textsOf(await session.reserve()), ['urgent'])
      equal(present((await session.reserve())[0]).text(), 'b')
    },
  },
]
