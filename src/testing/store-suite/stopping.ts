/** How workers end: told to, with their store, or by themselves. */
import type { Job } from '../../store/work/types.ts'
import { codeOf, equal, isTrue, isWithin, present, rejected, Watched } from './checks.ts'
import { type StoreTest, textOf } from './world.ts'

const numbers = (count: number): string[] => Array.from({ length: count }, (_, row) => `${row}`)

export const STOPPING: readonly StoreTest[] = [
  {
    name: 'stop takes nothing new, waits for the handlers that run, and for what they did',
    run: async (world) => {
      await world.store.queue('q').putMany(numbers(6))
      const seen: string[] = []
      const worker = world.store.queue('q').work(
        async (body) => {
          await world.advance(5_000)
          seen.push(textOf(body))
        },
        { concurrency: 2 },
      )
      await world.settle()
      const stopping = new Watched(worker.stop())
      equal(worker.status, 'stopping')
      await world.settle()
      equal(stopping.state, 'pending')
      // What it held ready is for others at once.
      equal(await world.ready('q'), ['2', '3', '4', '5'])
      await world.advance(6_000)
      equal([stopping.state, worker.status], ['done', 'stopped'])
      equal(seen.sort(), ['0', '1'])
      await worker.ended
      await world.reopen()
      equal(await world.drain('q'), ['2', '3', '4', '5'])
    },
  },
  {
    name: 'at its deadline stop gives up: signals are aborted, messages back without an attempt',
    run: async (world) => {
      await world.store.queue('q').putMany(numbers(2))
      const jobs: Job[] = []
      let late: () => void = () => undefined
      const worker = world.store.queue('q').work(
        (_body, job) => {
          jobs.push(job)
          equal(job.signal.aborted, false)
          return new Promise<void>((resolve) => {
            late = resolve
          })
        },
        { concurrency: 2 },
      )
      await world.settle()
      const before = world.nowMs
      await worker.stop({ timeoutMs: 3_000 })
      isWithin(world.nowMs - before, 2_990, 4_000, 'waited')
      equal(
        jobs.map(({ signal }) => codeOf(signal.reason)),
        ['QLOG_ABORTED', 'QLOG_ABORTED'],
      )
      equal(worker.status, 'stopped')
      late()
      await world.settle()
      const again = await world.take('q')
      equal(
        again.map((one) => [one.text(), one.attempt]),
        [
          ['0', 1],
          ['1', 1],
        ],
      )
      await rejected('QLOG_STALE_LEASE', () => present(jobs[0]).delivery.ack())
    },
  },
  {
    name: 'a deadline that nobody needs changes nothing, and a later one may be nearer',
    run: async (world) => {
      await world.store.queue('q').putMany(numbers(2))
      const queue = world.store.queue('q')
      const quick = queue.work(() => world.advance(500), { prefetch: 0 })
      await world.advance(100)
      await quick.stop({ timeoutMs: 60_000 })
      equal(quick.stats().acked, 1)
      const slow = queue.work(() => world.advance(1_000_000))
      await world.settle()
      const first = new Watched(slow.stop())
      await world.settle()
      equal(first.state, 'pending')
      await slow.stop({ timeoutMs: 0 })
      await world.settle()
      equal([first.state, slow.status], ['done', 'stopped'])
      await slow.stop()
      await slow[Symbol.asyncDispose]()
      equal(await world.drain('q'), ['1'])
    },
  },
  {
    name: 'aborting its signal stops a worker; one that was aborted before begins nothing',
    run: async (world) => {
      const abort = new AbortController()
      const seen: string[] = []
      const work = (signal: AbortSignal) =>
        world.store.queue('q').work((body) => seen.push(textOf(body)), { signal })
      const worker = work(abort.signal)
      await world.put('q', 'a')
      await world.settle()
      abort.abort()
      await worker.ended
      equal(worker.status, 'stopped')
      await world.put('q', 'b')
      const none = work(abort.signal)
      await none.ended
      await world.settle()
      equal([none.status, seen.join()], ['stopped', 'a'])
      equal(await world.ready('q'), ['b'])
    },
  },
  {
    name: 'a worker that is stopped before it has begun lets go as well',
    run: async (world) => {
      const worker = world.store.queue('q').work(() => undefined)
      await worker.stop()
      equal(worker.status, 'stopped')
      await world.put('q', 'a')
      equal(await world.ready('q'), ['a'])
    },
  },
  {
    name: 'a handler may stop its worker: its own message is finished, what has not begun is back at once',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.put('long')
      let stopped: Watched<void> | undefined
      const worker = queue.work(
        (body) => {
          if (textOf(body) === 'long') return world.advance(10_000)
          stopped = new Watched(worker.stop())
          return undefined
        },
        { concurrency: 4 },
      )
      await world.settle()
      await queue.putMany(numbers(5))
      await world.settle()
      equal(present(stopped).state, 'pending')
      equal(await world.ready('q'), ['1', '2', '3', '4'])
      await world.advance(11_000)
      equal([present(stopped).state, worker.status, worker.stats().acked], ['done', 'stopped', 2])
      equal(await world.drain('q'), ['1', '2', '3', '4'])
    },
  },
  {
    name: 'a stop that waits for no handler waits for what handlers have done',
    run: async (world) => {
      await world.store.queue('q').putMany(numbers(3))
      let count = 0
      const stopped = new Promise<number>((resolve) => {
        const worker = world.store.queue('q').work(async () => {
          count += 1
          if (count < 3) return
          setBehind(async () => {
            await worker.stop({ timeoutMs: 0 })
            resolve(worker.stats().acked)
          })
        })
      })
      equal(await stopped, 3)
      equal(await world.drain('q'), [])
    },
  },
  {
    name: 'a store that closes ends its workers: signals are aborted, messages ready again',
    run: async (world) => {
      const { store } = world
      await store.queue('q').putMany(numbers(3))
      const signals: AbortSignal[] = []
      const worker = store.queue('q').work(async (_body, { signal }) => {
        signals.push(signal)
        await world.advance(5_000)
      })
      const other = store.queue('other').work(() => undefined)
      await world.settle()
      await store.close()
      await worker.ended
      await other.ended
      equal([worker.status, other.status], ['stopped', 'stopped'])
      equal(
        signals.map(({ aborted }) => aborted),
        [true],
      )
      await world.open()
      const again = await world.take('q')
      equal(
        again.map(({ attempt }) => attempt),
        [1, 1, 1],
      )
      await rejected('QLOG_CLOSED', () => store.queue('q').work(() => undefined))
    },
  },
  {
    name: 'acknowledgements of a worker whose store closes are durable',
    run: async (world) => {
      const { store } = world
      await store.queue('q').putMany(numbers(5))
      let count = 0
      const worker = store.queue('q').work(() => {
        count += 1
        if (count === 5) setBehind(() => store.close())
      })
      await worker.ended
      await store.close()
      await world.open()
      equal(await world.drain('q'), [])
    },
  },
  {
    name: 'a store that fails ends its workers: whoever waits for that is told at once',
    needs: ['failNextWrite'],
    run: async (world) => {
      const { store } = world
      await world.put('q', 'a')
      const signals: AbortSignal[] = []
      const worker = store.queue('q').work(async (_body, { signal }) => {
        signals.push(signal)
        await world.advance(50_000)
      })
      await world.settle()
      const ended = new Watched(worker.ended)
      world.failNextWrite()
      await world.put('q', 'b').catch(() => undefined)
      await world.settle()
      equal([codeOf(ended.error), worker.status], ['QLOG_FAILED', 'failed'])
      equal(codeOf(present(signals[0]).reason), 'QLOG_FAILED')
      await worker.stop({ timeoutMs: 1_000 })
      equal(worker.status, 'failed')
      await rejected('QLOG_FAILED', () => store.queue('q').work(() => undefined))
      await store.close()
    },
  },
  {
    name: 'a worker whose group is removed ends by itself, and its handlers hear of it',
    run: async (world) => {
      await world.put('q', 'a')
      const queue = world.store.queue('q')
      const signals: AbortSignal[] = []
      const busy = queue.work(
        async (_body, { signal }) => {
          signals.push(signal)
          await world.advance(5_000)
        },
        { group: 'g' },
      )
      const idle = queue.work(() => undefined, { group: 'g' })
      await world.settle()
      const ends = [new Watched(busy.ended), new Watched(idle.ended)]
      await queue.group('g').remove()
      await world.settle()
      equal(
        ends.map(({ error }) => codeOf(error)),
        ['QLOG_CLOSED', 'QLOG_CLOSED'],
      )
      equal([busy.status, idle.status], ['failed', 'failed'])
      equal(
        signals.map(({ aborted }) => aborted),
        [true],
      )
      await busy.stop()
      isTrue(busy.stats().lost === 1, 'the lease was lost')
    },
  },
  {
    name: 'a message whose handler ran when the process ended comes again, as a further attempt',
    needs: ['crash'],
    run: async (world) => {
      await world.store.queue('q').put('a')
      world.store.queue('q').work(() => new Promise<void>(() => undefined))
      await world.settle()
      await world.crashAndOpen()
      const attempts: number[] = []
      const worker = world.store.queue('q').work((_body, { attempt }) => attempts.push(attempt))
      await world.settle()
      equal(attempts, [2])
      await worker.stop()
    },
  },
]

/** Behind the end of the handler that calls this, and before anything of it can be durable. */
function setBehind(action: () => Promise<void>): void {
  let turns = 3
  const next = (): void => {
    turns -= 1
    if (turns > 0) queueMicrotask(next)
    else action().catch(() => undefined)
  }
  queueMicrotask(next)
}
