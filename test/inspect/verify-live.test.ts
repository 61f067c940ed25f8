/**
 * Goal: beside a living writer, whose segments retire and whose tail moves, nothing is called damage
 * unless it is damage. Method: the races themselves, made to happen by a file system that shows the first
 * look something older; and a writer that appends and discards without pause.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openLog } from '../../src/index.ts'
import { dump, dumpSegment, scrub, segments, verify } from '../../src/inspect/index.ts'
import { verifyLog } from '../../src/inspect/verify.ts'
import { acquireLock } from '../../src/log/lock.ts'
import { realSystem } from '../../src/system/real/real-system.ts'
import type { FileHandle, FileSystem, System } from '../../src/system/system.ts'
import { overlay } from '../overlay.ts'
import { FIRST, flipBit, LAST, MIDDLE, smallLog, writeLog } from './small-log.ts'

const LOOKS = 40
/** Of fifty messages each. */
const BATCHES = 5

function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'qlog-verify-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'log')
}

/** The real system, whose first look at a log (until LOCK is read again) goes through `older`. */
function withOlderFirstLook(older: Partial<FileSystem>): System {
  const real = realSystem()
  let locksRead = 0
  const files = new Proxy(real.files, {
    get(target, name) {
      if (name === 'open') {
        return async (path: string, options: { mode: 'read' }): Promise<FileHandle> => {
          if (path.endsWith('/LOCK')) locksRead += 1
          const first = locksRead < 2 && !path.endsWith('LOCK') ? older.open : undefined
          return first ? first(path, options) : target.open(path, options)
        }
      }
      const own: unknown = locksRead < 2 ? Reflect.get(older, name) : undefined
      const value: unknown = own ?? Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { ...real, files }
}

/** A handle to which a range of the file still looks unwritten. */
function withZero(handle: FileHandle, from: number, to: number): FileHandle {
  return new Proxy(handle, {
    get(target, name) {
      if (name !== 'read') {
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      }
      return async (bytes: Uint8Array, position: number): Promise<number> => {
        const read = await target.read(bytes, position)
        bytes.subarray(Math.max(0, from - position), Math.max(0, to - position)).fill(0)
        return read
      }
    },
  })
}

async function withLock(directory: string, work: () => Promise<void>): Promise<void> {
  const lock = await acquireLock(realSystem(), directory)
  await work()
  await lock.release()
}

describe('beside a living writer', () => {
  it('a block that was written behind the eye, and is claimed durable further on, is no rot', async () => {
    const directory = freshDirectory()
    const log = smallLog()
    writeLog(directory, log.files)
    const [from = 0, to = 0] = log.dataOffsets.get(LAST) ?? []
    const { files } = realSystem()
    const system = withOlderFirstLook({
      open: async (path, options) => {
        const handle = await files.open(path, options)
        return path.endsWith(LAST) ? withZero(handle, from, to) : handle
      },
    })
    await withLock(directory, async () => {
      const report = await verifyLog(system, directory)
      expect(report).toMatchObject({ verdict: 'fine', owner: { state: 'alive', live: true } })
    })
    // Without an owner there is nobody who could have written it meanwhile.
    const again = withOlderFirstLook({
      open: async (path, options) => {
        const handle = await files.open(path, options)
        return path.endsWith(LAST) ? withZero(handle, from, to) : handle
      },
    })
    expect((await verifyLog(again, directory)).verdict).toBe('rot')
  })

  it('a segment that vanishes between two looks is no loss', async () => {
    const directory = freshDirectory()
    writeLog(directory, smallLog().files)
    const system = withOlderFirstLook({
      open: (path, options) => {
        const missing = Object.assign(new Error('gone'), { code: 'ENOENT', syscall: 'open' })
        return path.endsWith(MIDDLE)
          ? Promise.reject(missing)
          : realSystem().files.open(path, options)
      },
    })
    await withLock(directory, async () => {
      expect((await verifyLog(system, directory)).verdict).toBe('fine')
    })
  })

  it('damage that stays is rot all the same, and exactly once', async () => {
    const directory = freshDirectory()
    const log = smallLog()
    flipBit(log.files, FIRST, 9000)
    writeLog(directory, log.files)
    await withLock(directory, async () => {
      const report = await verify(directory)
      expect(report.verdict).toBe('rot')
      expect(report.findings.map(({ file, firstId, endId }) => [file, firstId, endId])).toEqual([
        [FIRST, 1, 4],
      ])
    })
  })

  it('invalid bytes above D are not written yet, and no torn tail', async () => {
    const directory = freshDirectory()
    const log = smallLog({ closed: false, indexed: false })
    log.files.get(LAST)?.fill(0, log.lastGroupOffset + 512)
    writeLog(directory, log.files)
    expect((await verify(directory)).verdict).toBe('torn-tail')
    await withLock(directory, async () => {
      expect((await verify(directory)).verdict).toBe('fine')
    })
    expect((await verify(directory)).verdict).toBe('torn-tail')
  })
})

describe('between two looks', () => {
  /** A log that its writer has open, and how a block of the segment that is being written rots. */
  async function writing() {
    const directory = freshDirectory()
    const log = await openLog(directory, { segmentBytesMin: 65_536, segmentBytesMax: 65_536 })
    onTestFinished(() => log.close())
    const write = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await log.append('m'.repeat(200))
    }
    await write(400)
    const file = log.stats().segments.at(-1)?.file ?? ''
    let offset = 0
    for await (const item of dumpSegment(join(directory, file))) {
      if (item.kind === 'block' && item.firstId === 350) offset = item.offset
    }
    expect(offset).toBeGreaterThan(0)
    const rot = (): void => {
      const descriptor = openSync(join(directory, file), 'r+')
      writeSync(descriptor, new Uint8Array(20).fill(7), 0, 20, offset + 60)
      closeSync(descriptor)
    }
    return { directory, file, offset, rot, write }
  }

  /** The real system; `work` is done when LOCK is read for the second look. */
  function beforeSecondLook(work: () => void | Promise<void>): System {
    const real = realSystem()
    let locksRead = 0
    const open: FileSystem['open'] = async (path, options) => {
      if (path.endsWith('/LOCK')) locksRead += 1
      if (path.endsWith('/LOCK') && locksRead === 3) await work()
      return real.files.open(path, options)
    }
    return overlay(real, { files: overlay(real.files, { open }) })
  }

  it('the segment with damage is filled: it is damage all the same', async () => {
    const { directory, file, offset, rot, write } = await writing()
    rot()
    const report = await verifyLog(
      beforeSecondLook(() => write(200)),
      directory,
    )
    expect(report).toMatchObject({ verdict: 'rot', lostMessages: 1 })
    expect(report.findings).toMatchObject([{ row: 'rot-below-cut', file, offset }])
  })

  it('more damage comes: it is told too', async () => {
    const { directory, file, offset, rot } = await writing()
    const { segments: full } = await verify(directory)
    expect(full).toBeGreaterThan(1)
    const first = openSync(join(directory, '00000000000000000001-00.qls'), 'r+')
    writeSync(first, new Uint8Array(20).fill(7), 0, 20, 512 * 7 + 60)
    closeSync(first)
    const report = await verifyLog(beforeSecondLook(rot), directory)
    expect(report).toMatchObject({ verdict: 'rot', lostMessages: 1 })
    expect(report.findings).toMatchObject([
      { row: 'header-copy' },
      { row: 'rot-below-d', file, offset },
    ])
  })
})

it('a log that is being written and retired is fine at every look', async () => {
  const directory = freshDirectory()
  const log = await openLog(directory, { segmentBytesMin: 16 * 1024, segmentBytesMax: 32 * 1024 })
  const bodies = Array.from({ length: 50 }, (_, i) => `line ${i} `.padEnd(200, '.'))
  /** Two segments and more, while somebody looks: as many whatever the disk, so that looks come to an end. */
  const write = async (): Promise<void> => {
    for (let batch = 0; batch < BATCHES; batch++) {
      const { firstId } = await log.appendMany(bodies)
      if (firstId > 500) log.discard(1, firstId - 400)
    }
  }
  await write()
  const findings: unknown[] = []
  const numbers = new Set<number>()
  let full = 0
  for (let look = 0; look < LOOKS; look++) {
    const [report] = await Promise.all([verify(directory), write()])
    findings.push(...report.findings.filter(({ level }) => level !== 'note'))
    const [scrubbed] = await Promise.all([scrub(directory), write()])
    findings.push(...scrubbed.findings)
    full += scrubbed.segments
    const [found] = await Promise.all([segments(directory), write()])
    for (const { number } of found) numbers.add(number)
    if (look % 10 > 0) continue
    const writing = write()
    for await (const item of dump(directory)) expect(item.kind).toBeDefined()
    await writing
  }
  await log.close()
  expect(findings).toEqual([])
  // Without retired segments this test would have shown nothing.
  expect(numbers.size).toBeGreaterThan(10)
  expect(full).toBeGreaterThan(10)
}, 60_000)
