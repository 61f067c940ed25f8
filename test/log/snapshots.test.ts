/** Snapshots of an owner's state under the simulator: saved, found again, and written no more than needed. */
import { expect, test } from 'vitest'
import { QlogError } from '../../src/errors.ts'
import { BlockType } from '../../src/format/layout.ts'
import type { PartToSave } from '../../src/log/seam.ts'
import type { SegmentLog } from '../../src/log/segment-log.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import type { System } from '../../src/system/system.ts'
import { blocksThatCount } from '../simulation/disk-reader.ts'
import { encodable, Keeper } from './keeper.ts'

async function simulate<T>(
  body: (system: System, simulation: Simulation) => Promise<T>,
  seed = 7,
): Promise<T> {
  const simulation = new Simulation({ seed })
  const process = simulation.process('owner')
  const outcome = await simulation.run(() => process.run(() => body(process, simulation)))
  if (outcome.state !== 'done') throw new Error('the process died')
  return outcome.value
}

const appended = (log: SegmentLog): number => log.durableLsn

test('a state that was saved before close is there at the next opening, which replays nothing', async () => {
  await simulate(async (system) => {
    const first = await Keeper.open(system)
    expect(await first.log.snapshot()).toBeUndefined()
    for (let i = 0; i < 20; i++) await first.put(i % 2 ? 'odd' : 'even', `${i}`, 100)
    await first.save()
    await first.log.close()

    const second = await Keeper.open(system)
    expect(second.text).toBe(first.text)
    expect([second.found, second.replayed]).toEqual([['even', 'odd'], 0])
    await second.log.close()
  })
})

test('a snapshot in the log is found after a kill, and what came behind it is replayed', async () => {
  await simulate(async (system, simulation) => {
    const other = simulation.process('killed')
    let text = ''
    await other.run(async () => {
      const first = await Keeper.open(other)
      for (let i = 0; i < 5; i++) await first.put('a', `${i}`)
      await first.put('b', 'only')
      await first.save([], { whole: true })
      await first.put('a', 'behind')
      text = first.text
    })
    simulation.kill(other)
    const second = await Keeper.open(system)
    expect(second.text).toBe(text)
    expect([second.found, second.replayed]).toEqual([['a', 'b'], 1])
    await second.log.close()
  })
})

test('a small state waits for close: nothing of it goes into the log', async () => {
  await simulate(async (system) => {
    const keeper = await Keeper.open(system)
    await keeper.put('a', '1')
    const before = appended(keeper.log)
    for (let i = 0; i < 10; i++) await keeper.save()
    expect(appended(keeper.log)).toBe(before)
    await keeper.log.close()
  })
})

const LARGE = { segmentBytesMin: 65_536, segmentBytesMax: 4 * 1024 * 1024 }

/** Lengths of the blocks of snapshots that the log holds, in order. */
async function partBytes({ disk }: Simulation): Promise<number[]> {
  const blocks = await blocksThatCount(disk, '/log')
  return blocks
    .filter(({ type }) => type === BlockType.SNAPSHOT_PART)
    .map(({ offset, end }) => end - offset)
}

async function* given(...parts: PartToSave[]): AsyncGenerator<PartToSave> {
  yield* parts
}

test('a part that is unchanged has two blocks, is named then, and is found by its new LSN', async () => {
  await simulate(async (system, simulation) => {
    const keeper = await Keeper.open(system, LARGE)
    await keeper.put('large', 'w'.repeat(240_000))
    await keeper.put('small', '1')
    await keeper.save([], { whole: true })
    const before = await partBytes(simulation)
    expect(before.filter((bytes) => bytes > 100_000)).toHaveLength(1)
    for (let save = 2; save <= 4; save++) {
      for (let i = 0; i < 5; i++) await keeper.noise(220_000)
      await keeper.put('small', `${save}`)
      await keeper.save(['large'])
    }
    const after = await partBytes(simulation)
    expect(after).toHaveLength(before.length + 4)
    expect(after.filter((bytes) => bytes > 100_000)).toHaveLength(2)
    await keeper.put('small', '5')
    const { text } = keeper
    await keeper.log.close()
    simulation.disk.removeFile('/log/index.a')

    const again = await Keeper.open(system, LARGE)
    expect(again.text).toBe(text)
    expect(again.replayed).toBe(1)
    await again.log.close()
  })
})

