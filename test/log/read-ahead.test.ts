/** Reading ahead: what is read when, what it may be used for, and how it ends. Simulated. */
import { expect, test } from 'vitest'
import type { Gap } from '../../src/errors.ts'
import { openPublicReader } from '../../src/log/open-reader.ts'
import type { Message } from '../../src/log/types.ts'
import { idsOf, numbered, range, Watched } from './watched.ts'

const CHUNK_BYTES = 64 * 1024
const STAGE_BYTES = 256 * 1024
const LARGE = { segmentBytesMin: 4 * 1024 * 1024 } as const

/** A log of one segment with as many messages of 1,000 bytes as told. */
async function logOf(watched: Watched, count: number) {
  const log = await watched.openSegmentLog(LARGE)
  const append = async (from: number, end: number): Promise<void> => {
    const messages = range(from, end).map((i) => {
      const body = numbered(i, 1_000)
      const encodeInto = (target: Uint8Array, at: number) => target.set(body, at)
      return { byteLength: body.length, encodeInto }
    })
    log.append({ messages, control: [] })
    await watched.quiet()
  }
  await append(1, count + 1)
  return { log, append }
}

test('from the second chunk on what comes next is being read, and no stretch is read twice', async () => {
  const watched = new Watched(1)
  await watched.run(async () => {
    const { log } = await logOf(watched, 1_000)
    const reader = log.reader({})
    const before = watched.reads
    const seen: Message[] = [...((await reader.nextBatch()) ?? [])]
    await watched.quiet()
    // Who reads one message reads one chunk.
    expect(watched.reads).toBe(before + 1)
    seen.push(...((await reader.nextBatch()) ?? []))
    expect(watched.reads).toBe(before + 3)
    await watched.quiet()
    for (let batch = await reader.nextBatch(); batch; batch = await reader.nextBatch()) {
      seen.push(...batch)
    }
    expect(idsOf(seen)).toEqual(range(1, 1_001))
    const stages = Math.ceil((log.durableLsn - CHUNK_BYTES) / STAGE_BYTES)
    expect(watched.reads).toBe(before + 1 + stages)
    await reader.close()
    await log.close()
  })
})

test('a reader that is closed or aborted within a read ahead waits for it, then closes the file', async () => {
  const watched = new Watched(2)
  await watched.run(async () => {
    const { log } = await logOf(watched, 1_000)
    await log.close()
    const reader = await openPublicReader(watched.system, '/log')
    const closes = () => watched.simulation.report.calls.get('close') ?? 0
    // The simulated file throws where it is closed under a call.
    const left = reader.readBatches()
    await left.next()
    await left.next()
    const closesBefore = closes()
    await left.return?.()
    expect(closes()).toBe(closesBefore + 1)

    const abort = new AbortController()
    const aborted = reader.readBatches({ signal: abort.signal })
    await aborted.next()
    await aborted.next()
    abort.abort()
    await expect(aborted.next()).rejects.toMatchObject({ code: 'QLOG_ABORTED' })
    expect(closes()).toBe(closesBefore + 2)
    await reader.close()
  })
})

test('an error of a read ahead is met only where its bytes are needed, and not if they come then', async () => {
  const watched = new Watched(3)
  await watched.run(async () => {
    const { log } = await logOf(watched, 1_000)
    for (const error of ['EIO', 'EACCES']) {
      const reader = log.reader({})
      const seen = [...((await reader.nextBatch()) ?? [])]
      const fault = watched.simulation.fault({ call: 'read', error, nth: 2 })
      seen.push(...((await reader.nextBatch()) ?? []))
      await watched.quiet()
      expect(fault.hits).toBe(1)
      for (let batch = await reader.nextBatch(); batch; batch = await reader.nextBatch()) {
        seen.push(...batch)
      }
      expect(idsOf(seen)).toEqual(range(1, 1_001))
      await reader.close()
    }
    expect(log.gaps).toEqual([])
    await log.close()
  })
})

test('bytes that the disk does not return are damage in their place, read ahead or not (6)', async () => {
  const watched = new Watched(4)
  await watched.run(async () => {
    const { log } = await logOf(watched, 1_000)
    const gaps: Gap[] = []
    const seen: number[] = []
    const onGap = (gap: Gap): void => {
      gaps.push(gap)
      expect(gap.firstId).toBe((seen.at(-1) ?? 0) + 1)
    }
    const reader = log.reader({ onGap })
    seen.push(...idsOf((await reader.nextBatch()) ?? []))
    seen.push(...idsOf((await reader.nextBatch()) ?? []))
    await watched.quiet()
    // What was read ahead has come; of what follows it nothing ever does.
    watched.simulation.fault({ call: 'read', error: 'EIO' })
    for (let batch = await reader.nextBatch(); batch; batch = await reader.nextBatch()) {
      seen.push(...idsOf(batch))
      await watched.quiet()
      expect(gaps).toEqual([])
    }
    expect(seen).toEqual(range(1, seen.length + 1))
    expect(seen.length * 1_000).toBeGreaterThan(STAGE_BYTES)
    expect(gaps.map(({ endId }) => endId)).toEqual([1_001])
    await reader.close()
    await log.close()
  })
})

