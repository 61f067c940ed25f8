/**
 * Ways in which the log once lost, doubled or withheld something, each as the shortest scenario that
 * showed it. Under the simulator.
 */
import { expect, test } from 'vitest'
import { encodeIndex } from '../../src/format/index-file.ts'
import { openPublicLog, openSegmentLog } from '../../src/log/open.ts'
import { openPublicReader } from '../../src/log/open-reader.ts'
import { checkOptions } from '../../src/log/options.ts'
import type { Encodable, LogOwner } from '../../src/log/seam.ts'
import type { LogOptions } from '../../src/log/types.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import type { System } from '../../src/system/system.ts'

const SMALL: LogOptions = { segmentBytesMin: 16_384, segmentBytesMax: 32_768 }
const text = (body: Uint8Array | undefined) => new TextDecoder().decode(body)

async function within<T>(
  simulation: Simulation,
  process: SimulatedProcess,
  body: (system: System) => Promise<T>,
): Promise<T> {
  const outcome = await simulation.run(() => process.run(() => body(process)))
  if (outcome.state !== 'done') throw new Error(`${process.name} died`)
  return outcome.value
}

async function readAll(system: System, options: LogOptions = SMALL): Promise<string[]> {
  const log = await openPublicLog(system, '/log', options)
  const found: string[] = []
  for await (const { id, body } of log.read()) found.push(`${id}:${text(body)}`)
  await log.close()
  return found
}

test('an owner whose LOCK vanished and that wakes up late does not outrank its successor (1, 12)', async () => {
  const simulation = new Simulation({ seed: 3 })
  const first = simulation.process('first')
  await within(simulation, first, async (system) => {
    const log = await openPublicLog(system, '/log', SMALL)
    await log.append('m1')
    await log.close()
  })
  const paused = simulation.process('paused')
  const heir = simulation.process('heir')
  await simulation.run(async () => {
    // It has taken LOCK, and stops when it is about to make its first segment.
    const late = paused.run(async () => {
      const log = await openPublicLog(paused, '/log', SMALL)
      const stopped = new Promise<void>((resolve) => {
        simulation.at(simulation.callCount + 1, 'before', () => {
          paused.pause()
          resolve()
        })
      })
      const outcome = log.append('stale').then(
        () => 'resolved',
        (error: { code: string }) => error.code,
      )
      return { stopped, outcome }
    })
    const opened = await late
    if (opened.state !== 'done') throw new Error('the paused owner died')
    await opened.value.stopped
    simulation.disk.removeFile('/log/LOCK')
    await heir.run(async () => {
      const log = await openPublicLog(heir, '/log', SMALL)
      await log.append('m2')
      await log.append('m3')
      await log.close()
    })
    paused.resume()
    expect(await opened.value.outcome).toBe('QLOG_INDETERMINATE')
  })
  const last = simulation.process('last')
  expect(await within(simulation, last, (system) => readAll(system))).toEqual([
    '1:m1',
    '2:m2',
    '3:m3',
  ])
})

test('discarding an id that was refused later does not swallow the message that gets it (1)', async () => {
  const simulation = new Simulation({ seed: 5 })
  const owner = simulation.process('owner')
  await within(simulation, owner, async (system) => {
    const log = await openPublicLog(system, '/log', SMALL)
    await log.append('a')
    const { disk } = simulation
    disk.capacityBytes = disk.usedBytes
    const refused = log.append(new Uint8Array(1_000_000))
    log.discard(1, log.nextId)
    await expect(refused).rejects.toMatchObject({ code: 'QLOG_DISK_FULL' })
    disk.capacityBytes = Number.POSITIVE_INFINITY
    expect(await log.append('precious')).toBe(2)
    expect(text((await log.get(2))?.body)).toBe('precious')
    await log.close()
  })
})

