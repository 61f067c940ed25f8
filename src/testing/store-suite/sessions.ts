/** Sessions: waiting, fairness, watching, giving up, and giving back. */
import { equal, first, isTrue, isWithin, present, rejected, Watched } from './checks.ts'
import { type StoreTest, textsOf, withBody } from './world.ts'

export const SESSIONS: readonly StoreTest[] = [
  {
    name: 'reserve with a time limit of 0 does not wait, and else waits no longer than it is told',
    run: async (world) => {
      const session = await world.watching('q')
      const before = world.nowMs
      equal(await session.reserve({ timeoutMs: 0 }), [])
      isWithin(world.nowMs - before, 0, 500, 'waited')
      equal(await session.reserve({ timeoutMs: 20_000 }), [])
      isWithin(world.nowMs - before, 20_000, 21_000, 'waited')
    },
  },
  {
    name: 'a reserve that gave up takes nothing that comes later',
    run: async (world) => {
      const session = await world.watching('q')
      equal(await session.reserve({ timeoutMs: 5_000 }), [])
      await world.put('q', 'a')
      await world.settle()
      equal(world.counts('q').leased, 0)
      equal(await world.ready('q'), ['a'])
    },
  },
  {
    name: 'a session that waits gets a message as soon as it is put',
    run: async (world) => {
      const session = await world.watching('q')
      const waiting = session.reserve({ count: 5 })
      await world.settle()
      equal(world.store.stats().waitingSessions, 1)
      equal(world.store.queue('q').group().stats().waiting, 1)
      await world.put('q', 'a')
      equal(textsOf(await waiting), ['a'])
      equal(world.store.stats().waitingSessions, 0)
      equal(world.store.queue('q').group().stats().waiting, 0)
    },
  },
  {
    name: 'of several sessions that wait, the one that waited first gets the first message',
    run: async (world) => {
      const order: string[] = []
      const waits: Promise<void>[] = []
      for (const name of ['first', 'second', 'third']) {
        const session = await world.watching('q')
        const noted = session.reserve().then((taken) => {
          order.push(`${name} ${first(taken).text()}`)
        })
        waits.push(noted)
        await world.settle()
      }
      await world.putAll('q', 'a', 'b', 'c')
      await Promise.all(waits)
      equal(order, ['first a', 'second b', 'third c'])
    },
  },
  {
    name: 'of several messages put at once, each session that waits gets what it asked for',
    run: async (world) => {
      const one = await world.watching('q')
      const two = await world.watching('q')
      const waits = [one.reserve({ count: 2 }), two.reserve({ count: 10 })]
      await world.settle()
      await world.store.queue('q').putMany(['a', 'b', 'c', 'd', 'e'])
      const [mine, theirs] = await Promise.all(waits)
      equal(textsOf(present(mine)), ['a', 'b'])
      equal(textsOf(present(theirs)), ['c', 'd', 'e'])
    },
  },
  {
    name: 'an aborted wait rejects with an AbortError, and nothing is lost',
    run: async (world) => {
      const session = await world.watching('q')
      const abort = new AbortController()
      const waiting = new Watched(session.reserve({ signal: abort.signal }))
      await world.settle()
      equal(waiting.state, 'pending')
      abort.abort()
      await world.settle()
      const why = await rejected('QLOG_ABORTED', () => Promise.reject(waiting.error))
      equal(why.name, 'AbortError')
      equal(world.store.stats().waitingSessions, 0)
      await world.put('q', 'a')
      equal(await world.ready('q'), ['a'])
      equal(textsOf(await session.reserve({ timeoutMs: 0 })), ['a'])
    },
  },
  {
    name: 'a message that comes in the moment of an abort is either delivered or still ready',
    run: async (world) => {
      for (let round = 0; round < 4; round++) {
        const session = await world.watching('q')
        const abort = new AbortController()
        const waiting = new Watched(session.reserve({ signal: abort.signal }))
        await world.settle()
        const put = world.put('q', `${round}`)
        if (round % 2 === 1) await put
        if (round > 1) await Promise.resolve()
        abort.abort()
        await put
        await world.settle()
        const ready = await world.ready('q')
        const delivered = textsOf(waiting.value ?? [])
        equal([...delivered, ...ready], [`${round}`], `round ${round}: ${waiting.state}`)
        await session.close()
        await world.drain('q')
      }
    },
  },
  {
    name: 'a message that comes in the moment its session closes, or gives up, is still ready',
    run: async (world) => {
      for (const how of ['close', 'abort', 'time'] as const) {
        const session = await world.watching('q')
        const abort = new AbortController()
        const timeoutMs = how === 'time' ? 5_000 : 60_000
        const waiting = new Watched(session.reserve({ signal: abort.signal, timeoutMs }))
        await world.advance(how === 'time' ? 4_999 : 1_000)
        const other = world.put('other', how)
        const put = world.put('q', how)
        await other
        if (how === 'close') await session.close()
        if (how === 'abort') abort.abort()
        await put
        await world.settle()
        const delivered = textsOf(waiting.value ?? [])
        await session.close()
        equal(await world.ready('q'), [how], `${how}: ${waiting.state}, ${delivered}`)
        await world.drain('q')
      }
    },
  },
  {
    name: 'a signal that was aborted before rejects at once and takes nothing',
    run: async (world) => {
      await world.put('q', 'a')
      const session = await world.watching('q')
      await rejected('QLOG_ABORTED', () => session.reserve({ signal: AbortSignal.abort() }))
      equal(session.leased, 0)
      equal(await world.ready('q'), ['a'])
    },
  },
  {
    name: 'a queue that is watched while a reserve waits serves that reserve',
    run: async (world) => {
      await world.put('b', 'ready in b')
      const session = await world.watching('a')
      const waiting = session.reserve()
      await world.settle()
      await session.watch('b')
      equal(textsOf(await waiting), ['ready in b'])
      equal(session.watched.map(({ queue }) => queue).sort(), ['a', 'b'])
    },
  },
  {
    name: 'a queue that is ignored while a reserve waits does not serve it, and its leases stay',
    run: async (world) => {
      const session = await world.watching('a', 'b')
      await world.put('a', 'kept')
      const kept = first(await session.reserve())
      const waiting = new Watched(session.reserve())
      await world.settle()
      session.ignore('a')
      equal(session.watched, [{ queue: 'b', group: 'default' }])
      await world.put('a', 'not for you')
      await world.settle()
      equal(waiting.state, 'pending')
      equal(await world.ready('a'), ['not for you'])
      await kept.ack()
      await world.put('b', 'for you')
      await world.settle()
      equal(textsOf(present(waiting.value)), ['for you'])
    },
  },
  {
    name: 'a session that watches nothing gets nothing',
    run: async (world) => {
      await world.put('q', 'a')
      const session = world.store.session()
      equal(session.watched, [])
      equal(await session.reserve({ timeoutMs: 0 }), [])
      equal(await session.reserve({ timeoutMs: 5_000 }), [])
    },
  },
  {
    name: 'a session is told of each group that was removed, and may watch it anew while it waits',
    run: async (world) => {
      const removed: string[] = []
      const session = world.store.session({
        onRemoved: (queue, group) => void removed.push(`${queue} ${group}`),
      })
      await session.watch('a')
      await session.watch('b', { group: 'g' })
      const waiting = new Watched(session.reserve())
      const queue = world.store.queue('a')
      equal(queue.group().exists, true)
      await queue.group().remove()
      await world.settle()
      equal(removed, ['a default'])
      equal(queue.group().exists, false)
      equal(session.watched, [{ queue: 'b', group: 'g' }])
      await session.watch('a')
      await world.put('a', 'later')
      await world.settle()
      equal(textsOf(present(waiting.value)), ['later'])
      session.ignore('b', 'g')
      await world.store.queue('b').group('g').remove()
      await world.settle()
      equal(removed, ['a default'])
    },
  },
  {
    name: 'a session can watch one queue for two groups and gets each message for each',
    run: async (world) => {
      const session = world.store.session()
      await session.watch('q', { group: 'one' })
      await session.watch('q', { group: 'two' })
      await session.watch('q', { group: 'two' })
      equal(session.watched.length, 2)
      await world.put('q', 'a')
      const taken = await session.reserve({ count: 5 })
      equal(taken.map(({ group }) => group).sort(), ['one', 'two'])
      session.ignore('q', 'one')
      equal(session.watched, [{ queue: 'q', group: 'two' }])
    },
  },
  {
    name: 'a session knows how many leases it has and when the nearest ends',
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      const session = await world.watching('q')
      equal([session.leased, session.nearestEndMs], [0, undefined])
      const long = first(await session.reserve({ leaseMs: 60_000 }))
      const short = first(await session.reserve({ leaseMs: 10_000 }))
      equal(session.leased, 2)
      isWithin(present(session.nearestEndMs), 9_000, 10_000, 'nearestEndMs')
      await short.ack()
      equal(session.leased, 1)
      isWithin(present(session.nearestEndMs), 58_000, 60_000, 'nearestEndMs')
      await world.advance(61_000)
      equal([session.leased, session.nearestEndMs], [0, undefined])
      await rejected('QLOG_STALE_LEASE', () => long.ack())
    },
  },
  {
    name: 'closing a session gives everything back at once, without counting an attempt',
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c')
      const session = await world.watching('q')
      const taken = await session.reserve({ count: 2 })
      const waiter = await world.watching('q')
      await waiter.reserve()
      const waiting = waiter.reserve({ count: 5 })
      const before = world.nowMs
      await session.close()
      const again = await waiting
      isWithin(world.nowMs - before, 0, 1_000, 'waited')
      equal(textsOf(again), ['a', 'b'])
      isTrue(
        again.every(({ attempt }) => attempt === 1),
        'no attempt was counted',
      )
      await rejected('QLOG_STALE_LEASE', () => withBody(taken, 'a').ack())
      equal(session.leased, 0)
    },
  },
  {
    name: 'what waits in a session that closes rejects, and the session takes no more calls',
    run: async (world) => {
      const session = await world.watching('q')
      const waiting = new Watched(session.reserve())
      await world.settle()
      await session.close()
      await world.settle()
      await rejected('QLOG_CLOSED', () => Promise.reject(waiting.error))
      await rejected('QLOG_CLOSED', () => session.reserve({ timeoutMs: 0 }))
      await rejected('QLOG_CLOSED', () => session.watch('q'))
      await rejected('QLOG_CLOSED', () => session.reserveById(1))
      await session.close()
      await world.put('q', 'a')
      equal(await world.ready('q'), ['a'])
    },
  },
]
