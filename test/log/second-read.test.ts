/**
 * Goal: what opening carries into a new segment, under checksums of its own, is what its walk found whole, also
 * on a disk or a memory that gives other bytes when asked again. Method: the nth read of a byte of the last
 * message, or of the map in force, has a bit flipped.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseSegmentFileName } from '../../src/format/layout.ts'
import { openLog, QlogError } from '../../src/index.ts'
import { dumpLog } from '../../src/inspect/dump.ts'
import { openPublicLog } from '../../src/log/open.ts'
import { realSystem } from '../../src/system/real/real-system.ts'
import type { FileHandle, System } from '../../src/system/system.ts'
import { overlay } from '../overlay.ts'

const MESSAGES = 60
const ONE_SEGMENT = { segmentBytesMin: 1 << 20, segmentBytesMax: 1 << 20 }
/** More reads of one byte than an opening makes. */
const READS_MAX = 12

let root = ''
let data = ''
let newest = ''
/** Of a byte within the last message. */
let offset = 0

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'qlog-second-read-'))
  const source = join(root, 'source')
  data = join(root, 'data')
  const log = await openLog(source, { sync: 'never', ...ONE_SEGMENT })
  for (let id = 1; id <= MESSAGES; id += 1) await log.append(bodyOf(id))
  // As after a kill: nothing above the LINK is known to be flushed.
  cpSync(source, data, { recursive: true, filter: (path) => !/LOCK|lock-/.test(path) })
  await log.close()
  const names = readdirSync(data).filter((name) => parseSegmentFileName(name) !== undefined)
  newest = names.sort()[0] ?? ''
  offset = readFileSync(join(data, newest)).lastIndexOf(bodyOf(MESSAGES))
})

afterAll(() => rmSync(root, { recursive: true, force: true }))

function bodyOf(id: number): Buffer {
  return Buffer.from(`message ${id} `.repeat(60))
}

test.each([
  { how: 'from the nth on', isWrong: (read: number, nth: number) => read >= nth },
  { how: 'the nth alone', isWrong: (read: number, nth: number) => read === nth },
])('opening never goes on with what a read gave that was wrong: $how', async ({ how, isWrong }) => {
  expect(statSync(join(data, newest)).size).toBeGreaterThan(offset)
  expect(offset).toBeGreaterThan(16_384)
  const ends = new Set<string>()
  for (let nth = 1; nth <= READS_MAX; nth += 1) {
    const directory = join(root, `copy-${nth}`)
    rmSync(directory, { recursive: true, force: true })
    cpSync(data, directory, { recursive: true })
    const refusal = await openPublicLog(
      flipping(newest, offset, (read) => isWrong(read, nth)),
      directory,
    ).then(
      (log) => log.close(),
      (error: unknown) => error,
    )
    ends.add((refusal as { code?: string } | undefined)?.code ?? 'opened')
    // Where it refused, the same directory opens with a disk that is well again; never with other bytes.
    const log = await openPublicLog(realSystem(), directory)
    const bodies: string[] = []
    for await (const { body } of log.read()) bodies.push(Buffer.from(body).toString())
    await log.close()
    const expected = Array.from({ length: MESSAGES }, (_, at) => bodyOf(at + 1).toString())
    expect(bodies, `read ${nth}, ${how}`).toEqual(expected)
  }
  expect([...ends]).toContain('opened')
  expect([...ends]).toContain('QLOG_IO')
})

