/** Keys: at most one message of a key, for as long as its window lasts. */
import { equal, isTrue, Watched } from './checks.ts'
import { type StoreTest, textsOf } from './world.ts'

const MINUTE_MS = 60_000

export const KEYS: readonly StoreTest[] = [
  {
    name: 'a second put of a key puts nothing and resolves with the number of the first',
    run: async (world) => {
      const first = await world.put('q', 'first', { key: 'k' })
      const second = await world.put('q', 'second', { key: 'k' })
      equal(first.duplicate, false)
      equal(second, { id: first.id, offset: first.offset, duplicate: true })
      equal(await world.ready('q'), ['first'])
      equal((await world.put('q', 'third')).offset, 1)
    },
  },
  {
    name: 'rule 21: a duplicate of a put still in flight resolves with its number, and not before it',
    run: async (world) => {
      const queue = world.store.queue('q')
      const order: string[] = []
      const first = queue.put('first', { key: 'k' })
      const second = queue.put('second', { key: 'k' })
      void first.then(() => order.push('first'))
      void second.then(() => order.push('second'))
      const [a, b] = await Promise.all([first, second])
      equal(order, ['first', 'second'])
      equal(b, { id: a.id, offset: a.offset, duplicate: true })
      equal(await world.ready('q'), ['first'])
    },
  },
  {
    name: 'rule 21: a duplicate that resolved stands for a message that outlives a crash',
    needs: ['crash'],
    run: async (world) => {
      for (const [round, ms] of [0, 0.5, 3, 30, 100].entries()) {
        const queue = world.store.queue(`q${round}`)
        const first = new Watched(queue.put('first', { key: 'k' }))
        const second = new Watched(queue.put('second', { key: 'k' }))
        await world.advance(ms)
        await world.crashAndOpen()
        const ready = await world.ready(`q${round}`)
        isTrue(ready.length <= 1, 'one message at most')
        isTrue(
          ready.length === 1 || second.state !== 'done',
          'the duplicate did not rest on nothing',
        )
        isTrue(first.state === 'done' || second.state !== 'done', 'the first resolves first')
      }
    },
  },
  {
    name: 'a key is taken across a restart until its window ends',
    run: async (world) => {
      const first = await world.put('q', 'first', { key: 'k' })
      await world.advance(5 * MINUTE_MS)
      await world.reopen()
      await world.advance(4 * MINUTE_MS)
      equal(await world.put('q', 'second', { key: 'k' }), { ...first, duplicate: true })
      await world.advance(2 * MINUTE_MS)
      equal((await world.put('q', 'third', { key: 'k' })).duplicate, false)
      equal(await world.ready('q'), ['first', 'third'])
    },
  },
  {
    name: 'a key is taken across a crash',
    needs: ['crash'],
    run: async (world) => {
      const first = await world.put('q', 'first', { key: 'k' })
      await world.crashAndOpen()
      equal(await world.put('q', 'second', { key: 'k' }), { ...first, duplicate: true })
    },
  },
  {
    name: 'a window counts from the put of the first and is not made longer by duplicates',
    run: async (world) => {
      const options = { key: 'k', keyWindowMs: MINUTE_MS }
      await world.put('q', 'first', options)
      await world.advance(MINUTE_MS / 2)
      equal((await world.put('q', 'second', options)).duplicate, true)
      await world.advance(MINUTE_MS / 2 + 1_000)
      equal((await world.put('q', 'third', options)).duplicate, false)
      equal((await world.put('q', 'fourth', options)).duplicate, true)
    },
  },
  {
    name: 'a key stays taken for its window when its message is finished, also after a restart',
    run: async (world) => {
      const first = await world.put('q', 'first', { key: 'k' })
      equal(await world.drain('q'), ['first'])
      equal(await world.put('q', 'second', { key: 'k' }), { ...first, duplicate: true })
      await world.store.compact()
      await world.reopen()
      equal(await world.put('q', 'third', { key: 'k' }), { ...first, duplicate: true })
      equal(await world.drain('q'), [])
    },
  },
  {
    name: 'the same key in another queue, and another key, are no duplicates',
    run: async (world) => {
      await world.put('q', 'a', { key: 'k' })
      equal((await world.put('other', 'b', { key: 'k' })).duplicate, false)
      equal((await world.put('q', 'c', { key: 'K' })).duplicate, false)
    },
  },
  {
    name: 'two items of one batch with one key put one message',
    run: async (world) => {
      const [a, b, c] = await world.store.queue('q').putMany([
        { body: 'a', key: 'k' },
        { body: 'b', key: 'k' },
        { body: 'c', key: 'other' },
      ])
      equal(b, { id: a?.id, offset: 0, duplicate: true })
      equal([c?.offset, c?.duplicate], [1, false])
      equal(textsOf(await world.take('q')), ['a', 'c'])
    },
  },
  {
    name: 'two puts of one transaction with one key put one message',
    run: async (world) => {
      const { puts } = await world.store.transaction((tx) => {
        tx.put('q', 'a', { key: 'k' })
        tx.put('q', 'b', { key: 'k' })
      })
      equal(
        puts.map(({ duplicate }) => duplicate),
        [false, true],
      )
      equal(puts[1]?.id, puts[0]?.id)
      equal(await world.ready('q'), ['a'])
    },
  },
  {
    name: 'rule 21: a duplicate fails with the put it rests on, and the key is free again',
    needs: ['setFull'],
    run: async (world) => {
      const queue = world.store.queue('q')
      const first = new Watched(queue.put('first', { key: 'k' }))
      const second = new Watched(queue.put('second', { key: 'k' }))
      world.setFull(true)
      await world.settle()
      equal(second.state, first.state)
      world.setFull(false)
      await world.settle()
      const third = await queue.put('third', { key: 'k' })
      equal(third.duplicate, first.state === 'done')
      equal(await world.ready('q'), [first.state === 'done' ? 'first' : 'third'])
    },
  },
  {
    name: 'a transaction that threw has taken no key',
    run: async (world) => {
      try {
        await world.store.transaction((tx) => {
          tx.put('q', 'a', { key: 'k' })
          throw new Error('changed my mind')
        })
      } catch (error) {
        equal(String(error), 'Error: changed my mind')
      }
      equal((await world.put('q', 'b', { key: 'k' })).duplicate, false)
      equal(await world.ready('q'), ['b'])
    },
  },
]
