/**
 * Goal: with `compression: 'lz4'` a log holds, returns and recovers what it would hold without, and says
 * how much it saves. A block that lies about what it unpacks to is damage like any other. On the
 * simulated machine.
 */
import { expect, test } from 'vitest'
import { type Gap, QlogTypeError } from '../../src/errors.ts'
import { readBlock, type SegmentKey, sealBlock } from '../../src/format/block.ts'
import { setUint32 } from '../../src/format/bytes.ts'
import { decodeSegmentHeader } from '../../src/format/header.ts'
import { BlockFlag, BlockType } from '../../src/format/layout.ts'
import { dumpLog } from '../../src/inspect/dump.ts'
import { salvageLog } from '../../src/inspect/salvage.ts'
import { verifyLog } from '../../src/inspect/verify.ts'
import { openPublicLog, openSegmentLog } from '../../src/log/open.ts'
import { openPublicReader } from '../../src/log/open-reader.ts'
import { checkOptions } from '../../src/log/options.ts'
import type { Encodable, Entry, LogOwner } from '../../src/log/seam.ts'
import type { LogReader } from '../../src/log/types.ts'
import { crc32 } from '../../src/system/real/crc.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import { hex, jsonLines, noise } from '../native-free/samples.ts'

const PACKED = { compression: 'lz4', segmentBytesMin: 16_384, segmentBytesMax: 65_536 } as const

function bodies(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => (i % 7 === 6 ? noise(300, i) : jsonLines(300, i)))
}

async function simulated(
  work: (system: SimulatedProcess, simulation: Simulation) => Promise<void>,
): Promise<void> {
  const simulation = new Simulation({ seed: 3 })
  const process = simulation.process('owner')
  await simulation.run(() => work(process, simulation))
}

function texts(all: readonly Uint8Array[]): string[] {
  return all.map(hex)
}

async function read(reader: LogReader): Promise<string[]> {
  const found: string[] = []
  for await (const { id, body } of reader.read()) {
    expect(id).toBe(found.length + 1)
    found.push(hex(body))
  }
  return found
}

async function flagsOf(system: SimulatedProcess): Promise<string[][]> {
  const flags: string[][] = []
  for await (const item of dumpLog(system, '/log')) {
    if (item.kind === 'block' && item.type === 'DATA') flags.push([...item.flags])
  }
  return flags
}

test('what was appended is read back, by the owner, by a reader and by id, and stats tell the gain', async () => {
  await simulated(async (system) => {
    const log = await openPublicLog(system, '/log', PACKED)
    const all = bodies(600)
    for (let at = 0; at < all.length; at += 100) await log.appendMany(all.slice(at, at + 100))
    expect(await read(log)).toEqual(texts(all))
    for (const id of [1, 77, 300, 600]) expect((await log.get(id))?.body).toEqual(all[id - 1])
    const { compression, codec, rawBytes, storedBytes } = log.stats()
    expect({ compression, codec }).toEqual({ compression: 'lz4', codec: 'native-free' })
    expect(rawBytes).toBeGreaterThan(600 * 304)
    expect(storedBytes).toBeLessThan(rawBytes / 2)
    await log.close()
    const reader = await openPublicReader(system, '/log')
    expect(await read(reader)).toEqual(texts(all))
    expect(reader.stats()).toMatchObject({ compression: 'lz4', codec: 'native-free' })
    await reader.close()
    expect(await verifyLog(system, '/log')).toMatchObject({ verdict: 'fine' })
  })
})

test('a log without compression says so, and both kinds stand in one log', async () => {
  await simulated(async (system) => {
    let log = await openPublicLog(system, '/log', {})
    expect(log.stats()).toMatchObject({ compression: 'none', rawBytes: 0, storedBytes: 0 })
    const all = bodies(90)
    await log.appendMany(all.slice(0, 30))
    await log.close()
    log = await openPublicLog(system, '/log', PACKED)
    await log.appendMany(all.slice(30, 60))
    await log.close()
    log = await openPublicLog(system, '/log', {})
    await log.appendMany(all.slice(60))
    expect(await read(log)).toEqual(texts(all))
    await log.close()
  })
})

test.each(['none', 'lz4'] as const)(
  'recovery with compression %s copies packed groups, whose messages keep their ids and times',
  async (compression) => {
    await simulated(async (system, simulation) => {
      const log = await openPublicLog(system, '/log', { ...PACKED, idleSyncMs: 0 })
      const all = bodies(200)
      await log.appendMany(all.slice(0, 100))
      await Promise.all(all.slice(100).map((body) => log.append(body)))
      const before: number[] = []
      for await (const { timeMs } of log.read()) before.push(timeMs)
      simulation.kill(system)
      const heir = simulation.process('heir')
      const again = await openPublicLog(heir, '/log', { ...PACKED, compression })
      const after: number[] = []
      for await (const { timeMs } of again.read()) after.push(timeMs)
      expect(after).toEqual(before)
      expect(await read(again)).toEqual(texts(all))
      const copied = (await flagsOf(heir)).filter((flags) => flags.includes('COPIED'))
      expect(copied.some((flags) => flags.includes('COMPRESSED'))).toBe(true)
      await again.append('on')
      await again.close()
    })
  },
)

