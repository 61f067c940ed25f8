/** Short scripted lives, one for each operation, to be crashed at every call they make. */
import { QlogError } from '../../src/errors.ts'
import { BlockType, SEGMENT_HEADER_BYTES } from '../../src/format/layout.ts'
import type { LogOptions } from '../../src/log/types.ts'
import { blocksThatCount } from './disk-reader.ts'
import { DIRECTORY, type Machine, type Opening } from './machine.ts'

export interface Trace {
  readonly name: string
  readonly options?: LogOptions
  /** What stands on the disk before; nothing where this is absent. */
  readonly prepare?: (machine: Machine) => Promise<void>
  /** Crashes strike within the opening too, not only behind it. */
  readonly fromOpening?: true
  /**
   * In how many ways the calls under way get on while the process is stopped; 1 where this is absent,
   * which does where one write at a time is under way.
   */
  readonly pauses?: number
  /** Behind the opening. */
  readonly act: (opening: Opening) => Promise<void>
}

/** One life in peace. */
export async function live(
  machine: Machine,
  act: (opening: Opening) => Promise<void>,
  options: LogOptions = {},
): Promise<void> {
  const opening = machine.opening(options)
  await machine.simulation.run(async () => {
    await opening.open()
    await act(opening)
  })
  machine.kill(opening)
  machine.buryTheDead()
}

/** What a failing call makes of it is told with a code. */
async function compact(opening: Opening): Promise<void> {
  await opening.current.compact().catch((error: unknown) => {
    if (!(error instanceof QlogError)) throw error
  })
}

async function close(opening: Opening): Promise<void> {
  await opening.current.close()
}

async function some(machine: Machine): Promise<void> {
  await live(machine, async (opening) => {
    await opening.append(100)
    await opening.append(3_000, 0, 2_000)
    await close(opening)
  })
}

/** Several full segments, so that there is something to retire. */
async function many(machine: Machine): Promise<void> {
  await live(machine, async (opening) => {
    for (let count = 0; count < 8; count += 1) await opening.append(5_000)
    await close(opening)
  })
}

/** Segments of which most may be discarded, and each keeps something. */
async function sparse(machine: Machine): Promise<void> {
  await live(
    machine,
    async (opening) => {
      for (let count = 0; count < 8; count += 1) await opening.append(2_000)
      await close(opening)
    },
    { segmentBytesMax: 16_384 },
  )
}

/** Killed with groups above D, which recovery has to copy. */
async function killedWithGroups(machine: Machine): Promise<void> {
  await live(machine, async (opening) => {
    await opening.append(100)
    void opening.append(2_000, 3_000)
    await opening.append(10)
    await opening.append(700)
  })
}

async function killedInRecovery(machine: Machine): Promise<void> {
  await killedWithGroups(machine)
  const opening = machine.opening({})
  const at = machine.simulation.callCount + 42
  machine.simulation.crashAt(at, 'kill', 'during')
  await machine.simulation.run(() => opening.process.run(() => opening.open()))
  if (opening.process.alive) throw new Error('recovery was over before it could be interrupted')
  machine.simulation.clearPlans()
  machine.buryTheDead()
}

/** The bytes of the newest segment, behind its header: blocks of this very log, with its salts. */
function ownBlocks(machine: Machine, bytes: number): Uint8Array {
  const newest = [...machine.segments()].at(-1)?.[1]
  if (!newest) throw new Error('there is no segment')
  return newest.toBytes().slice(SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES + bytes)
}

async function rotten(machine: Machine): Promise<void> {
  await some(machine)
  const { disk } = machine.simulation
  const blocks = await blocksThatCount(disk, DIRECTORY)
  const block = blocks.find((one) => one.type === BlockType.DATA && one.endId > one.firstId)
  if (!block) throw new Error('there is no block with a message')
  disk.flipBit(block.path, block.offset + 60, 3)
  machine.oracle.rotten = true
  for (let id = block.firstId; id < block.endId; id += 1) machine.oracle.damaged.add(id)
}

