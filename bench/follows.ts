/**
 * Measures a follower at the tail beside a writer: messages a second that were appended, durable and
 * seen by the follower, and how often it read a file. In turns with the raw loop and the prototype,
 * which write as much and have no follower. Latencies are those of the append calls.
 */

import { openPublicLog } from '../src/log/open.ts'
import { drive, makeBodies } from '../src/measure/driver.ts'
import { median, rounded } from '../src/measure/measures.ts'
import type { Place } from '../src/measure/place.ts'
import { groupBytesOf } from '../src/measure/plan.ts'
import { realSystem } from '../src/system/real/real-system.ts'
import type { FileHandle, FileSystem, System } from '../src/system/system.ts'
import type { Scale } from './appends.ts'
import { BareLog } from './bare.ts'
import type { AppendCase, FollowCase } from './cases.ts'
import type { Raw } from './raw.ts'
import { type Pair, type Result, resultOf } from './result.ts'

const MIB = 1024 * 1024

interface Run {
  readonly seconds: number
  readonly reads: number
  readonly latenciesMs: readonly number[]
}

export async function measureFollow(
  place: Place,
  raw: Raw,
  scale: Scale,
  how: FollowCase,
): Promise<Result> {
  const { append } = how
  const calls = Math.ceil(scale.replayBytes / 2 / (append.batch * append.messageBytes))
  const messages = calls * append.batch
  const groupBytes = groupBytesOf(append, append.batch)
  const bodies = makeBodies(append)
  const bare = new BareLog(place.file('bare'), calls * groupBytes)
  const pairs: Pair[] = []
  const latenciesMs: number[] = []
  const readsAMessage: number[] = []
  try {
    for (let i = 0; i < scale.pairs; i++) {
      let [rate, rawRate, bareRate] = [0, 0, 0]
      const turns = [
        async () => {
          rawRate =
            messages / (await raw.run('prepared', place.file('prepared'), groupBytes, calls))
        },
        async () => {
          bareRate = messages / (await drive(bare, append, bodies, calls)).seconds
        },
        async () => {
          const run = await runEngine(place, append, bodies, calls)
          rate = messages / run.seconds
          readsAMessage.push(run.reads / messages)
          for (const latency of run.latenciesMs) latenciesMs.push(latency)
        },
      ]
      if (i % 2 === 1) turns.reverse()
      for (const turn of turns) await turn()
      pairs.push({ rate, rawRate, bareRate })
    }
  } finally {
    bare.close()
    for (const name of ['bare', 'prepared']) place.remove(place.file(name))
  }
  return resultOf(how.name, 'prepared', pairs, latenciesMs, {
    groupMessages: append.batch,
    groupBytes,
    readsAMessage: rounded(median(readsAMessage)),
  })
}

async function runEngine(
  place: Place,
  how: AppendCase,
  bodies: readonly Uint8Array[],
  calls: number,
): Promise<Run> {
  const directory = place.nextLog()
  const reads = { count: 0 }
  const log = await openPublicLog(counting(realSystem(), reads), directory, {
    segmentBytesMin: 64 * MIB,
  })
  try {
    // The first append makes the first segment, and brings the follower to the tail.
    await log.append('begin')
    const follower = log.readBatches({ follow: true })
    await follower.next()
    const before = reads.count
    const started = performance.now()
    const written = drive(log, how, bodies, calls)
    let due = calls * how.batch
    while (due > 0) {
      const { value } = await follower.next()
      due -= value?.length ?? due
    }
    const seconds = (performance.now() - started) / 1000
    const { latenciesMs } = await written
    await follower.return?.()
    return { seconds, reads: reads.count - before, latenciesMs }
  } finally {
    await log.close()
    place.remove(directory)
  }
}

/** The same system, which counts reads of files that were opened for nothing else. */
function counting(system: System, reads: { count: number }): System {
  const { clock, sockets, identity, crc32, lz4, random, watchLoop, warn } = system
  const open: FileSystem['open'] = async (path, options) => {
    const handle = await system.files.open(path, options)
    return options.mode === 'read' ? countingHandle(handle, reads) : handle
  }
  const files = withMethod(system.files, 'open', open)
  return { files, clock, sockets, identity, crc32, lz4, random, watchLoop, warn }
}

function countingHandle(handle: FileHandle, reads: { count: number }): FileHandle {
  const read: FileHandle['read'] = (target, position) => {
    reads.count++
    return handle.read(target, position)
  }
  return withMethod(handle, 'read', read)
}

/** The same object with one method exchanged. */
function withMethod<T extends object, K extends keyof T>(object: T, name: K, method: T[K]): T {
  return new Proxy(object, {
    get: (target, key) => {
      if (key === name) return method
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
