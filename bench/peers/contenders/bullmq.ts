/** BullMQ on Debian's Redis. Jobs hold JSON, so that a body goes into one as base64. */

import type { Contender, Durability, Opened } from '../contract.ts'
import { requirePeer } from '../packages.ts'
import { type AppendFsync, connectionOptions, needRedis, startRedis } from '../redis-server.ts'
import { openOn } from '../servers.ts'

/** The part of BullMQ that is used. */
interface Job {
  moveToCompleted(returnValue: unknown, token: string, fetchNext: boolean): Promise<unknown>
}

interface Queue {
  add(name: string, data: string): Promise<unknown>
  addBulk(jobs: readonly { readonly name: string; readonly data: string }[]): Promise<unknown>
  on(event: 'error', listener: (error: Error) => void): unknown
  close(): Promise<void>
}

interface Worker {
  getNextJob(token: string, options: { readonly block: boolean }): Promise<Job | undefined>
  on(event: 'error', listener: (error: Error) => void): unknown
  close(): Promise<void>
}

interface Bullmq {
  readonly makeQueue: (options: object) => Queue
  readonly makeWorker: (options: object) => Worker
  readonly jobFrom: (worker: Worker, data: unknown, id: unknown) => Job
}

const QUEUE = 'bench'
const JOB = 'message'
const TOKEN = 'taker'
/** Jobs that are worked on at once, as a Worker's `concurrency`: each costs a way to the server and back. */
const JOBS_AT_ONCE = 100

export const BULLMQ_ALWAYS = bullmq('always', 'flushed')
export const BULLMQ_EVERYSEC = bullmq('everysec', 'flushed later')

function bullmq(appendfsync: AppendFsync, durability: Durability): Contender {
  return {
    id: `bullmq-${appendfsync}`,
    name: 'BullMQ',
    durability,
    settings: `Redis with appendonly yes, appendfsync ${appendfsync}, maxmemory-policy noeviction, no snapshots; removeOnComplete; bodies as base64; ${JOBS_AT_ONCE} jobs at once, fetched by hand, each completion bringing the next`,
    // It recommends the append-only file, and of `everysec` that it "is enough for most applications".
    source:
      'docs.bullmq.io/guide/going-to-production; docs.bullmq.io/patterns/manually-fetching-jobs; docs.bullmq.io/guide/queues/adding-bulks',
    kind: 'server',
    shape: 'queue',
    load: async () => {
      const redis = needRedis()
      // It is what BullMQ talks to Redis with.
      const { version: ioredis } = await requirePeer('ioredis')
      const { exports, version } = await requirePeer('bullmq')
      const { Queue, Worker, Job } = Object(exports)
      const loaded: Bullmq = {
        makeQueue: (options) => Reflect.construct(Queue, [QUEUE, options]),
        // No function to process with: jobs are fetched by hand.
        makeWorker: (options) => Reflect.construct(Worker, [QUEUE, null, options]),
        jobFrom: (worker, data, id) => Job.fromJSON(worker, data, id),
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
  const worker = bullmq.makeWorker({ connection })
  // A call that was under way rejects with the same error.
  for (const one of [queue, worker]) one.on('error', () => undefined)
  return {
    put: async (body) => {
      await queue.add(JOB, textOf(body))
    },
    putMany: async (bodies) => {
      await queue.addBulk(bodies.map((body) => ({ name: JOB, data: textOf(body) })))
    },
    take: async (count) => {
      const work = { left: count, taken: 0 }
      const lanes = Array.from({ length: Math.min(count, JOBS_AT_ONCE) }, () =>
        workOff(bullmq, worker, work),
      )
      await Promise.all(lanes)
      return work.taken
    },
    close: async () => {
      await worker.close()
      await queue.close()
    },
  }
}

/** One job after another until enough are taken or none is there, as their page shows it. */
async function workOff(
  bullmq: Bullmq,
  worker: Worker,
  work: { left: number; taken: number },
): Promise<void> {
  if (work.left === 0) return
  work.left--
  let job = await worker.getNextJob(TOKEN, { block: false })
  while (job !== undefined) {
    const goesOn = work.left > 0
    if (goesOn) work.left--
    const next = await job.moveToCompleted(null, TOKEN, goesOn)
    work.taken++
    const [data, id] = goesOn && Array.isArray(next) ? next : []
    job = data ? bullmq.jobFrom(worker, data, id) : undefined
  }
}

function textOf(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64')
}
