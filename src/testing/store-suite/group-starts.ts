/** Where a group begins, and that a group that is made late misses nothing it should have. */
import type { PutResult } from '../../store/types/puts.ts'
import { equal, present } from './checks.ts'
import { type StoreTest, textsOf } from './world.ts'

export const GROUP_STARTS: readonly StoreTest[] = [
  {
    name: 'from first: everything that the queue holds, and so it is unless told',
    run: async (world) => {
      const queue = world.store.queue('q')
      await world.putAll('q', 'a', 'b')
      await queue.createGroup('told', { from: 'first' })
      await queue.createGroup('untold')
      await world.put('q', 'c')
      equal(await world.drain('q', 'told'), ['a', 'b', 'c'])
      equal(await world.drain('q', 'untold'), ['a', 'b', 'c'])
    },
  },
  {
    name: 'from next: only what is put after it, at whatever moment that becomes durable',
    run: async (world) => {
      const queue = world.store.queue('q')
      await world.put('q', 'a')
      const before = queue.put('b')
      const group = queue.createGroup('g', { from: 'next' })
      const after = queue.put('c')
      await Promise.all([before, group, after])
      equal(await world.ready('q', 'g'), ['c'])
      await world.reopen()
      equal(await world.ready('q', 'g'), ['c'])
    },
  },
  {
    name: 'rule 21: from first has what is put but not yet durable',
    run: async (world) => {
      const queue = world.store.queue('q')
      const before = queue.put('a')
      const group = queue.createGroup('g', { from: 'first' })
      await Promise.all([before, group])
      equal(await world.drain('q', 'g'), ['a'])
    },
  },
  {
    name: 'rule 21: from a time has what was put since, though it is not yet durable',
    run: async (world) => {
      const queue = world.store.queue('q')
      await world.put('q', 'a')
      await world.advance(60_000)
      const timeMs = world.nowMs
      await world.advance(1_000)
      const put = queue.put('b')
      const group = queue.createGroup('g', { from: { timeMs } })
      await Promise.all([put, group])
      equal(await world.ready('q', 'g'), ['b'])
      await world.reopen()
      equal(await world.ready('q', 'g'), ['b'])
    },
  },
  {
    name: 'from an id: that message and those behind it, whatever stands in other queues',
    run: async (world) => {
      const queue = world.store.queue('q')
      const results: PutResult[] = []
      for (const body of ['a', 'b', 'c']) {
        results.push(await world.put('q', body))
        await world.put('other', body)
      }
      const [, b, c] = results
      await queue.createGroup('keeper')
      await queue.createGroup('at', { from: { id: present(b).id } })
      await queue.createGroup('between', { from: { id: present(c).id - 1 } })
      await queue.createGroup('all', { from: { id: 1 } })
      equal(await world.ready('q', 'at'), ['b', 'c'])
      equal(await world.ready('q', 'between'), ['c'])
      equal(await world.ready('q', 'all'), ['a', 'b', 'c'])
    },
  },
  {
    name: 'from a time: what was put at that time or later',
    run: async (world) => {
      const queue = world.store.queue('q')
      await world.put('q', 'a')
      await world.advance(60_000)
      const between = world.nowMs
      await world.advance(60_000)
      await world.putAll('q', 'b', 'c')
      await queue.createGroup('keeper')
      await queue.createGroup('between', { from: { timeMs: between } })
      await queue.createGroup('ever', { from: { timeMs: 0 } })
      await world.reopen()
      equal(await world.ready('q', 'between'), ['b', 'c'])
      equal(await world.ready('q', 'ever'), ['a', 'b', 'c'])
    },
  },
  {
    name: 'a group begins with the first watch, where that says',
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      const all = await world.member('q', 'all', { from: 'first', leasedMax: 2 })
      const next = await world.member('q', 'next', { from: 'next' })
      await world.put('q', 'c')
      equal(textsOf(await next.reserve({ count: 5, timeoutMs: 0 })), ['c'])
      equal(textsOf(await all.reserve({ count: 5, timeoutMs: 0 })), ['a', 'b'])
    },
  },
  {
    name: 'a group that is made late has what other groups have not finished',
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c', 'd')
      const early = await world.member('q', 'early')
      const [, b, , d] = await early.reserve({ count: 4 })
      await present(b).ack()
      await present(d).bury()
      await world.store.queue('q').createGroup('late', { from: 'first' })
      await early.close()
      equal(await world.ready('q', 'late'), ['a', 'c', 'd'])
      equal(await world.drain('q', 'early'), ['a', 'c'])
      await world.store.compact()
      await world.reopen()
      equal(await world.drain('q', 'late'), ['a', 'c', 'd'])
    },
  },
  {
    name: 'a group that is made late has delayed messages when they are due',
    run: async (world) => {
      await world.put('q', 'later', { delayMs: 120_000 })
      await world.put('q', 'past', { delayMs: 30_000 })
      await world.advance(60_000)
      await world.reopen()
      await world.store.queue('q').createGroup('late')
      equal(await world.ready('q', 'late'), ['past'])
      await world.advance(61_000)
      equal(await world.ready('q', 'late'), ['later', 'past'])
    },
  },
  {
    name: 'a group on a queue that has no message yet gets its first one',
    run: async (world) => {
      await world.store.queue('q').createGroup('first', { from: 'first' })
      await world.store.queue('q').createGroup('next', { from: 'next' })
      await world.reopen()
      equal([...world.store.queues()], ['q'])
      await world.put('q', 'a')
      equal(await world.drain('q', 'first'), ['a'])
      equal(await world.drain('q', 'next'), ['a'])
      equal(world.store.queue('q').stats().messages, 0)
    },
  },
  {
    name: 'what no group that exists begins with is gone',
    run: async (world) => {
      const queue = world.store.queue('q')
      const [, b] = await world.putAll('q', 'a', 'b', 'c')
      await queue.createGroup('only', { from: { id: present(b).id } })
      equal(queue.stats().messages, 2)
      equal(await world.drain('q', 'late'), ['b', 'c'])
    },
  },
  {
    name: 'what a group does not begin with is kept for others only',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.createGroup('all')
      await world.putAll('q', 'a', 'b')
      await queue.createGroup('next', { from: 'next' })
      await world.put('q', 'c')
      equal(await world.drain('q', 'all'), ['a', 'b', 'c'])
      equal(queue.stats().messages, 1)
      equal(await world.drain('q', 'next'), ['c'])
      equal(queue.stats().messages, 0)
    },
  },
]
