/** Limits of a queue: so many messages, so many bytes; who puts is refused, or the oldest go. */
import { equal, isTrue, present, rejected, Watched } from './checks.ts'
import { each, eachOption, refusesAll } from './misuse.ts'
import { visibleState } from './visible-state.ts'
import { type StoreTest, textsOf, type World } from './world.ts'

const MINUTE_MS = 60_000
const FULL = 'QLOG_QUEUE_FULL'
/** What the record of a message of this suite takes beside its body, at most. */
const HEAD_BYTES_MAX = 8

async function bodies(world: World, queue = 'q'): Promise<string[]> {
  return textsOf(await world.store.queue(queue).read({ limit: 10_000 }))
}

function messages(world: World): number {
  return world.store.queue('q').stats().messages
}

export const LIMITS: readonly StoreTest[] = [
  {
    name: 'a queue that is full refuses a put, and takes one again when something was finished',
    run: async (world) => {
      await world.store.queue('q').configure({ messagesMax: 2 })
      await world.putAll('q', 'a', 'b')
      await rejected(FULL, () => world.put('q', 'c'))
      equal(await bodies(world), ['a', 'b'])
      await (await world.takeOne('q')).ack()
      equal((await world.put('q', 'd')).offset, 2)
      await rejected(FULL, () => world.put('q', 'e'))
      equal(await world.ready('q'), ['b', 'd'])
      equal((await world.put('other', 'x')).duplicate, false)
    },
  },
  {
    name: 'rule 21: what is in flight counts: of many puts at once as many are taken as there is room for',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ messagesMax: 5 })
      const puts = Array.from({ length: 9 }, (_, row) => new Watched(queue.put(`${row}`)))
      await world.settle()
      equal(
        puts.map(({ state }) => state),
        [...Array(5).fill('done'), ...Array(4).fill('failed')],
      )
      equal(await bodies(world), ['0', '1', '2', '3', '4'])
    },
  },
  {
    name: 'a limit counts from the call on that sets it, also for what is in flight by then',
    run: async (world) => {
      const queue = world.store.queue('q')
      const first = [queue.put('a'), queue.put('b'), queue.put('c')]
      const limit = queue.configure({ messagesMax: 4 })
      const more = [queue.put('d'), queue.put('e')].map((put) => new Watched(put))
      await Promise.all([...first, limit])
      await world.settle()
      equal(
        more.map(({ state }) => state),
        ['done', 'failed'],
      )
    },
  },
  {
    name: 'rule 21: what a full disk turned down takes no room',
    needs: ['setFull'],
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ messagesMax: 3 })
      world.setFull(true)
      const puts = ['a', 'b', 'c'].map((body) => new Watched(queue.put(body)))
      await world.settle()
      world.setFull(false)
      await world.settle()
      const taken = puts.filter(({ state }) => state === 'done').length
      for (let count = taken; count < 3; count++) await queue.put(`later ${count}`)
      await rejected(FULL, () => queue.put('one too many'))
      equal(messages(world), 3)
    },
  },
  {
    name: 'a batch and a transaction have room for all they put, or put nothing',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ messagesMax: 3 })
      await queue.put('a')
      await rejected(FULL, () => queue.putMany(['b', 'c', 'd']))
      const delivery = await world.takeOne('q')
      await rejected(FULL, () =>
        world.store.transaction((tx) => {
          tx.put('other', 'x')
          for (const body of ['b', 'c', 'd', 'e']) tx.put('q', body)
          tx.ack(delivery)
        }),
      )
      equal(await bodies(world), ['a'])
      equal(await bodies(world, 'other'), [])
      isTrue(delivery.leaseLeftMs > 0, 'the lease goes on')
      equal((await queue.putMany(['b', 'c'])).length, 2)
    },
  },
  {
    name: 'a message that puts its successor as it is finished needs no room beside it',
    run: async (world) => {
      await world.store.queue('q').configure({ messagesMax: 1 })
      await world.put('q', 'a')
      const delivery = await world.takeOne('q')
      await world.store.transaction((tx) => {
        tx.ack(delivery)
        tx.put('q', 'b')
      })
      equal(await world.ready('q'), ['b'])
      // As long as another group has it, it takes its room.
      await world.store.queue('q').createGroup('other')
      const again = await world.takeOne('q')
      await rejected(FULL, () =>
        world.store.transaction((tx) => {
          tx.ack(again)
          tx.put('q', 'c')
        }),
      )
    },
  },
  {
    name: 'drop-oldest: the oldest go in the same entry as the put that needs their room',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ messagesMax: 3, whenFull: 'drop-oldest' })
      await queue.putMany(['a', { body: 'b', priority: 1 }, 'c'])
      await queue.put('d')
      equal(await bodies(world), ['b', 'c', 'd'])
      await queue.putMany(['e', 'f'])
      equal(await world.ready('q'), ['d', 'e', 'f'])
      equal(messages(world), 3)
      await world.reopen()
      equal(await bodies(world), ['d', 'e', 'f'])
      await world.put('q', 'g')
      equal(await bodies(world), ['e', 'f', 'g'])
    },
  },
  {
    name: 'rule 21: drop-oldest: puts in flight give way too, and each of them resolves',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ messagesMax: 2, whenFull: 'drop-oldest' })
      const results = await Promise.all(Array.from({ length: 20 }, (_, row) => queue.put(`${row}`)))
      equal(
        results.map(({ offset }) => offset),
        Array.from({ length: 20 }, (_, row) => row),
      )
      await world.settle()
      equal(await bodies(world), ['18', '19'])
      await world.reopen()
      equal(await world.ready('q'), ['18', '19'])
    },
  },
  {
    name: 'rule 19: drop-oldest: never more than the limit is there after a crash',
    needs: ['crash'],
    run: async (world) => {
      for (const [round, ms] of [0, 0.5, 3, 30, 100].entries()) {
        const queue = world.store.queue(`q${round}`)
        await queue.configure({ messagesMax: 3, whenFull: 'drop-oldest' })
        const puts = Array.from({ length: 12 }, (_, row) => new Watched(queue.put(`${row}`)))
        await world.advance(ms)
        const done = puts.filter(({ state }) => state === 'done').length
        await world.crashAndOpen()
        const left = (await bodies(world, `q${round}`)).map(Number)
        isTrue(left.length <= 3, `${left.length} are there`)
        isTrue(done === 0 || Math.max(...left) >= done - 1, 'the newest that resolved is there')
      }
    },
  },
  {
    name: 'drop-oldest: what somebody has leased stays; where nothing else is there a put is refused',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ messagesMax: 2, whenFull: 'drop-oldest' })
      await world.putAll('q', 'a', 'b')
      const [a, b] = await world.take('q')
      await rejected(FULL, () => queue.put('c'))
      await present(b).release()
      await queue.put('d')
      equal(await bodies(world), ['a', 'd'])
      await present(a).ack()
      equal(await world.ready('q'), ['d'])
    },
  },
  {
    name: 'drop-oldest: what is only held ready goes too, and is not delivered',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ messagesMax: 3, whenFull: 'drop-oldest' })
      await world.putAll('q', 'leased', 'held', 'held too')
      const session = await world.watching('q')
      const loop = session.deliveries({ prefetch: 3 })
      equal((await loop.next()).value?.text(), 'leased')
      await world.putAll('q', 'new', 'newer')
      equal((await loop.next()).value?.text(), 'new')
      equal((await loop.next()).value?.text(), 'newer')
      await session.close()
      equal(await world.ready('q'), ['leased', 'new', 'newer'])
    },
  },
  {
    name: 'drop-oldest: delayed and buried ones go in their turn, for every group',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.createGroup('other')
      await queue.putMany(['a', { body: 'later', delayMs: MINUTE_MS }, 'c'])
      await world.bury('q', 'a')
      await queue.configure({ messagesMax: 3, whenFull: 'drop-oldest' })
      await queue.putMany(['d', 'e'])
      equal(await world.ready('q', 'other'), ['c', 'd', 'e'])
      equal(await queue.group().kick(9), 0)
    },
  },
  {
    name: 'a put that is larger than the queue may be is refused, whatever goes',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ messagesMax: 2, bytesMax: 100, whenFull: 'drop-oldest' })
      await queue.put('a')
      await rejected(FULL, () => queue.put('x'.repeat(101)))
      await rejected(FULL, () => queue.putMany(['b', 'c', 'd']))
      equal(await bodies(world), ['a'])
    },
  },
  {
    name: 'a limit that is lowered takes nothing out by itself: the next puts do',
    run: async (world) => {
      const queue = world.store.queue('q')
      await world.putAll('q', 'a', 'b', 'c', 'd')
      await queue.configure({ messagesMax: 2, whenFull: 'drop-oldest' })
      equal(messages(world), 4)
      await queue.put('e')
      equal(await bodies(world), ['d', 'e'])
      await queue.configure({ messagesMax: null })
      await world.putAll('q', 'f', 'g')
      equal(messages(world), 4)
    },
  },
  {
    name: 'bytes are counted from the change on that limits them, and given back as messages go',
    run: async (world) => {
      const queue = world.store.queue('q')
      const hundred = 'x'.repeat(100)
      await queue.put(hundred)
      equal(queue.stats().bytes, undefined)
      await queue.configure({ bytesMax: 350 })
      equal(queue.stats().bytes, 0)
      for (let count = 0; count < 3; count++) await queue.put(hundred, { priority: 5 })
      const { bytes = 0 } = queue.stats()
      isTrue(bytes >= 300 && bytes <= 3 * (100 + HEAD_BYTES_MAX), `${bytes} bytes`)
      await rejected(FULL, () => queue.put(hundred))
      await (await world.takeOne('q')).ack()
      equal(queue.stats().bytes, (bytes / 3) * 2)
      await world.reopen()
      equal(world.store.queue('q').stats().bytes, (bytes / 3) * 2)
      await world.store.compact()
      await world.reopen()
      await world.put('q', hundred)
      await rejected(FULL, () => world.put('q', hundred))
      await world.drain('q')
      equal(world.store.queue('q').stats().bytes, 0)
    },
  },
  {
    name: 'rule 21: bytes in flight count, and drop-oldest makes room for bytes',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ bytesMax: 250 })
      const puts = Array.from({ length: 4 }, () => new Watched(queue.put('x'.repeat(100))))
      await world.settle()
      equal(puts.filter(({ state }) => state === 'done').length, 2)
      await queue.configure({ whenFull: 'drop-oldest' })
      await Promise.all(['a', 'b', 'c', 'd'].map((body) => queue.put(body.repeat(100))))
      await world.settle()
      equal(await bodies(world), ['c'.repeat(100), 'd'.repeat(100)])
      await queue.put('e'.repeat(230))
      equal(await bodies(world), ['e'.repeat(230)])
    },
  },
  {
    name: 'a queue gives its puts a time to live, where they name none',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.put('before')
      await queue.configure({ ttlMs: MINUTE_MS })
      await queue.putMany(['batch', { body: 'own', ttlMs: 10 * MINUTE_MS }])
      await queue.put('plain')
      await world.store.transaction((tx) => tx.put('q', 'tx'))
      await world.reopen()
      await world.put('q', 'after')
      await world.advance(MINUTE_MS + 1_000)
      equal(await world.ready('q'), ['before', 'own'])
      await world.store.queue('q').configure({ ttlMs: null })
      await world.put('q', 'ever')
      await world.advance(20 * MINUTE_MS)
      equal(await world.ready('q'), ['before', 'ever'])
    },
  },
  {
    name: 'settings survive restarts and compactions, and those that are left out stay',
    run: async (world) => {
      const queue = world.store.queue('q')
      const none = { messagesMax: undefined, bytesMax: undefined, whenFull: 'refuse' }
      const letters = { deadLetter: undefined, attemptsMax: undefined }
      const others = { ...letters, groupIdleMs: undefined, retention: undefined }
      equal(queue.stats().settings, { ...none, ...others, ttlMs: undefined })
      await queue.configure({ messagesMax: 7, ttlMs: MINUTE_MS })
      await queue.configure({ whenFull: 'drop-oldest', bytesMax: 1_000 })
      await queue.configure({})
      const settings = {
        ...{ messagesMax: 7, bytesMax: 1_000, whenFull: 'drop-oldest', ttlMs: MINUTE_MS },
        ...others,
      }
      equal(queue.stats().settings, settings)
      await world.put('q', 'a')
      const before = await visibleState(world.store)
      await world.reopen()
      equal(world.store.queue('q').stats().settings, settings)
      await world.store.compact()
      await world.reopen()
      equal(await visibleState(world.store), before)
      await world.store.queue('q').configure({ messagesMax: null, bytesMax: null, ttlMs: null })
      equal(world.store.queue('q').stats().settings, {
        ...none,
        ...others,
        ttlMs: undefined,
        whenFull: 'drop-oldest',
      })
    },
  },
  {
    name: 'settings of a queue are held to their ranges',
    run: (world) =>
      refusesAll(world, ({ queue }) => {
        const maxima = [0, -1, 1.5, Number.NaN, '1', {}, 2 ** 53]
        const of = (name: string, values: readonly unknown[]) =>
          eachOption('configure', name, values, (settings) => queue.configure(settings))
        return [
          ...of('messagesMax', maxima),
          ...of('bytesMax', maxima),
          ...of('attemptsMax', [...maxima, Number.POSITIVE_INFINITY]),
          ...of('whenFull', ['drop', 17, null, '']),
          ...of('ttlMs', [0, -1, Number.NaN, '5', Number.POSITIVE_INFINITY]),
          ...of('retries', [5]),
          ...each('configure', [17, 'text', null, []], (settings) => queue.configure(settings)),
        ]
      }),
  },
]
