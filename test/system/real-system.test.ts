import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as net from 'node:net'
import * as os from 'node:os'
import * as path from 'node:path'
import * as zlib from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { crc32, portableCrc32 } from '../../src/system/real/crc.ts'
import { durableWritesOf, openFlags } from '../../src/system/real/files.ts'
import { parseBootId, parseBootTimeMs, UNKNOWN_BOOT_ID } from '../../src/system/real/identity.ts'
import { realSystem } from '../../src/system/real/real-system.ts'
import { RealSockets } from '../../src/system/real/sockets.ts'
import type { Connection } from '../../src/system/system.ts'

const onLinux = process.platform === 'linux'
const system = realSystem()
let directory = ''

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'qlog-system-'))
})

afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true })
})

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('real files', () => {
  test('write, writeMany, read and stat agree, synchronous and not', async () => {
    const file = path.join(directory, 'file')
    const handle = await system.files.open(file, { mode: 'create' })
    expect(await handle.write(bytesOf('abc'), 0)).toBe(3)
    expect(handle.writeSync(bytesOf('def'), 3)).toBe(3)
    expect(await handle.writeMany([bytesOf('gh'), bytesOf('i')], 6)).toBe(3)
    await handle.flush()
    handle.flushSync()
    const target = new Uint8Array(16)
    expect(await handle.read(target, 1)).toBe(8)
    expect(new TextDecoder().decode(target.subarray(0, 8))).toBe('bcdefghi')
    expect(handle.readSync(target, 9)).toBe(0)
    const stat = await handle.stat()
    expect(stat).toMatchObject({ size: 9, kind: 'file', linkCount: 1 })
    expect(await system.files.stat(file)).toEqual(stat)
    await handle.close()
  })

  test('the synchronous calls do the same', () => {
    const { files } = system
    const [file, other] = [path.join(directory, 'file'), path.join(directory, 'other')]
    const handle = files.openSync(file, { mode: 'create' })
    handle.writeSync(bytesOf('abc'), 0)
    handle.closeSync()
    files.linkSync(file, other)
    files.flushDirectorySync(directory)
    expect(files.statSync(other)).toMatchObject({ size: 3, linkCount: 2 })
    files.unlinkSync(file)
    expect(() => files.statSync(file)).toThrow(expect.objectContaining({ code: 'ENOENT' }))
    expect(() => handle.closeSync()).toThrow('after close')
  })

  test('create refuses an existing file, write a missing one, and neither truncates', async () => {
    const file = path.join(directory, 'file')
    await expect(system.files.open(file, { mode: 'write' })).rejects.toMatchObject({
      code: 'ENOENT',
      syscall: 'open',
    })
    fs.writeFileSync(file, 'kept')
    await expect(system.files.open(file, { mode: 'create' })).rejects.toMatchObject({
      code: 'EEXIST',
    })
    const handle = await system.files.open(file, { mode: 'write' })
    await handle.close()
    expect(fs.readFileSync(file, 'utf8')).toBe('kept')
  })

  test.runIf(onLinux)(
    'a pipe under the name of a file holds nobody up, and is not read',
    async () => {
      const pipe = path.join(directory, 'pipe')
      execFileSync('mkfifo', [pipe])
      for (const direct of [false, true]) {
        // Without a writer its opening would wait for one.
        await expect(readFirst(pipe, direct)).rejects.toMatchObject({ syscall: 'read' })
      }
    },
  )

  async function readFirst(file: string, direct: boolean): Promise<void> {
    const handle = await system.files.open(file, { mode: 'read', direct })
    await handle.read(new Uint8Array(8), 0).finally(() => handle.close())
  }

  test.runIf(onLinux)('a durable handle really carries O_DSYNC', async () => {
    const file = path.join(directory, 'file')
    const plain = await system.files.open(file, { mode: 'create' })
    const durable = await system.files.open(file, { mode: 'write', durable: true })
    const flags = fs.readdirSync('/proc/self/fd').flatMap((descriptor) => {
      try {
        if (fs.readlinkSync(`/proc/self/fd/${descriptor}`) !== file) return []
      } catch {
        return []
      }
      const info = fs.readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')
      return [Number.parseInt(/flags:\s*(\d+)/.exec(info)?.[1] ?? '', 8) & fs.constants.O_DSYNC]
    })
    expect(flags.sort((left, right) => left - right)).toEqual([0, fs.constants.O_DSYNC])
    await durable.close()
    await plain.close()
  })

  test('a platform without O_DSYNC is refused instead of opening without any sync', () => {
    expect(() => openFlags({ mode: 'write', durable: true }, undefined)).toThrow(
      expect.objectContaining({ code: 'QLOG_UNSUPPORTED' }),
    )
    expect(openFlags({ mode: 'write' }, undefined)).toBe(fs.constants.O_RDWR)
    expect(openFlags({ mode: 'create' }, 4096) & fs.constants.O_TRUNC).toBe(0)
    expect(durableWritesOf('linux')).toBe('dsync')
    expect(durableWritesOf('darwin')).toBe('flush')
    expect(durableWritesOf('win32')).toBe('flush')
    expect(() => durableWritesOf('haiku')).toThrow(
      expect.objectContaining({ code: 'QLOG_UNSUPPORTED' }),
    )
  })

  test('using or closing a closed handle, or closing a busy one, is a broken invariant', async () => {
    const handle = await system.files.open(path.join(directory, 'file'), { mode: 'create' })
    const writing = handle.write(bytesOf('x'), 0)
    expect(() => handle.close()).toThrow('under way')
    await writing
    await handle.close()
    expect(() => handle.read(new Uint8Array(1), 0)).toThrow('after close')
    expect(() => handle.writeSync(bytesOf('x'), 0)).toThrow('after close')
    expect(() => handle.close()).toThrow('after close')
  })

  test('link never replaces, rename does, and the directory can be flushed', async () => {
    const { files } = system
    const [first, second] = [path.join(directory, 'a'), path.join(directory, 'b')]
    fs.writeFileSync(first, '1')
    fs.writeFileSync(second, '2')
    await expect(files.link(first, second)).rejects.toMatchObject({ code: 'EEXIST' })
    await files.rename(first, second)
    await files.flushDirectory(directory)
    expect(await files.list(directory)).toEqual(['b'])
    expect(fs.readFileSync(second, 'utf8')).toBe('1')
    await files.unlink(second)
    await files.makeDirectory(first)
    expect(await files.stat(first)).toMatchObject({ kind: 'directory' })
    await files.removeDirectory(first)
    expect(await files.list(directory)).toEqual([])
    await expect(files.flushDirectory(first)).rejects.toMatchObject({ code: 'ENOENT' })
    expect((await files.space(directory)).totalBytes).toBeGreaterThan(0)
  })
})

