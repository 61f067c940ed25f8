/**
 * Calls that the system refuses without a fault of the disk, as the sweep over real system calls has met them
 * (`test/real/failing-calls.ts`): nobody waits for ever, nothing is called damage, and what is over is over.
 */
import { expect, test } from 'vitest'
import { DamagedError, QlogError } from '../../src/errors.ts'
import { verifyLog } from '../../src/inspect/verify.ts'
import { openPublicLog } from '../../src/log/open.ts'
import { openPublicReader } from '../../src/log/open-reader.ts'
import { isPinned } from '../../src/log/pins.ts'
import { writeWhole } from '../../src/log/segment-file.ts'
import { SnapshotTurn } from '../../src/log/snapshot/snapshot-turn.ts'
import type { Log, LogReader } from '../../src/log/types.ts'
import type { FileHandle, System } from '../../src/system/system.ts'
import { body, LOG, Owner, passes, SMALL, simulate } from './space/support.ts'

const IO = { code: 'QLOG_IO' }

const isLock = (path: string): boolean => path.endsWith('/LOCK')

async function logOf(system: System, segments: number): Promise<Log> {
  const log = await openPublicLog(system, LOG, SMALL)
  while (log.stats().segments.length < segments) await log.append(body(log.nextId))
  await passes(system, 1_000)
  return log
}

test('compact() tells where no segment can be made for the new map, and waits for nothing', async () => {
  await simulate(1, async (system, simulation) => {
    const log = await logOf(system, 12)
    const fault = simulation.fault({
      call: 'open',
      error: 'EMFILE',
      path: (path) => path.endsWith('.tmp'),
    })
    // Nothing fits any more but what room is kept for: one map.
    for (const bytes of [3_000, 300, 30]) {
      for (let isFull = false; !isFull; ) {
        await log.append(body(1, bytes)).catch(() => (isFull = true))
      }
    }
    const failures: unknown[] = []
    for (const { endId } of log.stats().segments.slice(0, -1)) {
      log.discard(1, endId)
      await log.compact().catch((error: unknown) => failures.push(error))
    }
    expect(fault.hits).toBeGreaterThan(0)
    expect(failures).not.toEqual([])
    for (const failure of failures) expect(failure).toMatchObject(IO)
    simulation.clearFaults()
    // Nobody has to append for it.
    await log.compact()
    expect(log.stats().segments.length).toBeLessThanOrEqual(2)
    await log.close()
  })
})

test('who waits for a map that names a snapshot is told where no segment can be made for it', async () => {
  const turn = new SnapshotTurn()
  const named: (() => void)[] = []
  const refused = turn.name((resolve) => named.push(resolve))
  turn.refuse(new Error('no segment'))
  await expect(refused).rejects.toThrow('no segment')
  const told = turn.name((resolve) => named.push(resolve))
  for (const resolve of named) resolve()
  await told
})

test('a directory that cannot be opened to be flushed costs one attempt, and no more', async () => {
  await simulate(2, async (system, simulation) => {
    const log = await logOf(system, 2)
    simulation.fault({ call: 'flushDirectory', error: 'EMFILE' })
    let failure: unknown
    while (failure === undefined)
      await log.append(body(1)).catch((error: unknown) => (failure = error))
    expect(failure).toMatchObject(IO)
    simulation.clearFaults()
    const before = log.stats().segments.length
    while (log.stats().segments.length < before + 3) await log.append(body(1))
    await log.close()
  })
})

test('a directory whose flush has failed is in doubt for good, which is no want of space', async () => {
  await simulate(3, async (system, simulation) => {
    const log = await logOf(system, 2)
    const fault = simulation.fault({ call: 'flushDirectory', error: 'EIO', nth: 1 })
    const failures: unknown[] = []
    while (failures.length < 5) {
      await log.append(body(1)).catch((error: unknown) => failures.push(error))
    }
    expect(fault.hits).toBe(1)
    for (const failure of failures) expect(failure).toMatchObject(IO)
    expect(String(failures.at(-1))).toContain('open the log again')
    expect(log.stats().space).toBe('ok')
    await log.close().catch(() => undefined)
  })
})

