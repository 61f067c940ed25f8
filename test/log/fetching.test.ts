/** Fetching ids that do not follow each other: what it costs, and that damage and merging change nothing. */
import { expect, test } from 'vitest'
import { DamagedError } from '../../src/errors.ts'
import type { SegmentLog } from '../../src/log/segment-log.ts'
import type { LogOptions } from '../../src/log/types.ts'
import { Random } from '../../src/system/simulated/random.ts'
import { numbered, range, Watched } from './watched.ts'

const STRIDE_BYTES = 16 * 1024
const PINNED_BYTES_MAX = 64 * 1024
const LARGE = { segmentBytesMin: 4 * 1024 * 1024, compression: 'none' } as const
const SMALL = { segmentBytesMin: 16_384, segmentBytesMax: 65_536, compression: 'none' } as const

/** Appends messages whose bodies tell their ids, so many a batch. */
async function append(
  watched: Watched,
  log: SegmentLog,
  count: number,
  byteLength: number,
  perBatch = 100,
): Promise<void> {
  for (let done = 0; done < count; done += perBatch) {
    const messages = range(log.nextId, log.nextId + perBatch).map((id) => {
      const body = numbered(id, byteLength)
      const encodeInto = (target: Uint8Array, at: number) => target.set(body, at)
      return { byteLength, encodeInto }
    })
    log.append({ messages, control: [] })
    await watched.quiet()
  }
}

/** So many ids up to `count`, far from each other and in no order. */
function scattered(count: number, ids: number): number[] {
  return range(0, ids).map((row) => 1 + ((row * 7 + 3) % ids) * Math.floor(count / ids))
}

function expectBodies(
  bodies: readonly (Uint8Array | undefined)[],
  ids: readonly number[],
  byteLength: number,
): void {
  expect(bodies.map((body) => body && Buffer.from(body).toString())).toEqual(
    ids.map((id) => numbered(id, byteLength).toString()),
  )
}

test('ids far from each other cost one short read each, also where a segment has no SEAL', async () => {
  const watched = new Watched(1)
  await watched.run(async () => {
    const ids = scattered(20_000, 30)
    let log = await watched.openSegmentLog(LARGE)
    const cost = async (): Promise<{ reads: number; bytes: number }> => {
      const before = { reads: watched.reads, bytes: watched.readBytes }
      expectBodies(await log.fetch(ids), ids, 100)
      return { reads: watched.reads - before.reads, bytes: watched.readBytes - before.bytes }
    }
    await append(watched, log, 20_000, 100, 500)
    const expectCheap = ({ reads, bytes }: { reads: number; bytes: number }): void => {
      expect(reads).toBeLessThanOrEqual(ids.length + 2)
      expect(bytes).toBeLessThanOrEqual((ids.length + 4) * (STRIDE_BYTES + 8 * 1024))
    }
    expectCheap(await cost())
    const fileBytes = log.durableLsn
    await log.close()
    log = await watched.openSegmentLog(LARGE)
    // Once somebody has to walk through it; no part of it twice.
    expect((await cost()).bytes).toBeLessThanOrEqual(fileBytes + 1024 * 1024)
    expectCheap(await cost())
    // Nor does the next reader, whom the view tells.
    await new Promise<void>((resolve) => watched.process.clock.after(1_000, resolve))
    expect([...log.view.pins.numbers()]).toEqual([])
    expectCheap(await cost())
    await log.close()
  })
})

test('a segment without SEAL is walked as far as it is needed, and on from there', async () => {
  const watched = new Watched(2)
  await watched.run(async () => {
    const first = await watched.openSegmentLog(LARGE)
    await append(watched, first, 20_000, 100, 500)
    await first.close()
    const log = await watched.openSegmentLog(LARGE)
    for (const id of range(1, 19).map((row) => row * 1_000)) {
      const before = watched.readBytes
      expectBodies(await log.fetch([id]), [id], 100)
      // A thousand messages, the look for the SEAL, and what is read ahead.
      expect(watched.readBytes - before).toBeLessThanOrEqual(900 * 1024)
      // What is being read ahead comes first.
      await watched.quiet()
      const again = watched.readBytes
      expectBodies(await log.fetch([id - 900, id - 400]), [id - 900, id - 400], 100)
      expect(watched.readBytes - again).toBeLessThanOrEqual(3 * (STRIDE_BYTES + 8 * 1024))
    }
    await log.close()
  })
})

test('ids of one block cost one read and one checksum, in one call or in many, in any order', async () => {
  const watched = new Watched(3)
  await watched.run(async () => {
    const log = await watched.openSegmentLog(LARGE)
    await append(watched, log, 2_000, 100)
    await log.fetch([1_005])
    const before = { reads: watched.reads, checksums: watched.checksums }
    const ids = [1_005, 1_001, 1_009, 1_002, 1_002, 1_004]
    expectBodies(await log.fetch(ids), ids, 100)
    for (const id of ids) expectBodies(await log.fetch([id]), [id], 100)
    expect({ reads: watched.reads, checksums: watched.checksums }).toEqual(before)
    await log.close()
  })
})

