/** Keys: at most one message of a key, for as long as its window lasts. */
import { changesNothing } from './called-off.ts'
import { equal } from './checks.ts'
import { failsWithTwin, outlivesCrash, resolvesBehindTwin } from './twins.ts'
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
    run: (world) => resolvesBehindTwin(world, { key: 'k' }),
  },
  {
    name: 'rule 21: a duplicate that resolved stands for a message that outlives a crash',
    needs: ['crash'],
    run: (world) => outlivesCrash(world, { key: 'k' }),
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
    run: (world) => failsWithTwin(world, { key: 'k' }),
  },
  {
    name: 'a transaction that threw has taken no key',
    run: async (world) => {
      await changesNothing(world, (tx) => tx.put('q', 'a', { key: 'k' }))
      equal((await world.put('q', 'b', { key: 'k' })).duplicate, false)
      equal(await world.ready('q'), ['b'])
    },
  },
]
