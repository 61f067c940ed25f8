/**
 * Goal: of segments that a merge was made of and that are lost, `recover` saves what the merged file holds, and
 * nothing is passed over in silence: what it neither saves nor tells as lost was discarded. The blocks of the merged
 * file straddle the borders of its victims. Method: the files as a kill between the merged file's name and the map
 * that would name it leaves them; then every choice of victims is taken away, and parts of the merged file are.
 */
import { expect, test } from 'vitest'
import { BlockType, SEGMENT_HEADER_BYTES, segmentFileName } from '../../../src/format/layout.ts'
import type { MapEntry } from '../../../src/format/link.ts'
import { type SalvageReport, salvageLog } from '../../../src/inspect/salvage.ts'
import { verifyLog } from '../../../src/inspect/verify.ts'
import { BlockCompressor } from '../../../src/log/block-compressor.ts'
import { DirectoryNames } from '../../../src/log/directory-names.ts'
import { openPublicLog } from '../../../src/log/open.ts'
import { openPublicReader } from '../../../src/log/open-reader.ts'
import { MergedFile } from '../../../src/log/space/merged-file.ts'
import type { Message } from '../../../src/log/types.ts'
import type { Simulation } from '../../../src/system/simulated/simulation.ts'
import type { System } from '../../../src/system/system.ts'
import { assessDisk, blocksThatCount } from '../../simulation/disk-reader.ts'
import { all, hexBody } from './compaction-support.ts'
import { LOG, SMALL, simulate } from './support.ts'

const MESSAGE_BYTES = 300
const GENERATION = 20
/** Every so many of the messages is live. */
const LIVE_STEP = 3

interface Killed {
  readonly victims: readonly MapEntry[]
  readonly messages: readonly Message[]
  readonly merged: string
  /** Where the merged file's blocks stand, and its SEAL last. */
  readonly blocks: readonly number[]
}

function isLive(id: number): boolean {
  return id % LIVE_STEP === 0
}

/** A log whose owner was killed in a merge of all its full segments, in front of the map. */
async function killedInMerge(
  system: System,
  { disk }: Simulation,
  compression: 'lz4' | 'none',
): Promise<Killed> {
  const log = await openPublicLog(system, LOG, { ...SMALL, compression })
  while (log.stats().segments.length < 5) {
    const { nextId } = log
    // A block of several messages, and one of a single one.
    await log.appendMany([0, 1, 2, 3, 4].map((more) => hexBody(nextId + more, MESSAGE_BYTES)))
    await log.append(hexBody(log.nextId, MESSAGE_BYTES))
  }
  const messages = await all(log)
  await log.close()
  const { map: victims, storeId } = await assessDisk(disk, LOG)
  if (!storeId) throw new Error('the log has no store id')
  const file = new MergedFile(system, {
    directory: LOG,
    storeId,
    victims,
    limitBytes: 1024 * 1024,
    compressor: compression === 'lz4' ? new BlockCompressor(system.lz4) : undefined,
    names: new DirectoryNames(system, LOG),
  })
  await file.create()
  const endId = victims.at(-1)?.endId ?? 0
  for (const { id, timeMs, body } of messages) {
    if (id < endId && isLive(id)) await file.add(id, timeMs, body)
  }
  const { number, generation, cut } = await file.finish(GENERATION)
  const blocks = [...file.index.offsets, cut]
  return { victims, messages, merged: segmentFileName(number, generation), blocks }
}

function fileOf({ number, generation }: MapEntry): string {
  return segmentFileName(number, generation)
}

/** A copy of the directory without these files. */
function copyWithout({ disk }: Simulation, target: string, lost: readonly string[]): void {
  for (const name of disk.list(LOG)) {
    if (name.endsWith('.qls') && !lost.includes(name)) {
      disk.putFile(`${target}/${name}`, disk.readFile(`${LOG}/${name}`))
    }
  }
}

async function saved(
  system: System,
  directory: string,
): Promise<{ report: SalvageReport; messages: Message[] }> {
  const target = `${directory}-saved`
  const report = await salvageLog(system, directory, target)
  expect((await verifyLog(system, target)).verdict).toBe('fine')
  const reader = await openPublicReader(system, target)
  const messages: Message[] = []
  for await (const message of reader.read({ onGap: () => undefined })) messages.push(message)
  await reader.close()
  return { report, messages }
}

