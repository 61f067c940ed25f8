/** Bits that rot in a closed log, and what that may cost: the messages of one block at most. */
import { BlockType } from '../../src/format/layout.ts'
import type { Random } from '../../src/system/simulated/random.ts'
import { assessDisk, blocksThatCount } from './disk-reader.ts'
import { DIRECTORY, type Machine } from './machine.ts'

/** Flips one bit of a block that counts; false where the log has none. */
export async function flipOneBit(machine: Machine, random: Random): Promise<boolean> {
  const { disk } = machine.simulation
  if (!disk.exists(DIRECTORY)) return false
  // A log that was closed by an owner who appended nothing may end in messages above D. Once the power
  // went, damage there is the same bytes as a torn write (guarantees.md, section 6).
  const { newest } = await assessDisk(disk, DIRECTORY)
  if (newest && newest.tail.durableNextId < newest.tail.nextId) return false
  const blocks = await blocksThatCount(disk, DIRECTORY)
  if (blocks.length === 0) return false
  // A bit rots on the disk: what the page cache held has been written back by then, and with it the
  // claims that tell this damage from a torn write. Else a later power cut could take them away.
  for (const path of new Set(blocks.map(({ path }) => path))) {
    disk.putFile(path, disk.readFile(path))
  }
  const block = random.pick(blocks)
  const at = random.between(block.offset, block.end - 1)
  disk.flipBit(block.path, at, random.below(8))
  machine.simulation.trace.push(`flip in ${block.path} at ${at}, block of type ${block.type}`)
  machine.simulation.report.count('faults', `bit flip in block type ${block.type}`)
  machine.oracle.rotten = true
  const firstId = block.type === BlockType.DATA ? block.firstId : block.endId
  // The hole of a write that did not finish may stand behind it, with a valid block behind that. Then
  // D lies within one region, and its ids are all told of (guarantees.md, section 5).
  for (let id = firstId; id < block.behindId; id += 1) machine.oracle.damaged.add(id)
  return true
}