test('the block of a part that is unchanged stays as long as a snapshot names it', async () => {
  const simulation = new Simulation({ seed: 9 })
  const owner = simulation.process('owner')
  let text = ''
  await simulation.run(() =>
    owner.run(async () => {
      const keeper = await Keeper.open(owner, { segmentBytesMin: 65_536, segmentBytesMax: 262_144 })
      await keeper.put('large', 'w'.repeat(240_000), 10)
      await keeper.save([], { whole: true })
      for (let save = 0; save < 3; save++) {
        for (let i = 0; i < 5; i++) await keeper.noise(220_000)
        await keeper.save(['large'])
        keeper.discardAll()
        await keeper.log.compact()
      }
      expect(await partBytes(simulation)).toHaveLength(2)
      text = keeper.text
    }),
  )
  simulation.kill(owner)
  await simulation.run(() => {
    const next = simulation.process('next')
    return next.run(async () => {
      const keeper = await Keeper.open(next)
      expect(keeper.text).toBe(text)
      await keeper.log.close()
    })
  })
})

test('a part that alone would keep the log far back is written again', async () => {
  await simulate(async (system, simulation) => {
    const keeper = await Keeper.open(system, LARGE)
    await keeper.put('large', 'w'.repeat(100_000))
    await keeper.put('small', '1')
    await keeper.save([], { whole: true })
    for (let i = 0; i < 12; i++) await keeper.noise(220_000)
    await keeper.save(['large', 'small'])
    const after = await partBytes(simulation)
    expect(after.filter((bytes) => bytes > 100_000)).toHaveLength(2)
    await keeper.log.close()
  })
})

test('unchanged parts go from memory to the index and from there to the log', async () => {
  await simulate(async (system, simulation) => {
    const first = await Keeper.open(system)
    await first.put('a', '1')
    await first.put('b', '2')
    await first.save()
    await first.save(['a', 'b'])
    await first.log.close()

    const second = await Keeper.open(system)
    await second.put('b', '3')
    await second.save(['a'], { whole: true })
    await second.log.close()
    for (const name of ['index.a', 'index.b']) {
      if (simulation.disk.exists(`/log/${name}`)) simulation.disk.removeFile(`/log/${name}`)
    }
    const third = await Keeper.open(system)
    expect(third.text).toBe('a: 1\nb: 2 3')
    expect(third.replayed).toBe(0)
    await third.log.close()
  })
})

test('an opening that appends one message leaves next to nothing of a snapshot', async () => {
  await simulate(async (system, simulation) => {
    const sizes: number[] = []
    for (let opening = 0; opening < 4; opening++) {
      const keeper = await Keeper.open(system)
      await keeper.put('a', `${opening}`, 20)
      await keeper.save()
      await keeper.log.close()
      const names = simulation.disk.list('/log').filter((name) => name.startsWith('index.'))
      sizes.push(...names.map((name) => simulation.disk.readFile(`/log/${name}`).length))
    }
    expect(await partBytes(simulation)).toEqual([])
    // Header, map entries, the writer's own report, and a state of a few bytes.
    expect(Math.max(...sizes)).toBeLessThan(1_500)
  })
})

test('appends go on between the parts of a snapshot', async () => {
  await simulate(async (system) => {
    const keeper = await Keeper.open(system, LARGE)
    for (let part = 0; part < 8; part++) await keeper.put(`p${part}`, 'w'.repeat(200_000))
    let isSaved = false
    const saving = keeper.save([], { whole: true }).then(() => {
      isSaved = true
    })
    let between = 0
    while (!isSaved) {
      await keeper.put('beside', `${between}`)
      between++
    }
    await saving
    expect(between).toBeGreaterThan(8)
    const { text } = keeper
    await keeper.log.close()
    const again = await Keeper.open(system, LARGE)
    expect(again.text).toBe(text)
    await again.log.close()
  })
})

