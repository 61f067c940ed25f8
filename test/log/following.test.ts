/** Followers at the tail of a log: what they read, from where, and what that costs. Simulated. */
import { expect, test, vi } from 'vitest'
import { TailCache } from '../../src/log/read/tail-cache.ts'
import type { Encodable, Entry } from '../../src/log/seam.ts'
import type { Log, Message, ReadOptions } from '../../src/log/types.ts'
import { idsOf, numbered, range, Watched } from './watched.ts'

const SMALL = { segmentBytesMin: 16_384, segmentBytesMax: 32_768 } as const
const KEPT_BYTES_MAX = 4 * 1024 * 1024
const PINNED_BYTES_MAX = 64 * 1024

/** Follows in the background and keeps what it is given. */
function follow(log: Pick<Log, 'readBatches'>, options: ReadOptions = {}) {
  const abort = new AbortController()
  const seen: Message[] = []
  const ended = (async () => {
    const { signal } = abort
    for await (const batch of log.readBatches({ follow: true, signal, ...options })) {
      seen.push(...batch)
    }
  })().catch((error: unknown) => error)
  return { abort, seen, ended }
}

function encodable(bytes: Uint8Array): Encodable {
  return { byteLength: bytes.length, encodeInto: (target, at) => target.set(bytes, at) }
}

test('a follower at the tail reads and opens no file, also where segments change', async () => {
  const watched = new Watched(1)
  await watched.run(async () => {
    const log = await watched.openLog(SMALL)
    for (let i = 1; i <= 5; i++) await log.append(numbered(i, 400))
    const follower = follow(log)
    await watched.quiet()
    expect(idsOf(follower.seen)).toEqual(range(1, 6))
    const before = { opens: watched.opens, reads: watched.reads }
    for (let i = 6; i <= 300; i++) {
      if (i % 3 === 0) log.appendSync(numbered(i, 400))
      else await log.append(numbered(i, i % 50 === 0 ? 9_000 : 400))
    }
    await watched.quiet()
    expect(idsOf(follower.seen)).toEqual(range(1, 301))
    expect({ opens: watched.opens, reads: watched.reads }).toEqual(before)
    expect(log.stats().segments.length).toBeGreaterThan(4)
    follower.abort.abort()
    await follower.ended
    await log.close()
  })
})

test('the owner of the seam follows its entries without reading a file', async () => {
  const watched = new Watched(2)
  await watched.run(async () => {
    const log = await watched.openSegmentLog(SMALL)
    const entries: Entry[] = []
    const reader = log.read({ after: 0, follow: true })
    const ended = (async () => {
      for await (const batch of reader) entries.push(...batch)
    })()
    const append = async (i: number): Promise<void> => {
      const messages = range(0, 3).map(() => encodable(numbered(i, 700)))
      log.append({ messages, control: [encodable(numbered(i, 20))] })
      await watched.quiet()
    }
    await append(1)
    const before = { opens: watched.opens, reads: watched.reads }
    for (let i = 2; i <= 40; i++) await append(i)
    expect(entries.map(({ messages, control }) => [messages.length, control.length])).toEqual(
      range(0, 40).map(() => [3, 1]),
    )
    expect({ opens: watched.opens, reads: watched.reads }).toEqual(before)
    expect(log.view.segments().length).toBeGreaterThan(3)
    await reader.return?.()
    await ended
    expect(log.view.tail.byteLength).toBe(0)
    expect([...log.view.pins.numbers()]).toEqual([])
    await log.close()
  })
})

test('while somebody follows, get and fetch of recent ids read no file', async () => {
  const watched = new Watched(3)
  await watched.run(async () => {
    const log = await watched.openSegmentLog()
    const append = async (i: number): Promise<void> => {
      log.append({ messages: [encodable(numbered(i, 3_000))], control: [] })
      await watched.quiet()
    }
    await append(1)
    const follower = log.reader({ follow: true })
    await follower.nextBatch()
    const next = follower.nextBatch()
    for (let i = 2; i <= 60; i++) await append(i)
    const before = { opens: watched.opens, reads: watched.reads }
    for (const id of [2, 30, 60]) expect((await log.get(id))?.body).toEqual(plain(id, 3_000))
    const bodies = await log.fetch([59, 3, 4, 5, 61, 20])
    expect(bodies).toEqual([59, 3, 4, 5, 0, 20].map((id) => (id ? plain(id, 3_000) : undefined)))
    expect({ opens: watched.opens, reads: watched.reads }).toEqual(before)
    await next
    await follower.close()
    await log.close()
  })
})

