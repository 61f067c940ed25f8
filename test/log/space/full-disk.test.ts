/** A full disk: what is refused, what goes on, and how it ends by itself. */
import { describe, expect, test } from 'vitest'
import { Composer } from '../../../src/log/composer.ts'
import { openPublicLog } from '../../../src/log/open.ts'
import type { SegmentLog } from '../../../src/log/segment-log.ts'
import type { Log } from '../../../src/log/types.ts'
import { crc32 } from '../../../src/system/real/crc.ts'
import { FLUSH_DIRECTORY_CALLS, WRITE_CALLS } from '../../../src/system/simulated/calls.ts'
import { Random } from '../../../src/system/simulated/random.ts'
import { Simulation } from '../../../src/system/simulated/simulation.ts'
import type { System } from '../../../src/system/system.ts'
import { body, encodable, LOG, Owner, passes, SMALL, simulate } from './support.ts'

const FULL = { code: 'QLOG_DISK_FULL' }

/** Appends until one is refused; returns the ids that were taken. */
async function fill(log: Log): Promise<number[]> {
  const taken: number[] = []
  for (;;) {
    try {
      taken.push(await log.append(body(log.nextId)))
    } catch (error) {
      expect(error).toMatchObject(FULL)
      return taken
    }
  }
}

async function controlsOf(log: SegmentLog): Promise<string[]> {
  const found: string[] = []
  for await (const entries of log.read({ after: 0 })) {
    for (const { control } of entries) {
      for (const bytes of control) found.push(new TextDecoder().decode(bytes))
    }
  }
  return found
}

async function messagesOf(log: Log): Promise<number[]> {
  const ids: number[] = []
  for await (const { id } of log.read()) ids.push(id)
  return ids
}

test('messages are refused, and are taken again by themselves when space returns', async () => {
  await simulate(1, async (system, { disk }) => {
    const log = await openPublicLog(system, LOG, SMALL)
    disk.capacityBytes = 400 * 1024
    const taken = await fill(log)
    expect(taken.length).toBeGreaterThan(8)
    expect(log.status).toBe('open')
    await expect(log.appendMany([body(1), body(2)])).rejects.toMatchObject(FULL)
    expect(() => log.appendSync(body(1))).toThrow(expect.objectContaining(FULL))
    disk.capacityBytes = 700 * 1024
    await passes(system, 1_000)
    const more = await fill(log)
    expect(more.length).toBeGreaterThan(8)
    await log.close()
    disk.capacityBytes = Number.POSITIVE_INFINITY
    const again = await openPublicLog(system, LOG, SMALL)
    expect(await messagesOf(again)).toEqual([...taken, ...more])
    await again.close()
  })
})

test('what is discarded on a full disk gives room for new messages', async () => {
  await simulate(2, async (system, { disk }) => {
    const log = await openPublicLog(system, LOG, SMALL)
    disk.capacityBytes = 400 * 1024
    for (let round = 0; round < 5; round++) {
      const taken = await fill(log)
      expect(taken.length).toBeGreaterThan(round === 0 ? 8 : 4)
      log.discard(1, (taken.at(-1) ?? 0) - 1)
      await passes(system, 1_000)
    }
    expect(log.status).toBe('open')
    await log.close()
  })
})

test('control records go on where no message is taken any more (14)', async () => {
  await simulate(3, async (system, { disk }) => {
    const owner = new Owner()
    const log = await owner.open(system)
    disk.capacityBytes = 400 * 1024
    const expected: string[] = []
    let refused = 0
    for (let number = 0; refused < 3; number++) {
      try {
        log.append({ messages: [encodable(body(number))], control: [] })
      } catch (error) {
        expect(error).toMatchObject(FULL)
        refused++
      }
      await passes(system, 20)
      refused += owner.refusedTickets.length > 0 ? 1 : 0
    }
    expect(owner.spaces).toEqual(['full'])
    let last = 0
    for (let number = 0; number < 60; number++) {
      const record = `finished ${number}`.padEnd(200, '.')
      last = log.append({ messages: [], control: [encodable(record)] })
      expected.push(record)
      await passes(system, 5)
    }
    expect(owner.committedUpTo).toBe(last)
    expect(() => log.append({ messages: [encodable(body(1))], control: [] })).toThrow(
      expect.objectContaining(FULL),
    )
    disk.capacityBytes = Number.POSITIVE_INFINITY
    await passes(system, 1_000)
    expect(owner.spaces).toEqual(['full', 'ok'])
    log.append({ messages: [encodable(body(1))], control: [] })
    await passes(system, 50)
    expect(owner.committedUpTo).toBe(last + 1)
    await log.close()
    const again = await new Owner().open(system)
    expect(await controlsOf(again)).toEqual(expected)
    await again.close()
  })
})