test('a state of no parts is refused, and what came while it was given is replayed', async () => {
  await simulate(async (system, simulation) => {
    const killed = simulation.process('killed')
    let text = ''
    await killed.run(async () => {
      const keeper = await Keeper.open(killed)
      for (const word of ['1', '2']) {
        const nothing = async function* (): AsyncGenerator<PartToSave> {
          await keeper.put('a', word, 3_000)
          yield* []
        }
        const saving = keeper.log.saveSnapshot(nothing(), { whole: true })
        await expect(saving).rejects.toMatchObject({ code: 'QLOG_INVALID_ARGUMENT' })
        await keeper.fill(12, 3_000)
      }
      keeper.discardAll()
      await keeper.log.compact()
      text = keeper.text
    })
    simulation.kill(killed)
    const again = await Keeper.open(system)
    expect([again.text, again.replayed]).toEqual([text, 2])
    await again.log.close()
  })
})

test('what cannot be saved is refused, and the state before stays', async () => {
  await simulate(async (system) => {
    const keeper = await Keeper.open(system)
    await keeper.put('a', '1')
    await keeper.save([], { whole: true })
    const { log } = keeper
    const bytes = new Uint8Array(10)
    const invalid = { code: 'QLOG_INVALID_ARGUMENT' }
    const { lsn } = keeper
    await expect(log.saveSnapshot(given(['log/writer', lsn, bytes]))).rejects.toMatchObject(invalid)
    await expect(log.saveSnapshot(given(['', lsn, bytes]))).rejects.toMatchObject(invalid)
    await expect(log.saveSnapshot(given(['b', lsn, 'unchanged']))).rejects.toMatchObject(invalid)
    const beyond = log.durableLsn + 1
    await expect(log.saveSnapshot(given(['b', beyond, bytes]))).rejects.toMatchObject(invalid)
    const twice = given(['b', lsn, bytes], ['b', lsn, bytes])
    await expect(log.saveSnapshot(twice)).rejects.toMatchObject(invalid)
    const large = new Uint8Array(log.limits.partBytesMax + 1)
    await expect(log.saveSnapshot(given(['b', lsn, large]))).rejects.toMatchObject({
      code: 'QLOG_TOO_LARGE',
    })
    const both = [keeper.save(), keeper.save()]
    const settled = await Promise.allSettled(both)
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect([...((await log.snapshot())?.parts.keys() ?? [])]).toEqual(['a'])
    await log.close()
    await expect(keeper.save()).rejects.toMatchObject({ code: 'QLOG_CLOSED' })
  })
})

test('a save that is told as not saved leaves what is unchanged as it was', async () => {
  await simulate(async (system, simulation) => {
    const keeper = await Keeper.open(system, LARGE)
    await keeper.put('a', '1')
    await keeper.save([], { whole: true })
    const before = new Map([...keeper.words].map(([name, words]) => [name, [...words]]))
    await keeper.put('a', '2')
    const turnedDown = new QlogError('QLOG_DISK_FULL', 'no room for the map')
    const { loop } = keeper.log
    const name = loop.nameSnapshots
    loop.nameSnapshots = () => Promise.reject(turnedDown)
    await expect(keeper.save([], { whole: true })).rejects.toBe(turnedDown)
    loop.nameSnapshots = name
    // The owner goes back to what stands as saved, by its own word.
    keeper.words.set('a', before.get('a') ?? [])
    await keeper.save(['a'], { whole: true })
    await keeper.log.close()
    simulation.disk.removeFile('/log/index.a')
    const again = await Keeper.open(system, LARGE)
    expect(again.text).toBe('a: 1')
    await again.log.close()
  })
})

test('closing while a snapshot is being saved ends it', async () => {
  await simulate(async (system) => {
    const keeper = await Keeper.open(system, LARGE)
    for (let part = 0; part < 8; part++) await keeper.put(`p${part}`, 'w'.repeat(200_000))
    const saving = keeper.save([], { whole: true })
    const refused = expect(saving).rejects.toMatchObject({ code: 'QLOG_CLOSED' })
    await new Promise((resolve) => system.clock.after(2, () => resolve(undefined), true))
    await keeper.log.close()
    await refused
    const again = await Keeper.open(system, LARGE)
    expect(again.text).toBe(keeper.text)
    await again.log.close()
  })
})

