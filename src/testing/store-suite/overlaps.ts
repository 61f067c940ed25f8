/** Rule 21: decisions count what is in flight too. Calls that overlap, none of them awaited before the next. */
import { equal, isTrue, present, rejected } from './checks.ts'
import { type StoreTest, textsOf, withBody } from './world.ts'

export const OVERLAPS: readonly StoreTest[] = [
  {
    name: 'rule 21: what a transaction on its way deletes is delivered to nobody',
    run: async (world) => {
      const [a] = await world.putAll('q', 'a', 'b')
      const session = await world.watching('q')
      const { id, offset } = present(a)
      const done = world.store.transaction((tx) => tx.delete({ queue: 'q', id, offset }))
      equal(textsOf(await session.reserve({ count: 5, timeoutMs: 0 })), ['b'])
      await done
      equal(await world.take('q'), [])
    },
  },
  {
    name: 'rule 21: two deletes of one message at once count it once',
    run: async (world) => {
      const [a, b] = await world.putAll('q', 'a', 'b', 'c')
      const queue = world.store.queue('q')
      const ids = [present(a).id, present(b).id]
      const counts = await Promise.all([queue.delete(ids), queue.delete(ids)])
      equal(
        counts.reduce((sum, count) => sum + count, 0),
        2,
      )
      equal(queue.stats().messages, 1)
    },
  },
  {
    name: 'rule 21: kicks at once each take other messages, and no message twice',
    run: async (world) => {
      const results = await world.putAll('q', 'a', 'b', 'c', 'd')
      await world.bury('q', 'a', 'b', 'c')
      const group = world.store.queue('q').group()
      equal(await Promise.all([group.kick(1), group.kick(1)]), [1, 1])
      equal(await world.ready('q'), ['a', 'b', 'd'])
      const c = present(results[2]).id
      const both = await Promise.all([group.kick([c]), group.kick([c]), group.kick(5)])
      equal(
        both.reduce((sum, count) => sum + count, 0),
        1,
      )
      equal((await world.info('q', c)).counters.kicks, 1)
      equal(await world.ready('q'), ['a', 'b', 'c', 'd'])
    },
  },
  {
    name: 'rule 21: a message whose burial, release or retry is on its way is delivered to nobody',
    run: async (world) => {
      await world.putAll('q', 'buried', 'retried', 'released', 'acked')
      const taken = await world.take('q')
      const work = [
        withBody(taken, 'buried').bury(),
        withBody(taken, 'retried').retry('why'),
        withBody(taken, 'released').release({ delayMs: 60_000 }),
        withBody(taken, 'acked').ack(),
      ]
      equal(await world.take('q'), [])
      await Promise.all(work)
      equal(await world.take('q'), [])
      equal(world.counts('q'), { ready: 0, delayed: 2, leased: 0, buried: 1 })
    },
  },
  {
    name: 'rule 21: leasedMax counts what is on its way out of a lease',
    run: async (world) => {
      await world.store.queue('q').createGroup('g', { leasedMax: 1 })
      await world.putAll('q', 'a', 'b')
      const session = await world.member('q', 'g')
      const [a] = await session.reserve()
      const ack = present(a).ack()
      const next = await session.reserve()
      // Whatever b waited for, a is finished for good by the time it comes.
      await world.crash()
      equal(textsOf(next), ['b'])
      void ack
      await world.open()
      equal(await world.drain('q', 'g'), ['b'])
    },
    needs: ['crash'],
  },
  {
    name: 'what is called first is durable first: no crash leaves a put without the ack called before it',
    needs: ['crash'],
    run: async (world) => {
      for (let round = 0; round < 24; round++) {
        const name = `q${round}`
        await world.put(name, 'before')
        const delivery = await world.takeOne(name)
        const work = [delivery.ack(), world.put(name, 'after'), world.put(name, 'last')]
        for (const one of work) one.catch(() => undefined)
        await world.advance(round / 4)
        await world.crashAndOpen()
        const left = await world.drain(name)
        const orders = ['before', '', 'after', 'after,last']
        isTrue(orders.includes(left.join()), `round ${round}: ${left.join()} is left`)
      }
    },
  },
  {
    name: 'rule 21: two sessions that ask at once get different messages',
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c')
      const one = await world.watching('q')
      const two = await world.watching('q')
      const [mine, theirs] = await Promise.all([
        one.reserve({ count: 2, timeoutMs: 0 }),
        two.reserve({ count: 2, timeoutMs: 0 }),
      ])
      equal([textsOf(mine), textsOf(theirs)], [['a', 'b'], ['c']])
    },
  },
  {
    name: 'rule 21: a group that is removed takes no verb any more, though that is on its way',
    run: async (world) => {
      await world.store.queue('q').createGroup('keeper')
      await world.putAll('q', 'a', 'b')
      const [a] = await world.take('q', { group: 'g', count: 1 })
      await world.store.queue('q').group('g').remove()
      await rejected('QLOG_STALE_LEASE', () => present(a).release())
      const again = await world.store.queue('q').createGroup('g')
      equal(again.stats().leased, 0)
      equal(await world.ready('q', 'g'), ['a', 'b'])
    },
  },
  {
    name: 'rule 21: one group made by two calls at once is one group',
    run: async (world) => {
      const queue = world.store.queue('q')
      await world.putAll('q', 'a')
      const session = world.store.session()
      await Promise.all([
        queue.createGroup('g', { leasedMax: 7 }),
        queue.createGroup('g'),
        session.watch('q', { group: 'g' }),
      ])
      equal(
        queue.stats().groups.map(({ group, leasedMax }) => [group, leasedMax]),
        [['g', 7]],
      )
      equal(textsOf(await session.reserve({ count: 3, timeoutMs: 0 })), ['a'])
    },
  },
  {
    name: 'rule 21: a group is removed and made again, or made and removed, in the order of the calls',
    run: async (world) => {
      const queue = world.store.queue('q')
      const names = () => queue.stats().groups.map(({ group }) => group)
      await queue.createGroup('keeper')
      await queue.createGroup('g')
      await world.putAll('q', 'a')
      await Promise.all([queue.group('g').remove(), queue.createGroup('g', { from: 'next' })])
      equal(names(), ['keeper', 'g'])
      await world.put('q', 'b')
      equal(await world.ready('q', 'g'), ['b'])
      await Promise.all([queue.createGroup('h'), queue.group('h').remove()])
      equal(names(), ['keeper', 'g'])
      await world.reopen()
      equal(await world.ready('q', 'g'), ['b'])
    },
  },
  {
    name: 'rule 21: one queue begun by two calls at once is one queue',
    run: async (world) => {
      const { store } = world
      const results = await Promise.all([
        store.queue('q').put('a'),
        store.queue('q').put('b'),
        store.transaction((tx) => tx.put('q', 'c')),
        store.queue('q').createGroup('g'),
      ])
      equal([results[0].offset, results[1].offset, results[2].puts[0]?.offset], [0, 1, 2])
      equal([...store.queues()], ['q'])
      await world.reopen()
      equal(await world.drain('q', 'g'), ['a', 'b', 'c'])
    },
  },
]