test('of one group that finds the disk full the messages are refused and the control records stay (14)', async () => {
  await simulate(4, async (system, { disk }) => {
    const owner = new Owner()
    const log = await owner.open(system)
    log.append({ messages: [encodable('first')], control: [] })
    await passes(system, 50)
    disk.capacityBytes = disk.usedBytes
    const tickets = [
      log.append({ messages: [], control: [encodable('a'), encodable('b'.repeat(5_000))] }),
      log.append({ messages: [encodable(body(2, 9_000))], control: [] }),
      log.append({ messages: [encodable('m'), encodable('n')], control: [encodable('c')] }),
      log.append({ messages: [], control: [encodable('d')] }),
      log.append({ messages: [encodable('o'), encodable(body(3, 9_000))], control: [] }),
      log.append({ messages: [], control: [encodable('e')] }),
    ]
    await passes(system, 100)
    expect(owner.refusedTickets).toEqual([tickets[1], tickets[2], tickets[4]])
    expect(owner.committedUpTo).toBe(tickets[5])
    expect(log.nextId).toBe(2)
    await log.close()
    disk.capacityBytes = Number.POSITIVE_INFINITY
    const again = await new Owner().open(system)
    expect(await controlsOf(again)).toEqual(['a', 'b'.repeat(5_000), 'd', 'e'])
    await again.close()
  })
})

test('a map goes out on a full disk although its segment has no room for it', async () => {
  await simulate(5, async (system, { disk }) => {
    const options = { ...SMALL, idleSyncMs: 0 }
    const log = await openPublicLog(system, LOG, options)
    disk.capacityBytes = 900 * 1024
    const taken = await fill(log)
    // Small messages into the rest of the segment, until not even a MAP fits behind them.
    for (;;) {
      try {
        taken.push(await log.append('x'.repeat(40)))
      } catch {
        break
      }
    }
    const segments = log.stats().segments.length
    log.discard(1, (taken.at(-1) ?? 0) - 2)
    await passes(system, 1_000)
    expect(log.stats().segments.length).toBeLessThan(segments / 2)
    await log.append(body(1))
    await log.close()
  })
})

test('recovery of a killed log takes the reserve where the disk is full', async () => {
  const simulation = new Simulation({ seed: 6 })
  const owner = simulation.process('owner')
  const { disk } = simulation
  const taken = await simulation.run(async () => {
    const log = await openPublicLog(owner, LOG, SMALL)
    disk.capacityBytes = 400 * 1024
    return fill(log)
  })
  simulation.kill(owner)
  // Somebody else has taken what was left, but for the page that LOCK needs.
  disk.capacityBytes = disk.usedBytes + 4_096
  const heir = simulation.process('heir')
  await simulation.run(async () => {
    const log = await openPublicLog(heir, LOG, SMALL)
    expect(await messagesOf(log)).toEqual(taken)
    await log.close()
  })
})

test('segments become smaller where a large one does not fit', async () => {
  await simulate(7, async (system, { disk }) => {
    const log = await openPublicLog(system, LOG, { segmentBytesMin: 16_384, idleSyncMs: 0 })
    disk.capacityBytes = 8_000 * 1024
    const taken = await fill(log)
    // What is left of the space is the reserve, which has grown with the segments.
    expect(taken.length * 3_000).toBeGreaterThan(5_000 * 1024)
    const sizes = log.stats().segments.map(({ fileBytes }) => fileBytes)
    const largest = Math.max(...sizes)
    expect(largest).toBeGreaterThan(256 * 1024)
    expect(sizes.at(-1)).toBeLessThan(largest)
    await log.close()
  })
})

