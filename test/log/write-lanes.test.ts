/**
 * Goal: of writes and flushes of one segment that overlap, no two share an open file description, since Linux tells
 * an error of writing back once to each. Method: every handle of a simulated system counts what is under way on it.
 */
import { describe, expect, test } from 'vitest'
import { openPublicLog } from '../../src/log/open.ts'
import type { LogOptions } from '../../src/log/types.ts'
import { WriteLanes } from '../../src/log/write-lanes.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import type { FileHandle, OpenOptions, System } from '../../src/system/system.ts'

const LOG = '/log'

/** What was under way at once: through one description at most, and through all. */
interface Seen {
  throughOne: number
  throughAll: number
}

function counted(handle: FileHandle, seen: Seen, all: { now: number }): FileHandle {
  let now = 0
  const begin = (): void => {
    now += 1
    all.now += 1
    seen.throughOne = Math.max(seen.throughOne, now)
    seen.throughAll = Math.max(seen.throughAll, all.now)
  }
  const end = (): void => {
    now -= 1
    all.now -= 1
  }
  const around = async <T>(call: () => Promise<T>): Promise<T> => {
    begin()
    return call().finally(end)
  }
  const aroundSync = <T>(call: () => T): T => {
    begin()
    try {
      return call()
    } finally {
      end()
    }
  }
  return new Proxy(handle, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      const call = (...words: unknown[]) => value.apply(target, words)
      if (['write', 'writeMany', 'flush'].includes(String(name))) {
        return (...words: unknown[]) => around(() => call(...words))
      }
      if (['writeSync', 'flushSync'].includes(String(name))) {
        return (...words: unknown[]) => aroundSync(() => call(...words))
      }
      return call
    },
  })
}