test('who takes the newest takes what comes next from memory, as long as it comes for more', async () => {
  const watched = new Watched(9)
  await watched.run(async () => {
    const log = await watched.openSegmentLog(LARGE)
    await append(watched, log, 3, 100, 1)
    expectBodies(await log.fetch([3]), [3], 100)
    const before = watched.reads
    for (let id = 4; id < 40; id += 2) {
      await append(watched, log, 2, 100, 1)
      expectBodies(await log.fetch([id, id + 1]), [id, id + 1], 100)
    }
    expect(watched.reads).toBe(before)
    // Nobody comes any more: nothing is kept.
    await new Promise<void>((resolve) => watched.process.clock.after(1_000, resolve))
    expect(log.view.tail.byteLength).toBe(0)
    await append(watched, log, 10, 100, 1)
    expect(log.view.tail.byteLength).toBe(0)
    await log.close()
  })
})

test('an answer ends where its budget does in the order asked, whatever the order of the ids', async () => {
  const watched = new Watched(4)
  await watched.run(async () => {
    const log = await watched.openSegmentLog(LARGE)
    for (let id = 1; id <= 60; id++) await append(watched, log, 1, (id * 37) % 500, 1)
    log.discard([[20, 29]])
    let seed = 7
    const draw = (below: number): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return (seed >>> 8) % below
    }
    for (let round = 0; round < 200; round++) {
      const ids = range(0, draw(20)).map(() => 1 + draw(65))
      const bytesMax = draw(3_000)
      const expected: (number | undefined)[] = []
      let bytes = 0
      let isUsed = false
      for (const id of ids) {
        const isThere = id <= 60 && (id < 20 || id > 29)
        const length = isThere ? (id * 37) % 500 : 0
        if (isThere && isUsed && bytes + length > bytesMax) break
        bytes += length
        isUsed ||= isThere
        expected.push(isThere ? length : undefined)
      }
      const bodies = await log.fetch(ids, { bytesMax })
      expect(bodies.map((body) => body?.length)).toEqual(expected)
    }
    await log.close()
  })
})

test('kept bodies stay what they were through later fetches and pin little', async () => {
  for (const compression of ['none', 'lz4'] as const) {
    const watched = new Watched(5)
    await watched.run(async () => {
      const log = await watched.openSegmentLog({ ...LARGE, compression })
      await append(watched, log, 4_000, 300)
      const ids = scattered(4_000, 40)
      const kept = await log.fetch(ids)
      for (let round = 0; round < 5; round++) {
        const others = ids.map((id) => id + round + 1)
        expectBodies(await log.fetch(others), others, 300)
      }
      expectBodies(kept, ids, 300)
      for (const body of kept) {
        expect((body?.buffer.byteLength ?? 0) - 300).toBeLessThanOrEqual(PINNED_BYTES_MAX)
      }
      await log.close()
    })
  }
})

test('a block with any damaged byte of its header takes its own ids and no other (4, 6)', async () => {
  for (const isReopened of [false, true]) {
    const watched = new Watched(6)
    await watched.run(async () => {
      let log = await watched.openSegmentLog(LARGE)
      await append(watched, log, 1_000, 100, 10)
      if (isReopened) {
        await log.close()
        log = await watched.openSegmentLog(LARGE)
        await log.fetch([1_000])
      }
      const file = `/log/${log.view.segments()[0]?.file}`
      const offset = offsetOf(watched, file, 505)
      for (let at = 0; at < 48; at += 1) {
        watched.simulation.disk.flipBit(file, offset + at, at % 8)
        const near = [511, 499, 512, 520, 500, 491, 530]
        expectBodies(await log.fetch(near), near, 100)
        const error = await log.fetch([520, 505, 490]).catch((caught: unknown) => caught)
        if (!(error instanceof DamagedError)) throw new Error(`byte ${at}: not told`)
        const [gap] = error.gaps
        expect(gap && gap.firstId <= 505 && gap.endId === 511).toBe(true)
        // What the budget leaves out is not damage to the answer.
        const cut = await log.fetch([520, 490, 505], { bytesMax: 150 })
        expectBodies(cut, [520], 100)
        watched.simulation.disk.flipBit(file, offset + at, at % 8)
      }
      await log.close()
    })
  }
})

test('fetching goes on while segments retire and are merged under it', async () => {
  for (let seed = 20; seed < 26; seed++) {
    const watched = new Watched(seed)
    const options: LogOptions = { ...SMALL, idleSyncMs: 0 }
    await watched.run(async () => {
      const log = await watched.openSegmentLog(options)
      await append(watched, log, 400, 1_000, 4)
      const live = range(1, 401).filter((id) => id % 10 === 0)
      const ids = [...live.filter((id) => id % 20 === 0), ...live.filter((id) => id % 20 !== 0)]
      const fetching = (async () => {
        for (let round = 0; round < 20; round++) expectBodies(await log.fetch(ids), ids, 1_000)
      })()
      for (const id of live) log.discard([[id - 9, id - 1]])
      await log.compact()
      await fetching
      expectBodies(await log.fetch(ids), ids, 1_000)
      expect(log.mergeStats.merges).toBeGreaterThan(0)
      expect(log.gaps).toEqual([])
      await log.close()
      const again = await watched.openSegmentLog(options)
      expectBodies(await again.fetch(ids), ids, 1_000)
      await again.close()
    })
  }
})

