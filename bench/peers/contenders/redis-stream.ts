/**
 * A stream of Debian's Redis with one consumer group, used as a queue through ioredis.
 *
 * Killed by SIGKILL behind 500 answered puts, both had all of them; behind 500 answered takes of 1,000, neither
 * gave one of these again. By strace `always` flushes for each put, and for a take twice: for the read, which the
 * group remembers, and for its end.
 */

import { bufferOf } from '../body-forms.ts'
import type { Contender, Durability, Opened } from '../contract.ts'
import { needBody } from '../needed-body.ts'
import { requirePeer } from '../packages.ts'
import {
  type AppendFsync,
  connectionOptions,
  needRedis,
  REDIS_SOURCE,
  startRedis,
} from '../redis-server.ts'
import { openOn } from '../servers.ts'
import { TAKERS } from '../takers.ts'

/** The part of ioredis that is used. */
interface Commands<T> {
  xadd(...words: readonly (string | Buffer)[]): T
  xack(...words: readonly (string | Buffer)[]): T
  xdel(...words: readonly (string | Buffer)[]): T
}

interface Pipeline extends Commands<Pipeline> {
  exec(): Promise<readonly (readonly [Error | null, unknown])[] | null>
}

interface Redis extends Commands<Promise<unknown>> {
  xgroup(...words: readonly string[]): Promise<unknown>
  xreadgroupBuffer(...words: readonly (string | number)[]): Promise<StreamsRead | null>
  pipeline(): Pipeline
  on(event: 'error', listener: (error: Error) => void): unknown
  disconnect(): void
}

/** Stream by stream its entries, each an id and its fields. */
type StreamsRead = readonly (readonly [Buffer, readonly (readonly [Buffer, readonly Buffer[]])[]])[]

type MakeRedis = (options: Record<string, unknown>) => Redis

const STREAM = 'messages'
const GROUP = 'bench'
const FIELD = 'body'

export const REDIS_STREAM_ALWAYS = redisStream('always', 'flushed')
export const REDIS_STREAM_EVERYSEC: Contender = {
  ...redisStream('everysec', 'flushed later'),
  // 233.33 times a second 1,000 commands; what of its answers was kept it does not say.
  published: {
    what: 'commands at random, 1,000 at a time with enableAutoPipelining, on a single node',
    rate: 233_330,
    source: 'README of ioredis, Benchmarks of Autopipelining',
  },
}

function redisStream(appendfsync: AppendFsync, durability: Durability): Contender {
  return {
    id: `redis-stream-${appendfsync}`,
    name: 'Redis stream',
    durability,
    settings: `appendonly yes, appendfsync ${appendfsync}, no snapshots; ioredis with enableAutoPipelining`,
    notes: 'Taken by XREADGROUP, then XACK and XDEL, without which its memory would not come back.',
    source: `${REDIS_SOURCE}; README of ioredis, Autopipelining`,
    kind: 'server',
    shape: 'queue',
    load: async () => {
      const redis = needRedis()
      const { exports, version } = await requirePeer('ioredis')
      const make: MakeRedis = (options) => Reflect.construct(Object(exports), [options])
      return {
        version: `redis-server ${redis.version}, ioredis ${version}`,
        open: async (directory) => {
          const server = await startRedis(redis, directory, appendfsync)
          return openOn(server, (port) => openStream(make, port))
        },
      }
    },
  }
}

async function openStream(make: MakeRedis, port: number): Promise<Opened> {
  // Their README recommends it, "dramatically"; takes do not wait behind puts on a connection of their own.
  const options = { ...connectionOptions(port), enableAutoPipelining: true }
  const [putter, taker] = [make(options), make(options)]
  // A command that was under way rejects with the same error.
  for (const one of [putter, taker]) one.on('error', () => undefined)
  await makeGroup(putter)
  return {
    put: (body) => putter.xadd(STREAM, '*', FIELD, bufferOf(body)),
    putMany: async (bodies) => {
      const pipeline = putter.pipeline()
      for (const body of bodies) pipeline.xadd(STREAM, '*', FIELD, bufferOf(body))
      await run(pipeline)
    },
    take: async (count) => {
      const words = ['GROUP', GROUP, 'taker', 'COUNT', count, 'STREAMS', STREAM, '>']
      const [stream] = (await taker.xreadgroupBuffer(...words)) ?? []
      if (stream === undefined) return 0
      const ids = stream[1].map(([id, [, body]]) => {
        needBody(body)
        return id
      })
      const pipeline = taker.pipeline()
      pipeline.xack(STREAM, GROUP, ...ids)
      pipeline.xdel(STREAM, ...ids)
      await run(pipeline)
      return ids.length
    },
    takers: TAKERS,
    close: async () => {
      putter.disconnect()
      taker.disconnect()
    },
  }
}

async function makeGroup(redis: Redis): Promise<void> {
  try {
    await redis.xgroup('CREATE', STREAM, GROUP, '0', 'MKSTREAM')
  } catch (error) {
    // There since an earlier time.
    if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error
  }
}

/** A pipeline resolves also where its commands failed. */
async function run(pipeline: Pipeline): Promise<void> {
  for (const [error] of (await pipeline.exec()) ?? []) {
    if (error !== null) throw error
  }
}