test('segments with control records go only below the last snapshot but one', async () => {
  await simulate(async (system) => {
    const keeper = await Keeper.open(system)
    const ends: number[] = []
    for (let save = 0; save < 4; save++) {
      for (let word = 0; word < 8; word++) await keeper.put('a', `${save}${word}`, 3_000)
      keeper.discardAll()
      await keeper.log.compact()
      ends.push(keeper.lsn)
      await keeper.save([], { whole: true })
      await keeper.log.compact()
      const { firstLsn } = keeper.log
      if (save === 0) expect(firstLsn).toBe(0)
      else {
        expect(firstLsn).toBeGreaterThan(ends[save - 2] ?? 0)
        expect(firstLsn).toBeLessThanOrEqual(ends[save - 1] ?? 0)
      }
      // What is left gives every entry from there on, also to a reader that asks for more.
      const after = ends[save - 1] ?? 0
      const lsns: number[] = []
      for await (const entries of keeper.log.read({ after })) {
        lsns.push(...entries.map(({ lsn }) => lsn))
      }
      expect(lsns).toHaveLength(save === 0 ? 8 : 8)
      for await (const entries of keeper.log.read({ after: 0 })) {
        for (const { lsn } of entries) expect(lsn).toBeGreaterThan(firstLsn)
      }
    }
    await keeper.log.close()
  })
})

test('a log with control records and no snapshot keeps everything; without either nothing is kept', async () => {
  for (const [control, begin] of [
    ['state', 1],
    ['', 10],
  ] as const) {
    await simulate(async (system) => {
      const keeper = await Keeper.open(system)
      if (control) await keeper.put('a', control)
      await keeper.fill(20, 3_000)
      keeper.discardAll()
      await keeper.log.compact()
      const first = keeper.log.firstId
      if (begin === 1) expect(first).toBe(1)
      else expect(first).toBeGreaterThan(begin)
      await keeper.log.close()
    })
  }
})

test('fetching stops where the bodies come to more than its budget, but not in front of the first', async () => {
  await simulate(async (system) => {
    const keeper = await Keeper.open(system)
    await keeper.fill(10, 1_000)
    const { log } = keeper
    const lengths = async (ids: number[], bytesMax: number) =>
      (await log.fetch(ids, { bytesMax })).map((body) => body?.length)
    expect(await lengths([1, 2, 3, 4], 2_500)).toEqual([1_000, 1_000])
    expect(await lengths([1, 2, 3, 4], 3_000)).toEqual([1_000, 1_000, 1_000])
    expect(await lengths([7, 3, 9], 10)).toEqual([1_000])
    expect(await lengths([99, 3, 98, 5, 6], 1_000)).toEqual([undefined, 1_000, undefined])
    expect(await lengths([4, 2], 1_000_000)).toEqual([1_000, 1_000])
    await log.close()
  })
})

test('while the disk is full a snapshot comes sooner, so that control records go on in what retires', async () => {
  await simulate(async (system, { disk }) => {
    const keeper = await Keeper.open(system)
    for (let word = 0; word < 10; word++) await keeper.put('a', `${word}`, 3_000)
    await keeper.save([], { whole: true })
    // The reserve is made in the background.
    await new Promise((resolve) => system.clock.after(100, () => resolve(undefined), true))
    disk.capacityBytes = disk.usedBytes
    await expect(keeper.fill(60, 3_000)).rejects.toMatchObject({ code: 'QLOG_DISK_FULL' })
    keeper.discardAll()
    // Many times what the reserve could hold.
    for (let round = 0; round < 200; round++) {
      await keeper.noise(4_000)
      await keeper.save()
    }
    disk.capacityBytes = Number.POSITIVE_INFINITY
    const { text } = keeper
    await keeper.log.close()
    const again = await Keeper.open(system)
    expect(again.text).toBe(text)
    await again.log.close()
  })
})

test('a large state costs at most a fifth of what is appended', async () => {
  let indexBytes = 0
  await simulate(async (system, simulation) => {
    const keeper = await Keeper.open(system, {
      segmentBytesMin: 4_194_304,
      segmentBytesMax: 8_388_608,
    })
    const parts = 32
    const bytes = new Uint8Array(250_000)
    let appended = 0
    for (let round = 0; round < 40; round++) {
      for (let row = 0; row < 5; row++) {
        const message = encodable('m'.repeat(1_000_000))
        keeper.log.append({ messages: [message], control: [encodable('c'.repeat(100_000))] })
        appended += 1_100_000
        await keeper.log.room()
      }
      await keeper.put('a', `${round}`)
      const { lsn } = keeper
      const isFirst = round === 0
      const all = Array.from({ length: parts }, (_, row): PartToSave => {
        const isChanged = isFirst || row >= parts - 4
        return [`p${row}`, lsn, isChanged ? bytes : 'unchanged']
      })
      await keeper.log.saveSnapshot(given(...all))
    }
    const inLog = (await partBytes(simulation)).reduce((sum, length) => sum + length, 0)
    const index = ['index.a', 'index.b'].filter((name) => simulation.disk.exists(`/log/${name}`))
    for (const name of index) indexBytes += simulation.disk.readFile(`/log/${name}`).length
    expect(inLog).toBeGreaterThan(parts * bytes.length)
    expect(indexBytes).toBeGreaterThan(parts * bytes.length)
    // The index was written each 64 MiB: how often is not seen in what is left of it.
    const writes = Math.floor(appended / (64 * 1024 * 1024)) * parts * bytes.length
    expect(inLog + writes).toBeLessThan(appended / 5)
    await keeper.log.close()
  })
})

