/**
 * Which way of writing commit groups keeps the disk busiest while the pipe is full; the engine's choice
 * rests on it (docs/decisions/0004-the-writer.md). Each way encodes groups, writes them durably in order
 * and looks at a file behind them, as the engine looks at LOCK; the C loop writes as many bytes a group.
 */

import * as fs from 'node:fs'
import { CommitGroup } from '../src/log/group.ts'
import { median, quantile, rounded } from '../src/measure/measures.ts'
import type { Place } from '../src/measure/place.ts'
import { crc32 } from '../src/system/real/crc.ts'
import type { Raw } from './raw.ts'
import { RingWriter } from './ring.ts'

export type Done = () => void

/** Writes groups durably and calls back, in any order, once LOCK was looked at behind them. */
export interface GroupWriter {
  write(bytes: Uint8Array, position: number, done: Done): void
  close(): Promise<void>
}

/** One way, one size of group. */
export interface WriterResult {
  readonly writer: string
  readonly groupBytes: number
  /** Groups a second. */
  readonly rate: number
  readonly rawRate: number
  readonly efficiency: number
  readonly efficiencyQuartiles: readonly [number, number]
  readonly pairs: number
}

/** Groups that are under way at most; one more is always ready. */
interface Way {
  readonly writer: string
  readonly flights: number
  readonly make: (durable: number, plain: number, lock: string) => GroupWriter
}

const durableWrites: Way['make'] = (durable, _plain, lock) => new DurableWrites(durable, lock)
const flushedWrites: Way['make'] = (_durable, plain, lock) => new FlushedWrites(plain, lock)
const ring: Way['make'] = (durable, _plain, lock) => new RingWriter(durable, lock)

const WAYS: readonly Way[] = [
  { writer: 'one O_DSYNC write', flights: 1, make: durableWrites },
  { writer: 'two O_DSYNC writes', flights: 2, make: durableWrites },
  { writer: 'three O_DSYNC writes', flights: 3, make: durableWrites },
  { writer: 'four O_DSYNC writes', flights: 4, make: durableWrites },
  { writer: 'one write + fdatasync', flights: 1, make: flushedWrites },
  { writer: 'three writes + fdatasync', flights: 3, make: flushedWrites },
  { writer: 'worker, ring of one', flights: 1, make: ring },
  { writer: 'worker, ring of two', flights: 2, make: ring },
  { writer: 'worker, ring of four', flights: 4, make: ring },
]

const SHAPES = [
  { messages: 1, messageBytes: 100 },
  { messages: 100, messageBytes: 100 },
  { messages: 1000, messageBytes: 100 },
  { messages: 1000, messageBytes: 1024 },
] as const

const MIB = 1024 * 1024
const FILE_BYTES = 64 * MIB
const RUN_BYTES_MAX = 48 * MIB
const RUN_GROUPS_MAX = 1000

/** Measures every way with every size of group. */
export async function* measureWriters(
  place: Place,
  raw: Raw,
  pairs: number,
): AsyncGenerator<WriterResult> {
  const [file, lock] = [place.file('prepared'), place.file('lock')]
  fs.writeFileSync(lock, 'held')
  for (const shape of SHAPES) {
    const body = new Uint8Array(shape.messageBytes).fill(7)
    const groupBytes = encode(newGroup(), body, shape.messages).length
    const groups = Math.min(RUN_GROUPS_MAX, Math.floor(RUN_BYTES_MAX / groupBytes))
    const rates = WAYS.map((): number[] => [])
    const rawRates: number[] = []
    for (let pair = 0; pair < pairs; pair++) {
      rawRates.push(groups / (await raw.run('prepared', file, groupBytes, groups)))
      for (const turn of WAYS.keys()) {
        // Every other round runs backwards, so that a machine that slows down favours nobody.
        const index = pair % 2 === 0 ? turn : WAYS.length - 1 - turn
        const way = WAYS[index]
        if (way) rates[index]?.push(groups / (await run(way, file, lock, body, shape, groups)))
      }
    }
    for (const [index, { writer }] of WAYS.entries()) {
      yield resultOf(writer, groupBytes, rates[index] ?? [], rawRates)
    }
  }
}

