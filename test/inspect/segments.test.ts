/** What `segments` and `spaceFiles` tell of a log's files: live and dead, rates, files used again. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openLog } from '../../src/index.ts'
import { type SegmentInfo, segments, spaceFiles } from '../../src/inspect/index.ts'
import { flipBit, foreignMiddle, MIDDLE, smallLog, writeLog } from './small-log.ts'

function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'qlog-segments-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'log')
}

/** Small segments of 1,000-byte messages; messages 2 to 30 are discarded, then more is appended. */
async function logWithDead(directory: string): Promise<void> {
  const log = await openLog(directory, { segmentBytesMin: 16_384, segmentBytesMax: 16_384 })
  const append = async (count: number): Promise<void> => {
    for (; count > 0; count--) await log.append('x'.repeat(1000))
  }
  await append(40)
  log.discard(2, 31)
  await append(60)
  await log.close()
}

function sum(
  infos: readonly SegmentInfo[],
  name: 'liveMessages' | 'liveBytes' | 'deadBytes',
): number {
  return infos.reduce((total, info) => total + (info[name] ?? 0), 0)
}

describe('segments', () => {
  it('tell how fast each was filled, from the times of first blocks', async () => {
    const directory = freshDirectory()
    writeLog(directory, smallLog().files)
    const infos = await segments(directory)
    // The segments of the small log begin a minute apart.
    expect(infos.map(({ bytesPerSecond }) => bytesPerSecond)).toEqual([191, 207, undefined])
    expect(infos.map(({ messagesPerSecond }) => messagesPerSecond)).toEqual([0.1, 0.1, undefined])
  })

  it('have no rate where a first block is damaged', async () => {
    const directory = freshDirectory()
    const { files } = smallLog()
    flipBit(files, MIDDLE, 4200)
    writeLog(directory, files)
    const rates = (await segments(directory)).map(({ bytesPerSecond }) => bytesPerSecond)
    expect(rates).toEqual([undefined, undefined, undefined])
  })

  it('have no rate where the next one is not of this log', async () => {
    const directory = freshDirectory()
    const { files } = smallLog()
    files.set(MIDDLE, foreignMiddle())
    writeLog(directory, files)
    const rates = (await segments(directory)).map(({ bytesPerSecond }) => bytesPerSecond)
    expect(rates).toEqual([undefined, undefined, undefined])
  })

  it('claim nothing of live and dead where the writer has reported nothing', async () => {
    const directory = freshDirectory()
    writeLog(directory, smallLog().files)
    for (const info of await segments(directory)) {
      expect(info).not.toHaveProperty('deadBytes')
      expect(info).not.toHaveProperty('reportedMs')
    }
  })

  it('tell live and dead as the writer left them, and which files are used again', async () => {
    const directory = freshDirectory()
    await logWithDead(directory)
    const infos = await segments(directory)
    const usedBytes = infos.reduce((total, info) => total + (info.usedBytes ?? 0), 0)
    const messages = infos.reduce((all, { firstId = 0, endId = 0 }) => all + endId - firstId, 0)
    expect(sum(infos, 'liveBytes') + sum(infos, 'deadBytes')).toBe(usedBytes)
    expect(sum(infos, 'deadBytes')).toBeGreaterThan(0)
    expect(sum(infos, 'liveMessages')).toBeLessThan(messages)
    expect(infos[0]).toMatchObject({ firstId: 1, reportedMs: expect.any(Number) })
    expect(infos.some(({ isReused }) => isReused)).toBe(true)
  })

  it('have no rate across two openings', async () => {
    const directory = freshDirectory()
    await logWithDead(directory)
    const last = (await segments(directory)).at(-1)
    const log = await openLog(directory)
    await log.append('again')
    await log.close()
    const infos = await segments(directory)
    const before = infos.find(({ file }) => file === last?.file)
    expect(before).toMatchObject({ state: 'full' })
    expect(before).not.toHaveProperty('bytesPerSecond')
  })
})

describe('spaceFiles', () => {
  it('are spares and the reserve, with their sizes, and nothing else', async () => {
    const directory = freshDirectory()
    mkdirSync(directory)
    const sizes = {
      'spare-0123456789abcdef': 3,
      'reserve-0123456789abcdef': 2,
      'spare-part.txt': 1,
      LOCK: 1,
    }
    for (const [name, bytes] of Object.entries(sizes)) {
      writeFileSync(join(directory, name), new Uint8Array(bytes))
    }
    expect(await spaceFiles(directory)).toEqual([
      { file: 'reserve-0123456789abcdef', kind: 'reserve', bytes: 2 },
      { file: 'spare-0123456789abcdef', kind: 'spare', bytes: 3 },
    ])
  })

  it('of no directory is no log', async () => {
    await expect(spaceFiles(freshDirectory())).rejects.toMatchObject({ code: 'QLOG_NOT_A_LOG' })
  })
})