test.each(['never', { intervalMs: 60_000 }] as const)(
  'sync %j: what a snapshot in the log stands for is durable with it',
  async (sync) => {
    for (let seed = 1; seed <= 10; seed++) {
      const simulation = new Simulation({ seed })
      const owner = simulation.process('owner')
      let text = ''
      await simulation.run(() =>
        owner.run(async () => {
          const keeper = await Keeper.open(owner, { sync })
          for (let word = 0; word < 20; word++) await keeper.put('a', `${word}`, 1_000)
          await keeper.save([], { whole: true })
          text = keeper.text
        }),
      )
      simulation.powerCut()
      const next = simulation.process('next')
      await simulation.run(() =>
        next.run(async () => {
          const keeper = await Keeper.open(next, { sync })
          expect(keeper.text).toBe(text)
          expect(keeper.found).toEqual(['a'])
          await keeper.log.close()
        }),
      )
    }
  },
)

test('a snapshot that cannot be read back does not count', async () => {
  await simulate(async (system, simulation) => {
    const keeper = await Keeper.open(system)
    const readable: boolean[] = []
    for (let save = 0; save < 4; save++) {
      for (let word = 0; word < 8; word++) await keeper.put('a', `${save}${word}`, 3_000)
      // Only the end is read, and not the part.
      const fault = simulation.fault({ call: 'read', error: 'EIO', nth: 2 })
      const saved = await keeper.save([], { whole: true }).then(
        () => true,
        (error: unknown) => {
          expect(error).toHaveProperty('code', 'QLOG_DAMAGED')
          return false
        },
      )
      expect(fault.hits).toBe(1)
      simulation.clearFaults()
      readable.push(saved)
      keeper.discardAll()
      await keeper.log.compact()
    }
    expect(readable).toEqual([false, false, false, false])
    expect(await keeper.log.snapshot()).toBeUndefined()
    expect(keeper.log.firstLsn).toBe(0)
    await keeper.log.close()
  })
})

test('a little behind a large state is left to be replayed, and its index stays', async () => {
  await simulate(async (system, { disk }) => {
    const first = await Keeper.open(system, LARGE)
    for (let part = 0; part < 6; part++) await first.put(`p${part}`, 'w'.repeat(200_000))
    await first.save()
    await first.log.close()
    const state = disk.readFile('/log/index.a')
    expect(state.length).toBeGreaterThan(1_200_000)

    for (let opening = 1; opening <= 3; opening++) {
      const next = await Keeper.open(system, LARGE)
      expect([next.found?.length, next.replayed]).toEqual([6, opening - 1])
      await next.put('p0', `${opening}`)
      await next.save(['p1', 'p2', 'p3', 'p4', 'p5'])
      await next.log.close()
      expect(Buffer.compare(disk.readFile('/log/index.a'), state)).toBe(0)
      expect(disk.readFile('/log/index.b').length).toBeLessThan(2_000)
    }
  })
})

test('what is kept for a full disk grows with the state', async () => {
  await simulate(async (system) => {
    const keeper = await Keeper.open(system, LARGE)
    for (let part = 0; part < 5; part++) await keeper.put(`p${part}`, 'w'.repeat(200_000))
    await keeper.save([], { whole: true })
    await keeper.put('p0', 'x')
    await new Promise((resolve) => system.clock.after(1_000, () => resolve(undefined), true))
    expect(keeper.log.supply.reserve.bytes).toBeGreaterThanOrEqual(5 * 1_000_000)
    await keeper.log.close()
  })
})
