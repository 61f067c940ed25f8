/**
 * Goal: a page that the disk does not give costs what stands in it and nothing else: for readers, `verify`,
 * `scrub` and `recover`, in full segments and in the newest one. Method: every page of every segment of a
 * small log fails in turn, for as long as anybody looks, as a bad sector does.
 */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLog } from '../../src/index.ts'
import { backupLog } from '../../src/inspect/backup.ts'
import { dumpLog } from '../../src/inspect/dump.ts'
import { explainPlace } from '../../src/inspect/explain.ts'
import { salvageLog } from '../../src/inspect/salvage.ts'
import { scrubLog } from '../../src/inspect/scrub.ts'
import { verifyLog } from '../../src/inspect/verify.ts'
import { openPublicLog } from '../../src/log/open.ts'
import { openPublicReader } from '../../src/log/open-reader.ts'
import { realSystem } from '../../src/system/real/real-system.ts'
import type { FileHandle, System } from '../../src/system/system.ts'
import { overlay } from '../overlay.ts'

const PAGE = 4096
const HEADER = 4096
const MESSAGES = 40
const REFUSED = { code: 'QLOG_IO', message: expect.stringContaining('qlog recover') }
const SMALL = { segmentBytesMin: 16_384, segmentBytesMax: 16_384 }

interface Place {
  readonly offset: number
  readonly end: number
  readonly id: number
}

let root = ''
let data = ''
/** Where each message stands, by file, and what else the file holds. */
const messages = new Map<string, Place[]>()
let newest = ''

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'qlog-unreadable-'))
  data = join(root, 'data')
  const log = await openLog(data, SMALL)
  for (let id = 1; id <= MESSAGES; id += 1) await log.append(bodyOf(id))
  await log.close()
  for await (const item of dumpLog(realSystem(), data)) {
    if (item.kind === 'segment') newest = item.file
    if (item.kind !== 'block' || item.type !== 'DATA') continue
    const places = messages.get(item.file) ?? []
    messages.set(item.file, places)
    places.push({ offset: item.offset, end: item.offset + item.length, id: item.firstId })
  }
})

afterAll(() => rmSync(root, { recursive: true, force: true }))

function bodyOf(id: number): string {
  return `${id} `.padEnd(700 + (id % 3) * 200, 'm')
}

/** A disk that does not give pages of a file, `first` to `last`, but for some reads before that. */
function withBadPage(file: string, first: number, last = first, goodReads = 0): System {
  const real = realSystem()
  const bad = { from: first * PAGE, to: (last + 1) * PAGE }
  let reads = 0
  const guard = (handle: FileHandle): FileHandle =>
    overlay(handle, {
      read: (target, position) => {
        const isHit = position < bad.to && position + target.length > bad.from
        if (!isHit || ++reads <= goodReads) return handle.read(target, position)
        return Promise.reject(Object.assign(new Error('bad'), { code: 'EIO', syscall: 'read' }))
      },
    })
  const open: System['files']['open'] = async (path, options) => {
    const handle = await real.files.open(path, options)
    return path.endsWith(`/${file}`) ? guard(handle) : handle
  }
  return overlay(real, { files: overlay(real.files, { open }) })
}

/** Ids of the messages whose blocks touch the page. */
function idsIn(file: string, page: number): number[] {
  const from = page * PAGE
  const hit = (messages.get(file) ?? []).filter(
    ({ offset, end }) => offset < from + PAGE && end > from,
  )
  return hit.map(({ id }) => id)
}

function idsOf(lost: readonly { readonly firstId: number; readonly endId: number }[]): number[] {
  const ids = lost.flatMap(({ firstId, endId }) =>
    Array.from({ length: endId - firstId }, (_, row) => firstId + row),
  )
  return [...new Set(ids)].sort((a, b) => a - b)
}

async function bodiesOf(directory: string): Promise<Map<number, string>> {
  const log = await openLog(directory)
  const bodies = new Map<number, string>()
  for await (const { id, body } of log.read({ onGap: () => undefined })) {
    bodies.set(id, Buffer.from(body).toString('latin1'))
  }
  await log.close()
  return bodies
}

/** Every page that holds a message, of the full segments or of the newest one. */
function pagesOf(kind: 'full' | 'newest'): [string, number][] {
  const files = [...messages.keys()].filter((file) => (file === newest) === (kind === 'newest'))
  return files.flatMap((file) =>
    [1, 2, 3]
      .filter((page) => page * PAGE >= HEADER && idsIn(file, page).length > 0)
      .map((page): [string, number] => [file, page]),
  )
}

