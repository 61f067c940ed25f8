/**
 * The faults that the real server's log was found to have, by the names that they have in its issues' order:
 * each a promise that holds here.
 */
import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type Peer, type Served, serving } from './served.ts'

async function putAll(peer: Peer, ...bodies: string[]): Promise<number[]> {
  const ids: number[] = []
  for (const body of bodies) ids.push(await peer.put(body))
  return ids
}

/** Bodies of the jobs that are ready, in order; they are deleted. */
async function drain(peer: Peer): Promise<string[]> {
  const bodies: string[] = []
  for (;;) {
    const reply = await peer.ask('reserve-with-timeout 0')
    const [, id, body] = /^RESERVED (\d+) \d+\r\n(.*)\r\n$/s.exec(reply) ?? []
    if (id === undefined || body === undefined) return bodies
    bodies.push(body)
    await peer.ask(`delete ${id}`)
  }
}

/** Closed as it should be, so that its files are whole and no segment that is damaged is the newest. */
async function filed(served: Served, ...bodies: string[]): Promise<number[]> {
  const ids = await putAll(served.connect(), ...bodies)
  await served.restart()
  await served.connect().put('in a newer segment')
  await served.store.close()
  return ids
}

describe('B1 to B4: what is acknowledged is on the disk', () => {
  test('B1: the last puts of a burst are there after a power cut, however quiet it was since', () =>
    serving(async (served) => {
      await putAll(served.connect(), 'a', 'b', 'c')
      await served.powerCut()
      expect(await drain(served.connect())).toEqual(['a', 'b', 'c'])
    }))

  test('B1: where syncs are asked for at intervals, a timer makes them when nothing more comes', () =>
    serving(async (served) => {
      await served.store.close()
      served.world.logOptions = { sync: { intervalMs: 50 } }
      await served.open()
      await putAll(served.connect(), 'a', 'b', 'c')
      await served.advance(200)
      await served.powerCut()
      expect(await drain(served.connect())).toEqual(['a', 'b', 'c'])
    }))

  test('B2: a file that is full and left behind is synced, too', () =>
    serving(async (served) => {
      const bodies = Array.from({ length: 60 }, (_, row) => `${row}:${'x'.repeat(4_000)}`)
      const peer = served.connect()
      await putAll(peer, ...bodies)
      const files = [...served.world.disk.tree()].filter(([name]) => name.endsWith('.qls'))
      expect(files.length).toBeGreaterThan(3)
      await served.powerCut()
      expect(await drain(served.connect())).toEqual(bodies)
    }))

  test('B3: a file that was made and a file that was taken away are so after a power cut', () =>
    serving(async (served) => {
      // The very first job stands in a directory that was made for it.
      const [first] = await putAll(served.connect(), 'first')
      await served.powerCut()
      const peer = served.connect()
      expect(await peer.ask(`delete ${first}`)).toBe('DELETED\r\n')
      const body = 'x'.repeat(4_000)
      for (let i = 0; i < 60; i++) await peer.ask(`delete ${await peer.put(body)}`)
      await peer.put('last')
      await served.powerCut()
      expect(await drain(served.connect())).toEqual(['last'])
    }))

  test('B4: a put whose sync fails is not inserted, nor is any after it; those before it are', () =>
    serving(async (served) => {
      const peer = served.connect()
      await putAll(peer, 'a', 'b')
      served.world.failNextWrite()
      expect(await peer.ask('put 1 0 60 1\r\nc')).toBe('INTERNAL_ERROR\r\n')
      expect(await peer.ask('put 1 0 60 1\r\nd')).toBe('INTERNAL_ERROR\r\n')
      expect(served.errors.length).toBeGreaterThan(0)
      await served.powerCut()
      const bodies = await drain(served.connect())
      expect(bodies.filter((body) => body < 'c')).toEqual(['a', 'b'])
      expect(bodies).not.toContain('d')
    }))
})

describe('a store that has failed', () => {
  test('answers every command, and no connection ends by it', () =>
    serving(async (served) => {
      const peer = served.connect()
      await putAll(peer, 'a')
      await peer.reserve()
      served.world.failNextWrite()
      expect(await peer.ask('put 1 0 60 1\r\nb')).toBe('INTERNAL_ERROR\r\n')
      const answers = [
        ['touch 1', 'INTERNAL_ERROR'],
        ['delete 1', 'INTERNAL_ERROR'],
        ['release 1 1 0', 'INTERNAL_ERROR'],
        ['bury 1 1', 'INTERNAL_ERROR'],
        ['put 1 0 60 1\r\nc', 'INTERNAL_ERROR'],
        ['reserve-with-timeout 0', 'INTERNAL_ERROR'],
        ['peek-ready', 'INTERNAL_ERROR'],
        ['kick-job 1', 'INTERNAL_ERROR'],
        ['list-tube-used', 'USING default'],
      ]
      for (const [command = '', answer] of answers) {
        expect([command, await peer.ask(command)]).toEqual([command, `${answer}\r\n`])
      }
      for (const command of ['use new', 'watch new', 'ignore new', 'stats', 'list-tubes', 'foo']) {
        expect(await peer.ask(command)).toMatch(/\r\n$/)
      }
      expect(peer.client.hasEnded).toBe(false)
      expect(peer.client.errors).toEqual([])
    }))
})