/** Counts what is under way on files that may be segments. */
function watched(system: System, seen: Seen): System {
  const all = { now: 0 }
  const { files } = system
  const watch = new Proxy(files, {
    get(target, name) {
      if (name === 'open') {
        return async (path: string, options: OpenOptions) => {
          const handle = await files.open(path, options)
          return isOwn(path, options) ? counted(handle, seen, all) : handle
        }
      }
      if (name === 'openSync') {
        return (path: string, options: OpenOptions) => {
          const handle = files.openSync(path, options)
          return isOwn(path, options) ? counted(handle, seen, all) : handle
        }
      }
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { ...system, files: watch }
}

function isOwn(path: string, { mode }: OpenOptions): boolean {
  return mode === 'write' && path.endsWith('.qls')
}

async function seenOf(
  options: LogOptions,
  work: (log: Awaited<ReturnType<typeof openPublicLog>>) => Promise<void>,
): Promise<Seen> {
  const seen: Seen = { throughOne: 0, throughAll: 0 }
  const simulation = new Simulation({ seed: 1 })
  const process = simulation.process('owner')
  await simulation.run(() =>
    process.run(async () => {
      const log = await openPublicLog(watched(process, seen), LOG, options)
      await work(log)
      await log.close()
    }),
  )
  return seen
}

const BODY = 'x'.repeat(3_000)

describe.each<[string, LogOptions]>([
  ['always', {}],
  ['interval', { sync: { intervalMs: 1_000, bytes: 4_096 } }],
])('in the mode %s', (_, options) => {
  test('groups under way at once go through a description each', async () => {
    const seen = await seenOf(options, async (log) => {
      for (let round = 0; round < 20; round++) {
        const appends = Array.from({ length: 30 }, () => log.append(BODY))
        await Promise.race(appends)
        for (let more = 0; more < 30; more++) appends.push(log.append(BODY))
        await Promise.all(appends)
      }
    })
    expect(seen.throughOne).toBe(1)
    expect(seen.throughAll).toBeGreaterThan(1)
  })

  test('an append that waits for nobody has one beside those that are under way', async () => {
    const seen = await seenOf(options, async (log) => {
      for (let round = 0; round < 20; round++) {
        const appends = Array.from({ length: 30 }, () => log.append(BODY))
        await Promise.race(appends)
        for (let more = 0; more < 3; more++) log.appendSync(BODY)
        await Promise.all(appends)
      }
    })
    expect(seen.throughOne).toBe(1)
  })
})

test('an append that waits for nobody stands the flush that what it lets resolve begins', async () => {
  const simulation = new Simulation({ seed: 1 })
  const process = simulation.process('owner')
  await simulation.run(() =>
    process.run(async () => {
      for (let waitMs = 0; waitMs < 2; waitMs += 0.05) {
        const log = await openPublicLog(process, LOG, { sync: { intervalMs: 1_000, bytes: 1 } })
        await log.append(BODY)
        const under = log.append(BODY)
        await new Promise<void>((resolve) => process.clock.after(waitMs, resolve, true))
        log.appendSync(BODY)
        await under
        await log.close()
      }
    }),
  )
})

/** The owner's system, of whose files `opened` says what each opening of one does. */
function withOpen(system: System, opened: (path: string, options: OpenOptions) => void): System {
  const { files } = system
  const watch = new Proxy(files, {
    get(target, name) {
      if (name === 'open') {
        return async (path: string, options: OpenOptions) => {
          opened(path, options)
          return files.open(path, options)
        }
      }
      if (name === 'openSync') {
        return (path: string, options: OpenOptions) => {
          opened(path, options)
          return files.openSync(path, options)
        }
      }
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { ...system, files: watch }
}

test('an append that waits for nobody and finds no description is refused alone, and the log goes on', async () => {
  const simulation = new Simulation({ seed: 1 })
  const process = simulation.process('owner')
  let isFull = false
  const system = withOpen(process, () => {
    if (isFull) throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
  })
  await simulation.run(() =>
    process.run(async () => {
      const log = await openPublicLog(system, LOG, {})
      const id = await log.append(BODY)
      isFull = true
      const under = log.append(BODY)
      await new Promise<void>((resolve) => process.clock.afterEvents(resolve))
      const waiting = log.append(BODY)
      expect(() => log.appendSync(BODY)).toThrow(expect.objectContaining({ code: 'QLOG_IO' }))
      expect(await Promise.all([under, waiting])).toEqual([id + 1, id + 2])
      expect(log.appendSync(BODY)).toBe(id + 3)
      isFull = false
      await log.close()
    }),
  )
})

test('a file that has the name of the segment by now is not written to', async () => {
  const simulation = new Simulation({ seed: 1 })
  const process = simulation.process('owner')
  const { files } = process
  await simulation.run(() =>
    process.run(async () => {
      const log = await openPublicLog(process, LOG, {})
      await log.append(BODY)
      const name = (await files.list(LOG)).find((one) => one.endsWith('.qls'))
      const path = `${LOG}/${name}`
      // As where the directory was moved, and a copy put in its place that somebody else writes to.
      await files.unlink(path)
      const other = await files.open(path, { mode: 'create' })
      await other.write(new Uint8Array(1024 * 1024), 0)
      const under = log.append(BODY)
      under.catch(() => undefined)
      await new Promise<void>((resolve) => process.clock.afterEvents(resolve))
      expect(() => log.appendSync(BODY)).toThrow(expect.objectContaining({ code: 'QLOG_FENCED' }))
      expect(log.status).toBe('fenced')
      await expect(log.append(BODY)).rejects.toMatchObject({ code: 'QLOG_FENCED' })
      await log.close()
      const there = new Uint8Array(1024 * 1024)
      await other.read(there, 0)
      expect(there.every((byte) => byte === 0)).toBe(true)
      await other.close()
    }),
  )
})

test('a file that has the name of a segment made ahead by now is not deleted with it', async () => {
  const simulation = new Simulation({ seed: 1 })
  const process = simulation.process('owner')
  const { files } = process
  await simulation.run(() =>
    process.run(async () => {
      const sizes = { segmentBytesMin: 65_536, segmentBytesMax: 65_536 }
      const log = await openPublicLog(process, LOG, sizes)
      const names = async () => (await files.list(LOG)).filter((one) => one.endsWith('.qls')).sort()
      // More than half of a segment: the next one is made, and dropped with the end of the log.
      await log.append('y'.repeat(40_000))
      await new Promise<void>((resolve) => process.clock.after(50, resolve))
      const [, ahead] = await names()
      const path = `${LOG}/${ahead}`
      await files.unlink(path)
      const other = await files.open(path, { mode: 'create' })
      await log.close()
      expect(simulation.disk.exists(path)).toBe(true)
      expect((await files.stat(path)).inode).toBe((await other.stat()).inode)
      await other.close()
    }),
  )
})

test('outside always no description of a segment is opened once it is written to', async () => {
  const simulation = new Simulation({ seed: 1 })
  const process = simulation.process('owner')
  const opened = new Map<string, number[]>()
  let appended = 0
  const system = withOpen(process, (path, options) => {
    if (!isOwn(path, options)) return
    const times = opened.get(path) ?? []
    times.push(appended)
    opened.set(path, times)
  })
  await simulation.run(() =>
    process.run(async () => {
      const options = { sync: { intervalMs: 1, bytes: 4_096 }, segmentBytesMin: 65_536 }
      const log = await openPublicLog(system, LOG, options)
      for (; appended < 200; appended++) {
        const appends = [log.append(BODY), log.append(BODY)]
        await new Promise<void>((resolve) => process.clock.afterEvents(resolve))
        if (appended % 3 === 0) log.appendSync(BODY)
        if (appended % 7 === 0) await Promise.all(appends)
      }
      await log.close()
    }),
  )
  const all = [...opened.values()]
  expect(all.length).toBeGreaterThan(3)
  expect(all.filter((times) => times.length === 5)).toHaveLength(all.length)
})

describe('where the file cannot be opened once more', () => {
  const handle = {} as FileHandle
  let opens = 0
  const failing = {
    open: () => {
      opens += 1
      return Promise.reject(new Error('EMFILE'))
    },
    openSync: () => {
      throw new Error('EMFILE')
    },
  }

  test('those that there are have to do, and nobody tries again', async () => {
    const lanes = new WriteLanes([handle], failing)
    const taken = lanes.take()
    let calls = 0
    const call = (): void => {
      calls += 1
    }
    for (let tries = 0; tries < 3; tries++) {
      lanes.whenFree(call)
      await new Promise(setImmediate)
    }
    expect([opens, calls, lanes.hasFree]).toEqual([1, 0, false])
    lanes.give(taken)
    expect(calls).toBe(1)
    expect(lanes.take()).toBe(handle)
  })

  test('whoever can wait gets the one that is given back', async () => {
    const lanes = new WriteLanes([handle], failing)
    const taken = lanes.take()
    let used: FileHandle | undefined
    const waiting = lanes.use(async (given) => {
      used = given
    })
    await new Promise(setImmediate)
    expect(used).toBe(undefined)
    lanes.give(taken)
    await waiting
    expect([used, lanes.hasFree]).toEqual([handle, true])
  })

  test('whoever cannot wait is told', () => {
    const lanes = new WriteLanes([handle], failing)
    lanes.take()
    expect(() => lanes.takeSync()).toThrow('EMFILE')
  })

  test('those that nobody uses are closed where a segment is due, but for the first', async () => {
    const closed: number[] = []
    const handles = [0, 1, 2].map(
      (row) => ({ closeSync: () => closed.push(row) }) as Partial<FileHandle> as FileHandle,
    )
    const lanes = new WriteLanes(handles)
    const taken = lanes.take()
    expect([lanes.shedSync(), closed]).toEqual([true, [1]])
    expect(lanes.shedSync()).toBe(false)
    lanes.give(taken)
    expect([lanes.shedSync(), closed]).toEqual([true, [1, 2]])
    expect(lanes.hasFree).toBe(true)
  })
})

test('behind a failed flush nothing goes through any description, and nobody waits for one', async () => {
  const lanes = new WriteLanes([{} as FileHandle])
  let fail: (error: Error) => void = () => undefined
  const failing = lanes.use(
    () =>
      new Promise((_, reject) => {
        fail = reject
      }),
  )
  const waiting = lanes.use(async () => undefined)
  fail(new Error('EIO'))
  await expect(failing).rejects.toThrow('EIO')
  await expect(waiting).rejects.toMatchObject({ code: 'QLOG_FAILED' })
  expect(() => lanes.takeSync()).toThrow(expect.objectContaining({ code: 'QLOG_FAILED' }))
})