/** The first packed block of the only segment, changed, and sealed so that its checksum is right. */
function lie(
  simulation: Simulation,
  change: (bytes: Uint8Array, at: number) => void,
): { firstId: number; recordCount: number } {
  const { disk } = simulation
  const path = [...disk.tree().keys()].find((one) => one.endsWith('.qls'))
  if (path === undefined) throw new Error('there is no segment')
  const file = (disk.tree().get(path) ?? new Uint8Array(0)).slice()
  const decoded = decodeSegmentHeader(file.subarray(0, 4096), crc32)
  if (decoded.kind !== 'valid') throw new Error('the header is valid')
  const key: SegmentKey = decoded.header
  for (let at = 4096; ; ) {
    const block = readBlock(file, at)
    if (block.type === BlockType.DATA && (block.flags & BlockFlag.COMPRESSED) !== 0) {
      change(file, at + 48)
      sealBlock(file, at, block, key, crc32)
      disk.putFile(path, file)
      return block
    }
    at += block.length
  }
}

test.each<[string, (bytes: Uint8Array, at: number) => void]>([
  ['a shorter length', (bytes, at) => setUint32(bytes, at, 5_000)],
  ['a longer length', (bytes, at) => setUint32(bytes, at, 16_384)],
  ['a token of nothing', (bytes, at) => bytes.fill(0, at + 8, at + 9)],
  ['noise', (bytes, at) => bytes.set(noise(200), at + 8)],
])(
  'a block that lies (%s) is a gap of exactly its ids, and nothing else is lost',
  async (_, change) => {
    await simulated(async (system, simulation) => {
      const options = { compression: 'lz4', segmentBytesMin: 262_144, idleSyncMs: 0 } as const
      let log = await openPublicLog(system, '/log', options)
      const all = bodies(300)
      for (let at = 0; at < 300; at += 100) await log.appendMany(all.slice(at, at + 100))
      await log.close()
      const { firstId, recordCount } = lie(simulation, change)
      const report = await verifyLog(system, '/log')
      expect(report.verdict).toBe('rot')
      await expect(openPublicLog(system, '/log', options)).rejects.toMatchObject({
        code: 'QLOG_DAMAGED',
      })
      const gaps: Gap[] = []
      const reader = await openPublicReader(system, '/log')
      const found: number[] = []
      for await (const { id, body } of reader.read({ onGap: (gap) => gaps.push(gap) })) {
        expect(body).toEqual(all[id - 1])
        found.push(id)
      }
      await reader.close()
      expect(gaps).toHaveLength(1)
      const [gap] = gaps
      expect(gap?.firstId).toBe(firstId)
      expect((gap?.endId ?? 0) - firstId).toBeLessThanOrEqual(recordCount)
      expect(found.length + (gap?.endId ?? 0) - firstId).toBe(300)
      log = await openPublicLog(system, '/log', { ...options, onDamage: 'quarantine' })
      expect(await log.append('on')).toBe(301)
      await log.close()
    })
  },
)

test('the entries of a log whose blocks are packed are whole, also after recovery', async () => {
  await simulated(async (system, simulation) => {
    let committed = (): void => undefined
    const owner: LogOwner = {
      committed: () => committed(),
      failed: () => undefined,
      refused: () => undefined,
      space: () => undefined,
    }
    const encodable = (bytes: Uint8Array): Encodable => ({
      byteLength: bytes.length,
      encodeInto: (target, at) => target.set(bytes, at),
    })
    const all = bodies(120)
    const log = await openSegmentLog(system, '/log', owner, checkOptions(PACKED))
    const messages = all.map(encodable)
    const control = [jsonLines(5_000), jsonLines(70)]
    const done = new Promise<void>((resolve) => {
      committed = resolve
    })
    log.append({ messages, control: control.map(encodable) })
    await done
    simulation.kill(system)
    const heir = simulation.process('heir')
    const again = await openSegmentLog(heir, '/log', owner, checkOptions(PACKED))
    const entries: Entry[] = []
    for await (const batch of again.read({ after: 0 })) entries.push(...batch)
    expect(entries).toHaveLength(1)
    expect(entries[0]?.epoch).toBe(1)
    expect(entries[0]?.messages.map(hex)).toEqual(texts(all))
    expect(entries[0]?.control.map(hex)).toEqual(texts(control))
    const fetched = await again.fetch([1, 60, 120])
    expect(fetched.map((body) => body && hex(body))).toEqual(
      [0, 59, 119].map((row) => texts(all)[row]),
    )
    await again.close()
  })
})

test('salvage copies packed blocks as they are, with their origin', async () => {
  await simulated(async (system) => {
    const log = await openPublicLog(system, '/log', PACKED)
    const all = bodies(400)
    await log.appendMany(all)
    await log.close()
    await salvageLog(system, '/log', '/saved')
    const reader = await openPublicReader(system, '/saved')
    expect(await read(reader)).toEqual(texts(all))
    await reader.close()
  })
})

test.each(['gzip', '', null, 1, true])('compression %j is refused', async (compression) => {
  await simulated(async (system) => {
    const wrong: unknown = { compression }
    const opening = openPublicLog(system, '/log', wrong as Record<string, never>)
    await expect(opening).rejects.toThrow(QlogTypeError)
    await expect(opening).rejects.toThrow(/'none' or 'lz4'/)
  })
})