describe('B5 to B9: what is on the disk is what was put', () => {
  test('B5: a job with a flipped bit is never served, and everything else is', () =>
    serving(async (served) => {
      const [a, b, c] = await filed(served, 'BODY-one', 'BODY-two', 'BODY-three')
      served.world.damage('BODY-two', (bytes, at) => {
        bytes[at] = (bytes[at] ?? 0) ^ 1
      })
      await served.open()
      const peer = served.connect()
      expect(await peer.ask(`peek ${b}`)).toBe('INTERNAL_ERROR\r\n')
      expect(served.errors).toMatchObject([{ code: 'QLOG_DAMAGED' }])
      expect(await peer.ask(`peek ${a}`)).toBe(`FOUND ${a} 8\r\nBODY-one\r\n`)
      expect(await peer.ask(`peek ${c}`)).toBe(`FOUND ${c} 10\r\nBODY-three\r\n`)
      expect(await drain(peer)).toEqual(['BODY-one', 'BODY-three', 'in a newer segment'])
      expect(served.store.stats().damaged).toEqual([b])
    }))

  test('B6: a flipped bit in front of a body loses that job alone, and its file stays as evidence', () =>
    serving(async (served) => {
      const [, b] = await filed(served, 'BODY-one', 'BODY-two', 'BODY-three', 'BODY-four')
      const file = served.world.damage('BODY-two', (bytes, at) => {
        for (let place = at - 8; place < at; place++) bytes[place] = (bytes[place] ?? 0) ^ 0x80
      })
      await served.open()
      const peer = served.connect()
      const left = ['BODY-one', 'BODY-three', 'BODY-four', 'in a newer segment']
      expect(await drain(peer)).toEqual(left)
      expect(served.store.stats().damaged).toEqual([b])
      await served.store.compact()
      expect(served.world.hasFile(file)).toBe(true)
    }))

  test('B7: zeros over a job are no end of the log: it is named, and all behind it are served', () =>
    serving(async (served) => {
      const [, b] = await filed(served, 'BODY-one', 'BODY-two', 'BODY-three')
      served.world.damage('BODY-two', (bytes, at) => bytes.fill(0, at - 8, at + 8))
      await served.open()
      const peer = served.connect()
      expect(await drain(peer)).toEqual(['BODY-one', 'BODY-three', 'in a newer segment'])
      expect(served.store.stats().damaged).toEqual([b])
    }))

  test('B8: a lower limit for jobs drops none that are there, nor any behind them', () =>
    serving(async (served) => {
      await putAll(served.connect(), 'small', 'x'.repeat(5_000), 'behind it')
      await served.restart({ jobBytesMax: 10 })
      const peer = served.connect()
      expect(await peer.ask('put 1 0 60 11\r\nhello world')).toBe('JOB_TOO_BIG\r\n')
      expect(await drain(peer)).toEqual(['small', 'x'.repeat(5_000), 'behind it'])
    }))

  test('B9: files of a newer version are refused, and stay as they are', () =>
    serving(async (served) => {
      await filed(served, 'BODY-one')
      const { disk } = served.world
      const files = [...disk.tree()].filter(([name]) => name.endsWith('.qls'))
      for (const [name, bytes] of files) disk.putFile(name, asNewer(bytes))
      await expect(served.open()).rejects.toMatchObject({ code: 'QLOG_NEWER_FORMAT' })
      const after = new Map(disk.tree())
      for (const [name, bytes] of files) expect(after.get(name)).toEqual(asNewer(bytes))
    }))
})

/** A segment as a version of the format would write it that nobody knows yet; foreign files stay. */
function asNewer(bytes: Uint8Array): Uint8Array {
  const newer = Uint8Array.from(bytes)
  if (Buffer.from(bytes.subarray(0, 7)).toString() !== 'qlogseg') return newer
  const view = new DataView(newer.buffer)
  for (const at of [0, 4_096 - 512]) {
    view.setUint32(at + 8, 99, true)
    view.setUint32(at + 508, crc32(newer.subarray(at, at + 508)), true)
  }
  return newer
}

