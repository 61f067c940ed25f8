/** Redrive: buried messages come back, all of a group or those that a filter names. */
import type { RedriveOptions } from '../../store/types/groups.ts'
import { changesNothing } from './called-off.ts'
import { equal, isTrue, present, rejected, Watched } from './checks.ts'
import { fillUp } from './full-disk.ts'
import { CRASHES_MS, type StoreTest, textsOf, type World, withBody } from './world.ts'

/** Every second of these is buried: more ranges than one record takes. */
const SCATTERED = 3_000

/** Puts a to f and buries c, a, e and b of them, in this order; d and f are ready. Ids in order. */
async function buried(world: World, queue = 'q'): Promise<readonly number[]> {
  const puts = await world.putAll(queue, 'a', 'b', 'c', 'd', 'e', 'f')
  const deliveries = await world.take(queue)
  await withBody(deliveries, 'c').bury({ reason: 'broken' })
  await withBody(deliveries, 'a').bury({ reason: 'broken' })
  await withBody(deliveries, 'e').bury({ reason: 'too late' })
  await withBody(deliveries, 'b').bury()
  for (const body of ['d', 'f']) await withBody(deliveries, body).release()
  return puts.map(({ id }) => id)
}

export const REDRIVE: readonly StoreTest[] = [
  {
    name: 'a redrive makes every buried message ready in its place, with attempts from 1 on',
    run: async (world) => {
      const queue = world.store.queue('q', { retry: { attemptsMax: 1 } })
      const [a] = await buried(world)
      equal(await queue.group().redrive(), 4)
      for (let opening = 0; opening < 2; opening++) {
        equal(world.counts('q'), { ready: 6, delayed: 0, leased: 0, buried: 0 })
        const { attempts, counters, reason } = await world.info('q', present(a))
        equal([attempts, counters.kicks, counters.buries, reason], [0, 1, 1, undefined])
        await world.reopen()
      }
      const taken = await world.take('q')
      equal(textsOf(taken), ['a', 'b', 'c', 'd', 'e', 'f'])
      equal(withBody(taken, 'a').attempt, 1)
      equal(await world.store.queue('q').group().redrive(), 0)
    },
  },
  {
    name: 'a filter says which: a reason, from and up to a message, so many in order of burial',
    run: async (world) => {
      const rows: readonly (readonly [(ids: readonly number[]) => RedriveOptions, string[]])[] = [
        [() => ({}), ['a', 'b', 'c', 'e']],
        [() => ({ reason: 'broken' }), ['a', 'c']],
        [() => ({ reason: '' }), ['b']],
        [() => ({ reason: 'never' }), []],
        [() => ({ count: 1 }), ['c']],
        [() => ({ count: 2 }), ['a', 'c']],
        [() => ({ count: 1, reason: 'too late' }), ['e']],
        [(ids) => ({ from: { id: ids[1] ?? 0 } }), ['b', 'c', 'e']],
        [(ids) => ({ to: { id: ids[2] ?? 0 } }), ['a', 'b']],
        [() => ({ from: { offset: 1 }, to: { offset: 3 } }), ['b', 'c']],
        [(ids) => ({ from: { offset: 1 }, to: { id: ids[3] ?? 0 }, count: 1 }), ['c']],
        [() => ({ from: { offset: 4 }, to: { offset: 4 } }), []],
      ]
      for (const [row, [options, bodies]] of rows.entries()) {
        const queue = `q${row}`
        const ids = await buried(world, queue)
        // Nobody remembers the order in which they came.
        await world.reopen()
        const group = world.store.queue(queue).group()
        equal(await group.redrive(options(ids)), bodies.length, queue)
        equal(await world.ready(queue), [...bodies, 'd', 'f'].sort(), queue)
        // The others are still buried.
        equal(await group.kick(9), 4 - bodies.length, queue)
      }
    },
  },
  {
    name: 'a redrive concerns its group alone, and a group that is new has nothing buried',
    run: async (world) => {
      await buried(world)
      const [delivery] = await world.take('q', { group: 'audit', count: 1 })
      await delivery?.bury()
      equal(await world.store.queue('q').group('audit').redrive(), 1)
      equal(world.counts('q').buried, 4)
      equal(await world.store.queue('q').group('new').redrive(), 0)
    },
  },
  {
    name: 'many that are scattered come back too, more than one record takes, and stay so',
    run: async (world) => {
      const bodies = Array.from({ length: SCATTERED }, (_, row) => String(row))
      await world.store.queue('q').putMany(bodies)
      const session = await world.watching('q')
      const taken = await session.reserve({ count: SCATTERED })
      const isEven = (_: unknown, row: number): boolean => row % 2 === 0
      await session.bury(taken.filter(isEven))
      await session.ack(taken.filter((_, row) => row % 2 === 1))
      equal(await world.store.queue('q').group().redrive(), SCATTERED / 2)
      await world.reopen()
      const again = await (await world.watching('q')).reserve({ count: SCATTERED, timeoutMs: 0 })
      equal(textsOf(again), bodies.filter(isEven))
    },
  },
  {
    name: 'a session that waits gets what is redriven',
    run: async (world) => {
      await world.put('q', 'a')
      await world.bury('q', 'a')
      const waiting = new Watched((await world.watching('q')).reserve())
      await world.settle()
      equal(waiting.state, 'pending')
      await world.store.queue('q').group().redrive()
      await world.settle()
      equal(textsOf(waiting.value ?? []), ['a'])
    },
  },
  {
    name: 'rule 21: redrives and kicks at once each take other messages, and no message twice',
    run: async (world) => {
      const [a] = await buried(world)
      const group = world.store.queue('q').group()
      const counts = await Promise.all([
        group.kick(1),
        group.redrive({ reason: 'broken' }),
        group.kick([present(a)]),
        group.redrive(),
        group.redrive(),
      ])
      equal(counts, [1, 1, 0, 2, 0])
      equal((await world.info('q', present(a))).counters.kicks, 1)
      equal(await world.ready('q'), ['a', 'b', 'c', 'd', 'e', 'f'])
    },
  },
  {
    name: 'a redrive that resolved holds after a crash, and one that did not is there or not as a whole',
    needs: ['crash'],
    run: async (world) => {
      for (const [round, ms] of CRASHES_MS.entries()) {
        const queue = `q${round}`
        await buried(world, queue)
        const redriven = new Watched(world.store.queue(queue).group().redrive())
        await world.advance(ms)
        await world.crashAndOpen()
        const left = world.counts(queue).buried
        isTrue(left === 0 || (left === 4 && redriven.state !== 'done'), `${left} are buried`)
      }
    },
  },
  {
    name: 'a redrive within a transaction tells how many, and happens with the rest',
    run: async (world) => {
      await buried(world)
      const group = world.store.queue('q').group()
      let count = 0
      await world.store.transaction((tx) => {
        tx.put('q', 'g')
        count = tx.redrive(group, { reason: 'broken' })
        equal(tx.redrive(group, { reason: 'broken' }), 0)
      })
      equal(count, 2)
      await world.reopen()
      equal(await world.ready('q'), ['a', 'c', 'd', 'f', 'g'])
    },
  },
  {
    name: 'a redrive of a transaction that threw changes nothing',
    run: async (world) => {
      await buried(world)
      const group = world.store.queue('q').group()
      await changesNothing(world, (tx) => tx.redrive(group))
      equal(await group.redrive(), 4)
    },
  },
  {
    name: 'a redrive that was turned down with its transaction changes nothing',
    needs: ['setFull'],
    run: async (world) => {
      await buried(world)
      const group = world.store.queue('q').group()
      world.setFull(true)
      const put = () => world.store.queue('fill').put('x'.repeat(8_000))
      await rejected('QLOG_DISK_FULL', () => fillUp(put))
      const made = () =>
        world.store.transaction((tx) => {
          tx.redrive(group)
          tx.put('q', 'x'.repeat(8_000))
        })
      await rejected('QLOG_DISK_FULL', made)
      equal(world.counts('q').buried, 4)
      equal(await group.redrive({ count: 1 }), 1)
      equal(await world.ready('q'), ['c', 'd', 'f'])
    },
  },
]