function plain(number: number, byteLength: number): Uint8Array {
  return new Uint8Array(numbered(number, byteLength))
}

test('a log that nobody follows keeps nothing in memory, nor one whose follower has ended', async () => {
  const watched = new Watched(4)
  await watched.run(async () => {
    const log = await watched.openSegmentLog()
    const append = async (): Promise<void> => {
      log.append({ messages: [encodable(numbered(1, 3_000))], control: [] })
      await watched.quiet()
    }
    await append()
    const plainReader = log.reader({})
    await plainReader.nextBatch()
    await append()
    expect(log.view.tail.byteLength).toBe(0)
    const follower = log.reader({ follow: true })
    await follower.nextBatch()
    await append()
    expect(log.view.tail.byteLength).toBe(0)
    await follower.nextBatch()
    const next = follower.nextBatch()
    await append()
    expect(log.view.tail.byteLength).toBeGreaterThan(0)
    await next
    await follower.close()
    await plainReader.close()
    expect(log.view.tail.byteLength).toBe(0)
    await log.close()
  })
})

test('a body kept by a follower stays what it was and pins at most 64 KiB beside itself', async () => {
  const watched = new Watched(5)
  await watched.run(async () => {
    const log = await watched.openLog()
    await log.append(numbered(1, 10))
    const follower = follow(log)
    await watched.quiet()
    const lengths = [0, 5, 3_000, 70, 100_000, 4_100, 800]
    const copies: Buffer[] = [numbered(1, 10)]
    for (let round = 0; round < 30; round++) {
      const bodies = lengths.map((length, row) => numbered(round * 7 + row, length))
      await log.appendMany(bodies)
      copies.push(...bodies)
    }
    await watched.quiet()
    expect(follower.seen.length).toBe(copies.length)
    const buffers = new Set<unknown>()
    for (const [row, { body }] of follower.seen.entries()) {
      expect(body.buffer.byteLength - body.byteLength).toBeLessThanOrEqual(PINNED_BYTES_MAX)
      expect(Buffer.compare(body, copies[row] ?? Buffer.alloc(0))).toBe(0)
      buffers.add(body.buffer)
    }
    // One buffer a chunk, not one a message.
    expect(buffers.size).toBeLessThan(copies.length / 2)
    follower.abort.abort()
    await follower.ended
    await log.close()
  })
})

test('what is kept is bounded, and a follower that it has outrun goes on from the files (2)', async () => {
  const watched = new Watched(6)
  await watched.run(async () => {
    const log = await watched.openSegmentLog({
      segmentBytesMin: 262_144,
      segmentBytesMax: 1_048_576,
    })
    const follower = log.reader({ follow: true })
    const seen: Message[] = []
    let next = follower.nextBatch()
    let largest = 0
    for (let i = 0; i < 60; i++) {
      const messages = range(0, 100).map((row) => encodable(numbered(i * 100 + row + 1, 1_500)))
      log.append({ messages, control: [] })
      await watched.quiet()
      largest = Math.max(largest, log.view.tail.byteLength)
    }
    expect(largest).toBeLessThanOrEqual(KEPT_BYTES_MAX)
    expect(largest).toBeGreaterThan(KEPT_BYTES_MAX / 2)
    // It did not come back for more than is kept, so nothing is kept for it any more.
    expect(log.view.tail.byteLength).toBe(0)
    const before = watched.reads
    while (seen.length < 6_000) {
      seen.push(...((await next) ?? []))
      next = follower.nextBatch()
    }
    expect(watched.reads).toBeGreaterThan(before)
    expect(idsOf(seen)).toEqual(range(1, 6_001))
    await watched.quiet()
    const caughtUp = watched.reads
    log.append({ messages: [encodable(numbered(6_001, 10))], control: [] })
    expect(idsOf((await next) ?? [])).toEqual([6_001])
    expect(watched.reads).toBe(caughtUp)
    await follower.close()
    await log.close()
  })
})

test('a group larger than what is kept reaches its follower through the file', async () => {
  const watched = new Watched(7)
  await watched.run(async () => {
    const log = await watched.openLog()
    await log.append('first')
    const follower = follow(log)
    await watched.quiet()
    await log.appendMany([Buffer.alloc(3_000_000, 1), Buffer.alloc(3_000_000, 2), 'small'])
    await log.append('last')
    await watched.quiet()
    expect(follower.seen.map(({ id, body }) => [id, body.length])).toEqual([
      [1, 5],
      [2, 3_000_000],
      [3, 3_000_000],
      [4, 5],
      [5, 4],
    ])
    follower.abort.abort()
    await follower.ended
    await log.close()
  })
})

