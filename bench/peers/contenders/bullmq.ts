/**
 * BullMQ on Debian's Redis: one Worker that goes on as long as it is open, and whose processor waits until a take
 * wants its job. Jobs hold JSON, so that a body goes into one as base64.
 *
 * Killed by SIGKILL behind 500 answered puts, both had all of them; behind 500 answered takes of 1,000, neither
 * gave one of these again. The others came, those that the worker had been given ahead a minute later: as long as
 * BullMQ waits until it gives a job to somebody else. By strace `always` flushes for each put and for each take.
 */

import { base64Of } from '../body-forms.ts'
import type { Contender, Durability, Opened } from '../contract.ts'
import { needBody } from '../needed-body.ts'
import { oneAtATime } from '../one-at-a-time.ts'
import { requirePeer } from '../packages.ts'
import { Prefetched } from '../prefetched.ts'
import { type AppendFsync, connectionOptions, needRedis, startRedis } from '../redis-server.ts'
import { openOn } from '../servers.ts'
import { TAKERS } from '../takers.ts'

/** The part of BullMQ that is used. */
interface Job {
  readonly id: string
  readonly data: string
  moveToWait(token: string): Promise<unknown>
}

interface Queue {
  add(name: string, data: string): Promise<unknown>
  addBulk(jobs: readonly { readonly name: string; readonly data: string }[]): Promise<unknown>
  getJobCounts(...types: readonly string[]): Promise<Readonly<Record<string, number>>>
  on(event: 'error', listener: (error: Error) => void): unknown
  close(): Promise<void>
}

type Processor = (job: Job, token: string) => Promise<void>

interface Worker {
  run(): Promise<void>
  on(event: 'completed', listener: (job: Job) => void): unknown
  on(event: 'failed', listener: (job: Job | undefined, error: Error) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  close(): Promise<void>
}

interface Bullmq {
  readonly makeQueue: (options: object) => Queue
  readonly makeWorker: (processor: Processor, options: object) => Worker
  /** What a processor throws once it has moved its job back itself. */
  readonly waitingError: () => Error
}

const QUEUE = 'bench'
const JOB = 'message'
/** Jobs that are worked on at once: the best of 1, 10, 50, 100 and 300, on a machine of two processors. */
const CONCURRENCY = 100

export const BULLMQ_ALWAYS = bullmq('always', 'flushed')
export const BULLMQ_EVERYSEC = bullmq('everysec', 'flushed later')

function bullmq(appendfsync: AppendFsync, durability: Durability): Contender {
  return {
    id: `bullmq-${appendfsync}`,
    name: 'BullMQ',
    durability,
    settings: `Redis with appendonly yes, appendfsync ${appendfsync}, maxmemory-policy noeviction, no snapshots; removeOnComplete`,
    notes: `Taken by a Worker with a concurrency of ${CONCURRENCY}, each completion bringing the next job. Jobs are JSON, so that bodies are base64.`,
    // It recommends the append-only file, and of `everysec` that it "is enough for most applications".
    source:
      'docs.bullmq.io/guide/going-to-production; docs.bullmq.io/guide/workers/concurrency; docs.bullmq.io/guide/queues/adding-bulks',
    kind: 'server',
    shape: 'queue',
    load: async () => {
      const redis = needRedis()
      // It is what BullMQ talks to Redis with.
      const { version: ioredis } = await requirePeer('ioredis')
      const { exports, version } = await requirePeer('bullmq')
      const { Queue, Worker, WaitingError } = Object(exports)
      const loaded: Bullmq = {
        makeQueue: (options) => Reflect.construct(Queue, [QUEUE, options]),
        makeWorker: (processor, options) => Reflect.construct(Worker, [QUEUE, processor, options]),
        waitingError: () => Reflect.construct(WaitingError, []),
      }
      return {
        version: `bullmq ${version}, redis-server ${redis.version}, ioredis ${ioredis}`,
        open: async (directory) => {
          const server = await startRedis(redis, directory, appendfsync)
          return openOn(server, (port) => openBullmq(loaded, port))
        },
      }
    },
  }
}

async function openBullmq(bullmq: Bullmq, port: number): Promise<Opened> {
  const connection = { ...connectionOptions(port), maxRetriesPerRequest: null }
  const queue = bullmq.makeQueue({ connection, defaultJobOptions: { removeOnComplete: true } })
  // A call that was under way rejects with the same error.
  queue.on('error', () => undefined)
  const taker = new Taker(bullmq, queue, { connection, concurrency: CONCURRENCY, autorun: false })
  return {
    put: (body) => queue.add(JOB, base64Of(body)),
    putMany: (bodies) => {
      return queue.addBulk(bodies.map((body) => ({ name: JOB, data: base64Of(body) })))
    },
    take: (count, areThere) => taker.take(count, areThere),
    takers: TAKERS,
    close: async () => {
      await taker.close()
      await queue.close()
    },
  }
}

/** A job that the worker is at, up to where a take says what becomes of it. */
interface Held {
  readonly id: string
  readonly goOn: () => void
}

interface Finishing {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Works from the first take on: where nothing is taken, nothing is fetched. */
class Taker {
  readonly #worker: Worker
  readonly #held: Prefetched<Held>
  readonly #finishing = new Map<string, Finishing>()
  readonly #waitingError: () => Error
  #running: Promise<void> | undefined
  #isClosing = false
  readonly #begin = oneAtATime((count: number, areThere?: boolean) =>
    this.#beginTake(count, areThere),
  )