test('an index of another log does not outvote the segments (9)', async () => {
  const simulation = new Simulation({ seed: 7 })
  const owner = simulation.process('owner')
  await within(simulation, owner, async (system) => {
    const log = await openPublicLog(system, '/log', SMALL)
    await log.append('kept')
    await log.close()
    const foreign = encodeIndex(
      {
        storeId: 'ab'.repeat(16),
        sequence: 99,
        epoch: 99,
        current: { number: 9, generation: 0, salt1: 1, salt2: 2, durableOffset: 8192 },
        nextId: 500,
        timeMs: 0,
        snapshots: [0, 0],
        map: [],
        parts: [],
      },
      system.crc32,
    )
    simulation.disk.putFile('/log/index.b', foreign)
    expect(await readAll(system)).toEqual(['1:kept'])
  })
})

test('an encoder that throws half-way through a batch leaves nothing of it (3)', async () => {
  const simulation = new Simulation({ seed: 9 })
  const owner = simulation.process('owner')
  await within(simulation, owner, async (system) => {
    let committed: (() => void) | undefined
    const silent: LogOwner = {
      committed: () => committed?.(),
      failed: () => undefined,
      refused: () => undefined,
      space: () => undefined,
    }
    const log = await openSegmentLog(system, '/log', silent, checkOptions(SMALL))
    const good = (letter: string): Encodable => ({
      byteLength: 900,
      encodeInto: (target, at) => target.fill(letter.charCodeAt(0), at, at + 900),
    })
    const bad: Encodable = {
      byteLength: 10,
      encodeInto: () => {
        throw new RangeError('no memory')
      },
    }
    log.append({ messages: [good('a')], control: [] })
    const poisoned = { messages: [...'bcdefgh'].map(good).concat(bad), control: [] }
    expect(() => log.append(poisoned)).toThrow(RangeError)
    const done = new Promise<void>((resolve) => {
      committed = resolve
    })
    log.append({ messages: [good('z')], control: [] })
    await done
    expect(log.nextId).toBe(3)
    const bodies = await log.fetch([1, 2, 3])
    expect(bodies.map((body) => body && text(body.subarray(0, 1)))).toEqual(['a', 'z', undefined])
    await log.close()
  })
})

test('control records that recovery copied keep their segment from retiring (1)', async () => {
  const simulation = new Simulation({ seed: 11 })
  const first = simulation.process('first')
  const silent: LogOwner = {
    committed: () => undefined,
    failed: () => undefined,
    refused: () => undefined,
    space: () => undefined,
  }
  const bytes = (byteLength: number): Encodable => ({ byteLength, encodeInto: () => undefined })
  const options = checkOptions({ ...SMALL, idleSyncMs: 0 })
  await within(simulation, first, async (system) => {
    const log = await openSegmentLog(system, '/log', silent, options)
    await new Promise<void>((resolve) => {
      silent.committed = () => resolve()
      log.append({ messages: [bytes(5)], control: [bytes(7)] })
    })
  })
  first.kill()
  const second = simulation.process('second')
  await within(simulation, second, async (system) => {
    const log = await openSegmentLog(system, '/log', silent, options)
    for (let i = 0; i < 30; i++) {
      await new Promise<void>((resolve) => {
        silent.committed = () => resolve()
        log.append({ messages: [bytes(1500)], control: [] })
      })
    }
    log.discard([[1, log.nextId - 1]])
    await log.close()
    const again = await openSegmentLog(system, '/log', silent, options)
    let control = 0
    for await (const entries of again.read({ after: 0 })) {
      for (const entry of entries) control += entry.control.length
    }
    expect(control).toBe(1)
    await again.close()
  })
})

// Museum: nats PR #7594, where what waited for a background flush was lost.
test('interval mode flushes what was written behind a roll (the timer outlives its segment)', async () => {
  const simulation = new Simulation({ seed: 13 })
  const owner = simulation.process('owner')
  await within(simulation, owner, async (system) => {
    const log = await openPublicLog(system, '/log', { ...SMALL, sync: { intervalMs: 200 } })
    for (let i = 0; i < 12; i++) await log.append(new Uint8Array(1400))
    expect(log.stats().segments.length).toBeGreaterThan(1)
    await new Promise<void>((resolve) => system.clock.after(1_000, resolve))
  })
  simulation.powerCut()
  const heir = simulation.process('heir')
  expect((await within(simulation, heir, (system) => readAll(system))).length).toBe(12)
})