test('a group for whose copy there is no memory resolves, and reaches its follower through the file', async () => {
  const watched = new Watched(13)
  await watched.run(async () => {
    const committed: number[] = []
    const log = await watched.openSegmentLog({}, { committed: (upTo) => committed.push(upTo) })
    const append = (i: number) =>
      log.append({ messages: [encodable(numbered(i, 100_000))], control: [] })
    append(1)
    await watched.quiet()
    const follower = log.reader({ follow: true })
    await follower.nextBatch()
    const next = follower.nextBatch()
    const { tail } = log.view
    const add = tail.add.bind(tail)
    vi.spyOn(tail, 'add').mockImplementationOnce((...group) => {
      vi.stubGlobal('Uint8Array', function noMemory() {
        throw new RangeError('Array buffer allocation failed')
      })
      try {
        add(...group)
      } finally {
        vi.unstubAllGlobals()
      }
    })
    const before = watched.reads
    append(2)
    expect(await next).toMatchObject([{ id: 2, body: plain(2, 100_000) }])
    expect(watched.reads).toBeGreaterThan(before)
    append(3)
    expect(await follower.nextBatch()).toMatchObject([{ id: 3, body: plain(3, 100_000) }])
    expect([committed, log.loop.state, log.gaps]).toEqual([[1, 2, 3], 'open', []])
    await follower.close()
    await log.close()
  })
})

test('what throws behind a group that has resolved stops the log, and does not take back its appends', async () => {
  for (const isSync of [false, true]) {
    const watched = new Watched(14)
    await watched.run(async () => {
      const log = await watched.openLog()
      await log.append('first')
      const add = vi.spyOn(TailCache.prototype, 'add').mockImplementationOnce(() => {
        throw new Error('behind it')
      })
      if (isSync) expect(log.appendSync('second')).toBe(2)
      else expect(await Promise.all([log.append('second'), log.append('third')])).toEqual([2, 3])
      await watched.quiet()
      add.mockRestore()
      expect(log.status).toBe('failed')
      await expect(log.append('late')).rejects.toMatchObject({ code: 'QLOG_FAILED' })
      await log.close().catch(() => undefined)
    })
  }
})

test('kept bytes that went bad are read from the file, and are no damage (4)', async () => {
  const watched = new Watched(8)
  await watched.run(async () => {
    const log = await watched.openSegmentLog()
    const append = async (i: number): Promise<void> => {
      log.append({ messages: [encodable(numbered(i, 3_000))], control: [] })
      await watched.quiet()
    }
    await append(1)
    const follower = log.reader({ follow: true })
    await follower.nextBatch()
    const next = follower.nextBatch()
    await append(2)
    await next
    await append(3)
    const place = log.durableLsn - 8
    const chunk = log.view.tail.find(1, place)
    if (!chunk) throw new Error('the newest group is kept')
    const at = place - chunk.start
    chunk.bytes[at - 500] = (chunk.bytes[at - 500] ?? 0) ^ 1
    const before = watched.reads
    const [message] = (await follower.nextBatch()) ?? []
    expect(message).toMatchObject({ id: 3, body: plain(3, 3_000) })
    expect(watched.reads).toBeGreaterThan(before)
    expect(log.gaps).toEqual([])
    await follower.close()
    await log.close()
  })
})

test('a follower that holds no file passes over segments that have retired', async () => {
  const watched = new Watched(9)
  await watched.run(async () => {
    const log = await watched.openSegmentLog({ segmentBytesMin: 65_536, segmentBytesMax: 65_536 })
    const append = async (i: number): Promise<void> => {
      log.append({ messages: [encodable(numbered(i, 20_000))], control: [] })
      await watched.quiet()
    }
    await append(1)
    const follower = log.reader({ follow: true })
    const entries = log.read({ after: 0, follow: true })
    await follower.nextBatch()
    await entries.next()
    const nexts = [follower.nextBatch(), entries.next()] as const
    await append(2)
    await Promise.all(nexts)
    // In the first segment, and so far behind that nothing of what comes is kept for them.
    for (let i = 3; i <= 260; i++) await append(i)
    expect(log.view.tail.byteLength).toBe(0)
    const kept = log.view.segments().at(-2)?.firstId ?? 0
    log.discard([[1, kept - 1]])
    await append(261)
    await watched.quiet()
    expect(log.firstId).toBe(kept)
    const ids: number[] = []
    while (ids.at(-1) !== 261) ids.push(...idsOf((await follower.nextBatch()) ?? []))
    expect(ids).toEqual(range(kept, 262))
    const entryIds: number[] = []
    while (entryIds.at(-1) !== 261) {
      const { value } = await entries.next()
      for (const entry of value as readonly Entry[]) entryIds.push(...Array.from(entry.ids))
    }
    expect(entryIds).toEqual(range(kept, 262))
    expect(log.gaps).toEqual([])
    await follower.close()
    await entries.return?.()
    await log.close()
  })
})

