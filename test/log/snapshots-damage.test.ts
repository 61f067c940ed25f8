/** Damage in what was saved: another state stands for it, and replaying gives the same words. */
import { expect, test } from 'vitest'
import { QlogError } from '../../src/errors.ts'
import { BLOCK_HEADER_BYTES, BLOCK_TYPE_AT, BlockType } from '../../src/format/layout.ts'
import { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import { blocksThatCount } from '../simulation/disk-reader.ts'
import { Keeper } from './keeper.ts'

const LOG = '/log'

interface Image {
  readonly disk: SimulatedDisk
  readonly text: string
}

/** A closed log whose words need the older of its two snapshots at least: what led to it has retired. */
async function closedLog(saves = 3): Promise<Image> {
  const simulation = new Simulation({ seed: 3 })
  const owner = simulation.process('owner')
  let text = ''
  await simulation.run(() =>
    owner.run(async () => {
      const keeper = await Keeper.open(owner)
      for (let save = 1; save <= saves; save++) {
        for (let word = 0; word < 6; word++) {
          await keeper.put(word % 2 ? 'odd' : 'even', `${save}${word}`, 3_000)
        }
        await keeper.save([], { whole: true })
        keeper.discardAll()
      }
      // The newest snapshot stands in a segment that has a successor.
      await keeper.fill(12, 3_000)
      await keeper.put('odd', 'last')
      await keeper.log.compact()
      text = keeper.text
      await keeper.log.close()
    }),
  )
  return { disk: simulation.disk, text }
}

async function reopened(disk: SimulatedDisk): Promise<{ text: string; replayed: number }> {
  const simulation = new Simulation({ seed: 4, disk })
  const owner = simulation.process('owner')
  const outcome = await simulation.run(() =>
    owner.run(async () => {
      const keeper = await Keeper.open(owner)
      const { text, replayed } = keeper
      await keeper.log.close()
      return { text, replayed }
    }),
  )
  if (outcome.state !== 'done') throw new Error('the owner died')
  return outcome.value
}

function withoutIndexes(disk: SimulatedDisk): void {
  for (const name of ['index.a', 'index.b']) {
    if (disk.exists(`${LOG}/${name}`)) disk.removeFile(`${LOG}/${name}`)
  }
}

/** Blocks of a type, oldest first. */
async function blocksOf(disk: SimulatedDisk, type: number) {
  return (await blocksThatCount(disk, LOG)).filter((block) => block.type === type)
}

async function flip(disk: SimulatedDisk, type: number, fromEnd: number): Promise<void> {
  const block = (await blocksOf(disk, type)).at(-1 - fromEnd)
  if (!block) throw new Error('no such block')
  disk.flipBit(block.path, block.offset + BLOCK_HEADER_BYTES + 9, 2)
}

test('the log that these tests damage has given up control records', async () => {
  const { disk, text } = await closedLog()
  const intact = await reopened(disk)
  expect(intact.text).toBe(text)
  withoutIndexes(disk)
  const fromLog = await reopened(disk)
  expect(fromLog.text).toBe(text)
  expect(fromLog.replayed).toBe(1)
  expect(await blocksOf(disk, BlockType.SNAPSHOT_END)).toHaveLength(2)
})

test.each([
  ['a part', BlockType.SNAPSHOT_PART],
  ['the end', BlockType.SNAPSHOT_END],
])(
  'one flipped bit in %s of the newest snapshot: the one before gives the same words',
  async (_, type) => {
    const { disk, text } = await closedLog()
    withoutIndexes(disk)
    await flip(disk, type, 0)
    const found = await reopened(disk)
    expect(found.text).toBe(text)
    expect(found.replayed).toBe(7)
  },
)

/** A log that an owner used and was killed in, and the words that it had. */
async function killedLog(
  disk: SimulatedDisk,
  use: (keeper: Keeper, simulation: Simulation) => Promise<void>,
): Promise<Image> {
  const simulation = new Simulation({ seed: 7, disk })
  const owner = simulation.process('owner')
  let text = ''
  await simulation.run(() =>
    owner.run(async () => {
      const keeper = await Keeper.open(owner)
      await use(keeper, simulation)
      text = keeper.text
    }),
  )
  simulation.kill(owner)
  return { disk: new SimulatedDisk(simulation.disk.snapshot()), text }
}

/** Two snapshots in the log of a part that has not changed. */
async function saveTwice(keeper: Keeper, unchanged: readonly string[]): Promise<void> {
  await keeper.put('even', 'w'.repeat(100_000), 3_000)
  for (let word = 0; word < 6; word++) await keeper.put('odd', `${word}`, 3_000)
  await keeper.save([], { whole: true })
  for (let i = 0; i < 5; i++) await keeper.noise(220_000)
  await keeper.put('odd', 'x', 3_000)
  await keeper.save(unchanged)
}

test('one flipped bit in a part that did not change between two snapshots costs one of them', async () => {
  const { disk, text } = await killedLog(new SimulatedDisk(), async (keeper) => {
    await saveTwice(keeper, ['even'])
    keeper.discardAll()
    await keeper.fill(12, 3_000)
    await keeper.log.compact()
  })
  const image = disk.snapshot()
  const parts = await blocksOf(disk, BlockType.SNAPSHOT_PART)
  expect(parts).toHaveLength(4)
  for (const { path, offset } of parts) {
    const damaged = new SimulatedDisk(image)
    damaged.flipBit(path, offset + BLOCK_HEADER_BYTES + 9, 2)
    expect((await reopened(damaged)).text, `${path} ${offset}`).toBe(text)
  }
})

/** A part with two blocks, of which the newest snapshot names the first; and that block. */
async function savedThrice(keeper: Keeper, disk: SimulatedDisk) {
  await keeper.put('even', 'w'.repeat(240_000))
  await keeper.put('large', 'w'.repeat(240_000))
  await keeper.put('odd', '0')
  await keeper.save([], { whole: true })
  const [first] = await blocksOf(disk, BlockType.SNAPSHOT_PART)
  if (!first) throw new Error('no part')
  await saveNext(keeper)
  return { path: first.path, offset: first.offset + BLOCK_HEADER_BYTES + 9 }
}

/** Saves again, with a part that has not changed. */
async function saveNext(keeper: Keeper): Promise<void> {
  for (let i = 0; i < 5; i++) await keeper.noise(220_000)
  await keeper.put('odd', 'x')
  await keeper.save(['even', 'large'])
}

test('of a part with two blocks one rots while the log is open: one save fails, the next does not', async () => {
  const disk = new SimulatedDisk()
  const { text } = await killedLog(disk, async (keeper) => {
    const { path, offset } = await savedThrice(keeper, disk)
    disk.flipBit(path, offset, 2)
    await expect(saveNext(keeper)).rejects.toMatchObject({ code: 'QLOG_DAMAGED' })
    await saveNext(keeper)
    await keeper.put('odd', 'last')
  })
  const found = await reopened(disk)
  expect(found.text).toBe(text)
  expect(found.replayed).toBe(1)
})

test('of a part with two blocks one rots: the index takes the other', async () => {
  const disk = new SimulatedDisk()
  const { text } = await killedLog(disk, async (keeper) => {
    const { path, offset } = await savedThrice(keeper, disk)
    await saveNext(keeper)
    disk.flipBit(path, offset, 2)
    await keeper.put('odd', 'last')
    await keeper.save(['even', 'large'])
    await keeper.log.close()
  })
  const found = await reopened(disk)
  expect(found.text).toBe(text)
  expect(found.replayed).toBe(0)
})

test('of a part with two blocks one rots and its file cannot be closed: the other is taken all the same', async () => {
  const disk = new SimulatedDisk()
  const { text } = await killedLog(disk, async (keeper, simulation) => {
    const { path, offset } = await savedThrice(keeper, disk)
    await saveNext(keeper)
    disk.flipBit(path, offset, 2)
    const isDamaged = (one: string): boolean => one === path
    const fault = simulation.fault({ call: 'close', error: 'EIO', path: isDamaged })
    await keeper.put('odd', 'last')
    await keeper.save(['even', 'large'])
    await keeper.log.close()
    expect(fault.hits).toBeGreaterThan(0)
    simulation.clearFaults()
  })
  const found = await reopened(disk)
  expect(found.text).toBe(text)
  expect(found.replayed).toBe(0)
})

test('an owner is told that the index could not take a part that is damaged', async () => {
  const disk = new SimulatedDisk()
  await killedLog(disk, async (keeper) => {
    await keeper.put('even', 'w'.repeat(1_000))
    await keeper.save([], { whole: true })
    const [part] = await blocksOf(disk, BlockType.SNAPSHOT_PART)
    if (!part) throw new Error('no part')
    disk.flipBit(part.path, part.offset + BLOCK_HEADER_BYTES + 9, 2)
    for (let count = 0; count < 68; count++) await keeper.fill(1, 1_000_000)
    await expect(keeper.save(['even'])).rejects.toMatchObject({ code: 'QLOG_DAMAGED' })
    await keeper.save()
    await keeper.log.close()
  })
})

test('snapshots that opening found damaged let nothing leave the log', async () => {
  const first = await killedLog(new SimulatedDisk(), async (keeper) => {
    await saveTwice(keeper, [])
    await keeper.fill(12, 3_000)
  })
  const parts = await blocksOf(first.disk, BlockType.SNAPSHOT_PART)
  expect(parts).toHaveLength(4)
  for (const { path, offset } of parts.filter((_, row) => row % 2 === 0)) {
    first.disk.flipBit(path, offset + BLOCK_HEADER_BYTES + 9, 2)
  }
  const second = await killedLog(first.disk, async (keeper) => {
    expect(keeper.text).toBe(first.text)
    keeper.discardAll()
    await keeper.put('odd', 'acknowledged', 100)
    await keeper.log.compact()
  })
  expect((await reopened(second.disk)).text).toBe(second.text)
})

test.each([
  ['LINK', BlockType.LINK],
  ['CLEAN', BlockType.CLEAN],
])(
  'without an index, one flipped bit in either %s of a full segment costs nothing',
  async (_, type) => {
    const { disk } = await closedLog()
    const simulation = new Simulation({ seed: 6, disk })
    const owner = simulation.process('owner')
    let text = ''
    await simulation.run(() =>
      owner.run(async () => {
        const keeper = await Keeper.open(owner)
        await keeper.put('even', 'of another opening')
        text = keeper.text
        await keeper.log.close()
      }),
    )
    withoutIndexes(disk)
    const image = disk.snapshot()
    const newest = (await blocksThatCount(disk, LOG)).at(-1)?.path
    const blocks = (await blocksOf(disk, type)).filter(({ path }) => path !== newest)
    expect(blocks.length).toBeGreaterThan(1)
    for (const { path, offset } of blocks) {
      const damaged = new SimulatedDisk(image)
      damaged.flipBit(path, offset + BLOCK_HEADER_BYTES + 9, 2)
      expect((await reopened(damaged)).text, `${path} ${offset}`).toBe(text)
    }
  },
)

test('no flipped bit makes a block with entries pass for one without', async () => {
  const { disk } = await closedLog(0)
  withoutIndexes(disk)
  const image = disk.snapshot()
  const full = (await blocksThatCount(disk, LOG)).find(({ type }) => type === BlockType.DATA)
  if (!full) throw new Error('no block with entries')
  for (let bit = 0; bit < 8; bit++) {
    const damaged = new SimulatedDisk(image)
    damaged.flipBit(full.path, full.offset + BLOCK_TYPE_AT, bit)
    const error = await reopened(damaged).catch((thrown: unknown) => thrown)
    expect(error, `bit ${bit}`).toHaveProperty('code', 'QLOG_DAMAGED')
  }
})

test('one flipped bit in an index: the snapshot in the log stands for it', async () => {
  const { disk, text } = await closedLog()
  for (const name of ['index.a', 'index.b']) {
    if (disk.exists(`${LOG}/${name}`)) disk.flipBit(`${LOG}/${name}`, 300, 1)
  }
  const found = await reopened(disk)
  expect(found.text).toBe(text)
  expect(found.replayed).toBe(1)
})

test('neither snapshot can be read, and control records have gone: opening refuses', async () => {
  const { disk } = await closedLog()
  withoutIndexes(disk)
  await flip(disk, BlockType.SNAPSHOT_END, 0)
  await flip(disk, BlockType.SNAPSHOT_PART, 2)
  const error = await reopened(disk).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(QlogError)
  expect(error).toHaveProperty('code', 'QLOG_DAMAGED')
})

test('the only snapshot cannot be read: nothing has gone, so the log itself gives the words', async () => {
  const { disk, text } = await closedLog(1)
  withoutIndexes(disk)
  await flip(disk, BlockType.SNAPSHOT_END, 0)
  const found = await reopened(disk)
  expect(found.text).toBe(text)
  expect(found.replayed).toBe(7)
})

test('an index from before what has gone is no state, though its own segment still stands', async () => {
  const simulation = new Simulation({ seed: 5 })
  const first = simulation.process('first')
  await simulation.run(() =>
    first.run(async () => {
      const keeper = await Keeper.open(first)
      await keeper.put('a', 'first', 100)
      await keeper.save()
      await keeper.log.close()
    }),
  )
  const second = simulation.process('second')
  let text = ''
  await simulation.run(() =>
    second.run(async () => {
      const keeper = await Keeper.open(second)
      for (let save = 1; save <= 2; save++) {
        for (let word = 0; word < 8; word++) await keeper.put('a', `${save}${word}`, 3_000)
        await keeper.save([], { whole: true })
        // The message of the first opening is still wanted.
        keeper.discardAll(2)
      }
      await keeper.fill(12, 3_000)
      await keeper.log.compact()
      text = keeper.text
    }),
  )
  simulation.kill(second)
  const { disk } = simulation
  const before = disk.snapshot()
  expect((await reopened(new SimulatedDisk(before))).text).toBe(text)
  await flip(disk, BlockType.SNAPSHOT_END, 1)
  await flip(disk, BlockType.SNAPSHOT_END, 0)
  const error = await reopened(disk).catch((thrown: unknown) => thrown)
  expect(error).toHaveProperty('code', 'QLOG_DAMAGED')
  expect(String(error)).toMatch(/neither the index nor a snapshot/)
})

test('no flipped bit anywhere gives other words than those that were written', async () => {
  const { disk, text } = await closedLog()
  const places: [path: string, offset: number][] = []
  for (const { path, offset, end, type } of await blocksThatCount(disk, LOG)) {
    const isSnapshot = type === BlockType.SNAPSHOT_PART || type === BlockType.SNAPSHOT_END
    for (let at = offset; at < end; at += isSnapshot ? 11 : 1_999) places.push([path, at])
  }
  const indexBytes = disk.readFile(`${LOG}/index.a`).length
  for (let at = 0; at < indexBytes; at += 37) places.push([`${LOG}/index.a`, at])
  const image = disk.snapshot()
  for (const isIndexed of [true, false]) {
    for (const [path, offset] of places) {
      if (!isIndexed && path.includes('index')) continue
      const damaged = new SimulatedDisk(image)
      if (!isIndexed) withoutIndexes(damaged)
      damaged.flipBit(path, offset, offset % 8)
      try {
        expect((await reopened(damaged)).text, `${path} ${offset}`).toBe(text)
      } catch (error) {
        if (!(error instanceof QlogError)) throw error
        expect(error.code).toBe('QLOG_DAMAGED')
      }
    }
  }
})
