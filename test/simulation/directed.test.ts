/** Single damages and single uses that random schedules do not come upon. */
import { describe, expect, test } from 'vitest'
import { BlockType } from '../../src/format/layout.ts'
import { openSegmentLog } from '../../src/log/open.ts'
import { checkOptions } from '../../src/log/options.ts'
import type { Encodable, LogOwner } from '../../src/log/seam.ts'
import { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import { blocksThatCount } from './disk-reader.ts'
import { DIRECTORY, Machine, SMALL_SEGMENTS } from './machine.ts'

/** A closed log of one message, and where its block stands. */
async function logOfOne(seed: number) {
  const machine = new Machine({ seed, disk: new SimulatedDisk() })
  const opening = machine.opening({ idleSyncMs: 0 })
  await machine.simulation.run(async () => {
    await opening.open()
    await opening.append(300)
    await opening.current.close()
  })
  machine.kill(opening)
  const { disk } = machine.simulation
  const blocks = await blocksThatCount(disk, DIRECTORY)
  const block = blocks.find(({ type }) => type === BlockType.DATA)
  if (!block) throw new Error('the log has no block of messages')
  return { machine, block, bytes: disk.readFile(block.path) }
}

test('a block of another segment, whole and in its own place, is not taken (invariant 10)', async () => {
  const victim = await logOfOne(1)
  const stranger = await logOfOne(2)
  const { path, offset, end } = victim.block
  expect(stranger.block).toEqual(victim.block)
  const mixed = victim.bytes.slice()
  mixed.set(stranger.bytes.subarray(offset, end), offset)
  const { machine } = victim
  machine.simulation.disk.putFile(path, mixed)
  machine.oracle.rotten = true
  machine.oracle.damaged.add(1)
  const opening = machine.opening({ onDamage: 'quarantine' })
  await machine.simulation.run(() => opening.open())
  expect(opening.current.stats().gaps.map(({ firstId, endId }) => [firstId, endId])).toEqual([
    [1, 2],
  ])
})

function encodable(bytes: Uint8Array): Encodable {
  return { byteLength: bytes.length, encodeInto: (target, at) => target.set(bytes, at) }
}

describe('control records', () => {
  test('without a snapshot nothing retires: the log begins where they begin', async () => {
    const simulation = new Simulation({ seed: 1 })
    const process = simulation.process('owner')
    const owner: LogOwner = {
      committed: () => undefined,
      refused: () => undefined,
      failed: () => undefined,
      space: () => undefined,
    }
    await simulation.run(async () => {
      const options = checkOptions({ ...SMALL_SEGMENTS, idleSyncMs: 0 })
      const log = await openSegmentLog(process, DIRECTORY, owner, options)
      log.append({ messages: [], control: [encodable(new Uint8Array(20))] })
      for (let count = 0; count < 6; count += 1) {
        log.append({ messages: [encodable(new Uint8Array(9_000))], control: [] })
        await new Promise<void>((resolve) => process.clock.after(50, resolve))
      }
      const before = log.view.segments().length
      expect(before).toBeGreaterThan(2)
      log.discard([[1, 6]])
      await new Promise<void>((resolve) => process.clock.after(50, resolve))
      expect(log.view.segments().length).toBe(before)
      await log.close()
    })
  })
})