test('a MAP that is not given whole any more is taken from the other block of its pair', async () => {
  const mapped = join(root, 'mapped')
  const small = { segmentBytesMin: 16_384, segmentBytesMax: 16_384 }
  const writer = await openLog(mapped, small)
  for (let id = 1; id <= MESSAGES; id += 1) await writer.append(bodyOf(id))
  writer.discard(1, MESSAGES - 5)
  await writer.compact()
  const { firstId } = writer
  // Closed in order: opening copies nothing, and reads the MAP again for what it says alone.
  await writer.close()
  let file = ''
  let mapAt = 0
  for await (const item of dumpLog(realSystem(), mapped)) {
    if (item.kind !== 'block' || item.type !== 'MAP') continue
    file = item.file
    mapAt = item.offset
  }
  expect(mapAt).toBeGreaterThan(0)
  const ends: string[] = []
  for (let nth = 2; nth <= READS_MAX; nth += 1) {
    const directory = join(root, `mapped-${nth}`)
    cpSync(mapped, directory, { recursive: true })
    const wrong = flipping(file, mapAt + 60, (read) => read >= nth)
    const log = await openPublicLog(wrong, directory).catch((error: QlogError) => error)
    ends.push(log instanceof QlogError ? log.code : 'opened')
    if (log instanceof QlogError) continue
    expect([log.firstId, log.stats().nextId], `read ${nth}`).toEqual([firstId, MESSAGES + 1])
    await log.close()
  }
  // A walk that meets the damage tells of it; behind the walk the log opens, whichever read is wrong.
  expect(ends.join(' ')).toMatch(/^(QLOG_DAMAGED )+opened( opened)+$/)
})

test.each([
  ['comes between the list and the map', 1],
  ['comes there, and another one at the next look', 2],
])('a segment that %s is not called lost', async (_when, looks) => {
  const listed = join(root, `listed-${looks}`)
  const small = { segmentBytesMin: 16_384, segmentBytesMax: 16_384 }
  const writer = await openLog(listed, small)
  for (let id = 1; id <= MESSAGES; id += 1) await writer.append(bodyOf(id))
  await writer.close()
  const log = await openPublicLog(hiding(listed, looks), listed)
  expect(log.stats().gaps).toEqual([])
  let count = 0
  for await (const _message of log.read()) count += 1
  await log.close()
  expect(count).toBe(MESSAGES)
  expect(readdirSync(listed)).not.toContain('quarantine')
})

test('a segment that goes away between the list and its walk is looked for again', async () => {
  const vanished = join(root, 'vanished')
  cpSync(data, vanished, { recursive: true })
  const system = realSystem()
  let opened = 0
  const open: System['files']['open'] = (path, how) => {
    if (path.endsWith(newest)) opened += 1
    const isWalk = path.endsWith(newest) && opened === 2
    return system.files.open(isWalk ? `${path}-gone` : path, how)
  }
  const log = await openPublicLog(
    overlay(system, { files: overlay(system.files, { open }) }),
    vanished,
  )
  expect(log.nextId).toBe(MESSAGES + 1)
  expect(log.stats().gaps).toEqual([])
  await log.close()
  expect(opened).toBeGreaterThan(2)
})

/** A system that leaves another of the oldest segments out of the list at each of so many looks. */
function hiding(directory: string, looks: number): System {
  const system = realSystem()
  const segments = readdirSync(directory).filter((name) => parseSegmentFileName(name) !== undefined)
  const oldest = segments.sort().slice(0, looks)
  let look = 0
  let isLooking = false
  const open: System['files']['open'] = (path, how) => {
    isLooking ||= path.endsWith('.qls')
    return system.files.open(path, how)
  }
  const list: System['files']['list'] = async (path) => {
    const names = await system.files.list(path)
    if (isLooking) look += 1
    isLooking = false
    return names.filter((name) => name !== oldest[look])
  }
  return overlay(system, { files: overlay(system.files, { open, list }) })
}

/** A system that flips a bit of the byte at `offset` of `file` in those reads of it that are to go wrong. */
function flipping(file: string, offset: number, isWrong: (read: number) => boolean): System {
  const system = realSystem()
  let reads = 0
  const open: System['files']['open'] = async (path, how) => {
    const handle = await system.files.open(path, how)
    if (!path.endsWith(file)) return handle
    const read: FileHandle['read'] = async (target, position) => {
      const count = await handle.read(target, position)
      if (offset < position || offset >= position + count) return count
      reads += 1
      if (isWrong(reads)) target[offset - position] = (target[offset - position] ?? 0) ^ 4
      return count
    }
    return overlay(handle, { read })
  }
  return overlay(system, { files: overlay(system.files, { open }) })
}
