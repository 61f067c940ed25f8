/** Groups: each gets everything, and a message is finished when every group is done with it. */
import { GROUP_DEFAULT } from '../../store/types/groups.ts'
import { equal, first, isTrue, present, rejected } from './checks.ts'
import { type StoreTest, textsOf, withBody } from './world.ts'

export const GROUPS: readonly StoreTest[] = [
  {
    name: 'each group gets everything, and its consumers compete for it',
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c', 'd')
      const one = await world.member('q', 'one')
      const again = await world.member('q', 'one')
      const mine = await one.reserve({ count: 2 })
      const theirs = await again.reserve({ count: 10 })
      equal([...textsOf(mine), ...textsOf(theirs)], ['a', 'b', 'c', 'd'])
      equal(await world.drain('q', 'two'), ['a', 'b', 'c', 'd'])
      equal(await world.drain('q', 'one'), [])
    },
  },
  {
    name: 'the group that is meant where none is named is the default one',
    run: async (world) => {
      const session = await world.watching('q')
      await world.put('q', 'a')
      equal(session.watched, [{ queue: 'q', group: GROUP_DEFAULT }])
      equal(first(await session.reserve()).group, GROUP_DEFAULT)
      const group = world.store.queue('q').group()
      equal([group.queue, group.name, group.stats().leased], ['q', GROUP_DEFAULT, 1])
    },
  },
  {
    name: 'a queue without groups keeps everything, over restarts and compactions',
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      equal(world.store.queue('q').stats().messages, 2)
      await world.store.compact()
      await world.reopen()
      await world.putAll('q', 'c')
      equal(world.store.queue('q').stats().groups, [])
      equal(world.store.queue('q').stats().messages, 3)
      equal(await world.drain('q', 'late'), ['a', 'b', 'c'])
    },
  },
  {
    name: 'a message is gone when every group that exists is done with it, and not before',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.createGroup('one')
      await queue.createGroup('two')
      const [a] = await world.putAll('q', 'a', 'b')
      equal(await world.drain('q', 'one'), ['a', 'b'])
      equal(queue.stats().messages, 2)
      await (await world.takeOne('q', { group: 'two' })).ack()
      equal(queue.stats().messages, 1)
      equal(world.store.stats().messages, 1)
      equal(await queue.get(present(a).id, 'two'), undefined)
      equal(await world.drain('q', 'two'), ['b'])
      equal(queue.stats().messages, 0)
      await world.reopen()
      equal(world.store.stats().messages, 0)
    },
  },
  {
    name: 'a message that one group has buried stays until that group is done with it',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.createGroup('one')
      await queue.createGroup('two')
      await world.put('q', 'a')
      await (await world.takeOne('q', { group: 'one' })).bury()
      equal(await world.drain('q', 'two'), ['a'])
      await world.store.compact()
      await world.reopen()
      equal(world.store.queue('q').stats().messages, 1)
      equal(await world.store.queue('q').group('one').kick(1), 1)
      equal(await world.drain('q', 'one'), ['a'])
      equal(world.store.queue('q').stats().messages, 0)
    },
  },
  {
    name: 'priority, delay and burial belong to one group alone',
    run: async (world) => {
      await world.store.queue('q').createGroup('one')
      await world.store.queue('q').createGroup('two')
      await world.putAll('q', 'a', 'b', 'c', 'd')
      const taken = await world.take('q', { group: 'one' })
      await withBody(taken, 'a').bury()
      await withBody(taken, 'b').release({ delayMs: 60_000 })
      await withBody(taken, 'c').release({ priority: 2_000 })
      await withBody(taken, 'd').release()
      equal(await world.ready('q', 'one'), ['d', 'c'])
      equal(await world.ready('q', 'two'), ['a', 'b', 'c', 'd'])
      await world.reopen()
      equal(await world.ready('q', 'one'), ['d', 'c'])
      equal(await world.ready('q', 'two'), ['a', 'b', 'c', 'd'])
    },
  },
  {
    name: 'a group keeps its place over a restart',
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c', 'd')
      const taken = await world.take('q', { group: 'one' })
      await withBody(taken, 'a').ack()
      await withBody(taken, 'c').ack()
      await world.drain('q', 'two')
      await world.reopen()
      const { groups } = world.store.queue('q').stats()
      equal(groups.map(({ group }) => group).sort(), ['one', 'two'])
      equal(world.store.queue('q').group('one').stats().floor, 1)
      equal(world.store.queue('q').group('two').stats().floor, 4)
      equal(await world.drain('q', 'one'), ['b', 'd'])
      equal(await world.drain('q', 'two'), [])
      equal(world.store.queue('q').group('one').stats().floor, 4)
    },
  },
  {
    name: 'a group that exists keeps its place when it is made again, and takes new settings',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.createGroup('g', { leasedMax: 5 })
      await world.putAll('q', 'a', 'b')
      await (await world.takeOne('q', { group: 'g' })).ack()
      const group = await queue.createGroup('g', { from: 'first', leasedMax: 2 })
      equal([group.stats().leasedMax, group.stats().floor], [2, 1])
      await queue.createGroup('g', { from: 'next' })
      equal(group.stats().leasedMax, 2)
      equal(await world.ready('q', 'g'), ['b'])
    },
  },
  {
    name: 'rule 21: of settings that are changed at once the last ones count',
    run: async (world) => {
      const group = await world.store.queue('q').createGroup('g', { leasedMax: 1 })
      await Promise.all([group.configure({ leasedMax: 2 }), group.configure({ leasedMax: 1 })])
      equal(group.stats().leasedMax, 1)
      await Promise.all([
        group.configure({ leasedMax: 3 }),
        group.configure({ promoteAfterMs: 5_000 }),
        group.configure({ leasedMax: null }),
      ])
      await world.reopen()
      const { leasedMax, promoteAfterMs } = world.store.queue('q').group('g').stats()
      equal([leasedMax, promoteAfterMs], [undefined, 5_000])
    },
  },
  {
    name: 'removing a group frees what only it still kept',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.createGroup('one')
      await queue.createGroup('two')
      await world.putAll('q', 'a', 'b', 'c')
      equal(await world.drain('q', 'one'), ['a', 'b', 'c'])
      equal(queue.stats().messages, 3)
      await queue.group('two').remove()
      equal(queue.stats().messages, 0)
      equal(
        queue.stats().groups.map(({ group }) => group),
        ['one'],
      )
      await world.reopen()
      equal(world.store.queue('q').stats().messages, 0)
      equal((await world.put('q', 'd')).offset, 3)
      equal(await world.drain('q', 'one'), ['d'])
    },
  },
  {
    name: 'what was gone stays gone when the last group is removed',
    run: async (world) => {
      const queue = world.store.queue('q')
      await world.putAll('q', 'a', 'b', 'c')
      const taken = await world.take('q', { group: 'only' })
      await withBody(taken, 'b').ack()
      await queue.group('only').remove()
      await world.put('q', 'd')
      await world.reopen()
      const bodies = await world.drain('q', 'next one')
      isTrue(!bodies.includes('b') && bodies.includes('d'), bodies.join())
    },
  },
  {
    name: 'removing a group takes nothing from another',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.createGroup('one')
      await queue.createGroup('two')
      await world.putAll('q', 'a', 'b')
      await queue.group('one').remove()
      equal(await world.drain('q', 'two'), ['a', 'b'])
    },
  },
  {
    name: 'the leases of a removed group are stale, and its sessions get nothing more',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.createGroup('other')
      const session = await world.member('q', 'g')
      await world.putAll('q', 'a', 'b')
      const delivery = first(await session.reserve({ count: 2 }))
      await queue.group('g').remove()
      await rejected('QLOG_STALE_LEASE', () => delivery.ack())
      equal(session.leased, 0)
      await world.put('q', 'c')
      equal(await session.reserve({ timeoutMs: 5_000 }), [])
      equal(await world.drain('q', 'other'), ['a', 'b', 'c'])
    },
  },
  {
    name: 'a removed group can be made anew, with a place of its own',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.createGroup('keeper')
      await world.putAll('q', 'a', 'b')
      await (await world.takeOne('q', { group: 'g' })).bury()
      await queue.group('g').remove()
      await queue.createGroup('g', { from: 'first' })
      equal(await world.ready('q', 'g'), ['a', 'b'])
      await world.reopen()
      equal(await world.ready('q', 'g'), ['a', 'b'])
    },
  },
  {
    name: 'a group that was made survives a crash, with its settings',
    needs: ['crash'],
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      await world.store.queue('q').createGroup('g', { from: 'next', leasedMax: 1 })
      await world.crashAndOpen()
      await world.putAll('q', 'c', 'd')
      equal(textsOf(await world.take('q', { group: 'g' })), ['c'])
    },
  },
]
