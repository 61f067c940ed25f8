/**
 * Goal: a map that is lost costs nothing that a merge has kept. An older map counts then, which names what the
 * merge was made of and what is gone; the merged file alone has the messages. Method: the blocks of the map, or the
 * file of the newest segment, are damaged behind a merge; then the log is saved, and opened again and again.
 */
import { expect, test } from 'vitest'
import { DamagedError } from '../../../src/errors.ts'
import { decodeSegmentHeader, encodeSegmentHeader } from '../../../src/format/header.ts'
import { BLOCK_HEADER_BYTES, BlockType, segmentFileName } from '../../../src/format/layout.ts'
import { salvageLog } from '../../../src/inspect/salvage.ts'
import { openPublicLog } from '../../../src/log/open.ts'
import { openPublicReader } from '../../../src/log/open-reader.ts'
import { QUARANTINE } from '../../../src/log/tidy.ts'
import type { LogOptions } from '../../../src/log/types.ts'
import type { Simulation } from '../../../src/system/simulated/simulation.ts'
import type { System } from '../../../src/system/system.ts'
import { blocksThatCount } from '../../simulation/disk-reader.ts'
import { fill, idsIn } from './compaction-support.ts'
import { body, LOG, simulate } from './support.ts'

const SMALL = { segmentBytesMin: 16_384, segmentBytesMax: 65_536, idleSyncMs: 0 } as const
const MESSAGE_BYTES = 300
/** A header and a few messages. */
const GIVEN_UP_BYTES = 6_000

interface Merged {
  readonly file: string
  /** Of the messages that stand in it. */
  readonly ids: readonly number[]
  /** Of all that are live. */
  readonly live: readonly number[]
}

async function closedBehindMerge(system: System, beforeMerge = () => {}): Promise<Merged> {
  const log = await openPublicLog(system, LOG, SMALL)
  await fill(log, 300, 10, MESSAGE_BYTES)
  beforeMerge()
  await log.compact()
  for (let count = 0; count < 3; count += 1) await log.append(body(log.nextId, MESSAGE_BYTES))
  const merged = log.stats().segments.find(({ file }) => !file.endsWith('-00.qls'))
  const live = await idsIn(log)
  await log.close()
  if (!merged) throw new Error('nothing was merged')
  const ids = live.filter((id) => id >= merged.firstId && id < merged.endId)
  return { file: merged.file, ids, live }
}

async function flipMaps({ disk }: Simulation): Promise<void> {
  const maps = (await blocksThatCount(disk, LOG)).filter(({ type }) => type === BlockType.MAP)
  expect(maps.length).toBeGreaterThan(0)
  for (const { path, offset } of maps) disk.flipBit(path, offset + BLOCK_HEADER_BYTES + 9, 2)
}

async function removeNewest({ disk }: Simulation): Promise<void> {
  const newest = disk
    .list(LOG)
    .filter((name) => name.endsWith('-00.qls'))
    .sort()
    .at(-1)
  disk.removeFile(`${LOG}/${newest}`)
}

/** Opens, appends and closes. */
async function live(system: System, options: LogOptions = {}): Promise<void> {
  const log = await openPublicLog(system, LOG, { ...SMALL, ...options })
  await log.append(body(log.nextId, MESSAGE_BYTES))
  await log.close()
}

async function idsSaved(system: System): Promise<number[]> {
  await salvageLog(system, LOG, '/saved')
  const reader = await openPublicReader(system, '/saved')
  const ids: number[] = []
  for await (const { id } of reader.read({ onGap: () => undefined })) ids.push(id)
  await reader.close()
  return ids
}

/** A later merge of the same messages that was given up behind the first of them. */
async function leaveGivenUp({ files, crc32 }: System, merged: Uint8Array): Promise<void> {
  const decoded = decodeSegmentHeader(merged, crc32)
  if (decoded.kind !== 'valid') throw new Error('the header of what was merged does not read')
  const header = { ...decoded.header, generation: decoded.header.generation + 9 }
  const bytes = merged.map((byte, at) => (at < GIVEN_UP_BYTES ? byte : 0))
  bytes.set(encodeSegmentHeader(header, crc32))
  const path = `${LOG}/${segmentFileName(header.number, header.generation)}`
  const handle = await files.open(path, { mode: 'create' })
  await handle.write(bytes, 0)
  await handle.close()
}

