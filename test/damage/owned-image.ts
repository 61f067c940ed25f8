/**
 * A small log of an owner behind the seam, closed in order: with control records, snapshots and segments that
 * were merged, the kinds of block that a plain log does not have.
 */
import { BlockFlag, BlockType } from '../../src/format/layout.ts'
import { openPublicReader } from '../../src/log/open-reader.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import { Keeper } from '../log/keeper.ts'
import { allBlocks, filesOf, type Image, newestOf } from './images.ts'
import { memorySystem } from './memory-system.ts'

const SMALL = { segmentBytesMin: 16_384, segmentBytesMax: 16_384 }
const KEPT_EVERY = 5
const SAVES = 4

export async function makeOwnedImage(): Promise<Image> {
  const simulation = new Simulation({ seed: 9 })
  const owner = simulation.process('owner')
  const { bootId } = owner.identity
  let earlier = filesOf(simulation.disk)
  await simulation.run(async () => {
    const keeper = await Keeper.open(owner, SMALL)
    for (let save = 1; save <= SAVES; save += 1) {
      for (let word = 0; word < 9; word += 1) {
        await keeper.put(word % 2 ? 'odd' : 'even', `${save}${word}`, 1_200)
      }
      await keeper.save([], { whole: true })
      if (save === 1) earlier = filesOf(simulation.disk)
    }
    for (let id = 1; id < keeper.log.nextId; id += 1) {
      if (id % KEPT_EVERY > 0) keeper.log.discard([[id, id]])
    }
    // What is merged has to stand in front of two snapshots.
    for (const word of ['x', 'y']) {
      await keeper.fill(14, 1_000)
      await keeper.put('even', word)
      await keeper.save([], { whole: true })
    }
    await keeper.log.compact()
    await keeper.fill(3, 900)
    await keeper.put('odd', 'last', 300)
    await keeper.log.close()
  })
  const files = filesOf(simulation.disk)
  const blocks = await allBlocks(files, bootId)
  const newest = newestOf(blocks)
  const tail = blocks.get(newest) ?? []
  const truth = new Map<number, Uint8Array>()
  const reader = await openPublicReader(memorySystem(files, bootId), '/log')
  for await (const { id, body } of reader.read()) truth.set(id, body.slice())
  const { nextId } = reader
  await reader.close()
  const image: Image = {
    ...{ name: 'owned', files, earlier, truth, nextId, blocks, newest, bootId },
    appended: truth,
    hasMerged: true,
    durable: Math.max(...tail.map((block) => block.durable)),
    indexed: Math.max(...tail.map((block) => block.end)),
  }
  expectAllKinds(image)
  return image
}

function expectAllKinds({ blocks }: Image): void {
  const all = [...blocks.values()].flat()
  const wanted = [BlockType.SNAPSHOT_PART, BlockType.SNAPSHOT_END]
  const isMissing = wanted.find((type) => !all.some((block) => block.type === type))
  if (isMissing) throw new Error(`the image has no block of type ${isMissing}`)
  if (!all.some(({ flags }) => (flags & BlockFlag.SPARSE) !== 0)) {
    throw new Error('the image has no segment that was merged')
  }
}