/** Where the block begins that holds the body of `id`: every batch is one block here. */
function offsetOf(watched: Watched, file: string, id: number): number {
  const bytes = Buffer.from(watched.simulation.disk.readFile(file))
  const body = bytes.indexOf(numbered(id, 100))
  const first = id - ((id - 1) % 10)
  for (let at = body & ~7; at > 0; at -= 8) {
    if (bytes.readUInt32LE(at + 12) === at && bytes.readUInt32LE(at + 32) === first) return at
  }
  throw new Error('no block holds it')
}

test('calls at once whose ids follow each other read the file as one call does', async () => {
  const watched = new Watched(4)
  await watched.run(async () => {
    const log = await watched.openSegmentLog(LARGE)
    await append(watched, log, 8_000, 100, 500)
    const pieces = [0, 1, 2, 3].map((piece) => range(1 + piece * 1_000, 1_001 + piece * 1_000))
    const before = watched.readBytes
    const answers = await Promise.all(pieces.map((ids) => log.fetch(ids)))
    for (const [row, bodies] of answers.entries()) expectBodies(bodies, pieces[row] ?? [], 100)
    await watched.quiet()
    // The four pieces, and what is read ahead of them: no reader began a second time.
    expect(watched.readBytes - before).toBeLessThanOrEqual(4_000 * 120 + 600 * 1024)
    await log.close()
  })
})

test('a call that was turned down does not turn down the one that waits for its reader', async () => {
  const watched = new Watched(5)
  await watched.run(async () => {
    const log = await watched.openSegmentLog(LARGE)
    await append(watched, log, 2_000, 100)
    const controller = new AbortController()
    const first = log.fetch(range(1, 1_001), { signal: controller.signal })
    const second = log.fetch(range(1_001, 1_501))
    controller.abort()
    await expect(first).rejects.toMatchObject({ code: 'QLOG_ABORTED' })
    expectBodies(await second, range(1_001, 1_501), 100)
    await log.close()
  })
})

test('a call that waits for its reader ends with its signal, and spoils nothing for the others', async () => {
  const watched = new Watched(6)
  await watched.run(async () => {
    const log = await watched.openSegmentLog(LARGE)
    await append(watched, log, 4_000, 100, 500)
    const controller = new AbortController()
    const ended: string[] = []
    const first = log.fetch(range(1, 2_001)).finally(() => ended.push('first'))
    const second = log
      .fetch(range(2_001, 3_001), { signal: controller.signal })
      .finally(() => ended.push('second'))
    const third = log.fetch(range(3_001, 3_501))
    controller.abort()
    await expect(second).rejects.toMatchObject({ code: 'QLOG_ABORTED' })
    expect(ended).toEqual(['second'])
    expectBodies(await first, range(1, 2_001), 100)
    expectBodies(await third, range(3_001, 3_501), 100)
    await log.close()
  })
})

test.each([
  { compression: 'none', byteLength: 100 },
  { compression: 'none', byteLength: 3_000 },
  { compression: 'lz4', byteLength: 100 },
  { compression: 'lz4', byteLength: 3_000 },
] as const)(
  'what callers do to their bodies reaches no other call, and is not damage: %o',
  async ({ compression, byteLength }) => {
    const watched = new Watched(7)
    await watched.run(async () => {
      let log = await watched.openSegmentLog({ ...LARGE, compression })
      await append(watched, log, 1_000, byteLength)
      // A reader holds on to its chunk; the newest groups stand in memory too, for those that come later.
      for (const isTail of [true, false]) {
        const random = new Random(1)
        const places = [1, 1, 1]
        for (let round = 0; round < 150; round++) {
          const row = random.below(places.length)
          const from = Math.max(1, (places[row] ?? 1) - random.below(3))
          const ids = range(
            from,
            Math.min(1_001, from + 1 + random.below(random.chance(0.5) ? 3 : 60)),
          )
          if (random.chance(0.2)) ids.push(from, from)
          places[row] = (ids.at(-1) ?? 0) % 1_000
          const bodies = await log.fetch(ids)
          for (const [at, body] of bodies.entries()) {
            expect(body && numbered(ids[at] ?? 0, byteLength).equals(body)).toBe(true)
            body?.fill(0)
          }
        }
        expect(log.gaps).toEqual([])
        await log.close()
        if (isTail) log = await watched.openSegmentLog({ ...LARGE, compression })
      }
    })
  },
)
