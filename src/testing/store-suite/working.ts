/** Workers: what becomes of a message whose handler returns, throws, takes its time, or is in vain. */
import { json } from '../../store/codec.ts'
import { equal, isTrue, isWithin, present } from './checks.ts'
import { type StoreTest, textOf, textsOf } from './world.ts'

const numbers = (count: number): string[] => Array.from({ length: count }, (_, row) => `${row}`)
export const NONE = { ready: 0, delayed: 0, leased: 0, buried: 0 }

export const WORKING: readonly StoreTest[] = [
  {
    name: 'a message whose handler returns is acknowledged, whether it returns at once or later',
    run: async (world) => {
      const seen: string[] = []
      await world.store.queue('q').putMany(numbers(30))
      const worker = world.store.queue('q').work((body) => {
        seen.push(textOf(body))
        // A thenable that is no promise counts as one.
        const later = world.advance(5)
        if (seen.length % 3 === 1) return later
        if (seen.length % 3 === 2) return 'at once'
        // biome-ignore lint/suspicious/noThenProperty: this is what is tested
        return { then: (done: () => void) => void later.then(done) }
      })
      await world.settle()
      await world.settle()
      equal(seen, numbers(30))
      equal(worker.stats(), { ...idle(), acked: 30 })
      await worker.stop()
      equal(world.counts('q'), NONE)
      await world.reopen()
      equal(world.counts('q'), NONE)
    },
  },
  {
    name: 'a handler that throws is tried again with back-off, then its message is buried with the error',
    run: async (world) => {
      const queue = world.store.queue('q', { retry: { attemptsMax: 3, backoffMs: 10_000 } })
      const { id } = await queue.put('a')
      const times: number[] = []
      const attempts: number[] = []
      const worker = queue.work((_body, { attempt }) => {
        times.push(world.nowMs)
        attempts.push(attempt)
        throw new Error(`no ${attempt}`)
      })
      await world.advance(60_000)
      equal(attempts, [1, 2, 3])
      const [first = 0, second = 0, third = 0] = times
      isWithin(second - first, 7_900, 13_000, 'first back-off')
      isWithin(third - second, 15_900, 25_000, 'second back-off')
      equal(worker.stats(), { ...idle(), retried: 2, buried: 1 })
      await worker.stop()
      const { state, reason, error } = await world.info('q', id)
      equal({ state, reason, error }, { state: 'buried', reason: 'attempts', error: 'Error: no 3' })
    },
  },
  {
    name: 'whatever a handler throws counts as a failure, at once or later',
    run: async (world) => {
      const thrown = [undefined, null, Symbol('s'), Object.create(null), { toString: 5 }, 'text']
      const queue = world.store.queue('q', { retry: { attemptsMax: 1 } })
      await queue.putMany(numbers(2 * thrown.length))
      const worker = queue.work((body) => {
        const row = Number(textOf(body))
        if (row >= thrown.length) return Promise.reject(thrown[row - thrown.length])
        throw thrown[row]
      })
      await world.settle()
      equal(worker.stats(), { ...idle(), buried: 2 * thrown.length })
      await worker.stop()
      equal(world.counts('q'), { ...NONE, buried: 2 * thrown.length })
    },
  },
  {
    name: 'no more handlers run than told, and no more is held ready: the rest is for others',
    run: async (world) => {
      await world.store.queue('q').putMany(numbers(20))
      const running: (() => void)[] = []
      const worker = world.store
        .queue('q')
        .work(() => new Promise<void>((resolve) => running.push(resolve)), {
          concurrency: 2,
          prefetch: 3,
        })
      await world.settle()
      equal(running.length, 2)
      equal(worker.stats(), { ...idle(), running: 2, held: 3 })
      equal(world.counts('q'), { ...NONE, ready: 18, leased: 2 })
      equal(textsOf(await world.take('q')), numbers(20).slice(5))
      running.shift()?.()
      await world.settle()
      equal(running.length, 2)
      for (let left = 4; left > 0; left--) {
        running.shift()?.()
        await world.settle()
      }
      equal(worker.stats(), { ...idle(), acked: 5 })
      await worker.stop()
    },
  },
  {
    name: 'with nothing held ready a message is taken only for a handler that is free',
    run: async (world) => {
      await world.store.queue('q').putMany(numbers(5))
      const worker = world.store.queue('q').work(() => world.advance(10_000), { prefetch: 0 })
      await world.settle()
      equal(worker.stats(), { ...idle(), running: 1 })
      equal(textsOf(await world.take('q')), numbers(5).slice(1))
      await worker.stop()
    },
  },
  {
    name: 'a body that its codec cannot decode is a failed attempt, and the others go on',
    run: async (world) => {
      const raw = world.store.queue('q')
      const [, bad] = await raw.putMany(['{"n":1}', '{"n":', '{"n":3}'])
      const seen: number[] = []
      const retry = { attemptsMax: 2, backoffMs: 1_000 }
      const worker = world.store
        .queue('q', { codec: json<{ n: number }>(), retry })
        .work(({ n }) => seen.push(n))
      await world.advance(10_000)
      equal(seen, [1, 3])
      equal(worker.stats(), { ...idle(), acked: 2, retried: 1, buried: 1 })
      equal(worker.status, 'running')
      await worker.stop()
      const { state, attempts, error } = await world.info('q', present(bad).id)
      equal([state, attempts], ['buried', 2])
      isTrue(present(error).startsWith('QlogError: the codec json cannot decode'), String(error))
    },
  },
  {
    name: 'a handler is told what belongs to its message',
    run: async (world) => {
      const { store } = world
      const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
      const put = await store.queue('q').put('a', { headers, key: 'k', priority: 7 })
      const jobs: unknown[] = []
      const worker = store.queue('q').work(
        (_body, job) => {
          const { id, offset, queue, group, attempt, priority, key, headers: told } = job
          jobs.push({ id, offset, queue, group, attempt, priority, key, headers: told })
          equal(job.putMs, job.delivery.putMs)
          equal(job.delivery.text(), 'a')
          equal(job.delivery.value, job.delivery.body)
        },
        { group: 'g' },
      )
      await world.settle()
      const { id, offset } = put
      equal(jobs, [
        { id, offset, queue: 'q', group: 'g', attempt: 1, priority: 7, key: 'k', headers },
      ])
      equal([worker.queue, worker.group], ['q', 'g'])
      await worker.stop()
    },
  },
  {
    name: 'workers of one group share its messages, those of another get them all as well',
    run: async (world) => {
      await world.store.queue('q').putMany(numbers(40))
      const seen: string[][] = [[], [], []]
      const workers = seen.map((into, row) =>
        world.store.queue('q').work(
          async (body) => {
            into.push(textOf(body))
            await world.advance(1)
          },
          { concurrency: 2, prefetch: 2, group: row === 2 ? 'other' : 'shared' },
        ),
      )
      await world.advance(5_000)
      const [one = [], two = [], other = []] = seen
      isTrue(one.length > 0 && two.length > 0, `${one.length} and ${two.length}`)
      const inOrder = (bodies: string[]) => bodies.sort((a, b) => Number(a) - Number(b))
      equal(inOrder([...one, ...two]), numbers(40))
      equal(inOrder(other), numbers(40))
      for (const worker of workers) await worker.stop()
    },
  },
  {
    name: 'what a worker holds ready is not begun where it was deleted, has expired, or is paused',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.put('0')
      const { id } = await queue.put('1')
      await queue.put('2', { ttlMs: 20_000 })
      await queue.put('3')
      const seen: string[] = []
      const worker = queue.work(async (body) => {
        seen.push(textOf(body))
        await world.advance(30_000)
      })
      await world.settle()
      await queue.delete([id])
      await queue.pause(60_000)
      await world.advance(50_000)
      equal(seen, ['0'])
      await world.advance(50_000)
      equal(seen, ['0', '3'])
      await worker.stop()
    },
  },
]

/** The figures of a worker that has done nothing and does nothing. */
export function idle() {
  return { running: 0, held: 0, settling: 0, acked: 0, retried: 0, buried: 0, lost: 0 }
}