function isTold({ losses }: SalvageReport, id: number): boolean {
  return losses.some(({ firstId, endId }) => firstId <= id && id < endId)
}

/** All choices of victims but the one of none. */
function* choices(victims: readonly MapEntry[]): Generator<readonly MapEntry[]> {
  for (let bits = 1; bits < 2 ** victims.length; bits++) {
    yield victims.filter((_, row) => (bits & (1 << row)) !== 0)
  }
}

for (const compression of ['none', 'lz4'] as const) {
  test(`${compression}: whichever victims of a merge in front of its map are lost, no live message is`, async () => {
    await simulate(51, async (system, simulation) => {
      const { victims, messages } = await killedInMerge(system, simulation, compression)
      expect(victims.length).toBe(4)
      for (const lost of choices(victims)) {
        const directory = `/lost-${lost.map(({ number }) => number).join('-')}`
        copyWithout(simulation, directory, lost.map(fileOf))
        const { report, messages: found } = await saved(system, directory)
        const isGone = (id: number) =>
          lost.some(({ firstId, endId }) => firstId <= id && id < endId)
        expect(report.losses).toEqual([])
        expect(found).toEqual(messages.filter(({ id }) => isLive(id) || !isGone(id)))
        expect(report.messages).toBe(found.length)
      }
    })
  })

  test(`${compression}: what is neither saved nor told as lost was discarded, also where the merged file is damaged`, async () => {
    await simulate(52, async (system, simulation) => {
      const { disk } = simulation
      const { victims, messages, merged, blocks } = await killedInMerge(
        system,
        simulation,
        compression,
      )
      const intact = disk.readFile(`${LOG}/${merged}`)
      let told = 0
      for (const [row, offset] of blocks.entries()) {
        const behind = blocks[row + 1] ?? intact.length
        for (const end of new Set([behind, intact.length])) {
          disk.putFile(`${LOG}/${merged}`, intact.slice().fill(0, offset, end))
          for (const lost of choices(victims)) {
            const numbers = lost.map(({ number }) => number).join('-')
            const directory = `/lost-${numbers}-${offset}-${end}`
            copyWithout(simulation, directory, lost.map(fileOf))
            const { report, messages: found } = await saved(system, directory)
            const ids = new Set(found.map(({ id }) => id))
            for (const { id } of messages) {
              const isThere = !lost.some(({ firstId, endId }) => firstId <= id && id < endId)
              if (ids.has(id)) continue
              expect(isThere, `${directory}: ${id}`).toBe(false)
              if (isTold(report, id)) told++
              else expect(isLive(id), `${directory}: ${id}`).toBe(false)
            }
          }
        }
      }
      expect(told).toBeGreaterThan(0)
      expect(blocks[0]).toBe(SEGMENT_HEADER_BYTES)
    })
  })

  test(`${compression}: a block of a victim that is damaged costs nothing that the merged file holds`, async () => {
    await simulate(53, async (system, simulation) => {
      const { disk } = simulation
      const { victims, messages } = await killedInMerge(system, simulation, compression)
      const blocks = (await blocksThatCount(disk, LOG)).filter(
        ({ type, path }) =>
          type === BlockType.DATA && victims.some((one) => path === `${LOG}/${fileOf(one)}`),
      )
      expect(blocks.length).toBeGreaterThan(20)
      for (const { path, offset, end, firstId, endId } of blocks) {
        const directory = `/damaged${path.slice(LOG.length)}-${offset}`
        copyWithout(simulation, directory, [])
        const copy = `${directory}${path.slice(LOG.length)}`
        disk.putFile(copy, disk.readFile(copy).fill(0, offset, end))
        const { report, messages: found } = await saved(system, directory)
        expect(report.losses).toMatchObject([
          { offset, bytes: end - offset, firstId: endId, endId },
        ])
        const isGone = (id: number) => firstId <= id && id < endId
        expect(found).toEqual(messages.filter(({ id }) => isLive(id) || !isGone(id)))
      }
    })
  })
}
