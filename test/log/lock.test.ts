import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { encodeLockFile, type LockOwner, parseLockFile } from '../../src/log/lock/lock-file.ts'
import { acquireLock, type Lock, readLock } from '../../src/log/lock.ts'
import { realSystem } from '../../src/system/real/real-system.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import type { SocketProbe, System } from '../../src/system/system.ts'

/** A fresh directory and the system it stands in. */
interface Place {
  readonly system: System
  readonly directory: string
  run<T>(body: () => Promise<T>): Promise<T>
  clean(): void
}

async function simulatedPlace(): Promise<Place> {
  const simulation = new Simulation({ seed: 1 })
  const system = simulation.process('opener')
  const run = <T>(body: () => Promise<T>): Promise<T> => simulation.run(body)
  await run(() => system.files.makeDirectory('/log'))
  return { system, directory: '/log', run, clean: () => {} }
}

async function realPlace(): Promise<Place> {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'qlog-lock-'))
  // Longer than the 107 bytes of a socket's path.
  const directory = path.join(base, 'long-'.repeat(30))
  fs.mkdirSync(directory)
  const clean = (): void => fs.rmSync(base, { recursive: true, force: true })
  return { system: realSystem(), directory, run: (body) => body(), clean }
}

const ids = Array.from({ length: 4 }, (_, index) => String(index + 1).repeat(32))
const [first = '', second = '', third = '', elsewhere = ''] = ids

async function write(place: Place, name: string, bytes: Uint8Array): Promise<void> {
  const handle = await place.system.files.open(`${place.directory}/${name}`, { mode: 'create' })
  for (let at = 0; at < bytes.byteLength; ) at += await handle.write(bytes.subarray(at), at)
  await handle.close()
}

async function read(place: Place, name: string): Promise<Uint8Array> {
  const handle = await place.system.files.open(`${place.directory}/${name}`, { mode: 'read' })
  const target = new Uint8Array(5000)
  const byteCount = await handle.read(target, 0)
  await handle.close()
  return target.subarray(0, byteCount)
}

async function names(place: Place): Promise<string[]> {
  return (await place.system.files.list(place.directory)).sort()
}

/** A socket that nobody listens on any more. */
async function corpse(place: Place, random: string): Promise<void> {
  const { system, directory } = place
  const listener = await system.sockets.listen(`${directory}/dying.sock`)
  await system.files.rename(`${directory}/dying.sock`, `${directory}/lock-${random}.sock`)
  await listener.close()
}

function ownerOf(place: Place, random: string, change: Partial<LockOwner> = {}): LockOwner {
  const { bootId } = place.system.identity
  const base = { random, epoch: 5, pid: 4242, host: 'quay', bootId, sinceMs: 0 } as const
  return { ...base, state: 'held', ...change }
}

function writeOwner(
  place: Place,
  name: string,
  random: string,
  change: Partial<LockOwner> = {},
): Promise<void> {
  return write(place, name, encodeLockFile(ownerOf(place, random, change)))
}

function withProbe(system: System, probe: SocketProbe): System {
  const { sockets } = system
  return {
    ...system,
    sockets: {
      listen: (name) => sockets.listen(name),
      probe: async () => probe,
      connect: (name) => sockets.connect(name),
    },
  }
}

