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

test('opening refuses where a block reads otherwise than the walk found it, and changes nothing', async () => {
  expect(statSync(join(data, newest)).size).toBeGreaterThan(offset)
  expect(offset).toBeGreaterThan(16_384)
  const ends = new Set<string>()
  for (let nth = 1; nth <= READS_MAX; nth += 1) {
    const directory = join(root, `copy-${nth}`)
    cpSync(data, directory, { recursive: true })
    const refusal = await openPublicLog(flipping(nth), directory).then(
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
    expect(bodies, `read ${nth}`).toEqual(expected)
  }
  expect([...ends].sort()).toEqual(['QLOG_DAMAGED', 'QLOG_IO', 'opened'])
})

/** A system whose nth read of the byte at `offset` has a bit flipped, as all that follow. */
function flipping(nth: number): System {
  const system = realSystem()
  let reads = 0
  const open: System['files']['open'] = async (path, how) => {
    const handle = await system.files.open(path, how)
    if (!path.endsWith(newest)) return handle
    const read: FileHandle['read'] = async (target, position) => {
      const count = await handle.read(target, position)
      if (offset < position || offset >= position + count) return count
      reads += 1
      if (reads >= nth) target[offset - position] = (target[offset - position] ?? 0) ^ 4
      return count
    }
    return overlay(handle, { read })
  }
  return overlay(system, { files: overlay(system.files, { open }) })
}