test.each(['EACCES', 'EINTR', 'ENOMEM', 'EMFILE'])(
  'a segment that cannot be opened for %s is not called damaged, and is there when it can',
  async (error) => {
    await simulate(4, async (system, simulation) => {
      const log = await logOf(system, 4)
      const { nextId } = log
      const files = log.stats().segments.map(({ file }) => file)
      await log.close()
      for (const file of files) {
        simulation.fault({ call: 'open', error, path: (path) => path.endsWith(file) })
        await expect(openPublicLog(system, LOG, SMALL)).rejects.toMatchObject(IO)
        await expect(
          openPublicLog(system, LOG, { ...SMALL, onDamage: 'quarantine' }),
        ).rejects.toMatchObject(IO)
        simulation.clearFaults()
      }
      const again = await openPublicLog(system, LOG, SMALL)
      let count = 0
      for await (const batch of again.readBatches()) count += batch.length
      expect(count).toBe(nextId - 1)
      await again.close()
    })
  },
)

test('a file that was read and cannot be closed takes nothing from what was read, nor from close()', async () => {
  await simulate(5, async (system, simulation) => {
    const before = await logOf(system, 4)
    const file = before.stats().segments[0]?.file ?? ''
    await before.close()
    // Nothing is kept in memory of what an earlier opening wrote.
    const log = await new Owner().open(system)
    const fault = simulation.fault({
      call: 'close',
      error: 'EIO',
      path: (one) => one.endsWith(file),
    })
    for (const bit of [3, 5]) simulation.disk.flipBit(`${LOG}/${file}`, 12_500, bit)
    expect((await log.get(1))?.id).toBe(1)
    expect(fault.hits).toBe(1)
    await expect(log.fetch([2])).rejects.toMatchObject({ code: 'QLOG_DAMAGED' })
    expect(fault.hits).toBe(2)
    expect(await log.fetch([1])).toHaveLength(1)
    await log.close()
    expect(fault.hits).toBe(3)
    simulation.clearFaults()
    await (await openPublicLog(system, LOG, SMALL)).close()
  })
})

test('reading tells what the system refused as QLOG_IO: with the lock and without it', async () => {
  await simulate(6, async (system, simulation) => {
    const log = await logOf(system, 4)
    const all = async (reader: LogReader): Promise<void> => {
      for await (const batch of reader.readBatches()) expect(batch).not.toEqual([])
    }
    simulation.fault({ call: 'read', error: 'EINTR', nth: 2 })
    await expect(all(log)).rejects.toMatchObject(IO)
    simulation.clearFaults()
    await log.close()
    // The newest segment is opened to be judged, and by whoever shows its end, to be flushed.
    for (let nth = 1; ; nth += 1) {
      const fault = simulation.fault({ call: ['open', 'read', 'flush'], error: 'EINTR', nth })
      const failure = await openPublicReader(system, LOG).then(
        async (reader) => reader.close(),
        (error: unknown) => error,
      )
      simulation.clearFaults()
      if (failure !== undefined) expect(failure).toMatchObject(IO)
      if (fault.hits === 0) break
    }
  })
})

test('a reader whose pin cannot be removed says so, and holds nothing any more', async () => {
  await simulate(7, async (system, simulation) => {
    await (await logOf(system, 2)).close()
    const reader = await openPublicReader(system, LOG, { pin: true })
    simulation.fault({ call: 'unlink', error: 'EIO', nth: 1 })
    await expect(reader.close()).rejects.toMatchObject(IO)
    simulation.clearFaults()
    expect(await isPinned(system, LOG)).toBe(false)
  })
})

test('a segment whose file cannot be closed while it is made is refused, and the log goes on', async () => {
  await simulate(8, async (system, simulation) => {
    const log = await logOf(system, 2)
    const fault = simulation.fault({
      call: ['close', 'closeSync'],
      error: 'EIO',
      times: 2,
      path: (path) => path.endsWith('.tmp'),
    })
    let failure: unknown
    while (fault.hits < 1) await log.append(body(1)).catch((error: unknown) => (failure = error))
    while (fault.hits < 2) {
      try {
        log.appendSync(body(1))
      } catch (error) {
        failure = error
      }
    }
    expect(failure).toMatchObject(IO)
    await log.append(body(1))
    expect(log.status).toBe('open')
    await log.close()
  })
})

