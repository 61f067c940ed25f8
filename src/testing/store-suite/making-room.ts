/** Limits of queues beside the verbs that empty, pass over, move and replace what is in them. */
import { equal, present, rejected, Watched } from './checks.ts'
import { type StoreTest, textsOf, type World, withBody } from './world.ts'

const MINUTE_MS = 60_000
const FULL = 'QLOG_QUEUE_FULL'
const REPLACE = { key: 'k', onDuplicate: 'replace' } as const
const TRAILING = { key: 'k', onDuplicate: 'trailing' } as const

async function bodies(world: World, queue = 'q'): Promise<string[]> {
  return textsOf(await world.store.queue(queue).read({ limit: 10_000 }))
}

/** Bytes of the queue as it tells them, which are the same after a restart, of whatever kind. */
async function bytesOf(world: World): Promise<number | undefined> {
  const told = () => world.store.queue('q').stats().bytes
  const now = told()
  await world.reopen()
  equal(told(), now)
  await world.store.compact()
  await world.reopen()
  equal(told(), now)
  return now
}

export const MAKING_ROOM: readonly StoreTest[] = [
  {
    name: 'bytes are counted right after a purge, whatever state the messages were in',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.put('before')
      await queue.configure({ bytesMax: 1_000 })
      await queue.put('one')
      const one = queue.stats().bytes
      await queue.createGroup('other')
      await queue.putMany(['two', { body: 'later', delayMs: MINUTE_MS }, 'four'])
      await world.bury('q', 'two')
      await (await world.takeOne('q')).ack()
      equal(await queue.purge(), 5)
      equal(await bytesOf(world), 0)
      await world.put('q', 'six')
      equal(await bytesOf(world), one)
    },
  },
  {
    name: 'bytes are counted right after a seek forward and back, and a transaction with both',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ bytesMax: 1_000 })
      for (const name of ['default', 'other']) await queue.createGroup(name)
      await world.putAll('q', 'a', 'b', 'c', 'd')
      const { bytes = 0 } = queue.stats()
      await queue.group('other').seek({ offset: 3 })
      equal(await bytesOf(world), bytes)
      // Only what both have passed is gone, and stays so.
      await world.store.queue('q').group().seek({ offset: 2 })
      equal(await bytesOf(world), bytes / 2)
      await world.store.queue('q').group().seek('first')
      equal(await bytesOf(world), bytes / 2)
      equal(await world.ready('q'), ['c', 'd'])
      const groups = ['default', 'other'].map((name) => world.store.queue('q').group(name))
      await world.store.transaction((tx) => {
        for (const group of groups) tx.seek(group, 'next')
        tx.put('q', 'e')
      })
      equal(await bytesOf(world), bytes / 4)
      equal(await bodies(world), ['e'])
    },
  },
  {
    name: 'rule 21: a purge makes room at once, for what is put behind it and for no more',
    run: async (world) => {
      for (const limit of [{ messagesMax: 3 }, { bytesMax: 3 * 110 }]) {
        const queue = world.store.queue('messagesMax' in limit ? 'count' : 'bytes')
        await queue.configure(limit)
        const put = (text: string) => new Watched(queue.put(text.repeat(100)))
        await queue.putMany(['a', 'b'].map((text) => text.repeat(100)))
        const first = put('c')
        const purged = new Watched(queue.purge())
        const puts = ['d', 'e', 'f', 'g'].map(put)
        await world.settle()
        equal([first.state, purged.state], ['done', 'done'])
        equal(
          puts.map(({ state }) => state),
          ['done', 'done', 'done', 'failed'],
        )
        equal(
          await bodies(world, queue.name),
          ['d', 'e', 'f'].map((text) => text.repeat(100)),
        )
        await rejected(FULL, () => queue.put('h'.repeat(100)))
      }
    },
  },
  {
    name: 'rule 21: drop-oldest behind a purge on its way lets go only of what was put since',
    run: async (world) => {
      for (const limit of [{ messagesMax: 2 }, { bytesMax: 2 * 110 }]) {
        const queue = world.store.queue('messagesMax' in limit ? 'count' : 'bytes')
        await queue.configure({ ...limit, whenFull: 'drop-oldest' })
        const texts = (all: string) => [...all].map((text) => text.repeat(100))
        await queue.putMany(texts('ab'))
        const first = texts('cd').map((text) => queue.put(text))
        const purged = queue.purge()
        const more = texts('efgh').map((text) => queue.put(text))
        await Promise.all([...first, purged, ...more])
        await world.settle()
        equal(await bodies(world, queue.name), texts('gh'))
        await queue.put('i'.repeat(100))
        equal(await bodies(world, queue.name), texts('hi'))
      }
    },
  },
  {
    name: 'a transaction empties a full queue and fills it again, as far as there is room',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ messagesMax: 2 })
      await queue.putMany(['a', 'b'])
      const refill = (...texts: string[]) =>
        world.store.transaction((tx) => {
          tx.purge('q')
          for (const text of texts) tx.put('q', text)
        })
      await rejected(FULL, () => refill('c', 'd', 'e'))
      equal(await bodies(world), ['a', 'b'])
      // That one was turned down, and makes no room.
      await rejected(FULL, () => queue.put('f'))
      await refill('g', 'h')
      equal(await bodies(world), ['g', 'h'])
      await rejected(FULL, () => queue.put('i'))
    },
  },
  {
    name: 'a move to a queue that has no room for a piece of it is refused, and all of that stays',
    run: async (world) => {
      const [from, to] = [world.store.queue('q'), world.store.queue('to')]
      await world.putAll('q', 'a', 'b', 'c')
      await world.bury('q', 'a', 'b', 'c')
      await to.configure({ messagesMax: 3 })
      await to.put('x')
      await rejected(FULL, () => from.group().move('to', { state: 'buried' }))
      equal(world.counts('q'), { ready: 0, delayed: 0, leased: 0, buried: 3 })
      equal(await bodies(world, 'to'), ['x'])
      equal(await from.group().move('to', { state: 'buried', count: 2 }), 2)
      equal(await bodies(world, 'to'), ['x', 'a', 'b'])
      await rejected(FULL, () => from.group().move('to', { state: 'buried' }))
      await to.configure({ whenFull: 'drop-oldest' })
      equal(await from.group().move('to', { state: 'buried' }), 1)
      equal(await bodies(world, 'to'), ['a', 'b', 'c'])
      equal(from.stats().messages, 0)
    },
  },
  {
    name: 'a move out of a full queue makes room, and the other queue gives a time to live',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ messagesMax: 2, bytesMax: 1_000 })
      await world.put('q', 'a', { ttlMs: 10 * MINUTE_MS })
      await world.put('q', 'b')
      await world.store.queue('to').configure({ ttlMs: MINUTE_MS })
      await world.watching('q')
      equal(await queue.group().move('to', { state: 'ready' }), 2)
      equal(await bytesOf(world), 0)
      equal((await world.store.queue('q').putMany(['c', 'd'])).length, 2)
      await world.advance(MINUTE_MS + 1_000)
      equal(await world.ready('to'), ['a'])
    },
  },
  {
    name: 'a put in the place of another needs no room beside it, and one that is refused replaces nothing',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ messagesMax: 2, bytesMax: 150 })
      await queue.put('old', { key: 'k' })
      await queue.put('other')
      equal((await queue.put('new', REPLACE)).duplicate, false)
      equal(await bodies(world), ['other', 'new'])
      await rejected(FULL, () => queue.put('x'.repeat(150), REPLACE))
      await rejected(FULL, () => queue.putMany([{ body: 'newest', ...REPLACE }, 'more']))
      equal(await bodies(world), ['other', 'new'])
      equal(await world.drain('q'), ['other', 'new'])
    },
  },
  {
    name: 'what comes after a message in work takes room, and goes on where that one is dropped',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ messagesMax: 1 })
      await queue.put('a', { key: 'k' })
      const a = await world.takeOne('q')
      await rejected(FULL, () => queue.put('b', TRAILING))
      await queue.configure({ messagesMax: 2, whenFull: 'drop-oldest' })
      await queue.put('b', TRAILING)
      equal(world.counts('q'), { ready: 0, delayed: 1, leased: 1, buried: 0 })
      await a.bury()
      await queue.put('c')
      equal(await bodies(world), ['b', 'c'])
      equal(await world.ready('q'), ['b', 'c'])
    },
  },
  {
    name: 'keys that replace, keys that trail and numbers of producers go together in one entry',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.putMany([
        { body: 'old', key: 'k' },
        { body: 'work', key: 'w' },
        { body: 'sent', producer: 'p', sequence: 7 },
      ])
      const work = withBody(await world.take('q', { count: 2 }), 'work')
      await withBody(await world.take('q', { count: 2 }), 'sent').ack()
      await world.reopen()
      const later = [
        { body: 'new', ...REPLACE },
        { body: 'again', key: 'w', onDuplicate: 'trailing' },
        { body: 'sent', producer: 'p', sequence: 7 },
        { body: 'p8', producer: 'p', sequence: 8 },
        { body: 'p8', producer: 'p', sequence: 8 },
        { body: 'newest', ...REPLACE },
      ] as const
      equal(work.attempt, 1)
      await world.takeOne('q')
      const busy = present(await world.takeOne('q'))
      equal(busy.text(), 'work')
      const { puts } = await world.store.transaction((tx) => {
        for (const { body, ...options } of later) tx.put('q', body, options)
      })
      equal(
        puts.map(({ duplicate }) => duplicate),
        [false, false, true, false, true, true],
      )
      equal((await world.put('q', 'x', { producer: 'p', sequence: 8 })).duplicate, true)
      await world.store.queue('q').purge()
      for (const sequence of [7, 8]) {
        equal((await world.put('q', 'x', { producer: 'p', sequence })).duplicate, true)
      }
      equal((await world.put('q', 'y', { producer: 'p', sequence: 9 })).duplicate, false)
    },
  },
  {
    name: 'what is purged as it expires, or as its attempts run out, leaves no letter',
    run: async (world) => {
      const queue = world.store.queue('q')
      await world.putAll('q', 'a', 'b')
      await world.take('q', { leaseMs: 1_000 })
      await world.advance(2_000)
      await queue.configure({ deadLetter: { queue: 'dead' }, attemptsMax: 1 })
      // Their bodies are asked for now.
      const session = await world.watching('q')
      equal(await session.reserve({ count: 2, timeoutMs: 0 }), [])
      const purged = queue.purge()
      await world.settle()
      equal(await purged, 2)
      equal(await bodies(world, 'dead'), [])
      await world.reopen()
      equal([await bodies(world, 'dead'), await bodies(world)], [[], []])
    },
  },
]
