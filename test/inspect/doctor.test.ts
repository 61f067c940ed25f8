/** What `doctor` finds on real file systems, and on ones that misbehave. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { DoctorCheck, DoctorReport } from '../../src/inspect/doctor.ts'
import { examine } from '../../src/inspect/doctor.ts'
import { judgeFlushes } from '../../src/inspect/doctor-flushes.ts'
import { factsOfFileSystem } from '../../src/inspect/file-systems.ts'
import { realSystem } from '../../src/system/real/real-system.ts'
import type { FileSystem, System } from '../../src/system/system.ts'

const onLinux = process.platform === 'linux'

function freshDirectory(parent: string): string {
  const directory = mkdtempSync(join(parent, 'qlog-doctor-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

function found(report: DoctorReport, name: DoctorCheck['check']): DoctorCheck {
  const check = report.checks.find((candidate) => candidate.check === name)
  if (check === undefined) throw new Error(`there is no check ${name}`)
  return check
}

/** The real system with some calls of its file system replaced. */
function systemWith(replaced: Partial<FileSystem>, others: Partial<System> = {}): System {
  const real = realSystem()
  const files = new Proxy(real.files, {
    get(target, name) {
      const own: unknown = Reflect.get(replaced, name)
      const value: unknown = own ?? Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { ...real, files, ...others }
}

function failing(code: string): () => Promise<never> {
  return () => Promise.reject(Object.assign(new Error(`${code}: refused`), { code }))
}

describe('doctor on a real directory', () => {
  it('looks at everything, measures, and leaves nothing behind', async () => {
    const directory = freshDirectory(tmpdir())
    const report = await examine(realSystem(), directory)
    expect(report.checks.map(({ check }) => check)).toEqual([
      'fileSystem',
      'sockets',
      'link',
      'directorySync',
      'flush',
      'space',
    ])
    expect(found(report, 'flush').figures?.['flushes']).toBeGreaterThanOrEqual(10)
    expect(readdirSync(directory)).toEqual([])
  })

  it.runIf(onLinux)('finds links, sockets and directory syncs working', async () => {
    const report = await examine(realSystem(), freshDirectory(tmpdir()))
    for (const name of ['sockets', 'link', 'directorySync'] as const) {
      expect(found(report, name).level).toBe('ok')
    }
  })

  it.runIf(onLinux && existsSync('/dev/shm'))('says that memory keeps nothing', async () => {
    const directory = freshDirectory('/dev/shm')
    const report = await examine(realSystem(), directory)
    expect(report.level).toBe('problem')
    expect(found(report, 'fileSystem')).toMatchObject({
      level: 'problem',
      figures: { name: 'tmpfs' },
    })
    expect(found(report, 'flush').level).toBe('ok')
    expect(readdirSync(directory)).toEqual([])
  })

  it('rejects what is no directory', async () => {
    const missing = join(freshDirectory(tmpdir()), 'missing')
    await expect(examine(realSystem(), missing)).rejects.toMatchObject({
      code: 'QLOG_INVALID_ARGUMENT',
    })
    expect(existsSync(missing)).toBe(false)
  })

  it('stops when asked to, and leaves nothing behind', async () => {
    const directory = freshDirectory(tmpdir())
    const stopped = examine(realSystem(), directory, { signal: AbortSignal.abort() })
    await expect(stopped).rejects.toMatchObject({ code: 'QLOG_ABORTED' })
    expect(readdirSync(directory)).toEqual([])
  })
})

describe('doctor on a file system that misbehaves', () => {
  it('finds a link that replaces', async () => {
    const files = realSystem().files
    const link = (from: string, to: string): Promise<void> =>
      files.link(from, to).catch((error: { code?: string }) => {
        if (error.code !== 'EEXIST') throw error
      })
    const report = await examine(systemWith({ link }), freshDirectory(tmpdir()))
    expect(found(report, 'link')).toMatchObject({ level: 'problem' })
    expect(found(report, 'link').sentence).toContain('replaced it')
  })

  it('finds refused links, sockets and directory syncs, and still removes its files', async () => {
    const directory = freshDirectory(tmpdir())
    const sockets = { ...realSystem().sockets, listen: failing('EPERM') }
    const refused = { link: failing('EPERM'), flushDirectory: failing('EINVAL') }
    const report = await examine(systemWith(refused, { sockets }), directory)
    expect(report.level).toBe('problem')
    for (const name of ['sockets', 'link', 'directorySync'] as const) {
      expect(found(report, name).level).toBe('problem')
      expect(found(report, name).sentence).toMatch(/could not be tried: E(PERM|INVAL)/)
    }
    expect(readdirSync(directory)).toEqual([])
  })

  it('finds sockets that do not show death', async () => {
    const real = realSystem().sockets
    const sockets = {
      listen: (path: string) => real.listen(path),
      probe: () => Promise.resolve({ state: 'alive' as const }),
      connect: (path: string) => real.connect(path),
    }
    const report = await examine(systemWith({}, { sockets }), freshDirectory(tmpdir()))
    expect(found(report, 'sockets')).toMatchObject({ level: 'problem' })
    expect(found(report, 'sockets').sentence).toContain('a dead one alive')
  })

  it.each([
    [10_000, 'problem'],
    [100_000_000, 'note'],
    [10_000_000_000, 'ok'],
  ])('%i bytes free: %s', async (freeBytes, level) => {
    const space = () =>
      Promise.resolve({ freeBytes, totalBytes: 1e12, type: 0xef53, copiesOnWrite: false })
    const report = await examine(systemWith({ space }), freshDirectory(tmpdir()))
    expect(found(report, 'space').level).toBe(level)
  })
})

describe('judgeFlushes', () => {
  it('doubts a flush too fast to be true, except in memory', () => {
    const fast = Array.from({ length: 200 }, () => 0.008)
    expect(judgeFlushes(fast, false)).toMatchObject({ level: 'note' })
    expect(judgeFlushes(fast, false).sentence).toContain('too fast to be true')
    expect(judgeFlushes(fast, true)).toMatchObject({ level: 'ok' })
  })

  it('notes a slow disk, and reports percentiles', () => {
    const tookMs = Array.from({ length: 200 }, (_, index) => 0.1 + index / 1000)
    const check = judgeFlushes(tookMs, false)
    expect(check.level).toBe('ok')
    expect(check.figures).toEqual({ flushes: 200, p50Us: 200, p99Us: 298, perSecond: 5000 })
    expect(judgeFlushes([25, 30, 28], false).level).toBe('note')
  })
})

describe('factsOfFileSystem', () => {
  it.each([
    [0xef53, 'ok', /ext4/],
    [0x58465342, 'ok', /xfs/],
    [0x9123683e, 'note', /btrfs/],
    [0x2fc12fc1, 'note', /zfs/],
    [0x01021994, 'problem', /tmpfs/],
    [0x794c7630, 'note', /overlay/],
    [0x6969, 'problem', /nfs/],
    [0xff534d42, 'problem', /cifs/],
    [0xff534d42 | 0, 'problem', /cifs/],
    [0x01021997, 'note', /9p/],
    [0x65735546, 'note', /fuse/],
    [0xf2f52010, 'note', /f2fs/],
    [0x12345678, 'note', /unknown \(0x12345678\)/],
  ])('%i is %s', (type, level, name) => {
    const facts = factsOfFileSystem(type)
    expect(facts.level).toBe(level)
    expect(facts.name).toMatch(name)
    expect(facts.sentence.length).toBeGreaterThan(20)
  })
})