/** The same system, in which these calls of the file system are replaced. */
function withCalls(system: System, calls: Partial<System['files']>): System {
  const files = new Proxy(system.files, {
    get(target, name) {
      const replaced: unknown = Reflect.get(calls, name)
      if (replaced !== undefined) return replaced
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { ...system, files }
}

function failing(code: string): () => Promise<never> {
  return () => Promise.reject(Object.assign(new Error(`${code}: said the kernel`), { code }))
}

describe.each([
  ['on the simulated system', simulatedPlace],
  ['on the real system', realPlace],
])('the lock %s', (_name, makePlace) => {
  let place: Place
  let locks: Lock[] = []

  beforeEach(async () => {
    place = await makePlace()
    locks = []
  })

  afterEach(async () => {
    await place.run(async () => {
      for (const lock of locks) await lock.release()
    })
    place.clean()
  })

  /** A test's body as something that the place runs: the simulated one takes its steps meanwhile. */
  function inPlace<Arguments extends unknown[]>(
    body: (...args: Arguments) => Promise<void>,
  ): (...args: Arguments) => Promise<void> {
    return (...args) => place.run(() => body(...args))
  }

  async function acquire(
    options: { breakLock?: boolean; signal?: AbortSignal; system?: System } = {},
  ): Promise<Lock> {
    const { system, ...rest } = options
    const lock = await acquireLock(system ?? place.system, place.directory, rest)
    locks.push(lock)
    return lock
  }

  test(
    'is made where there is none, and names this process and its socket',
    inPlace(async () => {
      const lock = await acquire()
      expect(lock.epoch).toBe(1)
      expect(await lock.isHeld()).toBe(true)
      expect(await names(place)).toEqual(['LOCK', `lock-${lock.random}.sock`])
      const { owner } = parseLockFile(await read(place, 'LOCK'))
      const { pid, host, bootId } = place.system.identity
      expect(owner).toMatchObject({
        random: lock.random,
        epoch: 1,
        pid,
        host,
        bootId,
        state: 'held',
      })
      expect(await readLock(place.system, place.directory)).toEqual({ state: 'alive', owner })
    }),
  )

  test(
    'a living owner refuses the second by name, which writes nothing',
    inPlace(async () => {
      const lock = await acquire()
      const before = await names(place)
      for (const breakLock of [false, true]) {
        await expect(acquire({ breakLock })).rejects.toMatchObject({
          code: 'QLOG_LOCKED',
          message: expect.stringContaining('is open in this process already, since 20'),
        })
      }
      expect(await names(place)).toEqual(before)
      expect(await lock.isHeld()).toBe(true)
    }),
  )

  test(
    'release leaves only LOCK, twice does nothing, and the next epoch is higher',
    inPlace(async () => {
      const lock = await acquire()
      await Promise.all([lock.release(), lock.release()])
      await lock.release()
      expect(await names(place)).toEqual(['LOCK'])
      expect(await lock.isHeld()).toBe(false)
      expect(lock.isHeldSync()).toBe(false)
      expect(await readLock(place.system, place.directory)).toMatchObject({
        state: 'released',
        owner: { random: lock.random, epoch: 1 },
      })
      expect((await acquire()).epoch).toBe(2)
    }),
  )

  test(
    'a raised epoch stands in LOCK while the lock stays held',
    inPlace(async () => {
      const lock = await acquire()
      await lock.raiseEpoch(40)
      expect(lock.epoch).toBe(40)
      expect(await lock.isHeld()).toBe(true)
      expect(parseLockFile(await read(place, 'LOCK')).owner?.epoch).toBe(40)
      await lock.raiseEpoch(39)
      expect(lock.epoch).toBe(40)
      expect(await names(place)).toEqual(['LOCK', `lock-${lock.random}.sock`])
      await lock.release()
      expect((await acquire()).epoch).toBe(41)
    }),
  )

  test(
    'held is never false while the epoch is being raised',
    inPlace(async () => {
      const lock = await acquire()
      let raised = false
      const raising = lock.raiseEpoch(9).finally(() => {
        raised = true
      })
      const answers = new Set<boolean>()
      while (!raised) answers.add(await lock.isHeld())
      await raising
      expect([...answers]).toEqual([true])
    }),
  )

  test(
    'refused connections prove death: the next one takes over and cleans up',
    inPlace(async () => {
      await writeOwner(place, 'LOCK', first)
      await corpse(place, first)
      expect((await readLock(place.system, place.directory)).state).toBe('dead')
      const lock = await acquire()
      expect(lock.epoch).toBe(6)
      expect(await names(place)).toEqual(['LOCK', `lock-${lock.random}.sock`])
    }),
  )

  test(
    'another boot of the kernel proves death, whatever the socket',
    inPlace(async () => {
      await writeOwner(place, 'LOCK', first, { bootId: elsewhere })
      expect((await readLock(place.system, place.directory)).state).toBe('dead')
      const lock = await acquire({ system: withProbe(place.system, { state: 'alive' }) })
      expect(lock.epoch).toBe(6)
    }),
  )

  test.each<[string, SocketProbe]>([
    ['missing', { state: 'missing' }],
    ['unclear', { state: 'unclear', cause: new Error('EAGAIN') }],
  ])(
    'a socket that is %s proves nothing: typed error, or breakLock',
    inPlace(async (_state: string, probe: SocketProbe) => {
      await writeOwner(place, 'LOCK', first)
      const before = await names(place)
      const system = withProbe(place.system, probe)
      await expect(acquire({ system })).rejects.toMatchObject({
        code: 'QLOG_LOCK_UNCLEAR',
        message: expect.stringMatching(/LOCK .*socket.*breakLock: true/),
      })
      expect(await readLock(system, place.directory)).toMatchObject({
        state: 'unclear',
        owner: { random: first },
      })
      expect(await names(place)).toEqual(before)
      expect((await acquire({ system, breakLock: true })).epoch).toBe(6)
    }),
  )

  test.each([
    ['an empty file', new Uint8Array(0)],
    ['other text', new TextEncoder().encode('4242\n')],
    ['5,000 bytes', new Uint8Array(5000)],
  ])(
    'LOCK with %s proves nothing: typed error, or breakLock',
    inPlace(async (_what: string, bytes: Uint8Array) => {
      await write(place, 'LOCK', bytes)
      await expect(acquire()).rejects.toMatchObject({
        code: 'QLOG_LOCK_UNCLEAR',
        message: expect.stringMatching(/LOCK .*breakLock: true/),
      })
      expect((await readLock(place.system, place.directory)).state).toBe('unclear')
      const lock = await acquire({ breakLock: true })
      expect(await lock.isHeld()).toBe(true)
      expect(await names(place)).toEqual(['LOCK', `lock-${lock.random}.sock`])
    }),
  )

  test(
    'a dead winner, and the dead winner of a dead winner, are followed',
    inPlace(async () => {
      await writeOwner(place, 'LOCK', first)
      await writeOwner(place, `LOCK-after-${first}`, second, { epoch: 8 })
      await writeOwner(place, `LOCK-after-${second}`, third, { epoch: 7 })
      for (const random of [first, second, third]) await corpse(place, random)
      const lock = await acquire()
      expect(lock.epoch).toBe(9)
      expect(await names(place)).toEqual(['LOCK', `lock-${lock.random}.sock`])
    }),
  )

  test(
    'a living winner refuses, also where it follows a dead one',
    inPlace(async () => {
      await writeOwner(place, 'LOCK', first)
      await writeOwner(place, `LOCK-after-${first}`, second)
      await writeOwner(place, `LOCK-after-${second}`, third, { pid: 77 })
      for (const random of [first, second]) await corpse(place, random)
      const socket = `${place.directory}/lock-${third}.sock`
      const listener = await place.system.sockets.listen(socket)
      const before = await names(place)
      await expect(acquire()).rejects.toMatchObject({
        code: 'QLOG_LOCKED',
        message: expect.stringMatching(/by process 77 on quay since .*the qlog command/),
      })
      expect(await names(place)).toEqual(before)
      await listener.close()
    }),
  )

  test(
    'links that name each other in a circle are refused',
    inPlace(async () => {
      await writeOwner(place, 'LOCK', first)
      await writeOwner(place, `LOCK-after-${first}`, second)
      await writeOwner(place, `LOCK-after-${second}`, first)
      for (const random of [first, second]) await corpse(place, random)
      await expect(acquire()).rejects.toMatchObject({ code: 'QLOG_LOCK_UNCLEAR' })
    }),
  )

  test(
    'files of the living stay, files of the dead go',
    inPlace(async () => {
      const socket = `${place.directory}/lock-${second}.sock`
      const listener = await place.system.sockets.listen(socket)
      await writeOwner(place, `lock-${second}.tmp`, second)
      await writeOwner(place, `LOCK-after-${elsewhere}`, second)
      await corpse(place, first)
      await write(place, `lock-${first}.tmp`, new Uint8Array(3))
      await writeOwner(place, `lock-${third}.tmp`, third, { bootId: elsewhere })
      await write(place, 'lock-other.tmp', new Uint8Array(3))
      const lock = await acquire()
      expect(await names(place)).toEqual(
        [
          'LOCK',
          `LOCK-after-${elsewhere}`,
          `lock-${second}.sock`,
          `lock-${second}.tmp`,
          `lock-${lock.random}.sock`,
          'lock-other.tmp',
        ].sort(),
      )
      await listener.close()
    }),
  )

  test(
    'a taken-over owner is fenced: isHeld is false and it touches no file of its heir',
    inPlace(async () => {
      const paused = await acquire()
      const system = withProbe(place.system, { state: 'missing' })
      const heir = await acquire({ system, breakLock: true })
      expect(heir.epoch).toBe(2)
      expect([await paused.isHeld(), await heir.isHeld()]).toEqual([false, true])
      expect([paused.isHeldSync(), heir.isHeldSync()]).toEqual([false, true])
      await expect(paused.raiseEpoch(9)).rejects.toMatchObject({ code: 'QLOG_FENCED' })
      const before = await read(place, 'LOCK')
      await paused.release()
      expect(await read(place, 'LOCK')).toEqual(before)
      expect(await names(place)).toEqual(['LOCK', `lock-${heir.random}.sock`])
      expect(await heir.isHeld()).toBe(true)
    }),
  )

  test(
    'a deleted LOCK is not held',
    inPlace(async () => {
      const lock = await acquire()
      await place.system.files.unlink(`${place.directory}/LOCK`)
      expect(await lock.isHeld()).toBe(false)
      await lock.release()
      expect(await names(place)).toEqual([])
    }),
  )

  test(
    'a stat that fails otherwise is a typed error and no answer',
    inPlace(async () => {
      const calls: { stat?: System['files']['stat'] } = {}
      const lock = await acquire({ system: withCalls(place.system, calls) })
      calls.stat = failing('EIO')
      await expect(lock.isHeld()).rejects.toMatchObject({
        code: 'QLOG_IO',
        cause: { code: 'EIO' },
      })
      delete calls.stat
      expect(await lock.isHeld()).toBe(true)
    }),
  )

  test.each(['EOPNOTSUPP', 'EPERM', 'EINVAL'])(
    'where sockets fail with %s it says so, and steals only with breakLock',
    inPlace(async (code: string) => {
      await writeOwner(place, 'LOCK', first, { bootId: elsewhere })
      const sockets = {
        listen: failing(code),
        probe: async (): Promise<SocketProbe> => ({ state: 'refused' }),
        connect: failing(code),
      }
      const system = { ...place.system, sockets }
      await expect(acquire({ system })).rejects.toMatchObject({
        code: 'QLOG_UNSUPPORTED',
        message: expect.stringContaining('unix sockets'),
        cause: { code },
      })
      expect(await names(place)).toEqual(['LOCK'])
      sockets.probe = async () => ({ state: 'missing' })
      const lock = await acquire({ system, breakLock: true })
      expect(await lock.isHeld()).toBe(true)
      expect(await names(place)).toEqual(['LOCK'])
    }),
  )

  test(
    'permission denied is QLOG_IO with its cause, and leaves nothing',
    inPlace(async () => {
      for (const call of ['open', 'link', 'rename', 'flushDirectory', 'list'] as const) {
        const system = withCalls(place.system, { [call]: failing('EACCES') })
        await expect(acquire({ system })).rejects.toMatchObject({
          code: 'QLOG_IO',
          cause: expect.anything(),
        })
        const lock = await acquire()
        expect(await names(place)).toEqual(['LOCK', `lock-${lock.random}.sock`])
        await lock.release()
      }
    }),
  )

  test(
    'an aborted signal stops it before anything is written',
    inPlace(async () => {
      const signal = AbortSignal.abort(new Error('enough'))
      await expect(acquire({ signal })).rejects.toMatchObject({
        code: 'QLOG_ABORTED',
        name: 'AbortError',
        cause: { message: 'enough' },
      })
      expect(await names(place)).toEqual([])
    }),
  )

  test(
    'readLock changes nothing and says none where there is none',
    inPlace(async () => {
      expect(await readLock(place.system, place.directory)).toEqual({ state: 'none' })
      expect(await names(place)).toEqual([])
    }),
  )
})