describe('a page that the disk does not give', () => {
  test('costs readers of a full segment what stands in it (6)', async () => {
    const pages = pagesOf('full')
    expect(pages.length).toBeGreaterThan(6)
    for (const [file, page] of pages) {
      const log = await openPublicLog(withBadPage(file, page), data)
      const gaps: { firstId: number; endId: number }[] = []
      const ids: number[] = []
      for await (const { id } of log.read({ onGap: (gap) => gaps.push(gap) })) ids.push(id)
      await log.close()
      expect(idsOf(gaps), `${file}, page ${page}`).toEqual(idsIn(file, page))
      expect(ids.length).toBe(MESSAGES - idsIn(file, page).length)
    }
  })

  test.each(['full', 'newest'] as const)('is told by verify, in a %s segment', async (kind) => {
    const pages = pagesOf(kind)
    expect(pages.length).toBeGreaterThan(0)
    for (const [file, page] of pages) {
      const report = await verifyLog(withBadPage(file, page), data)
      expect(report.verdict).toBe('rot')
      const told = report.findings.filter(({ level }) => level !== 'note')
      expect(told.length).toBeGreaterThan(0)
      for (const one of told) {
        expect([one.row, one.file]).toEqual(['unreadable', file])
        expect(one.detail).toMatch(/the disk does not give \d+ of these bytes \(EIO\)/)
      }
      // Nothing in the newest segment tells which ids stood at its end.
      const ids = idsIn(file, page)
      if (kind === 'full' || !ids.includes(MESSAGES)) expect(idsOf(told)).toEqual(ids)
    }
  })

  test('is told by scrub and by explain, with the messages that it costs', async () => {
    for (const [file, page] of pagesOf('full')) {
      const system = withBadPage(file, page)
      const report = await scrubLog(system, data, {})
      expect(report.findings.map(({ row }) => row)).toEqual(['unreadable'])
      expect(idsOf(report.findings)).toEqual(idsIn(file, page))
      const { kind, why, verdict } = await explainPlace(system, join(data, file), page * PAGE)
      expect({ kind, verdict }).toEqual({ kind: 'invalid', verdict: 'rot' })
      expect(why).toContain('the disk does not give')
    }
  })

  test.each(['full', 'newest'] as const)(
    'costs recover what stands in it, in a %s segment',
    async (kind) => {
      for (const [row, [file, page]] of pagesOf(kind).entries()) {
        const target = join(root, `${kind}-${row}`)
        const report = await salvageLog(withBadPage(file, page), data, target)
        const lost = idsIn(file, page)
        expect(report.messages).toBe(MESSAGES - lost.length)
        const isEnd = kind === 'newest' && lost.includes(MESSAGES)
        if (!isEnd) expect(idsOf(report.losses)).toEqual(lost)
        const bodies = await bodiesOf(target)
        for (let id = 1; id <= MESSAGES; id += 1) {
          expect(bodies.get(id)).toBe(lost.includes(id) ? undefined : bodyOf(id))
        }
      }
    },
  )

  test('of the newest segment keeps a log from being opened, whatever onDamage says, and says so', async () => {
    const [file, page] = pagesOf('newest')[0] ?? ['', 0]
    for (const onDamage of ['refuse', 'quarantine'] as const) {
      await expect(
        openPublicLog(withBadPage(file, page), data, { onDamage }),
      ).rejects.toMatchObject(REFUSED)
    }
  })
})

