/**
 * The museum: faults of other engines that damaged, empty or old files brought about. The page of the museum
 * is in docs/guarantees.md; each test names the reports that it stands for.
 */
import { expect, test } from 'vitest'
import type { Log } from '../../src/log/types.ts'
import { Exhibit, lostIds } from './museum.ts'

async function exhibit(closes = false): Promise<Exhibit> {
  const one = new Exhibit()
  await one.life(async (log) => {
    await one.append(log, 40)
    if (closes) await log.close()
  })
  return one
}

test.each(['a full', 'the newest'])(
  'nats #7549: one flipped bit costs no more than its block of %s segment, in each opening',
  async (which) => {
    const one = await exhibit()
    const [, full] = one.segments()
    const victim = String(which === 'a full' ? full : newestOf(one))
    one.change(victim, (bytes) => {
      // The first message behind LINK, in front of others that are durable.
      const at = which === 'a full' ? 9_000 : endOf(bytes) - 1_500 - 700
      bytes[at] = (bytes[at] ?? 0) ^ 16
      return bytes
    })
    const before = one.idsBut([])
    const lost: number[][] = []
    for (let opening = 0; opening < 3; opening++) {
      await one.life(
        async (log) => {
          const { delivered, gaps } = await one.read(log)
          lost.push(lostIds(gaps))
          expect(delivered).toEqual(one.idsBut(lostIds(gaps)))
          await one.append(log, 10)
        },
        { onDamage: 'quarantine' },
      )
    }
    expect(lost[0]).toHaveLength(1)
    expect(before).toEqual(expect.arrayContaining(lost[0] ?? []))
    expect(lost).toEqual([lost[0], lost[0], lost[0]])
  },
)

test('nats #7556, #4410, #5382, #4842: without its index a log is the same log', async () => {
  const one = await exhibit(true)
  const before = one.segments()
  expect(one.indexes()).not.toEqual([])
  one.remove(one.indexes())
  await one.life(async (log) => expect((await one.read(log)).delivered).toEqual(one.idsBut([])))
  expect(one.segments()).toEqual(expect.arrayContaining(before))
})

test.each(['empty', 'zero', 'noise'])(
  'nats #3734, rabbitmq #12036, logstash #8218: index files that are %s block nothing',
  async (how) => {
    const one = await exhibit(true)
    for (const name of one.indexes()) {
      one.change(name, (bytes) =>
        how === 'empty' ? new Uint8Array(0) : bytes.fill(how === 'zero' ? 0 : 0xa5),
      )
    }
    await one.life(async (log) => expect((await one.read(log)).delivered).toEqual(one.idsBut([])))
  },
)

test.each([
  ['full segment', (one: Exhibit) => one.segments()[1]],
  ['newest segment', newestOf],
  ['index', (one: Exhibit) => one.indexes()[0]],
  ['LOCK', () => 'LOCK'],
])(
  'nats #3734: a file of 0 bytes (%s) is told, and the log stays within its limits',
  async (_, find) => {
    const one = await exhibit(true)
    const name = String(find(one))
    one.change(name, () => new Uint8Array(0))
    const goesOn = { onDamage: 'quarantine', breakLock: true } as const
    await one.life(async (log) => {
      const { delivered, gaps } = await one.read(log)
      expect(delivered).toEqual(one.idsBut(lostIds(gaps)))
      if (name.endsWith('.qls')) expect(gaps).toMatchObject([{ file: name }])
      else expect(gaps).toEqual([])
    }, goesOn)
    const limited = { ...goesOn, retention: { messages: 10 } }
    await one.life(async (log) => {
      await one.append(log, 30)
      // Beside what is kept there is the rest of one segment, and the one being written.
      expect(log.nextId - log.firstId).toBeLessThanOrEqual(10 + 5 + 5)
    }, limited)
  },
)

test('diskqueue #28, nsq #246: an index of before overwrites nothing, and no id is given twice', async () => {
  const one = await exhibit(true)
  const old = one.indexes().map((name) => ({ name, bytes: one.bytesOf(name) }))
  await one.life((log) => one.append(log, 20))
  for (const { name, bytes } of old) one.put(name, bytes)
  await one.life(async (log) => {
    await one.append(log, 3)
    expect((await one.read(log)).delivered).toEqual(one.idsBut([]))
  })
  expect(one.bodies.size).toBe(63)
})

test('bookkeeper #3329, #4105, #4740: an index ahead of what is there is told as a loss of that, and of nothing else', async () => {
  const one = await exhibit(true)
  // Without CLEAN and the last messages: only the index says that they were durable.
  one.change(newestOf(one), (bytes) => bytes.fill(0, 9_000))
  const refused = one.life(async () => 'opened')
  await expect(refused).rejects.toMatchObject({ code: 'QLOG_DAMAGED' })
  await one.life(
    async (log) => {
      const { delivered, gaps } = await one.read(log)
      expect(delivered).toEqual(one.idsBut(lostIds(gaps)))
      expect(lostIds(gaps)).toContain(40)
      await one.append(log, 2)
    },
    { onDamage: 'quarantine' },
  )
  // No id of what was lost is given again.
  expect(one.bodies.size).toBe(42)
})