test('what was read ahead ends where the log ended then: what is appended later is read later', async () => {
  const watched = new Watched(5)
  await watched.run(async () => {
    // What is read ahead with the second chunk is cut off by the end.
    const { log, append } = await logOf(watched, 400)
    const reader = log.reader({})
    const seen = [...((await reader.nextBatch()) ?? []), ...((await reader.nextBatch()) ?? [])]
    await watched.quiet()
    await append(401, 801)
    for (let batch = await reader.nextBatch(); batch; batch = await reader.nextBatch()) {
      seen.push(...batch)
    }
    expect(idsOf(seen)).toEqual(range(1, 801))
    expect(log.gaps).toEqual([])
    await reader.close()
    await log.close()
  })
})

test('a reader without the lock that follows uses nothing of a write that was under way', async () => {
  for (let seed = 10; seed < 30; seed++) {
    const watched = new Watched(seed)
    const { simulation } = watched
    const abort = new AbortController()
    await watched.run(async () => {
      const log = await watched.openLog({ ...LARGE, idleSyncMs: 1 })
      await log.appendMany(range(1, 401).map((i) => numbered(i, 1_000)))
      await watched.quiet()
      const other = simulation.process('reader')
      const ids: number[] = []
      const reading = other.run(async () => {
        const reader = await openPublicReader(other, '/log')
        const { signal } = abort
        for await (const batch of reader.readBatches({ follow: true, signal })) {
          ids.push(...idsOf(batch))
          // Slower than the writer, so that it always has a chunk to read ahead.
          await new Promise<void>((resolve) => other.clock.after(0.2, resolve))
          if (ids.length === 1_000) abort.abort()
        }
      })
      for (let i = 401; i <= 1_000; i += 30) {
        await log.appendMany(range(i, i + 30).map((id) => numbered(id, 1_000)))
      }
      await expect(reading).rejects.toMatchObject({ code: 'QLOG_ABORTED' })
      expect(ids).toEqual(range(1, 1_001))
      await log.close()
    })
  }
})

test('fetch reads ids that follow each other together, all of them from one open file', async () => {
  const watched = new Watched(6)
  await watched.run(async () => {
    const { log } = await logOf(watched, 1_000)
    const before = { opens: watched.opens, reads: watched.reads }
    const ids = [...range(100, 160), 7, ...range(500, 520), 1_001, 519, 518, 1_000]
    const bodies = await log.fetch(ids)
    for (const [row, id] of ids.entries()) {
      expect(bodies[row]).toEqual(id > 1_000 ? undefined : new Uint8Array(numbered(id, 1_000)))
    }
    expect(watched.opens).toBe(before.opens + 1)
    expect(watched.reads - before.reads).toBeLessThanOrEqual(10)
    await log.close()
  })
})

test('fetch passes over segments and ids that are not there, and damage names its ids', async () => {
  const watched = new Watched(7)
  await watched.run(async () => {
    const log = await watched.openSegmentLog({ segmentBytesMin: 65_536, segmentBytesMax: 65_536 })
    const append = async (i: number): Promise<void> => {
      const body = numbered(i, 9_000)
      const encodeInto = (target: Uint8Array, at: number) => target.set(body, at)
      log.append({ messages: [{ byteLength: body.length, encodeInto }], control: [] })
      await watched.quiet()
    }
    for (let i = 1; i <= 40; i++) await append(i)
    log.discard([[12, 13]])
    const ids = [40, 39, ...range(1, 30)]
    const bodies = await log.fetch(ids)
    expect(bodies.map((body) => body && Number.parseInt(Buffer.from(body).toString(), 10))).toEqual(
      ids.map((id) => (id === 12 || id === 13 ? undefined : id)),
    )
    const second = log.view.segments()[1]
    if (!second) throw new Error('there are several segments')
    watched.simulation.disk.flipBit(`/log/${second.file}`, 30_000, 1)
    await expect(log.fetch(range(1, 40))).rejects.toMatchObject({ code: 'QLOG_DAMAGED' })
    expect([...log.view.pins.numbers()]).toEqual([])
    await log.close()
  })
})
