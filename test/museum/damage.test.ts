/**
 * The museum: faults of other engines that damaged, empty or old files brought about. The page of the museum
 * is in docs/guarantees.md; each test names the reports that it stands for.
 */
import { expect, test } from 'vitest'
import { Exhibit, lostIds } from './museum.ts'

async function exhibit(closes = false): Promise<Exhibit> {
  const one = new Exhibit()
  await one.life(async (log) => {
    await one.append(log, 40)
    if (closes) await log.close()
  })
  return one
}

test('nats #7549: one flipped bit costs no more than its block', async () => {
  const one = await exhibit()
  one.change(String(one.segments()[1]), (bytes) => {
    bytes[9_000] = (bytes[9_000] ?? 0) ^ 16
    return bytes
  })
  await one.life(async (log) => {
    const { delivered, gaps } = await one.read(log)
    expect(lostIds(gaps)).toHaveLength(1)
    expect(delivered).toEqual(one.idsBut(lostIds(gaps)))
  })
})

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

test('nats #5703, nats-streaming #557, frostdb PR #313, amelie #17: a torn end is cut off, and nothing is appended behind it', async () => {
  const one = await exhibit()
  const newest = String(one.segments().findLast((name) => endOf(one.bytesOf(name)) > 8_192))
  one.change(newest, (bytes) => bytes.fill(0, endOf(bytes) - 700))
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
    const newest = String(one.segments().findLast((name) => endOf(one.bytesOf(name)) > 8_192))
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
  for (let round = 0; round < 3; round++) {
    await one.life(
      async (log) => {
        await one.append(log, 10)
        await log.compact()
        await log.close()
      },
      { onDamage: 'quarantine' },
    )
  }
  expect(Buffer.compare(one.bytesOf(victim), evidence)).toBe(0)
})

test('logstash #10184: segments of another size than is asked for now are read all the same', async () => {
  const one = await exhibit()
  const large = { segmentBytesMin: 65_536, segmentBytesMax: 131_072 }
  await one.life((log) => one.append(log, 60), large)
  await one.life(async (log) => expect((await one.read(log)).delivered).toEqual(one.idsBut([])))
})

test('osiris #79, rabbitmq #13390: an index that names a segment without a file ends no loop, but is told', async () => {
  const one = await exhibit(true)
  one.remove([String(one.segments().findLast((name) => endOf(one.bytesOf(name)) > 8_192))])
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

/** Where the bytes that are not zero end. */
function endOf(bytes: Uint8Array): number {
  return bytes.findLastIndex((byte) => byte !== 0) + 1
}