test('nats #5703, nats-streaming #557, frostdb PR #313, amelie #17: a torn end is cut off, and nothing is appended behind it', async () => {
  const one = await exhibit()
  one.change(newestOf(one), (bytes) => bytes.fill(0, endOf(bytes) - 700))
  await one.life(async (log) => {
    expect((await one.read(log)).delivered).toEqual(one.idsBut([40]))
    await one.append(log, 2)
  })
  const appended = one.idsBut([])
  await one.life(async (log) => {
    const { delivered, gaps } = await one.read(log)
    expect(gaps).toEqual([])
    expect(delivered).toEqual(appended)
  })
})

test('etcd #5230: a sector of zero in the middle does not end the log, nor erase what follows', async () => {
  const one = await exhibit()
  one.change(String(one.segments()[1]), (bytes) => bytes.fill(0, 9_216, 9_728))
  await one.life(async (log) => {
    const { delivered, gaps } = await one.read(log)
    expect(lostIds(gaps).length).toBeLessThanOrEqual(2)
    expect(delivered).toEqual(one.idsBut(lostIds(gaps)))
  })
})

test.each([4_096, 16_384])(
  'tape #135, beanstalkd #546: a file of zero (the first %s bytes) is told, and keeps nobody waiting',
  async (bytesZero) => {
    const one = await exhibit()
    const newest = newestOf(one)
    one.change(newest, (bytes) => bytes.fill(0, 0, bytesZero))
    const refused = one.life(async () => 'opened')
    await expect(refused).rejects.toMatchObject({
      code: 'QLOG_DAMAGED',
      gaps: [{ file: newest }],
    })
    await one.life(
      async (log) => {
        const { delivered } = await one.read(log)
        expect(delivered).toEqual(one.idsBut([]).slice(0, delivered.length))
        expect(delivered.length).toBeGreaterThan(20)
      },
      { onDamage: 'quarantine' },
    )
  },
)

test('weaviate PR #12006: a damaged header of an old segment does not block the start', async () => {
  const one = await exhibit()
  one.change(String(one.segments()[1]), (bytes) => bytes.fill(0xff, 0, 4_096))
  await one.life(async (log) => {
    const { delivered, gaps } = await one.read(log)
    expect(delivered).toEqual(one.idsBut(lostIds(gaps)))
    expect(lostIds(gaps).length).toBeLessThan(10)
  })
})

test('WFLY-13991, ARTEMIS-3501: a damaged file is neither deleted nor written to, and stops nobody', async () => {
  const one = await exhibit()
  const victim = String(one.segments()[1])
  one.change(victim, (bytes) => bytes.fill(0x5a, 8_192, 12_288))
  const evidence = one.bytesOf(victim)
  const live = async (discardedEnd: number): Promise<void> => {
    await one.life(
      async (log) => {
        await one.append(log, 10)
        // One of the file's messages is left at first, so that it would be merged, and then none.
        log.discard(1, discardedEnd)
        await log.compact()
        await log.close()
      },
      { onDamage: 'quarantine' },
    )
  }
  const lastId = await one.life(async (log) => lastIdIn(log, victim))
  for (let round = 0; round < 3; round++) await live(lastId)
  expect(Buffer.compare(one.bytesOf(victim), evidence)).toBe(0)
  await live(41)
  expect(one.segments()).not.toContain(victim)
  expect(Buffer.compare(one.bytesOf(`quarantine/${victim}`), evidence)).toBe(0)
})

test('logstash #10184: segments of another size than is asked for now are read all the same', async () => {
  const one = await exhibit()
  const large = { segmentBytesMin: 65_536, segmentBytesMax: 131_072 }
  await one.life((log) => one.append(log, 60), large)
  await one.life(async (log) => expect((await one.read(log)).delivered).toEqual(one.idsBut([])))
})

test('osiris #79, rabbitmq #13390: an index that names a segment without a file ends no loop, but is told', async () => {
  const one = await exhibit(true)
  one.remove([newestOf(one)])
  const refused = one.life(async () => 'opened')
  await expect(refused).rejects.toMatchObject({ code: 'QLOG_DAMAGED' })
  await one.life(
    async (log) => {
      const { delivered, gaps } = await one.read(log)
      expect(delivered).toEqual(one.idsBut(lostIds(gaps)))
      expect(lostIds(gaps)).not.toEqual([])
    },
    { onDamage: 'quarantine' },
  )
})

function lastIdIn(log: Log, file: string): number {
  const segment = log.stats().segments.find((one) => one.file === file)
  return Number(segment?.endId) - 1
}

/** The last segment in which something stands. */
function newestOf(one: Exhibit): string {
  return String(one.segments().findLast((name) => endOf(one.bytesOf(name)) > 8_192))
}

/** Where the bytes that are not zero end. */
function endOf(bytes: Uint8Array): number {
  return bytes.findLastIndex((byte) => byte !== 0) + 1
}