describe('where nothing but the page itself tells that messages stand in it', () => {
  const IDS = 20
  /** What a kill leaves of a log with one segment: no CLEAN behind the last message. */
  async function killed(): Promise<{ directory: string; file: string; page: number }> {
    const owned = join(root, `owned-${copies}`)
    const directory = join(root, `killed-${copies}`)
    copies += 1
    const log = await openLog(owned)
    for (let id = 1; id <= IDS; id += 1) await log.append(bodyOf(id))
    cpSync(owned, directory, { recursive: true, filter: (path) => !/LOCK|lock-/.test(path) })
    await log.close()
    let last = { file: '', end: 0 }
    for await (const item of dumpLog(realSystem(), directory)) {
      if (item.kind === 'block' && item.type === 'DATA') {
        last = { file: item.file, end: item.offset + item.length }
      }
    }
    return { directory, file: last.file, page: Math.floor((last.end - 1) / PAGE) }
  }
  let copies = 0

  test('no log ends in front of it: it is neither opened nor backed up (1)', async () => {
    const { directory, file, page } = await killed()
    const system = withBadPage(file, page)
    await expect(openPublicLog(system, directory)).rejects.toMatchObject(REFUSED)
    const copy = join(root, `backup-${copies}`)
    await expect(backupLog(system, directory, copy)).rejects.toMatchObject(REFUSED)
    expect(existsSync(copy)).toBe(false)
  })

  test('verify and recover tell that the end is not known', async () => {
    const { directory, file, page } = await killed()
    const system = withBadPage(file, page)
    const report = await verifyLog(system, directory)
    expect(report.verdict).toBe('rot')
    const [told] = report.findings.filter(({ level }) => level !== 'note')
    expect(told).toMatchObject({ row: 'unreadable', file })
    expect(told?.detail).toContain('how many messages stood there is not known')
    const saved = await salvageLog(system, directory, join(root, `saved-${copies}`))
    expect(saved.messages).toBeLessThan(IDS)
    expect(saved.endUnknown).toContain(`${file}, from byte`)
  })

  describe('first pages of a segment that was begun are no sign that it was not', () => {
    let directory = ''
    let file = ''
    let before = 0

    beforeAll(async () => {
      const owned = join(root, 'begun')
      directory = join(root, 'begun-killed')
      const log = await openLog(owned, SMALL)
      let id = 0
      // The first message of a segment is the only one in it.
      do await log.append(bodyOf(++id))
      while (log.stats().segments.length < 3)
      before = id - 1
      cpSync(owned, directory, { recursive: true, filter: (path) => !/LOCK|lock-/.test(path) })
      file = log.stats().segments.at(-1)?.file ?? ''
      await log.close()
    })

    async function expectRefused(system: System, name: string): Promise<void> {
      for (const onDamage of ['refuse', 'quarantine'] as const) {
        await expect(openPublicLog(system, directory, { onDamage })).rejects.toMatchObject(REFUSED)
      }
      await expect(openPublicReader(system, directory)).rejects.toMatchObject(REFUSED)
      const copy = join(root, `begun-copy-${name}`)
      await expect(backupLog(system, directory, copy)).rejects.toMatchObject(REFUSED)
      const report = await verifyLog(system, directory)
      expect(report.verdict).toBe('rot')
      expect(report.findings.map((one) => [one.row, one.file])).toContainEqual(['unreadable', file])
      const saved = await salvageLog(system, directory, join(root, `begun-saved-${name}`))
      expect([saved.messages, saved.endUnknown !== undefined]).toEqual([before, true])
    }

    test.each([
      ['the header', 0, 0],
      ['the first LINK', 1, 1],
      ['the second LINK', 2, 2],
      ['both LINKs', 1, 2],
    ])('%s', (_name, first, last) =>
      expectRefused(withBadPage(file, first, last), `${first}${last}`),
    )

    test('the file itself', () => {
      const real = realSystem()
      const open: System['files']['open'] = (path, options) =>
        path.endsWith(`/${file}`) && options.mode === 'read'
          ? Promise.reject(Object.assign(new Error('bad'), { code: 'EIO', syscall: 'open' }))
          : real.files.open(path, options)
      return expectRefused(overlay(real, { files: overlay(real.files, { open }) }), 'open')
    })
  })

  test('a stale fork with a higher number does not stand for a newest segment that is not given (1)', async () => {
    const [ours, theirs] = [join(root, 'ours'), join(root, 'theirs')]
    const paused = await openLog(theirs, SMALL)
    await paused.append('of both')
    const isCopied = (path: string): boolean => !/LOCK|lock-|pin-/.test(path)
    cpSync(theirs, ours, { recursive: true, filter: isCopied })
    const owner = await openLog(ours, SMALL)
    for (let id = 2; id < 5; id += 1) await owner.append(`acknowledged ${id}`)
    const newest = owner.stats().segments.at(-1)?.file ?? ''
    const killed = join(root, 'forked')
    cpSync(ours, killed, { recursive: true, filter: isCopied })
    await owner.close()
    // The paused writer goes on, and takes the next free number.
    cpSync(join(killed, newest), join(theirs, newest))
    for (let i = 0; i < 3; i += 1)
      await paused.append(''.padEnd(10_000, 'f')).catch(() => undefined)
    const fork = readdirSync(theirs).find((name) => /^\d.*qls$/.test(name) && name > newest) ?? ''
    cpSync(join(theirs, fork), join(killed, fork))
    await paused.close().catch(() => undefined)
    const reader = await openPublicReader(realSystem(), killed)
    expect(reader.stats().nextId).toBe(5)
    await reader.close()
    const system = withBadPage(newest, 0)
    await expect(openPublicLog(system, killed)).rejects.toMatchObject(REFUSED)
    await expect(backupLog(system, killed, join(root, 'fork-copy'))).rejects.toMatchObject(REFUSED)
    const saved = await salvageLog(system, killed, join(root, 'fork-saved'))
    expect(saved.endUnknown).toContain(newest)
  })

  test('what reads once and then no more is lost, and never made of the bytes that stand for it (4)', async () => {
    const [file, places] = [...messages][0] ?? ['', []]
    const victim = places[3]
    if (!victim) throw new Error('a segment holds several messages')
    const directory = join(root, 'flipped')
    cpSync(data, directory, { recursive: true })
    const bytes = readFileSync(join(directory, file))
    bytes[victim.offset + 200] = (bytes[victim.offset + 200] ?? 0) ^ 1
    writeFileSync(join(directory, file), bytes)
    const page = Math.floor((victim.offset + 300) / PAGE)
    for (let goodReads = 0; goodReads < 6; goodReads += 1) {
      const target = join(root, `flipped-${goodReads}`)
      await salvageLog(withBadPage(file, page, page, goodReads), directory, target)
      const bodies = await bodiesOf(target)
      for (const [id, body] of bodies) expect(body).toBe(bodyOf(id))
    }
  })
})
