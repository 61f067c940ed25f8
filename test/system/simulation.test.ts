import { describe, expect, test } from 'vitest'
import { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import { Random } from '../../src/system/simulated/random.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import type { FileHandle } from '../../src/system/system.ts'

const SEEDS = Array.from({ length: 200 }, (_, index) => index + 1)

function filled(byteCount: number, value: number): Uint8Array {
  return new Uint8Array(byteCount).fill(value)
}

function create(process: SimulatedProcess, path: string, durable = false): Promise<FileHandle> {
  return process.files.open(path, { mode: 'create', durable })
}

/** A little of everything, on one process. */
async function workload(process: SimulatedProcess): Promise<void> {
  const { files } = process
  await files.makeDirectory('/d')
  const handle = await create(process, '/d/a', true)
  await Promise.all([handle.write(filled(9000, 1), 0), handle.write(filled(9000, 2), 9000)])
  await handle.writeMany([filled(10, 3), filled(10, 4)], 18_000)
  handle.writeSync(filled(5, 5), 18_020)
  await handle.flush()
  await handle.close()
  await files.link('/d/a', '/d/b')
  await files.rename('/d/a', '/d/c')
  await files.flushDirectory('/d')
  await new Promise<void>((resolve) => process.clock.after(5_000, resolve))
  const listener = await process.sockets.listen('/d/s')
  await process.sockets.probe('/d/s')
  await listener.close()
  await files.unlink('/d/b')
  files.unlinkSync('/d/c')
  files.flushDirectorySync('/d')
  files.openSync('/d/e', { mode: 'create' }).closeSync()
}

describe('determinism', () => {
  test('the same seed gives the same trace, disk, time and random bytes; another does not', async () => {
    const hashes = new Set<number>()
    for (const seed of [1, 2, 3, 2 ** 40 + 1]) {
      const runs = await Promise.all(
        [0, 1].map(async () => {
          const simulation = new Simulation({ seed, trace: true })
          simulation.crashAt(15, 'power-cut')
          const first = simulation.process('first')
          await simulation.run(() => first.run(() => workload(first)))
          const bytes = new Uint8Array(8)
          simulation.process('second').random(bytes)
          return {
            hash: simulation.traceHash,
            trace: simulation.trace,
            calls: simulation.callCount,
            now: simulation.clock.nowMs(),
            bytes,
            tree: [...simulation.disk.tree()],
          }
        }),
      )
      expect(runs[0]).toEqual(runs[1])
      hashes.add(runs[0]?.hash ?? 0)
    }
    expect(hashes.size).toBe(4)
  })

  test('a crash seed of its own changes what a crash leaves and nothing before it', async () => {
    const before = new Set<number>()
    const after = new Set<string>()
    for (const crashSeed of SEEDS.slice(0, 20)) {
      const simulation = new Simulation({ seed: 1, crashSeed })
      const process = simulation.process('p')
      await simulation.run(async () => {
        const handle = await create(process, '/a')
        await handle.write(filled(4096, 1), 0)
      })
      before.add(simulation.traceHash)
      simulation.powerCut()
      after.add(
        JSON.stringify([...simulation.disk.tree()].map(([name, bytes]) => [name, ...bytes])),
      )
    }
    expect(before.size).toBe(1)
    expect(after.size).toBeGreaterThan(3)
  })

  test('time does not pass in reality, timers fire in order, and cancelled ones never', async () => {
    const simulation = new Simulation({ seed: 1 })
    const { clock } = simulation.process('p')
    const fired: string[] = []
    const startMs = clock.nowMs()
    clock.after(2_000, () => fired.push('second'))
    clock.after(1_000, () => fired.push('first'))
    const cancel = clock.after(500, () => fired.push('never'))
    cancel()
    await simulation.run(() => new Promise<void>((resolve) => clock.after(86_400_000, resolve)))
    expect(fired).toEqual(['first', 'second'])
    expect(clock.nowMs() - startMs).toBeGreaterThanOrEqual(86_400_000)
    const monotonicMs = clock.monotonicMs()
    simulation.clock.jump(-90_000_000)
    expect(clock.nowMs()).toBeLessThan(startMs)
    expect(clock.monotonicMs()).toBe(monotonicMs)
  })

  test('calls in flight take effect and return in any order', async () => {
    const lastWriter = new Set<number | undefined>()
    const returns = new Set<string>()
    for (const seed of SEEDS.slice(0, 50)) {
      const simulation = new Simulation({ seed })
      const process = simulation.process('p')
      let order = ''
      await simulation.run(async () => {
        const handle = await create(process, '/a')
        await Promise.all(
          [1, 2].map(async (value) => {
            await handle.write(filled(10, value), 0)
            order += value
          }),
        )
      })
      lastWriter.add(simulation.disk.readFile('/a')[0])
      returns.add(order)
    }
    expect(lastWriter).toEqual(new Set([1, 2]))
    expect(returns).toEqual(new Set(['12', '21']))
  })

  test('a promise that can never settle ends the run with the pending calls and the seed', async () => {
    const simulation = new Simulation({ seed: 7 })
    const process = simulation.process('p')
    const stuck = simulation.run(async () => {
      const handle = await create(process, '/a')
      process.pause()
      await handle.write(filled(1, 1), 0)
    })
    await expect(stuck).rejects.toThrow(/seed 7: nothing can happen.*\n.*p \(paused\): write \/a/)
    const quiet = new Simulation({ seed: 8 })
    await expect(quiet.run(() => new Promise(() => {}))).rejects.toThrow('no call is pending')
  })
})

describe('durability through the System', () => {
  /** What /a holds after a power cut once the body is through, under each seed. */
  async function afterCuts(
    body: (handle: FileHandle, other: FileHandle) => Promise<void>,
  ): Promise<Uint8Array[]> {
    const found: Uint8Array[] = []
    for (const seed of SEEDS) {
      const disk = new SimulatedDisk()
      disk.putFile('/a', filled(2048, 0))
      const simulation = new Simulation({ seed, disk })
      const process = simulation.process('p')
      await simulation.run(async () => {
        const handle = await process.files.open('/a', { mode: 'write', durable: true })
        const other = await process.files.open('/a', { mode: 'write' })
        await body(handle, other)
      })
      simulation.powerCut()
      found.push(disk.readFile('/a'))
    }
    return found
  }

  test('a durable write survives, an earlier plain one need not', async () => {
    const found = await afterCuts(async (durable, plain) => {
      await plain.write(filled(512, 1), 0)
      await durable.write(filled(700, 2), 512)
      durable.writeSync(filled(10, 3), 1500)
    })
    for (const bytes of found) {
      expect(bytes.subarray(512, 1212)).toEqual(filled(700, 2))
      expect(bytes.subarray(1500, 1510)).toEqual(filled(10, 3))
    }
    expect(found.some((bytes) => bytes[0] === 0)).toBe(true)
  })

  test('a flush covers the earlier writes of every handle, not those after it', async () => {
    const found = await afterCuts(async (first, second) => {
      await second.write(filled(512, 1), 0)
      await first.flush()
      await second.write(filled(512, 2), 512)
      second.writeSync(filled(10, 3), 2040)
    })
    for (const bytes of found) expect(bytes.subarray(0, 512)).toEqual(filled(512, 1))
    expect(found.some((bytes) => bytes[512] === 0)).toBe(true)
    expect(new Set(found.map((bytes) => bytes.byteLength))).toEqual(new Set([2048, 2050]))
  })

  test('others may read a durable write before it is durable', async () => {
    let seenAndLost = 0
    for (const seed of SEEDS) {
      const disk = new SimulatedDisk()
      disk.putFile('/a', filled(512, 0))
      const simulation = new Simulation({ seed, disk })
      const writer = simulation.process('writer')
      const reader = simulation.process('reader')
      await simulation.run(async () => {
        const handle = await writer.files.open('/a', { mode: 'write', durable: true })
        const reading = await reader.files.open('/a', { mode: 'read' })
        let seen = false
        const target = new Uint8Array(1)
        void writer.run(() => handle.write(filled(512, 1), 0))
        for (let attempt = 0; attempt < 2 && !seen; attempt += 1) {
          await reading.read(target, 0)
          seen = target[0] === 1
        }
        simulation.powerCut()
        if (seen && disk.readFile('/a')[0] === 0) seenAndLost += 1
      })
    }
    expect(seenAndLost).toBeGreaterThan(0)
  })

  test('a buffer changed while its write is under way reaches the disk changed', async () => {
    const values = new Set<number | undefined>()
    for (const seed of SEEDS.slice(0, 30)) {
      const simulation = new Simulation({ seed })
      const process = simulation.process('p')
      await simulation.run(async () => {
        const handle = await create(process, '/a')
        const bytes = filled(10, 1)
        const writing = handle.write(bytes, 0)
        bytes.fill(2)
        await writing
      })
      values.add(simulation.disk.readFile('/a')[0])
    }
    expect(values).toEqual(new Set([2]))
  })
})

describe('processes', () => {
  test('SIGKILL keeps the page cache, refuses at its socket, and applies writes in part', async () => {
    const sizes = new Set<number>()
    for (const seed of SEEDS) {
      const simulation = new Simulation({ seed })
      const [first, second] = [simulation.process('first'), simulation.process('second')]
      await simulation.run(async () => {
        const outcome = await first.run(async () => {
          await first.sockets.listen('/s')
          const handle = await create(first, '/a')
          await handle.write(filled(100, 1), 0)
          const writing = handle.write(filled(12_000, 2), 100)
          expect(await second.sockets.probe('/s')).toEqual({ state: 'alive' })
          first.kill()
          await writing
        })
        expect(outcome).toEqual({ state: 'died' })
        expect(await second.sockets.probe('/s')).toEqual({ state: 'refused' })
        expect((await second.files.stat('/a')).size).toBeGreaterThanOrEqual(100)
      })
      sizes.add(simulation.disk.readFile('/a').byteLength)
    }
    expect(sizes).toEqual(new Set([100, 4096, 8192, 12_100]))
  })

  test('what a dead process had open and unlinked gives its space back', async () => {
    const simulation = new Simulation({ seed: 1 })
    const process = simulation.process('p')
    await simulation.run(async () => {
      const handle = await create(process, '/a')
      await handle.write(filled(4096, 1), 0)
      await process.files.unlink('/a')
    })
    expect(simulation.disk.usedBytes).toBe(4096)
    simulation.kill(process)
    expect(simulation.disk.usedBytes).toBe(0)
  })

  test('a dead process does nothing more: its calls never return or throw', async () => {
    const simulation = new Simulation({ seed: 1 })
    const process = simulation.process('p')
    const handle = await simulation.run(() => create(process, '/a'))
    process.kill()
    const calls = simulation.callCount
    let returned = false
    void handle.write(filled(1, 1), 0).then(() => {
      returned = true
    })
    await simulation.settle()
    expect(returned).toBe(false)
    expect(() => handle.writeSync(filled(1, 1), 0)).toThrow('is dead')
    expect(simulation.callCount).toBe(calls)
    expect(simulation.disk.readFile('/a').byteLength).toBe(0)
  })

  test('a stopped process lives at its socket while no call of it returns, until it is woken', async () => {
    const applied = new Set<boolean>()
    for (const seed of SEEDS.slice(0, 40)) {
      const simulation = new Simulation({ seed })
      const [stopped, other] = [simulation.process('stopped'), simulation.process('other')]
      await simulation.run(async () => {
        await stopped.sockets.listen('/s')
        const handle = await create(stopped, '/a')
        const events: string[] = []
        const writing = handle.write(filled(10, 1), 0).then(() => events.push('write'))
        stopped.clock.after(1, () => events.push('timer'))
        stopped.pause()
        expect(await other.sockets.probe('/s')).toEqual({ state: 'alive' })
        await new Promise<void>((resolve) => other.clock.after(10_000, resolve))
        expect(events).toEqual([])
        applied.add((await other.files.stat('/a')).size === 10)
        stopped.resume()
        await writing
        await new Promise<void>((resolve) => other.clock.after(1, resolve))
        expect(events.sort()).toEqual(['timer', 'write'])
      })
    }
    expect(applied).toEqual(new Set([true, false]))
  })

  test('a power cut kills everybody and boots with another boot id', async () => {
    const simulation = new Simulation({ seed: 3 })
    const [first, second] = [simulation.process('a'), simulation.process('b')]
    expect(first.identity.bootId).toBe(second.identity.bootId)
    expect(first.identity.pid).not.toBe(second.identity.pid)
    simulation.powerCut()
    expect([first.alive, second.alive]).toEqual([false, false])
    const third = simulation.process('c')
    expect(third.identity.bootId).toMatch(/^[0-9a-f]{32}$/)
    expect(third.identity.bootId).not.toBe(first.identity.bootId)
    expect(third.identity.pid).toBe(first.identity.pid)
    expect(third.identity.bootTimeMs).toBeGreaterThan(first.identity.bootTimeMs)
  })

  test('a socket refuses between bind and listen, is missing after close, and cannot be bound twice', async () => {
    const states = new Set<string>()
    for (const seed of SEEDS.slice(0, 50)) {
      const simulation = new Simulation({ seed })
      const [owner, other] = [simulation.process('owner'), simulation.process('other')]
      await simulation.run(async () => {
        const listening = owner.sockets.listen('/s')
        states.add((await other.sockets.probe('/s')).state)
        const listener = await listening
        await expect(other.sockets.listen('/s')).rejects.toMatchObject({ code: 'EADDRINUSE' })
        await listener.close()
        expect(await other.sockets.probe('/s')).toEqual({ state: 'missing' })
        expect(await other.sockets.probe('/no/s')).toEqual({ state: 'missing' })
      })
    }
    expect(states).toEqual(new Set(['missing', 'refused', 'alive']))
  })
})

describe('crashes at every call', () => {
  test('each call number and moment can be crashed at; before and after differ by its effect', async () => {
    const whole = new Simulation({ seed: 5 })
    const first = whole.process('p')
    await whole.run(() => workload(first))
    expect(whole.callCount).toBe(19)
    for (let callNumber = 1; callNumber <= whole.callCount; callNumber += 1) {
      for (const moment of ['before', 'during', 'after'] as const) {
        for (const kind of ['kill', 'power-cut'] as const) {
          const simulation = new Simulation({ seed: 5, crashSeed: callNumber })
          simulation.crashAt(callNumber, kind, moment)
          const process = simulation.process('p')
          const outcome = await simulation.run(() => process.run(() => workload(process)))
          expect(outcome, `call ${callNumber} ${moment}`).toEqual({ state: 'died' })
          expect(simulation.report.crashes.get(`${kind} ${moment} call`)).toBe(1)
          if (callNumber === 1 && kind === 'kill' && moment !== 'during') {
            expect(simulation.disk.exists('/d')).toBe(moment === 'after')
          }
        }
      }
    }
  })

  test('a crash before a call leaves nothing of it, one after it everything, by every seed', async () => {
    for (const crashSeed of SEEDS.slice(0, 20)) {
      for (const moment of ['before', 'after'] as const) {
        const simulation = new Simulation({ seed: 1, crashSeed })
        const process = simulation.process('p')
        simulation.crashAt(1, 'kill', moment)
        await simulation.run(() => process.run(() => process.files.makeDirectory('/d')))
        expect(simulation.disk.exists('/d')).toBe(moment === 'after')
      }
    }
  })

  test('a synchronous call in which its process dies throws instead of returning', async () => {
    const sizes: Record<string, Set<number>> = {}
    for (const moment of ['before', 'during', 'after'] as const) {
      const found = new Set<number>()
      sizes[moment] = found
      for (const seed of SEEDS.slice(0, 30)) {
        const simulation = new Simulation({ seed })
        const process = simulation.process('p')
        const handle = await simulation.run(() => create(process, '/a'))
        simulation.crashAt(simulation.callCount + 1, 'kill', moment)
        expect(() => handle.writeSync(filled(8192, 1), 0)).toThrow('is dead')
        found.add(simulation.disk.readFile('/a').byteLength)
      }
    }
    expect(sizes).toEqual({
      before: new Set([0]),
      during: new Set([0, 4096, 8192]),
      after: new Set([8192]),
    })
  })

  test('a process can be stopped within a call while another goes on', async () => {
    const simulation = new Simulation({ seed: 5 })
    const [first, second] = [simulation.process('first'), simulation.process('second')]
    await simulation.run(async () => {
      const handle = await create(first, '/a')
      const stopped = new Promise<void>((resolve) => {
        simulation.at(simulation.callCount + 1, 'before', (process) => {
          process.pause()
          resolve()
        })
      })
      const writing = handle.write(filled(10, 1), 0)
      await stopped
      expect((await second.files.stat('/a')).size).toBe(0)
      first.resume()
      await writing
      expect((await second.files.stat('/a')).size).toBe(10)
    })
  })
})

describe('faults', () => {
  test('the nth matching call fails with a Node-shaped error and is counted', async () => {
    const simulation = new Simulation({ seed: 1 })
    const process = simulation.process('p')
    const fault = simulation.fault({ call: ['write', 'writeSync'], error: 'ENOSPC', nth: 2 })
    await simulation.run(async () => {
      const handle = await create(process, '/a')
      await handle.write(filled(10, 1), 0)
      const error = { code: 'ENOSPC', syscall: 'write', path: '/a' }
      await expect(handle.write(filled(10, 2), 0)).rejects.toMatchObject(error)
      expect(handle.writeSync(filled(10, 3), 10)).toBe(10)
    })
    expect(simulation.disk.readFile('/a').subarray(0, 10)).toEqual(filled(10, 1))
    expect(fault).toMatchObject({ matchingCalls: 3, hits: 1 })
    expect(simulation.report.faults.get('ENOSPC write')).toBe(1)
    expect(simulation.report.lines().join('\n')).toMatch(/faults +ENOSPC write +1/)
  })

  test('short writes take a part without an error', async () => {
    const taken = new Set<number>()
    for (const seed of SEEDS.slice(0, 30)) {
      const simulation = new Simulation({ seed })
      const process = simulation.process('p')
      simulation.fault({ call: 'write', error: 'short' })
      await simulation.run(async () => {
        const handle = await create(process, '/a', true)
        taken.add(await handle.write(filled(4, 1), 0))
      })
      expect(simulation.disk.readFile('/a').byteLength).toBeLessThan(4)
    }
    expect(taken).toEqual(new Set([1, 2, 3]))
  })

  test('a failed flush or durable write reports EIO once to each description that was open', async () => {
    const stored = new Set<number | undefined>()
    for (const seed of SEEDS) {
      const disk = new SimulatedDisk()
      disk.putFile('/a', filled(20, 0))
      const simulation = new Simulation({ seed, disk })
      const process = simulation.process('p')
      simulation.fault({ call: 'flush', error: 'EIO', nth: 1, flavour: 'keep-latest-clean' })
      simulation.fault({ call: 'write', error: 'EIO', nth: 2, flavour: 'keep-latest-clean' })
      await simulation.run(async () => {
        const handle = await process.files.open('/a', { mode: 'write', durable: true })
        const plain = await process.files.open('/a', { mode: 'write' })
        await plain.write(filled(10, 1), 0)
        await expect(plain.flush()).rejects.toMatchObject({ code: 'EIO', syscall: 'fdatasync' })
        await expect(handle.write(filled(10, 2), 10)).rejects.toMatchObject({ code: 'EIO' })
        const late = await process.files.open('/a', { mode: 'write' })
        await late.flush()
        await expect(plain.flush()).rejects.toMatchObject({ code: 'EIO', syscall: 'fdatasync' })
        await plain.flush()
      })
      expect(disk.readFile('/a')).toEqual(new Uint8Array([...filled(10, 1), ...filled(10, 2)]))
      simulation.powerCut()
      const bytes = disk.readFile('/a')
      stored.add((bytes[0] ?? 0) * 10 + (bytes[10] ?? 0))
    }
    for (const mixture of [0, 10, 2, 12]) expect(stored).toContain(mixture)
  })

  test('a full disk takes what fits, then says ENOSPC, until space is freed', async () => {
    const disk = new SimulatedDisk()
    disk.capacityBytes = 3 * 4096
    const simulation = new Simulation({ seed: 1, disk })
    const process = simulation.process('p')
    await simulation.run(async () => {
      const { files } = process
      const first = await create(process, '/a')
      const second = await create(process, '/b')
      expect(await first.write(filled(8192, 1), 0)).toBe(8192)
      expect((await files.space('/')).freeBytes).toBe(4096)
      expect(await second.write(filled(8192, 2), 0)).toBe(4096)
      await expect(second.write(filled(1, 2), 4096)).rejects.toMatchObject({ code: 'ENOSPC' })
      expect(await second.write(filled(4096, 3), 0)).toBe(4096)
      await files.unlink('/a')
      await first.close()
      expect(await second.write(filled(8192, 2), 4096)).toBe(8192)
    })
  })

  test('too many open files: EMFILE until one is closed or its process dies', async () => {
    const simulation = new Simulation({ seed: 1 })
    const process = simulation.process('p', { descriptorsMax: 1 })
    await simulation.run(async () => {
      const handle = await create(process, '/a')
      await expect(create(process, '/b')).rejects.toMatchObject({ code: 'EMFILE' })
      await handle.close()
      await (await create(process, '/b')).close()
      expect(process.files.openHandles).toBe(0)
    })
  })

  test('handles hold the invariants of the real ones', async () => {
    const simulation = new Simulation({ seed: 1 })
    const process = simulation.process('p')
    await simulation.run(async () => {
      const handle = await create(process, '/a')
      const writing = handle.write(filled(1, 1), 0)
      expect(() => handle.close()).toThrow('under way')
      await writing
      await handle.close()
      expect(() => handle.flush()).toThrow('after close')
      await expect(create(process, '/a')).rejects.toMatchObject({ code: 'EEXIST' })
      await expect(create(process, '/x/a')).rejects.toMatchObject({ code: 'ENOENT' })
      await expect(create(process, '/a/a')).rejects.toMatchObject({ code: 'ENOTDIR' })
      const reading = await process.files.open('/a', { mode: 'read' })
      await expect(reading.write(filled(1, 1), 0)).rejects.toMatchObject({ code: 'EBADF' })
    })
  })
})

test('the generator of a seed is the same everywhere', () => {
  const random = new Random(42)
  expect([random.uint32(), random.uint32(), random.below(10)]).toMatchInlineSnapshot(`
    [
      1849552023,
      4223452576,
      0,
    ]
  `)
})