  constructor(bullmq: Bullmq, queue: Queue, options: object) {
    this.#waitingError = bullmq.waitingError
    this.#worker = bullmq.makeWorker((job, token) => this.#process(job, token), options)
    this.#worker.on('completed', ({ id }) => this.#settled(id)?.resolve())
    this.#worker.on('failed', (job, error) => this.#settled(job?.id ?? '')?.reject(error))
    this.#worker.on('error', (error) => this.#fail(error))
    this.#held = new Prefetched(async () => {
      // As of the question: one that is finished before the answer may be counted in it.
      const inHand = this.#held.held + this.#finishing.size
      const { wait = 0, active = 0 } = await queue.getJobCounts('wait', 'active')
      return wait + Math.max(0, active - inHand)
    })
  }

  async take(count: number, areThere?: boolean): Promise<number> {
    this.#running ??= this.#worker.run().catch((error) => this.#fail(error))
    const finished = await this.#begin(count, areThere)
    await Promise.all(finished)
    return finished.length
  }

  async #beginTake(count: number, areThere?: boolean): Promise<Promise<void>[]> {
    const finished: Promise<void>[] = []
    while (finished.length < count) {
      const [held] = await this.#held.next(1, areThere)
      if (held === undefined) break
      const one = new Promise<void>((resolve, reject) => {
        this.#finishing.set(held.id, { resolve, reject })
      })
      // Told once all of them go on.
      one.catch(() => undefined)
      finished.push(one)
      held.goOn()
    }
    return finished
  }

  /** What it is at goes back into the queue. */
  async close(): Promise<void> {
    this.#isClosing = true
    const closed = this.#worker.close()
    for (const { goOn } of await this.#held.next(this.#held.held)) goOn()
    await closed
    await this.#running
  }

  async #process(job: Job, token: string): Promise<void> {
    needBody(Buffer.from(job.data, 'base64'))
    if (!this.#isClosing) {
      await new Promise<void>((goOn) => this.#held.add({ id: job.id, goOn }))
    }
    // A take goes on with it: its worker completes it behind this.
    if (this.#finishing.has(job.id)) return
    await job.moveToWait(token)
    throw this.#waitingError()
  }

  #settled(id: string): Finishing | undefined {
    const one = this.#finishing.get(id)
    this.#finishing.delete(id)
    return one
  }

  #fail(error: Error): void {
    this.#held.fail(error)
    for (const { reject } of this.#finishing.values()) reject(error)
    this.#finishing.clear()
  }
}
