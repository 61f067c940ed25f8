/**
 * Goal: nothing of the newest segment is passed over without a word. Method: the small log, whose newest
 * segment holds the ids 13 to 18, loses of it what tells that it is the newest; what is saved and what is
 * told as lost are together all that was given.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readBlock, sealBlock } from '../../src/format/block.ts'
import { segmentFileName } from '../../src/format/layout.ts'
import { type SalvageReport, salvage, verify } from '../../src/inspect/index.ts'
import { crc32 } from '../../src/system/real/crc.ts'
import { runInProcess } from '../cli/in-process.ts'
import { bytesOf, headerOf, LAST, type LogFiles, smallLog, writeLog } from './small-log.ts'

const HEADER_BYTES = 4096

function written(files: LogFiles): string {
  const root = mkdtempSync(join(tmpdir(), 'qlog-newest-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const directory = join(root, 'log')
  writeLog(directory, files)
  return directory
}

async function saved(files: LogFiles): Promise<SalvageReport> {
  const directory = written(files)
  const report = await salvage(directory, `${directory}-saved`)
  expect((await verify(`${directory}-saved`)).verdict).toBe('fine')
  return report
}

/** The ranges of ids that are told as lost. */
function lostOf({ losses }: SalvageReport): [number, number][] {
  return losses
    .filter(({ firstId, endId }) => endId > firstId)
    .map(({ firstId, endId }) => [firstId, endId])
}

describe('a newest segment without its LINK', () => {
  test('all behind its header is gone: the ids that the index knows of are told as lost', async () => {
    const { files } = smallLog()
    bytesOf(files, LAST).fill(0, HEADER_BYTES)
    const report = await saved(files)
    expect([report.messages, lostOf(report), report.nextId]).toEqual([12, [[13, 19]], 19])
  })

  test('its file ends behind its header: the same', async () => {
    const { files } = smallLog()
    files.set(LAST, bytesOf(files, LAST).slice(0, HEADER_BYTES))
    const report = await saved(files)
    expect([report.messages, lostOf(report), report.nextId]).toEqual([12, [[13, 19]], 19])
  })

  test('its end is gone too: what stood there is told as lost, and the rest is saved', async () => {
    const { files, dataOffsets, lastGroupOffset } = smallLog()
    bytesOf(files, LAST).fill(0xff, HEADER_BYTES, dataOffsets.get(LAST)?.[0])
    bytesOf(files, LAST).fill(0xff, lastGroupOffset)
    const report = await saved(files)
    expect([report.messages, lostOf(report), report.nextId]).toEqual([15, [[16, 19]], 19])
  })

  test('blocks of a group that is not whole do not count, and their ids are told as lost', async () => {
    const { files, dataOffsets, lastGroupOffset } = smallLog({ closed: false, indexed: false })
    const bytes = bytesOf(files, LAST)
    bytes.fill(0xff, HEADER_BYTES, dataOffsets.get(LAST)?.[0])
    const block = readBlock(bytes, lastGroupOffset)
    sealBlock(bytes, lastGroupOffset, { ...block, flags: 0 }, headerOf(3), crc32)
    const report = await saved(files)
    expect([report.messages, lostOf(report), report.nextId]).toEqual([15, [[16, 19]], 19])
  })
})

describe('a newest segment without its header', () => {
  test('is saved whole where the index knows its salts', async () => {
    const { files } = smallLog()
    bytesOf(files, LAST).fill(0, 0, HEADER_BYTES)
    const report = await saved(files)
    expect([report.messages, lostOf(report), report.nextId]).toEqual([18, [], 19])
  })

  test('what its blocks do not give any more is told as lost', async () => {
    const { files, lastGroupOffset } = smallLog()
    bytesOf(files, LAST).fill(0, 0, HEADER_BYTES)
    bytesOf(files, LAST).fill(0xff, lastGroupOffset)
    const report = await saved(files)
    expect([report.messages, lostOf(report), report.nextId]).toEqual([15, [[16, 19]], 19])
  })

  test('of another generation than the index names: what the index knows of is told as lost', async () => {
    const { files } = smallLog()
    const bytes = bytesOf(files, LAST).fill(0, 0, HEADER_BYTES)
    files.set(segmentFileName(3, 1), bytes)
    files.delete(LAST)
    const report = await saved(files)
    expect([report.messages, lostOf(report), report.nextId]).toEqual([12, [[13, 19]], 19])
  })

  test('is saved where it is the only one', async () => {
    const { files, dataOffsets } = smallLog()
    const only: LogFiles = new Map([[LAST, bytesOf(files, LAST)]])
    only.set('index.a', bytesOf(files, 'index.a'))
    bytesOf(only, LAST).fill(0, 0, dataOffsets.get(LAST)?.[0])
    const report = await saved(only)
    expect([report.messages, report.nextId]).toEqual([6, 19])
  })
})

describe('what verify says of a newest segment that no opening reads', () => {
  const damages: [string, (files: LogFiles) => void][] = [
    ['rot-header', (files) => bytesOf(files, LAST).fill(0, 0, HEADER_BYTES)],
    [
      'rot-lost-link',
      (files) =>
        bytesOf(files, LAST).fill(0xff, HEADER_BYTES, smallLog().dataOffsets.get(LAST)?.[0]),
    ],
  ]
  test.each(damages)('%s: the ids are its own, and not called lost', async (row, damage) => {
    const { files } = smallLog()
    damage(files)
    const directory = written(files)
    const { findings, lostMessages } = await verify(directory)
    expect(findings).toMatchObject([{ row, file: LAST, firstId: 13, endId: 19, unopened: true }])
    expect(lostMessages).toBe(6)
    const { stdout, exitCode } = await runInProcess(['verify', directory])
    expect(stdout.toString()).toContain(`${LAST}, messages 13 to 18 not read: `)
    expect(stdout.toString()).toContain('`qlog recover DIR --out NEWDIR` saves what is there')
    expect(stdout.toString()).not.toContain('messages lost')
    expect(exitCode).toBe(3)
  })
})

describe('where nothing tells how many messages a lost newest segment held', () => {
  const damages: [string, (files: LogFiles) => void][] = [
    ['its header is lost', (files) => bytesOf(files, LAST).fill(0, 0, HEADER_BYTES)],
    ['its file is empty', (files) => files.set(LAST, new Uint8Array())],
  ]
  test.each(damages)('%s: recover does not say that none is lost', async (_how, damage) => {
    const { files } = smallLog({ indexed: false })
    damage(files)
    const directory = written(files)
    const words = ['recover', directory, '--out', `${directory}-saved`]
    const { stdout, exitCode } = await runInProcess(words)
    expect(stdout.toString()).toContain('how many messages stood there is not known')
    expect(stdout.toString()).not.toContain('No message is lost')
    expect(exitCode).toBe(3)
  })

  test.each(damages)('%s: nor does verify', async (_how, damage) => {
    const { files } = smallLog({ indexed: false })
    damage(files)
    const directory = written(files)
    for (const words of [
      ['verify', directory],
      ['recover', directory, '--in-place', '--yes'],
    ]) {
      const { stdout, exitCode } = await runInProcess(words)
      expect(stdout.toString()).toContain('nobody knows how many')
      expect(stdout.toString()).not.toContain('no message')
      expect(exitCode).toBe(3)
    }
  })
})
