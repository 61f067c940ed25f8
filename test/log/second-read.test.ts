/**
 * Goal: what opening carries into a new segment, under checksums of its own, is what its walk found whole, also
 * on a disk or a memory that gives other bytes when asked again. Method: the nth read of a byte of the last
 * message has a bit flipped.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseSegmentFileName } from '../../src/format/layout.ts'
import { openLog } from '../../src/index.ts'
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
      flipping((read) => isWrong(read, nth)),
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

/** A system that flips a bit of the byte at `offset` in those reads of it that are to go wrong. */
function flipping(isWrong: (read: number) => boolean): System {
  const system = realSystem()
  let reads = 0
  const open: System['files']['open'] = async (path, how) => {
    const handle = await system.files.open(path, how)
    if (!path.endsWith(newest)) return handle
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
