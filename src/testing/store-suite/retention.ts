/** Retention: finished messages stay to be read, and delivered, again. */
import { QlogError } from '../../errors.ts'
import { equal, isTrue, present, rejected } from './checks.ts'
import { type StoreTest, textsOf, type World } from './world.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** What is beyond the limits stays for about a second. */
const LATE_MS = 3_000

async function read(world: World, queue = 'q'): Promise<string[]> {
  const messages = await world.store.queue(queue).read()
  return messages.map(({ body }) => new TextDecoder().decode(body))
}

/** Messages to finish, finished ones that stay, and bytes of each. */
function figures(world: World, queue = 'q') {
  const { messages, retained, bytes, retainedBytes } = world.store.queue(queue).stats()
  return { messages, retained, bytes, retainedBytes }
}

export const RETENTION: readonly StoreTest[] = [
  {
    name: 'finished messages of a queue that retains all are read, and delivered to those who begin',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ retention: 'all' })
      equal(queue.stats().settings.retention, 'all')
      await world.putAll('q', 'a', 'b', 'c', 'd')
      equal(await world.drain('q'), ['a', 'b', 'c', 'd'])
      for (let opening = 0; opening < 2; opening++) {
        equal(await read(world), ['a', 'b', 'c', 'd'])
        equal([world.store.stats().messages, world.store.stats().retained], [0, 4])
        equal(await world.ready('q'), [])
        await world.store.compact()
        await world.reopen()
      }
      const again = world.store.queue('q')
      const [, , c] = await again.read()
      equal((await again.get(present(c).id))?.state, 'finished')
      await again.createGroup('late', { from: { id: present(c).id } })
      equal([world.counts('q', 'late').ready, again.stats().retained], [2, 2])
      equal(await world.drain('q', 'late'), ['c', 'd'])
      await again.createGroup('all')
      equal(await world.drain('q', 'all'), ['a', 'b', 'c', 'd'])
      equal(await read(world), ['a', 'b', 'c', 'd'])
    },
  },
  {
    name: 'a seek back delivers again what the queue retains, once, also after a crash',
    needs: ['crash'],
    run: async (world) => {
      await world.store.queue('q').configure({ retention: 'all' })
      await world.putAll('q', 'a', 'b', 'c')
      equal(await world.drain('q'), ['a', 'b', 'c'])
      await world.store.queue('q').group().seek({ offset: 1 })
      equal([figures(world).messages, figures(world).retained], [2, 1])
      await world.crashAndOpen()
      const [b] = await world.take('q', { count: 1 })
      equal(textsOf([present(b)]), ['b'])
      await present(b).ack()
      equal([figures(world).messages, figures(world).retained], [1, 2])
      equal(await world.drain('q'), ['c'])
      await world.crashAndOpen()
      equal(await world.ready('q'), [])
      equal(await read(world), ['a', 'b', 'c'])
    },
  },
  {
    name: 'a queue that retains so many messages keeps the newest of those that are finished',
    run: async (world) => {
      await world.store.queue('q').configure({ retention: { messages: 2 } })
      await world.putAll('q', 'a', 'b', 'c', 'd', 'e')
      const [, b] = await world.take('q', { count: 4 })
      // Not finished: no limit of finished ones takes it.
      const others = await world.take('q')
      for (const one of others) await one.ack()
      equal(textsOf(others), ['e'])
      await world.advance(LATE_MS)
      equal(await read(world), ['a', 'b', 'c', 'd', 'e'])
      await present(b).bury()
      await world.store.queue('q').group().seek('next')
      await world.advance(LATE_MS)
      equal(await read(world), ['d', 'e'])
      await world.reopen()
      equal([await read(world), figures(world).retained], [['d', 'e'], 2])
    },
  },
  {
    name: 'a queue that retains for a time lets go of what was put before, by itself and in an idle store',
    run: async (world) => {
      await world.store.queue('q').configure({ retention: { ageMs: HOUR_MS } })
      await world.putAll('q', 'a', 'b')
      await world.advance(30 * MINUTE_MS)
      await world.putAll('q', 'c', 'd')
      equal((await world.drain('q')).length, 4)
      await world.advance(29 * MINUTE_MS)
      equal(await read(world), ['a', 'b', 'c', 'd'])
      await world.advance(MINUTE_MS + LATE_MS)
      equal(await read(world), ['c', 'd'])
      await world.reopen()
      equal(await read(world), ['c', 'd'])
      await world.advance(31 * MINUTE_MS)
      equal([await read(world), figures(world).retained], [[], 0])
    },
  },
  {
    name: 'a queue that retains so many bytes keeps what fits, and tells of both kinds of bytes',
    run: async (world) => {
      const body = 'x'.repeat(1_000)
      await world.store.queue('q').configure({ retention: { bytes: 3_500 } })
      for (let row = 0; row < 6; row++) await world.put('q', `${row}${body}`)
      const all = present(figures(world).bytes)
      isTrue(all > 6_000 && all < 6_600, `six take ${all} bytes`)
      equal((await world.drain('q')).length, 6)
      equal(figures(world).bytes, 0)
      await world.advance(LATE_MS)
      const { retained, retainedBytes } = figures(world)
      equal([retained, retainedBytes], [3, all / 2])
      equal(
        (await read(world)).map((text) => text[0]),
        ['3', '4', '5'],
      )
      await world.reopen()
      equal(figures(world), { messages: 0, retained: 3, bytes: 0, retainedBytes: all / 2 })
      await world.store.queue('q').group().seek('first')
      equal(figures(world), { messages: 3, retained: 0, bytes: all / 2, retainedBytes: 0 })
    },
  },
  {
    name: 'the tightest of several limits counts, and a change of them takes effect on what is there',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ retention: { messages: 3, ageMs: HOUR_MS } })
      equal(queue.stats().settings.retention, { messages: 3, ageMs: HOUR_MS })
      await world.putAll('q', 'a', 'b', 'c', 'd')
      await world.drain('q')
      await world.advance(LATE_MS)
      equal(await read(world), ['b', 'c', 'd'])
      await queue.configure({ retention: { messages: 1 } })
      await world.advance(LATE_MS)
      equal(await read(world), ['d'])
      await world.advance(2 * HOUR_MS)
      equal(await read(world), ['d'])
      const before = world.store.stats().log.liveBytes
      await queue.configure({ retention: null })
      equal([await read(world), queue.stats().settings.retention], [[], undefined])
      await world.settle()
      const after = world.store.stats().log.liveBytes
      isTrue(before === 0 || after < before, `${after} of ${before} bytes are still live`)
      await world.reopen()
      equal([await read(world), figures(world).retained], [[], 0])
    },
  },
  {
    name: 'what is retained takes no room of a queue with a limit, and is not taken to make room',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ retention: 'all', messagesMax: 2, bytesMax: 1_000 })
      for (let round = 0; round < 3; round++) {
        await world.putAll('q', `${round}a`, `${round}b`)
        await rejected('QLOG_QUEUE_FULL', () => world.put('q', 'more'))
        equal((await world.drain('q')).length, 2)
      }
      await queue.configure({ whenFull: 'drop-oldest' })
      await world.putAll('q', 'x', 'y', 'z')
      equal(await read(world), ['0a', '0b', '1a', '1b', '2a', '2b', 'y', 'z'])
    },
  },
  {
    name: 'a purge and a delete take what is retained as well',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ retention: 'all' })
      const puts = await world.putAll('q', 'a', 'b', 'c')
      await world.drain('q')
      await world.put('q', 'd')
      equal(await queue.delete([present(puts[1]).id]), 1)
      equal(await read(world), ['a', 'c', 'd'])
      equal(await queue.purge(), 3)
      equal(await read(world), [])
      await queue.group().seek('first')
      equal(await world.ready('q'), [])
      await world.reopen()
      equal([await read(world), figures(world).retained], [[], 0])
    },
  },
  {
    name: 'a message with a time to live is retained until that ends, and becomes no dead letter',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ retention: 'all', deadLetter: { queue: 'dead' } })
      await world.put('q', 'done', { ttlMs: MINUTE_MS })
      equal(await world.drain('q'), ['done'])
      await world.put('q', 'late', { ttlMs: MINUTE_MS })
      await world.advance(MINUTE_MS - 2_000)
      equal(await read(world), ['done', 'late'])
      await world.advance(10_000)
      equal([await read(world), await read(world, 'dead')], [[], ['late']])
      const { expired, deleted } = queue.stats().totals
      equal([expired, deleted], [1, 0])
    },
  },
  {
    name: 'a queue without groups keeps everything, whatever it retains, and its first group begins',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ retention: { messages: 1 } })
      await world.putAll('q', 'a', 'b', 'c')
      await world.advance(LATE_MS)
      equal(await read(world), ['a', 'b', 'c'])
      await queue.createGroup('late', { from: 'next' })
      await world.advance(LATE_MS)
      equal(await read(world), ['c'])
      await queue.group('late').remove()
      await world.put('q', 'd')
      await world.advance(LATE_MS)
      equal([await read(world), figures(world).messages], [['c', 'd'], 1])
    },
  },
  {
    name: 'what a removed group was the last to want is retained',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ retention: 'all' })
      await queue.createGroup('slow')
      await world.putAll('q', 'a', 'b')
      await world.drain('q')
      equal([figures(world).messages, figures(world).retained], [2, 0])
      await queue.group('slow').remove()
      equal([figures(world).messages, figures(world).retained], [0, 2])
      await world.reopen()
      equal(await read(world), ['a', 'b'])
    },
  },
  {
    name: 'a message that was finished and is retained gives its key away and is replaced by nothing',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ retention: 'all' })
      const first = await world.put('q', 'one', { key: 'k' })
      await world.drain('q')
      equal((await queue.findByKey('k'))?.id, first.id)
      const second = await world.put('q', 'two', { key: 'k', onDuplicate: 'replace' })
      equal([second.duplicate, await read(world)], [false, ['one', 'two']])
      equal((await queue.findByKey('k'))?.id, second.id)
    },
  },
  {
    name: 'a compaction gives the space back of what is beyond the limits, at once',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ retention: { messages: 1 } })
      await world.putAll('q', 'a', 'b', 'c')
      await world.drain('q')
      await world.store.compact()
      equal(await read(world), ['c'])
    },
  },
  {
    name: 'what a seek brought back while it was to be forgotten stays',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ retention: 'all' })
      await world.putAll('q', 'a', 'b', 'c')
      await world.drain('q')
      await queue.configure({ retention: { messages: 1 } })
      const seeking = queue.group().seek('first')
      await world.store.compact()
      await seeking
      equal(await world.drain('q'), ['a', 'b', 'c'])
    },
  },
  {
    name: 'what is retained is exported no more than what is gone',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ retention: 'all' })
      await world.putAll('q', 'a', 'b')
      await (await world.takeOne('q')).ack()
      equal(await world.ready('q'), ['b'])
      const listed = await queue.group().list({ state: 'finished' })
      equal(
        listed.map(({ offset }) => offset),
        [0],
      )
      equal(
        (await queue.group().list()).map(({ offset }) => offset),
        [1],
      )
    },
  },
  {
    name: 'a store that is only opened and closed lets go of what is beyond the limits',
    run: async (world) => {
      await world.store.queue('q').configure({ retention: 'all' })
      await world.putAll('q', 'a', 'b', 'c')
      await world.drain('q')
      await world.store.queue('q').configure({ retention: { messages: 1 } })
      await world.reopen()
      equal(await read(world), ['c'])
    },
  },
  {
    name: 'a change of the limits that is on its way counts, whoever lets go meanwhile',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ retention: 'all' })
      await world.putAll('q', 'a', 'b', 'c')
      await world.drain('q')
      await queue.configure({ retention: { messages: 1 } })
      const raising = queue.configure({ retention: 'all' })
      await world.store.compact()
      await raising
      await world.advance(LATE_MS)
      equal(await read(world), ['a', 'b', 'c'])
    },
  },
  {
    name: 'a message that outlived its time while it was leased is not retained when it is finished',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ retention: 'all' })
      await world.put('q', 'short', { ttlMs: MINUTE_MS })
      await world.put('q', 'ever')
      const [short, ever] = await world.take('q', { leaseMs: HOUR_MS })
      await world.advance(2 * MINUTE_MS)
      await short?.ack()
      await ever?.ack()
      await world.advance(LATE_MS)
      equal([await read(world), figures(world).retained], [['ever'], 1])
      await queue.group().seek('first')
      equal(await world.ready('q'), ['ever'])
    },
  },
  {
    name: 'what was retained and leaves makes no room of a queue with a limit',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ retention: 'all', messagesMax: 2 })
      const old = await world.putAll('q', 'a', 'b')
      await world.drain('q')
      await world.putAll('q', 'c', 'd')
      const leaving = queue.delete(old.map(({ id, offset }) => ({ queue: 'q', id, offset })))
      await rejected('QLOG_QUEUE_FULL', () => world.put('q', 'e'))
      equal([await leaving, await read(world)], [2, ['c', 'd']])
    },
  },
  {
    name: 'settings of a retention that mean nothing are refused, and nothing changes',
    run: async (world) => {
      const queue = world.store.queue('q')
      const bad = [
        'some',
        {},
        { ageMs: 0 },
        { messages: 1.5 },
        { bytes: -1 },
        { count: 1 },
        7,
        true,
      ]
      for (const retention of bad) {
        let problem: unknown
        try {
          await queue.configure({ retention: retention as never })
        } catch (error) {
          problem = error
        }
        isTrue(problem instanceof QlogError || problem instanceof TypeError, String(retention))
      }
      equal(queue.stats().settings.retention, undefined)
    },
  },
]