function resultOf(
  writer: string,
  groupBytes: number,
  rates: readonly number[],
  rawRates: readonly number[],
): WriterResult {
  const efficiencies = rates.map((rate, pair) => rate / (rawRates[pair] ?? Number.NaN))
  return {
    writer,
    groupBytes,
    rate: rounded(median(rates)),
    rawRate: rounded(median(rawRates)),
    efficiency: rounded(median(efficiencies)),
    efficiencyQuartiles: [
      rounded(quantile(efficiencies, 0.25)),
      rounded(quantile(efficiencies, 0.75)),
    ],
    pairs: rates.length,
  }
}

/** Seconds that `groups` groups took, one of them being encoded whenever one may be sent. */
async function run(
  way: Way,
  file: string,
  lock: string,
  body: Uint8Array,
  { messages }: { readonly messages: number },
  groups: number,
): Promise<number> {
  const durable = fs.openSync(file, fs.constants.O_RDWR | (fs.constants.O_DSYNC ?? 0))
  const plain = fs.openSync(file, 'r+')
  const writer = way.make(durable, plain, lock)
  const spare = Array.from({ length: way.flights + 1 }, newGroup)
  const fileBytes = Math.min(FILE_BYTES, fs.fstatSync(plain).size)
  let position = 0
  /** Resolves when all of `count` groups are durable. */
  const send = (count: number): Promise<void> =>
    new Promise((resolve) => {
      let [left, underWay] = [count, 0]
      let ready: { readonly group: CommitGroup; readonly bytes: Uint8Array } | undefined
      const fill = (): void => {
        for (;;) {
          if (!ready && left > 0) {
            const group = spare.pop() ?? newGroup()
            ready = { group, bytes: encode(group, body, messages) }
            left--
          }
          if (!ready || underWay >= way.flights) return
          const { group, bytes } = ready
          ready = undefined
          underWay++
          if (position + bytes.length > fileBytes) position = 0
          writer.write(bytes, position, () => {
            underWay--
            spare.push(group)
            fill()
            if (underWay === 0) resolve()
          })
          position += bytes.length
        }
      }
      fill()
    })
  try {
    // A thread that has to start is no part of what is measured.
    await send(way.flights)
    const started = performance.now()
    await send(groups)
    return (performance.now() - started) / 1000
  } finally {
    await writer.close()
    fs.closeSync(durable)
    fs.closeSync(plain)
  }
}

function newGroup(): CommitGroup {
  return new CommitGroup(crc32)
}

function encode(group: CommitGroup, body: Uint8Array, messages: number): Uint8Array {
  group.reset(1)
  const key = { salt1: 1, salt2: 2, fileBytes: FILE_BYTES }
  group.attach({ key, durableOffset: 4096 }, 4096, 4096)
  group.beginBatch(messages, 0)
  for (let i = 0; i < messages; i++) group.addBatchBytes(body)
  group.endBatch()
  return group.finish()
}

/** Looks at LOCK for all groups that were written when the look began; one look at a time. */
class Looks {
  readonly #lock: string
  #waiting: Done[] = []
  #isLooking = false

  constructor(lock: string) {
    this.#lock = lock
  }

  behind(done: Done): void {
    this.#waiting.push(done)
    this.#look()
  }

  #look(): void {
    if (this.#isLooking || this.#waiting.length === 0) return
    this.#isLooking = true
    const covered = this.#waiting
    this.#waiting = []
    fs.stat(this.#lock, (error) => {
      if (error) throw error
      this.#isLooking = false
      this.#look()
      for (const done of covered) done()
    })
  }
}

class DurableWrites implements GroupWriter {
  readonly #descriptor: number
  readonly #looks: Looks

  constructor(descriptor: number, lock: string) {
    this.#descriptor = descriptor
    this.#looks = new Looks(lock)
  }

  write(bytes: Uint8Array, position: number, done: Done): void {
    fs.write(this.#descriptor, bytes, 0, bytes.length, position, (error) => {
      if (error) throw error
      this.#looks.behind(done)
    })
  }

  async close(): Promise<void> {
    // The descriptors are the caller's.
  }
}

class FlushedWrites implements GroupWriter {
  readonly #descriptor: number
  readonly #looks: Looks

  constructor(descriptor: number, lock: string) {
    this.#descriptor = descriptor
    this.#looks = new Looks(lock)
  }

  write(bytes: Uint8Array, position: number, done: Done): void {
    fs.write(this.#descriptor, bytes, 0, bytes.length, position, (error) => {
      if (error) throw error
      fs.fdatasync(this.#descriptor, (failed) => {
        if (failed) throw failed
        this.#looks.behind(done)
      })
    })
  }

  async close(): Promise<void> {
    // The descriptors are the caller's.
  }
}
