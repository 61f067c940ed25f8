/**
 * What making the next segment costs the writer: the rate and the latency of durable writes while the
 * file behind is zeroed in some way, or was there already. The choices in docs/decisions/0005-space.md
 * rest on it. Files alone, no engine: three O_DSYNC writes under way, as the engine has them.
 */

import * as fs from 'node:fs'
import { median, quantile, rounded } from '../src/measure/measures.ts'
import type { Place } from '../src/measure/place.ts'

const KIB = 1024
const MIB = 1024 * KIB
const SEGMENTS = 8
const FLIGHTS = 3

interface Way {
  readonly way: string
  /** Absent: the files are there, two that take turns. */
  readonly zeroes?: { readonly pieceBytes: number; readonly flushesEach: boolean }
}

const WAYS: readonly Way[] = [
  { way: 'files used again' },
  { way: 'zeroed, one flush at the end', zeroes: { pieceBytes: MIB, flushesEach: false } },
  { way: 'zeroed and flushed by 1 MiB', zeroes: { pieceBytes: MIB, flushesEach: true } },
  { way: 'zeroed and flushed by 256 KiB', zeroes: { pieceBytes: 256 * KIB, flushesEach: true } },
]

const SHAPES = [
  { groupBytes: 11_600, segmentBytes: 4 * MIB },
  { groupBytes: 116_000, segmentBytes: 16 * MIB },
] as const

export interface ZeroingResult {
  readonly way: string
  readonly groupBytes: number
  /** Groups a second; medians of the rounds, as are the others. */
  readonly rate: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** How long the writer waited for files in all. */
  readonly waitedMs: number
  readonly rounds: number
}

interface Run {
  readonly rate: number
  readonly latenciesMs: readonly number[]
  readonly waitedMs: number
}

export async function* measureZeroing(place: Place, rounds: number): AsyncGenerator<ZeroingResult> {
  for (const { groupBytes, segmentBytes } of SHAPES) {
    const runs = WAYS.map((): Run[] => [])
    for (let round = 0; round < rounds; round++) {
      for (const turn of WAYS.keys()) {
        const index = round % 2 === 0 ? turn : WAYS.length - 1 - turn
        const way = WAYS[index]
        if (way) runs[index]?.push(await run(place, way, groupBytes, segmentBytes))
      }
    }
    for (const [index, { way }] of WAYS.entries()) {
      const found = runs[index] ?? []
      const at = (share: number) => median(found.map((one) => quantile(one.latenciesMs, share)))
      yield {
        way,
        groupBytes,
        rate: rounded(median(found.map(({ rate }) => rate))),
        p50Ms: rounded(at(0.5)),
        p99Ms: rounded(at(0.99)),
        maxMs: rounded(at(1)),
        waitedMs: rounded(median(found.map(({ waitedMs }) => waitedMs))),
        rounds,
      }
    }
  }
}

async function run(
  place: Place,
  { zeroes }: Way,
  groupBytes: number,
  segmentBytes: number,
): Promise<Run> {
  const directory = place.file('zeroing')
  fs.mkdirSync(directory)
  const nameOf = (segment: number) => `${directory}/${zeroes ? segment : segment % 2}`
  await zeroFile(nameOf(0), segmentBytes, MIB, false)
  if (!zeroes) await zeroFile(nameOf(1), segmentBytes, MIB, false)
  const group = Buffer.alloc(groupBytes, 7)
  const latenciesMs: number[] = []
  let waitedMs = 0
  let next = Promise.resolve()
  const started = performance.now()
  for (let segment = 0; segment < SEGMENTS; segment++) {
    const waited = performance.now()
    await next
    waitedMs += performance.now() - waited
    const begin = (): void => {
      if (!zeroes || segment + 1 === SEGMENTS) return
      const { pieceBytes, flushesEach } = zeroes
      next = zeroFile(nameOf(segment + 1), segmentBytes, pieceBytes, flushesEach)
    }
    await fill(nameOf(segment), segmentBytes, group, latenciesMs, begin)
  }
  const seconds = (performance.now() - started) / 1000
  place.remove(directory)
  return { rate: latenciesMs.length / seconds, latenciesMs, waitedMs }
}

/** Writes the file full of groups, and calls `half` when it is half full. */
async function fill(
  file: string,
  fileBytes: number,
  group: Buffer,
  latenciesMs: number[],
  half: () => void,
): Promise<void> {
  const handle = await fs.promises.open(file, fs.constants.O_RDWR | (fs.constants.O_DSYNC ?? 0))
  let at = 0
  const flight = async (): Promise<void> => {
    while (at + group.length <= fileBytes) {
      const position = at
      at += group.length
      if (position * 2 < fileBytes && at * 2 >= fileBytes) half()
      const begun = performance.now()
      await handle.write(group, 0, group.length, position)
      latenciesMs.push(performance.now() - begun)
    }
  }
  await Promise.all(Array.from({ length: FLIGHTS }, flight))
  await handle.close()
}

async function zeroFile(
  file: string,
  fileBytes: number,
  pieceBytes: number,
  flushesEach: boolean,
): Promise<void> {
  const handle = await fs.promises.open(file, 'w')
  const zero = Buffer.alloc(pieceBytes)
  for (let at = 0; at < fileBytes; at += pieceBytes) {
    await handle.write(zero, 0, pieceBytes, at)
    if (flushesEach) await handle.datasync()
  }
  await handle.datasync()
  await handle.close()
}
