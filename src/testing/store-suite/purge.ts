/** Purge: a queue is emptied for every group at once, whatever state its messages are in. */
import type { StoredMessage } from '../../store/types/messages.ts'
import { changesNothing } from './called-off.ts'
import { equal, isTrue, rejected, Watched } from './checks.ts'
import { fillUp } from './full-disk.ts'
import { CRASHES_MS, type StoreTest, textsOf, type World, withBody } from './world.ts'

const HOUR_MS = 3_600_000

export const PURGE: readonly StoreTest[] = [
  {
    name: 'a purge empties the queue for every group, in whatever state its messages are',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.createGroup('audit')
      await world.putAll('q', 'buried', 'leased', 'finished', 'ready', 'two')
      await world.put('q', 'delayed', { delayMs: HOUR_MS })
      await world.put('q', 'mixed', { priority: 5, ttlMs: HOUR_MS })
      await world.put('other', 'stays')
      await world.bury('q', 'buried')
      const taken = await world.take('q', { count: 3 })
      await withBody(taken, 'finished').ack()
      equal(await queue.purge(), 7)
      for (let opening = 0; opening < 2; opening++) {
        for (const group of ['default', 'audit']) {
          equal(world.counts('q', group), { ready: 0, delayed: 0, leased: 0, buried: 0 })
          equal(await world.ready('q', group), [])
          equal(await world.store.queue('q').group(group).kick(10), 0)
        }
        equal([world.store.stats().messages, await readAll(world)], [1, []])
        await world.reopen()
      }
      equal(await world.store.queue('q').purge(), 0)
      equal((await world.put('q', 'next')).offset, 7)
      equal([await world.drain('q'), await world.drain('q', 'audit')], [['next'], ['next']])
      equal(await world.drain('other'), ['stays'])
    },
  },
  {
    name: 'a purge of a queue without groups empties it, and groups to come find nothing',
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      equal(await world.store.queue('q').purge(), 2)
      await world.reopen()
      await world.put('q', 'c')
      equal(await world.drain('q', 'late'), ['c'])
    },
  },
  {
    name: 'a purge of a queue that does not exist makes none',
    run: async (world) => {
      equal(await world.store.queue('never').purge(), 0)
      await world.store.transaction((tx) => tx.purge('never'))
      equal([...world.store.queues()], [])
    },
  },
  {
    name: 'deliveries of a purged queue are stale from the call on, and no message of theirs comes back',
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      const session = await world.watching('q')
      const [a, b] = await session.reserve({ count: 2, leaseMs: 5_000 })
      const purged = world.store.queue('q').purge()
      for (const delivery of [a, b]) {
        equal(delivery?.leaseLeftMs, 0)
        await rejected('QLOG_STALE_LEASE', () => delivery?.release())
      }
      equal([await purged, session.leased, session.nearestEndMs], [2, 0, undefined])
      await rejected('QLOG_STALE_LEASE', () => a?.ack())
      await world.advance(10_000)
      equal(await world.ready('q'), [])
    },
  },
  {
    name: 'rule 21: a purge takes what is on its way in front of it, and nothing behind it',
    run: async (world) => {
      const queue = world.store.queue('q')
      const work = [queue.put('a'), queue.putMany(['b', 'c'])]
      const purged = queue.purge()
      const after = queue.put('d')
      equal([await purged, (await after).offset], [3, 3])
      await Promise.all(work)
      equal(await world.ready('q'), ['d'])
    },
  },
  {
    name: 'rule 21: nothing of a queue is given out, kicked or deleted while its purge is on its way',
    run: async (world) => {
      const [a] = await world.putAll('q', 'a', 'b', 'c')
      await world.bury('q', 'c')
      const session = await world.watching('q')
      const loop = (await world.watching('q')).deliveries({ prefetch: 5 })
      equal((await loop.next()).value?.text(), 'a')
      const queue = world.store.queue('q')
      const purged = queue.purge()
      const next = new Watched(loop.next())
      equal(await session.reserve({ count: 5, timeoutMs: 0 }), [])
      equal(await session.reserveById(a?.id ?? 0), undefined)
      equal([await queue.group().kick(5), await queue.delete([a?.id ?? 0])], [0, 0])
      equal([await purged, next.state], [3, 'pending'])
      await world.put('q', 'd')
      await world.settle()
      isTrue(next.state === 'done', 'what waits gets what is put afterwards')
      equal(next.value?.value.text(), 'd')
      await loop.return?.()
    },
  },
  {
    // Museum: lavinmq PR #2247, where a purge forgot what was acknowledged.
    name: 'a purge that resolved holds after a crash, and one that did not is there or not as a whole',
    needs: ['crash'],
    run: async (world) => {
      for (const [round, ms] of CRASHES_MS.entries()) {
        const queue = `q${round}`
        await world.putAll(queue, 'a', 'b', 'c')
        const purged = new Watched(world.store.queue(queue).purge())
        await world.advance(ms)
        await world.crashAndOpen()
        const left = (await world.ready(queue)).length
        isTrue(left === 0 || (left === 3 && purged.state !== 'done'), `${left} are left`)
      }
    },
  },
  {
    name: 'delayed messages that were purged never become due, and their keys stay taken',
    run: async (world) => {
      const first = await world.put('q', 'a', { delayMs: 5_000, key: 'k' })
      await world.watching('q')
      await world.store.queue('q').purge()
      await world.advance(10_000)
      equal(world.counts('q'), { ready: 0, delayed: 0, leased: 0, buried: 0 })
      equal(await world.put('q', 'again', { key: 'k' }), { ...first, duplicate: true })
      await world.put('q', 'b', { delayMs: 5_000 })
      equal(world.counts('q').delayed, 1)
      await world.advance(6_000)
      equal(await world.ready('q'), ['b'])
    },
  },
  {
    name: 'a transaction may empty a queue and put what stands there instead',
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      await world.store.transaction((tx) => {
        tx.put('q', 'first')
        tx.purge('q')
        tx.put('q', 'second')
      })
      for (let opening = 0; opening < 2; opening++) {
        equal(textsOf(await readBodies(world)), ['first', 'second'])
        await world.reopen()
      }
    },
  },
  {
    name: 'a purge of a transaction that threw changes nothing, and the leases go on',
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      const delivery = await world.takeOne('q', { leaseMs: HOUR_MS })
      await changesNothing(world, (tx) => tx.purge('q'))
      await delivery.ack()
      equal(await world.ready('q'), ['b'])
    },
  },
  {
    name: 'a purge that was turned down with its transaction changes nothing, and the leases go on',
    needs: ['setFull'],
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      const delivery = await world.takeOne('q', { leaseMs: HOUR_MS })
      const waiting = new Watched((await world.watching('empty')).reserve())
      world.setFull(true)
      const put = () => world.store.queue('fill').put('x'.repeat(8_000))
      await rejected('QLOG_DISK_FULL', () => fillUp(put))
      const made = () =>
        world.store.transaction((tx) => {
          tx.purge('q')
          tx.put('q', 'x'.repeat(8_000))
        })
      await rejected('QLOG_DISK_FULL', made)
      equal(waiting.state, 'pending')
      await delivery.ack()
      equal(await world.ready('q'), ['b'])
      world.setFull(false)
      await world.settle()
      equal(await world.store.queue('q').purge(), 1)
    },
  },
]

async function readAll(world: World): Promise<readonly number[]> {
  return (await readBodies(world)).map(({ id }) => id)
}

function readBodies(world: World): Promise<readonly StoredMessage[]> {
  return world.store.queue('q').read()
}
