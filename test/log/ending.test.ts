/** How a log ends: nothing stands behind CLEAN, and a close that goes wrong says so in the log's own words. */
import { expect, test } from 'vitest'
import { QlogError } from '../../src/errors.ts'
import { SEGMENT_HEADER_BYTES } from '../../src/format/layout.ts'
import { openPublicLog } from '../../src/log/open.ts'
import type { Log } from '../../src/log/types.ts'
import { crc32 } from '../../src/system/real/crc.ts'
import type { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import type { FileHandle, OpenOptions, System } from '../../src/system/system.ts'
import { overlay } from '../overlay.ts'
import { body, LOG, passes, SMALL, simulate } from './space/support.ts'

const AGE_MS = 10_000

/** A system on which writes to segments take so long where `isSlow` says so of their offset. */
function withSlowWrites(system: System, isSlow: (at: number) => boolean, ms: number): System {
  const { files } = system
  const slow = (path: string, handle: FileHandle): FileHandle => {
    const wait = async (at: number): Promise<void> => {
      if (path.endsWith('.qls') && isSlow(at)) await passes(system, ms)
    }
    return overlay(handle, {
      write: async (bytes, at) => {
        await wait(at)
        return handle.write(bytes, at)
      },
      writeMany: async (pieces, at) => {
        await wait(at)
        return handle.writeMany(pieces, at)
      },
    })
  }
  const open = async (path: string, options: OpenOptions) =>
    slow(path, await files.open(path, options))
  return overlay(system, { files: overlay(files, { open }) })
}

function filesOf(disk: SimulatedDisk): Map<string, number> {
  const files = [...disk.tree()].filter(([path]) => !path.endsWith('/LOCK'))
  return new Map(files.map(([path, bytes]) => [path, crc32(bytes, 0)]))
}

async function appendUntil(log: Log, segments: number): Promise<void> {
  while (log.stats().segments.length < segments) await log.append(body(log.nextId))
}

test('a segment that comes of age while CLEAN is written leaves with a later opening (8)', async () => {
  await simulate(1, async (system, { disk }) => {
    let isClosing = false
    const slow = withSlowWrites(system, () => isClosing, 2 * AGE_MS)
    const log = await openPublicLog(slow, LOG, { ...SMALL, retention: { ageMs: AGE_MS } })
    await appendUntil(log, 4)
    await passes(system, AGE_MS / 2)
    isClosing = true
    await log.close()
    const before = filesOf(disk)
    const again = await openPublicLog(system, LOG, SMALL)
    await again.close()
    expect(filesOf(disk)).toEqual(before)
  })
})

test("a log that is fenced at its first group makes no file, and removes none, in what is now another's", async () => {
  await simulate(4, async (system, { disk }) => {
    const before = await openPublicLog(system, LOG, SMALL)
    await appendUntil(before, 2)
    await before.close()
    const reserve = (): string[] => disk.list(LOG).filter((name) => name.startsWith('reserve-'))
    const kept = reserve()
    expect(kept).toHaveLength(2)
    // Of its first segment not so much is taken that another is made ahead.
    const sizes = { segmentBytesMin: 65_536, segmentBytesMax: 65_536 }
    const log = await openPublicLog(system, LOG, { ...SMALL, ...sizes })
    disk.removeFile(`${LOG}/LOCK`)
    await expect(log.append(body(1))).rejects.toMatchObject({ code: 'QLOG_INDETERMINATE' })
    expect(log.status).toBe('fenced')
    await passes(system, 1_000)
    expect(reserve()).toEqual(kept)
    await log.close().catch(() => undefined)
    expect(reserve()).toEqual(kept)
  })
})

test.each([
  ['null', null],
  ['a list', []],
  ['an option that is not known', { timeout: 5 }],
  ['a time that is none', { timeoutMs: Number.NaN }],
  ['a time below 0', { timeoutMs: -1 }],
  ['a time in words', { timeoutMs: '5' }],
])('close() refuses %s, and can be called again', async (_what, options) => {
  await simulate(2, async (system) => {
    const log = await openPublicLog(system, LOG, SMALL)
    await log.append(body(1))
    const refused = { code: 'QLOG_INVALID_ARGUMENT' }
    expect(() => log.close(options as { timeoutMs?: number })).toThrow(
      expect.objectContaining(refused),
    )
    expect(log.status).toBe('open')
    expect(await log.append(body(2))).toBe(2)
    await log.close({ timeoutMs: 500.5 })
    expect(system.files.openHandles).toBe(0)
    await (await openPublicLog(system, LOG, SMALL)).close()
  })
})

test('two segments that cannot be closed are told with a code', async () => {
  await simulate(3, async (system, simulation) => {
    let isHeld = false
    const isFirst = (at: number): boolean => isHeld && at === SEGMENT_HEADER_BYTES
    const held = withSlowWrites(system, isFirst, 60_000)
    const log = await openPublicLog(held, LOG, SMALL)
    await appendUntil(log, 2)
    // While the first group of a segment is under way the full one in front of it is not sealed.
    isHeld = true
    const appends = Array.from({ length: 12 }, () => log.append(body(1)))
    const settled = Promise.allSettled(appends)
    await passes(system, 5_000)
    // All but the last, which is made ahead.
    const names = simulation.disk.list(LOG).filter((name) => name.endsWith('.qls'))
    const ahead = `${LOG}/${names.sort().at(-1)}`
    const path = (one: string): boolean => one.endsWith('.qls') && one !== ahead
    const fault = simulation.fault({ call: 'close', error: 'EIO', path })
    const failure: unknown = await log.close({ timeoutMs: 1 }).catch((error: unknown) => error)
    await settled
    expect(fault.hits).toBeGreaterThan(1)
    expect(failure).toBeInstanceOf(QlogError)
    expect(failure).toMatchObject({ code: 'QLOG_IO' })
  })
})
