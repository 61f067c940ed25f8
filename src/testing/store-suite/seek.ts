/** Seek: a group begins anew at another place, back or forward, and keeps everything else. */
import { changesNothing } from './called-off.ts'
import { equal, isTrue, present, rejected, Watched } from './checks.ts'
import { CRASHES_MS, type StoreTest, textsOf, type World, withBody } from './world.ts'

const HOUR_MS = 3_600_000
/** More priorities than have a lane of their own. */
const PRIORITIES = 70

/** A queue whose messages stay, because a group reads nothing; ids in order. */
async function kept(world: World, ...bodies: string[]): Promise<readonly number[]> {
  await world.store.queue('q').createGroup('keeper')
  return (await world.putAll('q', ...bodies)).map(({ id }) => id)
}

export const SEEK: readonly StoreTest[] = [
  {
    name: 'a seek back delivers again what the queue still holds, also after a restart',
    run: async (world) => {
      await kept(world, 'a', 'b', 'c')
      equal(await world.drain('q'), ['a', 'b', 'c'])
      const group = world.store.queue('q').group()
      equal(group.stats().floor, 3)
      await group.seek('first')
      equal([group.stats().floor, group.stats().ready], [0, 3])
      await world.reopen()
      equal(await world.drain('q'), ['a', 'b', 'c'])
      await world.store.queue('q').group().seek({ offset: 1 })
      await world.store.compact()
      await world.reopen()
      const taken = await world.take('q')
      equal([textsOf(taken), taken[0]?.attempt], [['b', 'c'], 1])
      equal(world.counts('q', 'keeper').ready, 3)
    },
  },
  {
    name: 'what is gone stays gone, wherever its last group is sent',
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c')
      const [a, b] = await world.take('q', { count: 2 })
      await b?.ack()
      await world.store.queue('q').group().seek('first')
      await rejected('QLOG_STALE_LEASE', () => a?.ack())
      await world.reopen()
      equal(await world.drain('q'), ['a', 'c'])
      await world.store.queue('q').group().seek('first')
      equal(await world.ready('q'), [])
    },
  },
  {
    name: 'a seek forward finishes what it passes, and what no other group wants is gone',
    run: async (world) => {
      const queue = world.store.queue('q')
      const puts = await world.putAll('q', 'a', 'b', 'c', 'd')
      await world.bury('q', 'b')
      await queue.group().seek({ id: present(puts[2]).id })
      for (let opening = 0; opening < 2; opening++) {
        equal(world.counts('q'), { ready: 2, delayed: 0, leased: 0, buried: 0 })
        const left = await world.store.queue('q').read()
        equal([left.map(({ id }) => id), world.store.stats().messages], [[3, 4], 2])
        await world.reopen()
      }
      await world.store.queue('q').group().seek('next')
      equal([await world.ready('q'), world.store.stats().messages], [[], 0])
      await world.put('q', 'e')
      equal(await world.drain('q'), ['e'])
    },
  },
  {
    name: 'a place is told by offset, id or time, and one behind the end is the end',
    run: async (world) => {
      const [a, b] = await kept(world, 'a', 'b')
      await world.advance(1_000)
      const timeMs = world.nowMs
      await world.advance(1_000)
      await world.putAll('q', 'c', 'd')
      const group = world.store.queue('q').group()
      const places = [
        [{ offset: 0 }, ['a', 'b', 'c', 'd']],
        [{ offset: 3 }, ['d']],
        [{ offset: 4 }, []],
        [{ offset: 4_000 }, []],
        [{ id: present(a) }, ['a', 'b', 'c', 'd']],
        [{ id: present(b) + 1 }, ['c', 'd']],
        [{ id: 4_000 }, []],
        [{ timeMs }, ['c', 'd']],
        [{ timeMs: 0 }, ['a', 'b', 'c', 'd']],
        [{ timeMs: timeMs + HOUR_MS }, []],
        ['next', []],
        ['first', ['a', 'b', 'c', 'd']],
      ] as const
      for (const [place, bodies] of places) {
        await group.seek(place)
        equal(await world.ready('q'), bodies, JSON.stringify(place))
      }
      await group.seek({ offset: 4_000 })
      await world.put('q', 'e')
      equal(await world.ready('q'), ['e'])
    },
  },
  {
    name: 'leases of the group end at the call, and its messages come as if never delivered',
    run: async (world) => {
      const ids = await kept(world, 'leased', 'buried', 'delayed', 'moved', 'acked')
      const session = await world.watching('q')
      const taken = await session.reserve({ count: 9, leaseMs: 5_000 })
      await withBody(taken, 'buried').bury({ reason: 'broken' })
      await withBody(taken, 'delayed').release({ delayMs: HOUR_MS })
      await withBody(taken, 'moved').release({ priority: 1 })
      await withBody(taken, 'acked').ack()
      const other = await world.takeOne('q', { group: 'keeper' })
      const group = world.store.queue('q').group()
      const sought = group.seek('first')
      await rejected('QLOG_STALE_LEASE', () => withBody(taken, 'leased').ack())
      await sought
      await rejected('QLOG_STALE_LEASE', () => withBody(taken, 'leased').ack())
      equal([session.leased, session.nearestEndMs], [0, undefined])
      await world.advance(10_000)
      for (let opening = 0; opening < 2; opening++) {
        equal(world.counts('q'), { ready: 5, delayed: 0, leased: 0, buried: 0 })
        for (const id of ids) {
          const { attempts, counters, priority } = await world.info('q', id)
          equal([attempts, counters.leases, counters.buries, priority], [0, 0, 0, 1024])
        }
        if (opening === 0) await other.ack()
        await world.reopen()
      }
      equal(await world.drain('q'), ['leased', 'buried', 'delayed', 'moved', 'acked'])
    },
  },
  {
    name: 'a delay goes on where a group is sent in front of it, and priorities keep their order',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.createGroup('keeper')
      for (let priority = PRIORITIES; priority > 0; priority--) {
        await world.put('q', String(priority), { priority })
      }
      await world.put('q', 'later', { delayMs: 20_000 })
      equal((await world.drain('q')).length, PRIORITIES)
      await queue.group().seek('first')
      equal(world.counts('q'), { ready: PRIORITIES, delayed: 1, leased: 0, buried: 0 })
      const bodies = Array.from({ length: PRIORITIES }, (_, row) => String(row + 1))
      equal(await world.drain('q'), bodies)
      await world.advance(30_000)
      equal(await world.drain('q'), ['later'])
      await queue.group().seek('first')
      equal(await world.drain('q'), [...bodies, 'later'])
    },
  },
  {
    name: 'settings and sessions stay, and a session that waits gets what comes again',
    run: async (world) => {
      await kept(world, 'a', 'b')
      await world.drain('q')
      const group = world.store.queue('q').group()
      await group.configure({ leasedMax: 1 })
      const session = await world.watching('q')
      const waiting = new Watched(session.reserve({ count: 5 }))
      await world.settle()
      equal(waiting.state, 'pending')
      await group.seek('first')
      await world.settle()
      equal(textsOf(waiting.value ?? []), ['a'])
      equal(await session.reserve({ count: 5, timeoutMs: 0 }), [])
      await group.seek('first')
      equal(textsOf(await session.reserve({ count: 5 })), ['a'])
    },
  },
  {
    name: 'rule 21: a seek to the end passes what is on its way in front of it, and nothing behind it',
    run: async (world) => {
      const queue = world.store.queue('q')
      await world.watching('q')
      const work = [queue.put('a'), queue.put('b')]
      const sought = queue.group().seek('next')
      const after = queue.put('c')
      await Promise.all([...work, sought, after])
      equal(await world.ready('q'), ['c'])
    },
  },
  {
    name: 'rule 21: nothing of a group is given out or kicked while its seek is on its way',
    run: async (world) => {
      const [a] = await kept(world, 'a', 'b', 'c')
      await world.bury('q', 'c')
      const session = await world.watching('q')
      const loop = (await world.watching('q')).deliveries({ prefetch: 5 })
      equal((await loop.next()).value?.text(), 'a')
      const group = world.store.queue('q').group()
      const sought = group.seek('next')
      const next = new Watched(loop.next())
      equal(await session.reserve({ count: 5, timeoutMs: 0 }), [])
      equal(await session.reserveById(present(a)), undefined)
      equal([await group.kick(5), await group.redrive()], [0, 0])
      await sought
      equal(next.state, 'pending')
      await world.put('q', 'd')
      await world.settle()
      equal(next.value?.value.text(), 'd')
      await loop.return?.()
    },
  },
  {
    name: 'a seek that resolved holds after a crash, and one that did not is there or not as a whole',
    needs: ['crash'],
    run: async (world) => {
      for (const [round, ms] of CRASHES_MS.entries()) {
        const queue = `q${round}`
        await world.store.queue(queue).createGroup('keeper')
        await world.putAll(queue, 'a', 'b')
        await world.drain(queue)
        const sought = new Watched(world.store.queue(queue).group().seek('first'))
        await world.advance(ms)
        await world.crashAndOpen()
        const ready = (await world.ready(queue)).length
        isTrue(ready === 2 || (ready === 0 && sought.state !== 'done'), `${ready} are ready`)
      }
    },
  },
  {
    name: 'a seek within a transaction happens with the rest, and not where that throws',
    run: async (world) => {
      await kept(world, 'a', 'b')
      const delivery = await world.takeOne('q', { leaseMs: HOUR_MS })
      const group = world.store.queue('q').group()
      await changesNothing(world, (tx) => tx.seek(group, 'next'))
      await delivery.ack()
      await world.store.transaction((tx) => {
        tx.put('q', 'c')
        tx.seek(group, 'next')
      })
      await world.reopen()
      equal(await world.ready('q'), ['c'])
      const made = () =>
        world.store.transaction((tx) => tx.seek(world.store.queue('q').group('new'), 'first'))
      await rejected('QLOG_INVALID_ARGUMENT', made)
    },
  },
]