test('a file that does not tell its size, or which it is, leaks no descriptor', async () => {
  const told: string[] = []
  for (let nth = 1; nth <= 20; nth++) {
    await simulate(14, async (system, simulation) => {
      const call = ['handleStat', 'handleStatSync'] as const
      const fault = simulation.fault({ call, error: 'EIO', nth })
      const log = await openPublicLog(system, LOG, SMALL).catch(() => undefined)
      for (let count = 0; count < 12; count++) await log?.append(body(count)).catch(() => undefined)
      // One is made ahead.
      await passes(system, 1_000)
      await log?.close().catch((error: unknown) => told.push(String(error)))
      expect(system.files.openHandles, `nth ${nth}: ${fault.hits} hits`).toBe(0)
    })
  }
  expect(told).toContainEqual(expect.stringContaining('which is not used'))
})

test('a description of a full segment that cannot be closed ends nothing', async () => {
  await simulate(15, async (system, simulation) => {
    const fault = simulation.fault({ call: 'closeSync', error: 'EIO' })
    const log = await openPublicLog(system, LOG, SMALL)
    for (let round = 0; round < 20; round++) {
      const appends: Promise<number>[] = []
      for (let count = 0; count < 6; count++) {
        appends.push(log.append(body(count, 200)))
        await new Promise<void>((resolve) => system.clock.afterEvents(resolve))
      }
      await Promise.all(appends)
    }
    expect([log.status, fault.hits > 0]).toEqual(['open', true])
    await log.close()
    expect(system.files.openHandles).toBe(0)
  })
})

test('an opening that is refused for damage says so, also where it cannot give LOCK back', async () => {
  const codes: unknown[] = []
  for (let nth = 1; nth <= 12; nth++) {
    await simulate(16, async (system, simulation) => {
      const log = await openPublicLog(system, LOG, SMALL)
      for (let count = 0; count < 4; count++) await log.append(body(count))
      await log.close()
      const names = simulation.disk.list(LOG).filter((file) => file.endsWith('.qls'))
      simulation.disk.flipBit(`${LOG}/${names.at(-1)}`, 9_000, 3)
      const fault = simulation.fault({ call: 'stat', error: 'EIO', nth, path: isLock })
      const error: unknown = await openPublicLog(system, LOG, SMALL).catch((why: unknown) => why)
      if (fault.hits === 0) return
      expect(error).toBeInstanceOf(QlogError)
      if (error instanceof DamagedError) {
        expect(error.gaps).not.toEqual([])
        expect(String((error.cause as Error).cause ?? error.cause)).toContain('LOCK')
      }
      codes.push(error instanceof QlogError && error.code)
    })
  }
  // The last look at LOCK is that of giving it back.
  expect(codes.at(-1)).toBe('QLOG_DAMAGED')
})

test('a write that takes nothing is told like one that the disk refused', async () => {
  const idle = { write: () => Promise.resolve(0) } as unknown as FileHandle
  await expect(writeWhole(idle, new Uint8Array(1), 0)).rejects.toMatchObject({ code: 'EIO' })
})

test('a SEAL that the disk does not give is a cache that is not there', async () => {
  await simulate(10, async (system, simulation) => {
    await (await logOf(system, 4)).close()
    for (let nth = 1; nth <= 3; nth += 1) {
      const log = await new Owner().open(system)
      const fault = simulation.fault({ call: 'read', error: 'EINVAL', nth })
      const bodies = await log.fetch([2]).catch((error: unknown) => error)
      simulation.clearFaults()
      if (Array.isArray(bodies)) expect(bodies).toHaveLength(1)
      else expect(bodies).toMatchObject(IO)
      if (nth === 1) expect([fault.hits, Array.isArray(bodies)]).toEqual([1, true])
      await log.close()
    }
  })
})

test('an index that this process may not open is no damage', async () => {
  await simulate(11, async (system, simulation) => {
    const before = await logOf(system, 2)
    await before.close()
    simulation.fault({ call: 'open', error: 'EMFILE', path: (path) => path.includes('/index.') })
    await expect(verifyLog(system, LOG, {})).rejects.toMatchObject(IO)
    simulation.clearFaults()
    expect((await verifyLog(system, LOG, {})).verdict).toBe('fine')
  })
})