test('next() called several times at once gives each message once, and leaves nothing open', async () => {
  const simulation = new Simulation({ seed: 15 })
  const owner = simulation.process('owner')
  await within(simulation, owner, async (system) => {
    const log = await openPublicLog(system, '/log')
    await log.appendMany(Array.from({ length: 3000 }, (_, i) => `${i}`.padStart(60)))
    const iterator = log.read()
    const ids: number[] = []
    for (;;) {
      const some = await Promise.all([iterator.next(), iterator.next(), iterator.next()])
      for (const { done, value } of some) if (!done) ids.push(value.id)
      if (some.some(({ done }) => done)) break
    }
    expect(ids).toEqual(Array.from({ length: 3000 }, (_, i) => i + 1))
    await log.close()
  })
  expect(owner.files.openHandles).toBe(0)
})

test('return() ends a follower that waits', async () => {
  const simulation = new Simulation({ seed: 17 })
  const owner = simulation.process('owner')
  await within(simulation, owner, async (system) => {
    const log = await openPublicLog(system, '/log', { idleSyncMs: 0 })
    await log.append('only')
    const iterator = log.read({ follow: true })
    expect((await iterator.next()).value?.id).toBe(1)
    const waiting = iterator.next()
    await iterator.return?.()
    expect((await waiting).done).toBe(true)
    await log.close()
  })
  expect(owner.files.openHandles).toBe(0)
})

test('close succeeds on a full disk, and gives up the lock and every descriptor', async () => {
  const simulation = new Simulation({ seed: 19 })
  const owner = simulation.process('owner')
  await within(simulation, owner, async (system) => {
    const log = await openPublicLog(system, '/log', SMALL)
    await log.append('kept')
    simulation.disk.capacityBytes = simulation.disk.usedBytes
    await log.close()
    simulation.disk.capacityBytes = Number.POSITIVE_INFINITY
  })
  expect(owner.files.openHandles).toBe(0)
  const heir = simulation.process('heir')
  expect(await within(simulation, heir, (system) => readAll(system))).toEqual(['1:kept'])
})

test.each(['EIO', 'ENODATA', 'EUCLEAN'])(
  'a sector that cannot be read (%s) is a gap; what stands around it is delivered (6)',
  async (error) => {
    const simulation = new Simulation({ seed: 21 })
    const owner = simulation.process('owner')
    await within(simulation, owner, async (system) => {
      const log = await openPublicLog(system, '/log', { segmentBytesMin: 65_536 })
      for (let i = 1; i <= 40; i++) await log.append(`${i}`.padStart(900, '.'))
      simulation.fault({ call: 'read', error, nth: 1 })
      const gaps: number[] = []
      const ids: number[] = []
      for await (const { id } of log.read({ onGap: (gap) => gaps.push(gap.endId - gap.firstId) })) {
        ids.push(id)
      }
      // The fault passes: read page by page, all of it is there.
      expect(gaps).toEqual([])
      expect(ids.length).toBe(40)
      await log.close()
    })
  },
)

test('an append that leaves while SYNC is under way is confirmed by another SYNC (2)', async () => {
  let overlaps = 0
  for (let delayMs = 0.9; delayMs < 1.6; delayMs += 0.02) {
    const simulation = new Simulation({ seed: 3 })
    const owner = simulation.process('owner')
    const reader = simulation.process('reader')
    await simulation.run(async () => {
      const log = await openPublicLog(owner, '/log', { ...SMALL, idleSyncMs: 1 })
      await log.append('first')
      await new Promise<void>((resolve) => owner.clock.after(delayMs, resolve))
      const before = log.stats().flushes
      await log.append('second')
      if (log.stats().flushes > before + 1) overlaps++
      await new Promise<void>((resolve) => owner.clock.after(100, resolve))
      const seen = await openPublicReader(reader, '/log')
      expect(seen.nextId, `second append ${delayMs} ms behind the first`).toBe(3)
      await seen.close()
      await log.close()
    })
  }
  expect(overlaps).toBeGreaterThan(0)
})
