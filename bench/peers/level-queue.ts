/**
 * LevelDB as a queue: increasing keys, a take reads the lowest ones and deletes them in one batch, every write
 * with `sync: true`. What the contenders over classic-level have in common.
 *
 * Deleted keys stay as markers until a compaction, and a read from the start would walk over all of them: so
 * reads go on behind the key that was read last, which is the advice for queues in
 * https://github.com/facebook/rocksdb/wiki/Implement-Queue-Service-Using-RocksDB, of the same family. Lest that
 * jumps over a put that is still under way, a read also ends before the lowest of those.
 */

import { needBody } from './needed-body.ts'
import { requirePeer } from './packages.ts'

/** The part of classic-level that is used. */
interface Range {
  readonly gt?: Uint8Array
  readonly lt?: Uint8Array
  readonly reverse?: boolean
  readonly limit: number
  readonly highWaterMarkBytes?: number
}

interface Iterator {
  nextv(size: number): Promise<[key: Uint8Array, value: Uint8Array][]>
  close(): Promise<void>
}

type Operation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array }

interface Level {
  open(): Promise<void>
  put(key: Uint8Array, value: Uint8Array, options: typeof SYNC): Promise<void>
  batch(operations: readonly Operation[], options: typeof SYNC): Promise<void>
  iterator(range: Range): Iterator
  close(): Promise<void>
}

interface ClassicLevel {
  readonly ClassicLevel: new (location: string, options: unknown) => Level
}

const SYNC = { sync: true } as const
/** What one call may read; the default of 16 KiB makes many calls of one take. */
const READ_BYTES = 4 * 1024 * 1024

export async function loadLevel(): Promise<{
  readonly version: string
  readonly open: (directory: string) => Promise<LevelQueue>
}> {
  const { exports, version } = await requirePeer('classic-level')
  const { ClassicLevel } = exports as ClassicLevel
  const open = async (directory: string): Promise<LevelQueue> => {
    const level = new ClassicLevel(directory, { keyEncoding: 'view', valueEncoding: 'view' })
    await level.open()
    return new LevelQueue(level, await highestKey(level))
  }
  return { version, open }
}

export class LevelQueue {
  readonly #level: Level
  #next: number
  /** The key that was read last. */
  #read = 0
  /** The first keys of puts that are under way: in order, since they go in in order. */
  readonly #writing = new Set<number>()
  #reads: Promise<unknown> = Promise.resolve()

  constructor(level: Level, last: number) {
    this.#level = level
    this.#next = last + 1
  }

  async put(body: Uint8Array): Promise<void> {
    const key = this.#next++
    this.#writing.add(key)
    try {
      await this.#level.put(keyOf(key), body, SYNC)
    } finally {
      this.#writing.delete(key)
    }
  }

  async putMany(bodies: readonly Uint8Array[]): Promise<void> {
    const first = this.#next
    this.#next += bodies.length
    this.#writing.add(first)
    try {
      await this.#level.batch(
        bodies.map((value, at) => ({ type: 'put', key: keyOf(first + at), value })),
        SYNC,
      )
    } finally {
      this.#writing.delete(first)
    }
  }

  async take(count: number): Promise<number> {
    // Reads one after the other, so that no two find the same keys; the flushes overlap.
    const reading = this.#reads.then(() => this.#readOldest(count))
    // A read that failed is told to its taker, and the next one tries anew.
    this.#reads = reading.catch(() => undefined)
    const keys = await reading
    if (keys.length === 0) return 0
    await this.#level.batch(
      keys.map((key) => ({ type: 'del', key })),
      SYNC,
    )
    return keys.length
  }

  close(): Promise<void> {
    return this.#level.close()
  }

  async #readOldest(count: number): Promise<Uint8Array[]> {
    const [end = this.#next] = this.#writing
    const iterator = this.#level.iterator({
      gt: keyOf(this.#read),
      lt: keyOf(end),
      limit: count,
      highWaterMarkBytes: READ_BYTES,
    })
    const keys: Uint8Array[] = []
    while (keys.length < count) {
      const entries = await iterator.nextv(count - keys.length)
      if (entries.length === 0) break
      for (const [key, value] of entries) {
        needBody(value)
        keys.push(key)
      }
    }
    await iterator.close()
    const last = keys.at(-1)
    if (last !== undefined) this.#read = numberOf(last)
    return keys
  }
}

async function highestKey(level: Level): Promise<number> {
  const iterator = level.iterator({ reverse: true, limit: 1 })
  const [entry] = await iterator.nextv(1)
  await iterator.close()
  return entry === undefined ? 0 : numberOf(entry[0])
}

/** Eight bytes, the highest first, so that keys are ordered as their numbers. */
function keyOf(number: number): Uint8Array {
  const key = Buffer.allocUnsafe(8)
  key.writeUInt32BE(Math.floor(number / 2 ** 32), 0)
  key.writeUInt32BE(number % 2 ** 32, 4)
  return key
}

function numberOf(key: Uint8Array): number {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength)
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4)
}