/** Full segments, and a flipped bit in a message of the first. */
async function rottenInFront(machine: Machine): Promise<void> {
  await live(
    machine,
    async (opening) => {
      for (let count = 0; count < 4; count += 1) await opening.append(2_500)
      await close(opening)
    },
    { segmentBytesMax: 16_384 },
  )
  const { disk } = machine.simulation
  const blocks = await blocksThatCount(disk, DIRECTORY)
  const block = blocks.find((one) => one.firstId <= 2 && one.endId > 2)
  if (!block) throw new Error('message 2 stands nowhere')
  disk.flipBit(block.path, block.offset + 600, 3)
  machine.oracle.rotten = true
  machine.oracle.damaged.add(2)
}

/** What was mended is owed again, whatever happens from then on. */
async function untilMended(opening: Opening): Promise<void> {
  const { current, machine } = opening
  for (let looks = 0; looks < 20 && current.status === 'open'; looks += 1) {
    await opening.wait(200)
    const { mendedBlocks = 0 } = current.stats().scrub ?? {}
    if (mendedBlocks === 0) continue
    machine.oracle.damaged.clear()
    return
  }
}

export const TRACES: readonly Trace[] = [
  {
    name: 'the first opening of an empty directory',
    fromOpening: true,
    act: async (opening) => {
      await opening.append(10)
    },
  },
  {
    name: 'append',
    prepare: some,
    options: { idleSyncMs: 0 },
    act: async (opening) => {
      await opening.append(100)
      await opening.append(0)
      await opening.append(1_500)
    },
  },
  {
    name: 'a batch that spans blocks, beside single messages',
    prepare: some,
    options: { idleSyncMs: 0 },
    act: async (opening) => {
      void opening.append(50)
      void opening.append(2_000, 0, 2_500, 1_000, 10)
      await opening.append(50)
      await opening.append(3_000, 3_000)
    },
  },
  {
    name: 'three groups under way, and a fourth behind them',
    prepare: some,
    pauses: 16,
    options: { idleSyncMs: 0 },
    act: async (opening) => {
      await opening.append(10)
      for (const bytes of [100, 3_000, 700, 50]) {
        void opening.append(bytes)
        await Promise.resolve()
      }
      await opening.settled()
    },
  },
  {
    name: 'appendSync alone, and with a group under way',
    prepare: some,
    options: { idleSyncMs: 0 },
    act: async (opening) => {
      opening.appendSync(100)
      void opening.append(400)
      await Promise.resolve()
      void opening.append(900, 900)
      opening.appendSync(300)
      await opening.settled()
      opening.appendSync(0)
    },
  },
  {
    name: 'roll into a segment made ahead',
    prepare: some,
    options: { idleSyncMs: 0, segmentBytesMax: 16_384 },
    act: async (opening) => {
      await opening.append(6_000)
      await opening.wait(1)
      await opening.append(4_000)
      await opening.append(100)
    },
  },
  {
    name: 'appendSync that begins a segment while one is being made ahead',
    prepare: some,
    options: { idleSyncMs: 0 },
    act: async (opening) => {
      await opening.append(6_000)
      void opening.append(100)
      await Promise.resolve()
      opening.appendSync(9_000)
      await opening.append(9_000)
      await opening.append(9_000)
    },
  },
  {
    name: 'roll with a batch larger than any segment',
    prepare: some,
    options: { idleSyncMs: 0 },
    act: async (opening) => {
      await opening.append(100)
      await opening.append(30_000, 12_000)
      await opening.append(10)
    },
  },
  {
    name: 'discard and retirement',
    prepare: many,
    options: { idleSyncMs: 0 },
    act: async (opening) => {
      await opening.append(100)
      opening.discard(1, 6)
      await opening.append(10)
      await opening.wait(1)
    },
  },
  {
    name: 'retirement that goes out with a LINK',
    prepare: many,
    options: { idleSyncMs: 0 },
    act: async (opening) => {
      opening.discard(1, 4)
      await opening.append(10)
      await opening.wait(1)
    },
  },
  {
    name: 'merge',
    prepare: sparse,
    options: { idleSyncMs: 0, segmentBytesMax: 16_384 },
    act: async (opening) => {
      await opening.append(100)
      opening.discard(2, 5)
      opening.discard(6, 8)
      await compact(opening)
      await opening.append(10)
      await opening.verify()
    },
  },
  {
    name: 'merge before the first append, then close',
    prepare: sparse,
    options: { idleSyncMs: 0, segmentBytesMax: 16_384 },
    act: async (opening) => {
      opening.discard(2, 5)
      opening.discard(6, 8)
      await compact(opening)
      await close(opening)
    },
  },
  {
    name: 'roll into files that are used again',
    options: { idleSyncMs: 0, segmentBytesMax: 16_384 },
    act: async (opening) => {
      for (let count = 0; count < 6; count += 1) {
        await opening.append(5_000)
        const { nextId } = opening.current
        if (nextId > 2) opening.discard(1, nextId - 1)
        await opening.wait(1)
      }
    },
  },
  {
    name: 'retention',
    prepare: many,
    options: { idleSyncMs: 0, segmentBytesMax: 16_384, retention: { messages: 3 } },
    act: async (opening) => {
      await opening.append(5_000)
      await opening.append(5_000)
      await opening.wait(1)
    },
  },
  {
    name: 'an idle log confirms its end',
    prepare: some,
    options: { idleSyncMs: 1 },
    act: async (opening) => {
      await opening.append(100)
      await opening.wait(20)
      await opening.append(10)
    },
  },
  {
    name: 'close',
    prepare: some,
    options: { idleSyncMs: 0 },
    act: async (opening) => {
      await opening.append(100)
      void opening.append(700)
      await close(opening)
    },
  },
  {
    name: 'reopening after a clean close',
    prepare: some,
    fromOpening: true,
    act: close,
  },
  {
    name: 'recovery with copies',
    prepare: killedWithGroups,
    fromOpening: true,
    act: async (opening) => {
      await opening.append(10)
    },
  },
  {
    name: 'recovery of a recovery',
    prepare: killedInRecovery,
    fromOpening: true,
    act: async () => undefined,
  },
  {
    name: 'quarantine of a rotten newest segment',
    prepare: rotten,
    fromOpening: true,
    options: { onDamage: 'quarantine' },
    act: async (opening) => {
      await opening.append(10)
    },
  },
  {
    name: 'scrubbing mends a block',
    prepare: rottenInFront,
    options: {
      idleSyncMs: 0,
      segmentBytesMax: 16_384,
      scrub: { everyMs: 1_000, bytesPerSecond: 1_000_000_000, repair: true },
    },
    act: async (opening) => {
      await opening.append(100)
      await untilMended(opening)
      await opening.append(10)
      await opening.verify()
    },
  },
  {
    name: 'interval mode with its timer',
    prepare: some,
    options: { sync: { intervalMs: 2, bytes: 4_000 }, segmentBytesMax: 16_384 },
    act: async (opening) => {
      await opening.append(100)
      await opening.wait(3)
      await opening.append(6_000)
      await opening.append(5_000)
      await close(opening)
    },
  },
  {
    name: 'never mode',
    prepare: some,
    options: { sync: 'never', segmentBytesMax: 16_384 },
    act: async (opening) => {
      await opening.append(100)
      await opening.append(6_000)
      opening.appendSync(5_000)
      await close(opening)
    },
  },
  {
    name: 'messages that hold blocks of the log itself',
    prepare: some,
    options: { idleSyncMs: 0 },
    act: async (opening) => {
      const { machine } = opening
      await opening.append(700)
      await opening.appendBodies(ownBlocks(machine, 3_000))
      await opening.appendBodies(ownBlocks(machine, 6_000), ownBlocks(machine, 2_000))
      await opening.append(10)
    },
  },
]
