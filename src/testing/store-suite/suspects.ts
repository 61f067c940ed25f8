/** A message that kills its process: it gains its attempt, and its neighbours are not buried with it. */
import { equal, isTrue, present } from './checks.ts'
import { type StoreTest, textsOf, type World, withBody } from './world.ts'

/** What was leased is written with the next group; this is that group. */
async function writeLeases(world: World): Promise<void> {
  await world.put('elsewhere', 'carries the lease record')
  await world.settle()
}

export const SUSPECTS: readonly StoreTest[] = [
  {
    name: 'where attempts have no limit, what was leased at a crash goes out like anything else',
    needs: ['crash'],
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c', 'd')
      const later = await world.takeOne('q')
      await later.release({ delayMs: 600_000 })
      await world.take('q', { count: 2 })
      await writeLeases(world)
      await world.crashAndOpen()
      world.store.queue('q', { retry: { attemptsMax: Number.POSITIVE_INFINITY } })
      equal(
        (await world.take('q')).map((one) => [one.text(), one.attempt]),
        [
          ['b', 2],
          ['c', 2],
          ['d', 1],
        ],
      )
      await world.advance(600_001)
      equal((await world.takeOne('q')).text(), 'a')
    },
  },
  {
    name: 'a message that was leased at a crash gains an attempt, one that was not does not',
    needs: ['crash'],
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      equal((await world.takeOne('q')).text(), 'a')
      await writeLeases(world)
      await world.crashAndOpen()
      equal(
        (await world.take('q')).map((one) => [one.text(), one.attempt]),
        [
          ['a', 2],
          ['b', 1],
        ],
      )
    },
  },
  {
    name: 'what was leased at a crash goes out one at a time, and holds nothing else back',
    needs: ['crash'],
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c', 'd')
      await world.take('q', { count: 3 })
      await writeLeases(world)
      await world.crashAndOpen()
      await world.put('q', 'fresh')
      const taken = await world.take('q')
      equal(textsOf(taken), ['a', 'd', 'fresh'])
      equal(await world.take('q'), [])
      await withBody(taken, 'a').ack()
      const [b, ...others] = await world.take('q')
      equal([present(b).text(), others], ['b', []])
      await present(b).release({ priority: 5_000 })
      equal((await world.takeOne('q')).text(), 'c')
    },
  },
  {
    name: 'a session that waits gets the next suspect when the one before it is done',
    needs: ['crash'],
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      await world.take('q')
      await writeLeases(world)
      await world.crashAndOpen()
      const a = await world.takeOne('q')
      const session = await world.watching('q')
      const waiting = session.reserve()
      await world.settle()
      await a.ack()
      equal(textsOf(await waiting), ['b'])
    },
  },
  {
    name: 'suspects of one group bind no other group',
    needs: ['crash'],
    run: async (world) => {
      await world.store.queue('q').createGroup('other')
      await world.putAll('q', 'a', 'b', 'c')
      await world.take('q')
      await writeLeases(world)
      await world.crashAndOpen()
      equal(textsOf(await world.take('q')), ['a'])
      equal(
        (await world.take('q', { group: 'other' })).map((one) => [one.text(), one.attempt]),
        [
          ['a', 1],
          ['b', 1],
          ['c', 1],
        ],
      )
    },
  },
  {
    name: 'after a crash an attempt is on record before a message from before it is handed out',
    needs: ['crash'],
    run: async (world) => {
      await world.put('q', 'a')
      await world.crashAndOpen()
      for (const attempt of [1, 2, 3]) {
        equal((await world.takeOne('q')).attempt, attempt)
        await world.crashAndOpen()
      }
    },
  },
  {
    name: 'a message that kills its process again and again is buried, and its neighbours are not',
    needs: ['crash'],
    run: async (world) => {
      const [killer] = await world.putAll('q', 'killer', 'one', 'two')
      const retry = { attemptsMax: 3, backoffMs: 1_000 }
      for (let round = 0; round < 5; round++) {
        world.store.queue('q', { retry })
        const taken = await world.take('q')
        await writeLeases(world)
        if (!textsOf(taken).includes('killer')) break
        await world.crashAndOpen()
      }
      const info = await world.info('q', present(killer).id)
      equal([info.state, info.attempts], ['buried', 3])
      isTrue(present(info.reason, 'reason').length > 0, 'there is a reason')
      await world.reopen()
      world.store.queue('q', { retry })
      equal((await world.drain('q')).sort(), ['one', 'two'])
    },
  },
  {
    name: 'what was finished, released or buried before a crash is no suspect',
    needs: ['crash'],
    run: async (world) => {
      await world.putAll('q', 'acked', 'released', 'released too', 'buried')
      const taken = await world.take('q')
      await withBody(taken, 'acked').ack()
      await withBody(taken, 'released').release()
      await withBody(taken, 'released too').release()
      await withBody(taken, 'buried').bury()
      await writeLeases(world)
      await world.crashAndOpen()
      equal(
        (await world.take('q')).map((one) => [one.text(), one.attempt]),
        [
          ['released', 1],
          ['released too', 1],
        ],
      )
    },
  },
  {
    name: 'an attempt that a crash has added is not forgotten by a clean close',
    needs: ['crash'],
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      await world.take('q')
      await writeLeases(world)
      await world.crashAndOpen()
      await world.reopen()
      await world.store.compact()
      await world.reopen()
      equal((await world.takeOne('q')).attempt, 2)
    },
  },
  {
    name: 'a clean close leaves no suspects behind',
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c')
      await world.take('q')
      await writeLeases(world)
      await world.reopen()
      equal(textsOf(await world.take('q')), ['a', 'b', 'c'])
    },
  },
]