describe('B10 to B12: what clients were told is so after a restart', () => {
  test.each(['close', 'power cut'])('B10: priorities and counters of a job, after a %s', (how) =>
    serving(async (served) => {
      const peer = served.connect()
      const id = await peer.put('a', { ttr: 1 })
      await peer.reserve()
      await peer.ask(`release ${id} 20 0`)
      await peer.reserve()
      await served.advance(1_500)
      await peer.reserve()
      await peer.ask(`release ${id} 20 0`)
      const before = await peer.stats(`stats-job ${id}`)
      expect(before).toMatchObject({
        pri: '20',
        reserves: '3',
        releases: '2',
        timeouts: '1',
      })
      if (how === 'close') await served.restart()
      else await served.powerCut()
      const after = await served.connect().stats(`stats-job ${id}`)
      expect(after).toEqual({ ...before, age: after['age'], state: 'ready', 'time-left': '0' })
    }),
  )

  test('B11: a burial counts once, the order of the buried, a pause and the total stay', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.ask('use t')
      await peer.ask('watch t')
      const [a, b, c] = await putAll(peer, 'a', 'b', 'c')
      for (let i = 0; i < 3; i++) await peer.reserve()
      for (const id of [c, a, b]) await peer.ask(`bury ${id} 1`)
      await peer.put('d')
      await peer.ask('pause-tube t 600')
      for (const restart of [() => served.restart(), () => served.powerCut()]) {
        await restart()
        const next = served.connect()
        await next.ask('use t')
        expect(await next.stats(`stats-job ${c}`)).toMatchObject({ buries: '1', state: 'buried' })
        expect(await next.ask('peek-buried')).toBe(`FOUND ${c} 1\r\nc\r\n`)
        const stats = await next.stats('stats-tube t')
        expect(stats).toMatchObject({ 'total-jobs': '4', 'current-jobs-buried': '3' })
        expect(Number(stats['pause-time-left'])).toBeGreaterThan(500)
        expect(await next.stats('stats')).toMatchObject({ 'total-jobs': '4' })
      }
    }))

  test('B12: no id is ever given twice, also where nothing is left', () =>
    serving(async (served) => {
      const peer = served.connect()
      const [id] = await putAll(peer, 'a')
      await peer.ask(`delete ${id}`)
      for (const restart of [() => served.restart(), () => served.powerCut()]) {
        await restart()
        const next = served.connect()
        const again = await next.put('b')
        expect(again).toBeGreaterThan(id ?? 0)
        await next.ask(`delete ${again}`)
      }
    }))
})

describe('B13 and B14: space comes back', () => {
  test('B13: jobs that are released again and again take no more and more space', () =>
    serving(async (served) => {
      const peer = served.connect()
      for (let i = 0; i < 100; i++) peer.send(`put 1024 0 60 50\r\n${'x'.repeat(50)}\r\n`)
      for (let i = 0; i < 100; i++) expect(await peer.reply()).toMatch(/^INSERTED/)
      // What a hundred clients do, without their bytes.
      const session = served.store.session()
      await session.watch('default')
      const used: number[] = []
      for (let stretch = 0; stretch < 4; stretch++) {
        for (let round = 0; round < 20; round++) {
          const all = await session.reserve({ count: 100 })
          await session.release(all, { delayMs: 1_000 })
          await served.advance(1_001)
        }
        await served.store.compact()
        used.push(served.world.disk.usedBytes)
      }
      expect(served.store.stats().appendedBytes).toBeGreaterThan(100_000)
      // One segment more or less is chance.
      expect(Math.max(...used) - (used[0] ?? 0)).toBeLessThanOrEqual(64 * 1024)
      expect(await peer.stats('stats')).toMatchObject({ 'current-jobs-ready': '100' })
    }))

  test('B14: clients are served while space is given back', () =>
    serving(async (served) => {
      const peer = served.connect()
      const kept = await peer.put('kept')
      const ids = await putAll(peer, ...Array<string>(150).fill('x'.repeat(2_000)))
      for (const id of ids) peer.send(`delete ${id}\r\n`)
      for (const _ of ids) expect(await peer.reply()).toBe('DELETED\r\n')
      let isDone = false
      const compacting = served.store.compact().then(() => {
        isDone = true
      })
      for (let i = 0; i < 5; i++) {
        expect(await peer.ask(`peek ${kept}`)).toBe(`FOUND ${kept} 4\r\nkept\r\n`)
        expect(isDone).toBe(false)
      }
      await compacting
      expect(served.store.stats().log.liveBytes).toBeLessThan(10_000)
    }))
})