test('a synchronous append whose spare gets no name on a full disk takes space of its own', async () => {
  await simulate(1, async (system, simulation) => {
    const log = await openPublicLog(system, LOG, SMALL)
    for (let count = 0; count < 30; count++) log.discard(1, await log.append(body(log.nextId)))
    await passes(system, 50)
    expect(simulation.disk.list(LOG).some((name) => name.startsWith('spare-'))).toBe(true)
    const fault = simulation.fault({ call: 'linkSync', error: 'ENOSPC', times: 1 })
    while (fault.hits === 0) log.appendSync(body(log.nextId))
    await log.close()
  })
})

describe('one failing call', () => {
  const PLACES = [
    ...['ENOSPC', 'EDQUOT', 'EFBIG'].map((error) => ({ call: WRITE_CALLS, error })),
    { call: ['open', 'openSync'] as const, error: 'EMFILE' },
    { call: FLUSH_DIRECTORY_CALLS, error: 'EMFILE' },
    { call: ['link', 'linkSync', 'rename'] as const, error: 'ENOSPC' },
  ]
  test.each(PLACES)(
    '$error at the nth of $call: typed, nothing lost, goes on or reopens (3, 13)',
    async ({ call, error }) => {
      let struck = true
      for (let nth = 1; struck; nth++) {
        const simulation = new Simulation({ seed: nth })
        const owner = simulation.process('owner')
        const certain: number[] = []
        let discardedTo = 0
        await simulation.run(async () => {
          const log = await openPublicLog(owner, LOG, SMALL)
          const fault = simulation.fault({ call, error, nth })
          for (let count = 0; count < 40; count++) {
            await log.append(body(log.nextId)).then(
              (id) => certain.push(id),
              (failure: unknown) => expect(failure).toMatchObject({ code: /^QLOG_/ }),
            )
            if (count % 5 === 4 && log.status === 'open' && certain.length > 8) {
              discardedTo = certain.at(-8) ?? 1
              log.discard(1, discardedTo + 1)
            }
            await passes(owner, 300)
          }
          struck = fault.hits > 0
          const goesOn = log.status === 'open'
          // What failed was a segment or a reserve, or a group's write, which ends the log for good.
          if (goesOn) expect(certain.length).toBeGreaterThan(35)
          else expect(log.status).toBe('failed')
          await log.close().catch((late: unknown) => expect(late).toMatchObject({ code: /^QLOG_/ }))
        })
        simulation.clearFaults()
        simulation.kill(owner)
        const heir = simulation.process('heir')
        await simulation.run(async () => {
          const log = await openPublicLog(heir, LOG, SMALL)
          const found = await messagesOf(log)
          // Merging leaves out what is discarded within what is left.
          for (const id of certain) if (id > discardedTo) expect(found).toContain(id)
          expect(log.firstId).toBeLessThanOrEqual(discardedTo + 1)
          await log.close()
        })
      }
    },
  )
})

test('what is said to fit while the disk is full does fit', () => {
  const system = { crc32, clock: { nowMs: () => 1 } } as unknown as System
  const random = new Random(3)
  for (let round = 0; round < 2_000; round++) {
    const composer = new Composer(system, 1, 0)
    const sizes = Array.from({ length: random.between(1, 40) }, () =>
      random.chance(0.2) ? random.between(1_900, 5_000) : random.between(0, 400),
    )
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    const room = random.between(4_000, 120_000)
    const segment = {
      key: { salt1: 1, salt2: 2, fileBytes: room },
      fileBytes: room,
      sentEnd: 4_096,
      durableOffset: 4_096,
      mapReserveBytes: 0,
    } as Parameters<Composer['wouldFit']>[0]
    if (!composer.wouldFit(segment, sizes.length, bytes)) continue
    const group = composer.begin(segment)
    group.beginBatch(sizes.length, 0)
    for (const size of sizes) group.addBatchBytes(new Uint8Array(size))
    group.endBatch()
    expect(composer.fits(segment), `sizes ${sizes.join()} in ${room}`).toBe(true)
  }
})