const DAMAGES = [
  ['both blocks of the newest map', flipMaps],
  ['the file of the newest segment', removeNewest],
] as const

for (const [what, damage] of DAMAGES) {
  test(`${what} lost behind a merge: what the merged file holds is saved`, async () => {
    await simulate(41, async (system, simulation) => {
      const { ids } = await closedBehindMerge(system)
      expect(ids.length).toBeGreaterThan(10)
      await damage(simulation)
      expect(await idsSaved(system)).toEqual(expect.arrayContaining([...ids]))
    })
  })

  test(`${what} lost behind a merge, beside one that was given up: what the whole one holds is saved`, async () => {
    await simulate(41, async (system, simulation) => {
      const { file, ids } = await closedBehindMerge(system)
      await damage(simulation)
      await leaveGivenUp(system, simulation.disk.readFile(`${LOG}/${file}`))
      expect(await idsSaved(system)).toEqual(expect.arrayContaining([...ids]))
    })
  })

  test(`${what} lost behind a merge: no opening deletes the merged file`, async () => {
    await simulate(42, async (system, simulation) => {
      const { file } = await closedBehindMerge(system)
      await damage(simulation)
      const bytes = simulation.disk.readFile(`${LOG}/${file}`)
      await expect(live(system)).rejects.toThrow(DamagedError)
      for (const options of [{ onDamage: 'quarantine' }, {}, {}] as const) {
        await live(system, options)
        const [kept] = [`${LOG}/${file}`, `${LOG}/${QUARANTINE}/${file}`].filter((path) =>
          simulation.disk.exists(path),
        )
        expect(kept && simulation.disk.readFile(kept)).toEqual(bytes)
      }
      expect(simulation.disk.exists(`${LOG}/${QUARANTINE}/${file}`)).toBe(true)
    })
  })
}

test.each([1, 2, 3])(
  'a map lost behind a merge, its first %i victims still there: what is live is saved',
  async (there) => {
    await simulate(41, async (system, simulation) => {
      const { disk } = simulation
      const victims: (readonly [path: string, bytes: Uint8Array])[] = []
      const { live } = await closedBehindMerge(system, () => {
        for (const name of disk.list(LOG).filter((name) => name.endsWith('-00.qls')))
          victims.push([`${LOG}/${name}`, disk.readFile(`${LOG}/${name}`)])
      })
      const gone = victims.filter(([path]) => !disk.exists(path))
      expect(gone.length).toBe(4)
      for (const [path, bytes] of gone.slice(0, there)) disk.putFile(path, bytes)
      await flipMaps(simulation)
      const { losses } = await salvageLog(system, LOG, '/saved')
      expect(losses).toEqual([])
      const reader = await openPublicReader(system, '/saved')
      expect(await idsIn(reader)).toEqual(expect.arrayContaining([...live]))
      await reader.close()
    })
  },
)

test('what a recovery that was cut off left of a lost map is set aside behind the next LINK', async () => {
  await simulate(44, async (system, simulation) => {
    const { file } = await closedBehindMerge(system)
    await removeNewest(simulation)
    const [path, aside] = [`${LOG}/${file}`, `${LOG}/${QUARANTINE}/${file}`]
    const bytes = simulation.disk.readFile(path)
    await live(system, { onDamage: 'quarantine' })
    if (simulation.disk.exists(aside)) await system.files.rename(aside, path)
    const log = await openPublicLog(system, LOG, SMALL)
    expect(simulation.disk.exists(path)).toBe(true)
    await log.append(body(log.nextId, MESSAGE_BYTES))
    await log.close()
    expect(simulation.disk.exists(path)).toBe(false)
    expect(simulation.disk.readFile(aside)).toEqual(bytes)
  })
})

test('an opening that refuses for a lost map tells what that map named in other words', async () => {
  await simulate(43, async (system, simulation) => {
    const { ids } = await closedBehindMerge(system)
    await flipMaps(simulation)
    const error = await live(system).catch((error: unknown) => error)
    if (!(error instanceof DamagedError)) throw error
    const isTold = (id: number) =>
      error.gaps.some(({ firstId, endId }) => firstId <= id && id < endId)
    expect(ids.every(isTold)).toBe(true)
  })
})