describe.skipIf(process.platform === 'win32')('real sockets', () => {
  const { sockets } = system

  test('a listener is alive, a closed one missing, and the file has mode 0600', async () => {
    const file = path.join(directory, 'lock.sock')
    expect(await sockets.probe(file)).toEqual({ state: 'missing' })
    const listener = await sockets.listen(file)
    expect(fs.statSync(file).mode & 0o777).toBe(0o600)
    expect(await system.files.stat(file)).toMatchObject({ kind: 'socket' })
    expect(await sockets.probe(file)).toEqual({ state: 'alive' })
    await expect(sockets.listen(file)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(await sockets.probe(file)).toEqual({ state: 'alive' })
    await listener.close()
    expect(await sockets.probe(file)).toEqual({ state: 'missing' })
  })

  test('a socket file whose listener is gone is refused', async () => {
    const file = path.join(directory, 'lock.sock')
    const kept = path.join(directory, 'kept.sock')
    const listener = await sockets.listen(file)
    // A second name survives the close, as a killed process would leave the first.
    fs.linkSync(file, kept)
    await listener.close()
    expect(await sockets.probe(kept)).toEqual({ state: 'refused' })
  })

  test('whatever is neither proof of life nor of death is unclear, with its cause', async () => {
    const file = path.join(directory, 'file')
    fs.writeFileSync(file, '')
    expect(await sockets.probe(path.join(file, 'below'))).toMatchObject({
      state: 'unclear',
      cause: { code: 'ENOTDIR' },
    })
    const longPath = path.join(directory, 'x'.repeat(120))
    expect(await new RealSockets('darwin').probe(longPath)).toMatchObject({
      state: 'unclear',
      cause: { code: 'QLOG_UNSUPPORTED' },
    })
    await expect(new RealSockets('darwin').listen(longPath)).rejects.toMatchObject({
      code: 'QLOG_UNSUPPORTED',
    })
  })

  test.runIf(onLinux)('a path longer than sun_path is not cut', async () => {
    const deep = path.join(directory, 'd'.repeat(100), 'e'.repeat(100))
    fs.mkdirSync(deep, { recursive: true })
    const file = path.join(deep, 'lock.sock')
    expect(await sockets.probe(file)).toEqual({ state: 'missing' })
    const listener = await sockets.listen(file)
    expect(fs.readdirSync(deep)).toEqual(['lock.sock'])
    expect(await sockets.probe(file)).toEqual({ state: 'alive' })
    await listener.close()
    expect(fs.readdirSync(deep)).toEqual([])
  })

  test('who connects is hung up on at once', async () => {
    const file = path.join(directory, 'lock.sock')
    const listener = await sockets.listen(file)
    const received = await new Promise<number>((resolve, reject) => {
      let byteCount = 0
      const connection = net.connect(file)
      connection.on('data', (chunk) => {
        byteCount += chunk.byteLength
      })
      connection.on('error', reject)
      connection.on('close', () => resolve(byteCount))
    })
    expect(received).toBe(0)
    await listener.close()
  })

  test('neither a listener nor a timer keeps the process alive', async () => {
    const holding = (): string[] =>
      process.getActiveResourcesInfo().filter((name) => /Pipe|Timeout/.test(name))
    const before = holding().length
    const listener = await sockets.listen(path.join(directory, 'lock.sock'))
    const cancel = system.clock.after(1e12, () => {})
    // What tests before have left may end meanwhile, and the runner has timers of its own, which come and go.
    for (let turns = 0; turns < 1_000 && holding().length > before; turns++) {
      await new Promise(setImmediate)
    }
    expect(holding().length).toBeLessThanOrEqual(before)
    cancel()
    await listener.close()
  })

  test('bytes go both ways, whole and in order, until either end closes', async () => {
    const file = path.join(directory, 'door.sock')
    const accepted: Connection[] = []
    const listener = await sockets.listen(file, (connection) => accepted.push(connection))
    const caller = await sockets.connect(file)
    const sent = new Uint8Array(3_000_000).map((_, index) => index % 251)
    const writing = caller.write(sent)
    await vi.waitFor(() => expect(accepted.length).toBe(1))
    const [owner] = accepted
    if (!owner) throw new Error('a connection was accepted')
    const parts: Uint8Array[] = []
    for (let bytes = 0; bytes < sent.length; ) {
      const part = await owner.read()
      if (part === undefined) break
      parts.push(part)
      bytes += part.length
    }
    await writing
    expect(Buffer.concat(parts).equals(sent)).toBe(true)
    await owner.write(Uint8Array.of(7))
    expect(await caller.read()).toEqual(Buffer.of(7))
    owner.close()
    expect(await caller.read()).toBeUndefined()
    caller.close()
    expect(await owner.read()).toBeUndefined()
    await expect(owner.write(Uint8Array.of(8))).rejects.toThrow()
    await listener.close()
  })

  test('a listener that closes ends its connections, and keeps none of their ends waiting', async () => {
    const file = path.join(directory, 'door.sock')
    const accepted: Connection[] = []
    const listener = await sockets.listen(file, (connection) => accepted.push(connection))
    const caller = await sockets.connect(file)
    await vi.waitFor(() => expect(accepted.length).toBe(1))
    const reading = [caller.read(), accepted[0]?.read().catch(() => undefined)]
    await listener.close()
    expect(await Promise.all(reading)).toEqual([undefined, undefined])
    caller.close()
    await expect(sockets.connect(file)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('crc32', () => {
  test('equals the portable one, and zlib where Node has it, at every length and seed', () => {
    const bytes = new Uint8Array(1200).map((_, index) => (index * 167 + (index >> 3)) & 255)
    const native: unknown = Reflect.get(zlib, 'crc32')
    for (let length = 0; length <= bytes.byteLength; length += length < 340 ? 1 : 43) {
      for (const seed of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xdead_beef]) {
        const part = bytes.subarray(bytes.byteLength - length)
        const expected = portableCrc32(part, seed)
        expect(crc32(part, seed)).toBe(expected)
        if (typeof native === 'function') expect(native(part, seed)).toBe(expected)
      }
    }
  })

  test('has the known check value, is unsigned, and chains', () => {
    expect(crc32(bytesOf('123456789'), 0)).toBe(0xcbf43926)
    const bytes = new Uint8Array(1000).map((_, index) => index & 255)
    for (const cut of [0, 1, 299, 300, 301, 999, 1000]) {
      const chained = crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut), 0))
      expect(chained).toBe(crc32(bytes, 0))
    }
  })
})

describe('identity', () => {
  test('boot id and time are read from what the kernel says', () => {
    expect(parseBootId('ABCDEF01-2345-6789-abcd-ef0123456789\n')).toBe(
      'abcdef0123456789abcdef0123456789',
    )
    expect(parseBootTimeMs('cpu 1 2\nbtime 1700000000\nprocesses 1\n')).toBe(1_700_000_000_000)
  })

  test('what cannot be read becomes a constant, which never proves anybody dead', () => {
    expect(parseBootId('')).toBe(UNKNOWN_BOOT_ID)
    expect(parseBootId('not an id')).toBe(UNKNOWN_BOOT_ID)
    expect(parseBootTimeMs('')).toBeUndefined()
  })

  test.runIf(onLinux)('on Linux both are known and the same for every process', () => {
    const { bootId, bootTimeMs, pid } = system.identity
    expect(bootId).not.toBe(UNKNOWN_BOOT_ID)
    expect(realSystem().identity).toEqual(system.identity)
    expect(bootTimeMs).toBeLessThan(Date.now())
    expect(pid).toBe(process.pid)
  })
})

test('a timer longer than setTimeout can count waits its whole time', () => {
  vi.useFakeTimers()
  try {
    let fired = false
    system.clock.after(2 ** 31 + 10, () => {
      fired = true
    })
    vi.advanceTimersByTime(2 ** 31 + 9)
    expect(fired).toBe(false)
    vi.advanceTimersByTime(1)
    expect(fired).toBe(true)
  } finally {
    vi.useRealTimers()
  }
})

test('random fills the whole target', () => {
  const target = new Uint8Array(64)
  system.random(target)
  expect(new Set(target).size).toBeGreaterThan(16)
})

describe('the event loop', () => {
  test('that is held up is seen to be late, once, also right behind a look', async () => {
    const delay = system.watchLoop()
    for (let round = 0; round < 2; round++) {
      delay.takeMaxMs()
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
      let longestMs = 0
      while (longestMs < 200) {
        await nextTurn()
        longestMs = delay.takeMaxMs()
      }
      expect(longestMs).toBeGreaterThan(200)
    }
    delay.takeMaxMs()
    expect(delay.takeMaxMs()).toBe(0)
    delay.stop()
  })

  test('is watched without keeping the process alive', () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const delay = system.watchLoop()
    expect(timers()).toBe(before)
    delay.stop()
  })
})

test('a warning is one of Node, with its type and code', async () => {
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
  system.warn('QLOG_SLOW_FLUSH', 'a flush took long')
  expect(await warned).toMatchObject({
    name: 'QlogWarning',
    code: 'QLOG_SLOW_FLUSH',
    message: 'a flush took long',
  })
})

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1))
}
