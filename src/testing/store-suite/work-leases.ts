/** Leases of workers: begun with the handler, renewed while it runs, and lost all the same. */
import { equal, isWithin, present } from './checks.ts'
import { idle, NONE } from './working.ts'
import { type StoreTest, textOf } from './world.ts'

const numbers = (count: number): string[] => Array.from({ length: count }, (_, row) => `${row}`)

export const WORK_LEASES: readonly StoreTest[] = [
  {
    name: 'a lease begins with its handler and is renewed while that runs',
    run: async (world) => {
      await world.store.queue('q').putMany(numbers(3))
      const seen: string[] = []
      const worker = world.store.queue('q').work(
        async (body, { attempt, delivery }) => {
          seen.push(`${textOf(body)} ${attempt}`)
          isWithin(delivery.leaseLeftMs, 990, 1_000, 'the lease')
          await world.advance(10_000)
          equal(world.counts('q').leased, 1)
          await world.advance(10_000)
        },
        { leaseMs: 1_000 },
      )
      await world.advance(70_000)
      equal(seen, ['0 1', '1 1', '2 1'])
      equal(worker.stats(), { ...idle(), acked: 3 })
      await worker.stop()
    },
  },
  {
    name: 'a handler that took itself more time keeps that',
    run: async (world) => {
      await world.put('q', 'a')
      const left: number[] = []
      const worker = world.store.queue('q').work(
        async (_body, { delivery }) => {
          delivery.extend(60_000)
          await world.advance(5_000)
          left.push(delivery.leaseLeftMs)
        },
        { leaseMs: 1_000 },
      )
      await world.advance(10_000)
      isWithin(present(left[0]), 54_900, 55_000, 'left')
      await worker.stop()
    },
  },
  {
    name: 'a lease that ended all the same: the signal says so, the message comes again',
    run: async (world) => {
      await world.put('q', 'a')
      const seen: unknown[] = []
      const worker = world.store.queue('q').work(async (_body, { attempt, delivery, signal }) => {
        if (attempt === 1) delivery.extend(1)
        await world.advance(2_000)
        seen.push([attempt, signal.aborted, signal.reason?.code])
      })
      await world.advance(10_000)
      equal(seen, [
        [1, true, 'QLOG_STALE_LEASE'],
        [2, false, undefined],
      ])
      equal(worker.stats(), { ...idle(), acked: 1, lost: 1 })
      await worker.stop()
    },
  },
  {
    name: 'the signal is aborted when the message is deleted, also where it is asked for later',
    run: async (world) => {
      const { id } = await world.put('q', 'heard')
      const other = await world.put('q', 'asked later')
      const seen: boolean[] = []
      const worker = world.store.queue('q').work(
        async (body, job) => {
          if (textOf(body) === 'heard') {
            const { signal } = job
            signal.addEventListener('abort', () => seen.push(job.signal === signal))
          }
          await world.advance(5_000)
          seen.push(job.signal.aborted)
        },
        { concurrency: 2 },
      )
      await world.settle()
      await world.store.queue('q').delete([id, other.id])
      equal(seen, [true])
      await world.advance(6_000)
      equal(seen, [true, true, true])
      equal(worker.stats(), { ...idle(), lost: 2 })
      await worker.stop()
    },
  },
  {
    name: 'the signal is aborted when a seek or a purge ends the lease',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.put('a')
      const seen: string[] = []
      const worker = queue.work(async (_body, { signal }) => {
        await world.advance(5_000)
        seen.push(signal.aborted ? 'aborted' : 'not')
      })
      await world.settle()
      await queue.group().seek('first')
      await world.advance(5_000)
      await queue.purge()
      await world.advance(6_000)
      equal(seen, ['aborted', 'aborted'])
      equal(worker.stats(), { ...idle(), lost: 2 })
      await worker.stop()
    },
  },
  {
    name: 'a handler may end the lease itself: what it returns or throws says no more then',
    run: async (world) => {
      const { store } = world
      await store.queue('q').putMany(['finish', 'bury', 'later'])
      const aborted: boolean[] = []
      const worker = store.queue('q').work(async (body, job) => {
        const { delivery, signal } = job
        const what = textOf(body)
        if (what === 'bury') await delivery.bury({ reason: 'as I like' })
        if (what === 'later') return delivery.release({ delayMs: 3_600_000 })
        if (what === 'finish') {
          await store.transaction((tx) => {
            tx.ack(delivery)
            tx.put('out', 'done')
          })
        }
        await world.settle()
        aborted.push(signal.aborted, job.signal.aborted)
        throw new Error('nobody hears this')
      })
      await world.advance(10_000)
      equal(aborted, [false, false, false, false])
      equal(worker.stats(), idle())
      equal(world.counts('q'), { ...NONE, delayed: 1, buried: 1 })
      await worker.stop()
      equal(await world.drain('out'), ['done'])
    },
  },
]
