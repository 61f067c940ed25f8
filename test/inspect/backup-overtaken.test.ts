/**
 * Goal: a writer that fills and retires segments during every look at them is told apart from a loss. Method:
 * the races themselves, made to happen by a file system that shows names which are older than what is behind
 * them, and files that retire before they are opened.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parseSegmentFileName } from '../../src/format/layout.ts'
import { openLog } from '../../src/index.ts'
import { backupLog } from '../../src/inspect/backup.ts'
import { verify } from '../../src/inspect/index.ts'
import { OVERTAKEN_LOOKS_MAX } from '../../src/inspect/overtaken.ts'
import { LOOKS_MAX } from '../../src/inspect/source.ts'
import { realSystem } from '../../src/system/real/real-system.ts'
import type { FileSystem, System } from '../../src/system/system.ts'

/** More than a look that finds damage is repeated. */
const OVERTAKEN = LOOKS_MAX + 5
const SEGMENTS = 6

interface Place {
  readonly data: string
  readonly copy: string
  /** Its messages are durable below this id. */
  readonly nextId: number
  /** Files of the segments that are full, the oldest first. */
  readonly full: readonly string[]
}

/** A log that its writer has open. */
async function place(): Promise<Place> {
  const root = mkdtempSync(join(tmpdir(), 'qlog-overtaken-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const data = join(root, 'data')
  const log = await openLog(data, { segmentBytesMin: 16_384, segmentBytesMax: 16_384 })
  onTestFinished(() => log.close())
  while (log.stats().segments.length < SEGMENTS) await log.append('x'.repeat(3_000))
  const { nextId, segments } = log.stats()
  const full = segments.slice(0, -1).map(({ file }) => file)
  return { data, copy: join(root, 'copy'), nextId, full }
}

/** The real system with some of its calls replaced. */
function withFiles(own: Partial<FileSystem>): System {
  const real = realSystem()
  const files = new Proxy(real.files, {
    get(target, name) {
      const value: unknown = Reflect.get(own, name) ?? Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { ...real, files }
}

/** Each of the first looks sees names that were there before more segments were filled: now more, now fewer. */
function overtaken({ data, full }: Place, looks: number): System {
  let look = 0
  return withFiles({
    list: async (path) => {
      const names = await realSystem().files.list(path)
      if (path !== data) return names
      look += 1
      if (look > looks) return names
      const last = full[2 + (look % 2)] ?? ''
      return names.filter((name) => parseSegmentFileName(name) === undefined || name <= last)
    },
  })
}

/** During each of the first looks a segment retires, between the look at it and the copying. */
function retiring({ data, full }: Place, looks: number): System {
  let look = 0
  let opened = 0
  return withFiles({
    list: (path) => {
      look += path === data ? 1 : 0
      opened = 0
      return realSystem().files.list(path)
    },
    open: (path, options) => {
      const isIt = path.endsWith(full[1] ?? '')
      opened += isIt ? 1 : 0
      // The first look reads its head before it is opened to be copied; later ones know that.
      if (isIt && opened === (look === 1 ? 2 : 1) && look <= looks) {
        return Promise.reject(Object.assign(new Error('gone'), { code: 'ENOENT', syscall: 'open' }))
      }
      return realSystem().files.open(path, options)
    },
  })
}

test.each([
  ['are overtaken', overtaken],
  ['find files that retire before they are opened', retiring],
])('a backup whose looks %s looks again, and is whole', async (_what, system) => {
  const here = await place()
  const report = await backupLog(system(here, OVERTAKEN), here.data, here.copy)
  expect(report).toMatchObject({ live: true, findings: [] })
  // What was acknowledged last is proven durable by what stands behind it.
  expect(report.nextId).toBeGreaterThanOrEqual(here.nextId - 1)
  expect(await verify(here.copy)).toMatchObject({ verdict: 'fine', closed: true })
})

test.each([
  ['are overtaken', overtaken],
  ['find files that retire before they are opened', retiring],
])('one whose looks all %s says so, and leaves nothing', async (_what, system) => {
  const here = await place()
  const never = system(here, Number.POSITIVE_INFINITY)
  const why = `filled and retired segments during each of ${OVERTAKEN_LOOKS_MAX} looks`
  await expect(backupLog(never, here.data, here.copy)).rejects.toMatchObject({
    code: 'QLOG_OVERTAKEN',
    message: expect.stringContaining(why),
  })
  expect([existsSync(here.copy), existsSync(`${here.copy}.partial`)]).toEqual([false, false])
  expect(readdirSync(here.data).filter((name) => name.startsWith('pin-'))).toEqual([])
})

test('a segment that is missing is damage, whatever its writer does meanwhile', async () => {
  const here = await place()
  const lost = here.full[1] ?? ''
  unlinkSync(join(here.data, lost))
  const system = overtaken(here, Number.POSITIVE_INFINITY)
  await expect(backupLog(system, here.data, here.copy)).rejects.toMatchObject({
    code: 'QLOG_DAMAGED',
    message: expect.stringContaining(lost),
  })
})