test('a file that is lost under a follower that never opened it is damage, told with its ids', async () => {
  const watched = new Watched(10)
  await watched.run(async () => {
    const log = await watched.openLog({ segmentBytesMin: 65_536, segmentBytesMax: 65_536 })
    for (let i = 1; i <= 10; i++) await log.append(numbered(i, 20_000))
    const [first, second] = log.stats().segments
    if (!first || !second) throw new Error('there are several segments')
    await watched.process.files.unlink(`/log/${second.file}`)
    const seen: number[] = []
    const reading = (async () => {
      for await (const { id } of log.read({ follow: true })) seen.push(id)
    })()
    await expect(reading).rejects.toMatchObject({
      code: 'QLOG_DAMAGED',
      gaps: [{ firstId: second.firstId, endId: second.endId }],
    })
    expect(seen).toEqual(range(1, second.firstId))
    await log.close()
  })
})

test('a follower that begins within a group under way waits for it, and takes nothing for lost', async () => {
  const watched = new Watched(11)
  await watched.run(async () => {
    const log = await watched.openLog({ segmentBytesMin: 1_048_576 })
    await log.append(numbered(1, 40_000))
    const appended = log.appendMany(range(2, 42).map((i) => numbered(i, 3_000)))
    await Promise.resolve()
    const follower = follow(log, { from: 30 })
    await appended
    await watched.quiet()
    expect(idsOf(follower.seen)).toEqual(range(30, 42))
    expect(log.stats().gaps).toEqual([])
    follower.abort.abort()
    expect(await follower.ended).toMatchObject({ code: 'QLOG_ABORTED' })
    await log.close()
  })
})

test('followers are in one segment each, and in none once they have ended', async () => {
  const watched = new Watched(12)
  await watched.run(async () => {
    const log = await watched.openSegmentLog({ segmentBytesMin: 65_536, segmentBytesMax: 65_536 })
    const append = async (i: number): Promise<void> => {
      log.append({ messages: [encodable(numbered(i, 20_000))], control: [] })
      await watched.quiet()
    }
    for (let i = 1; i <= 8; i++) await append(i)
    const [first, second] = log.view.segments()
    const slow = log.reader({})
    await slow.nextBatch()
    const other = log.reader({ from: second?.firstId ?? 0 })
    await other.nextBatch()
    expect([...log.view.pins.numbers()]).toEqual([first?.number, second?.number])
    while (await other.nextBatch());
    expect(log.view.pins.has(first?.number ?? 0)).toBe(true)
    expect(log.view.pins.has(second?.number ?? 0)).toBe(false)
    await slow.close()
    await other.close()
    expect([...log.view.pins.numbers()]).toEqual([])
    await log.close()
  })
})

test('what one follower does to its bodies is not what another gets, and is not damage', async () => {
  const watched = new Watched(9)
  await watched.run(async () => {
    const log = await watched.openLog()
    await log.append(numbered(1, 300))
    const read: [number, boolean][] = []
    const followers = [1, 2, 3].map((number) => {
      const abort = new AbortController()
      const ended = (async () => {
        for await (const { id, body } of log.read({ follow: true, signal: abort.signal })) {
          read.push([number, numbered(id, 300).equals(body)])
          body.fill(number)
        }
      })().catch((error: unknown) => error)
      return { abort, ended }
    })
    await watched.quiet()
    for (let i = 2; i <= 60; i++) {
      const all = [log.append(numbered(i, 300))]
      if (i % 3 > 0) all.push(log.append(numbered(++i, 300)))
      await Promise.all(all)
      if (i % 5 === 0) await watched.quiet()
    }
    await watched.quiet()
    expect(read.filter(([, isRight]) => !isRight)).toEqual([])
    for (const number of [1, 2, 3]) {
      expect(read.filter(([one]) => one === number).length).toBe(log.nextId - 1)
    }
    expect(log.stats().gaps).toEqual([])
    for (const { abort } of followers) abort.abort()
    await Promise.all(followers.map(({ ended }) => ended))
    await log.close()
  })
})
