/**
 * What `verify` finds beside the twelve named damages: copies of which one is damaged, every single bit
 * of a small log, lengths that lie, files alone.
 */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { encodeSegmentHeader } from '../../src/format/header.ts'
import { dump, explain, salvage, verify, verifySegment } from '../../src/inspect/index.ts'
import { crc32 } from '../../src/system/real/crc.ts'
import { bytesOf, FIRST, flipBit, LAST, MIDDLE, smallLog, writeLog } from './small-log.ts'

function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'qlog-verify-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'log')
}

describe('copies', () => {
  it('the first block of a LINK pair is damaged: rot, no message lost, and said to be a copy', async () => {
    const directory = freshDirectory()
    const log = smallLog()
    flipBit(log.files, MIDDLE, 4200)
    writeLog(directory, log.files)
    const { verdict, lostMessages, findings } = await verify(directory)
    expect([verdict, lostMessages]).toEqual(['rot', 0])
    expect(findings).toMatchObject([
      { file: MIDDLE, offset: 4096, bytes: 4096, row: 'rot-below-cut' },
    ])
    expect(findings[0]?.detail).toContain(
      'one of the two copies of a LINK; the other copy is whole',
    )
  })

  it('the second block of a MAP pair is damaged: the same', async () => {
    const directory = freshDirectory()
    const log = smallLog()
    flipBit(log.files, MIDDLE, 12_300)
    writeLog(directory, log.files)
    const { verdict, lostMessages, findings } = await verify(directory)
    expect([verdict, lostMessages]).toEqual(['rot', 0])
    expect(findings[0]?.detail).toContain('one of the two copies of a MAP; the other copy is whole')
  })

  it('an index file is damaged: rot, no message lost', async () => {
    const directory = freshDirectory()
    const log = smallLog()
    flipBit(log.files, 'index.a', 80)
    writeLog(directory, log.files)
    const { verdict, lostMessages, findings } = await verify(directory)
    expect([verdict, lostMessages]).toEqual(['rot', 0])
    expect(findings).toMatchObject([{ file: 'index.a', row: 'index-file' }])
  })

  it('a log that was not closed, and is whole, is fine', async () => {
    const directory = freshDirectory()
    writeLog(directory, smallLog({ closed: false }).files)
    expect(await verify(directory)).toMatchObject({ verdict: 'fine', closed: false, findings: [] })
  })
})

describe('invariant 6: one flipped bit', () => {
  it('costs at most one block, is found, and is mended by a copy, wherever it is', async () => {
    const whole = smallLog()
    const directory = freshDirectory()
    // Every 97th byte: each kind of block and each field of headers is met many times.
    for (const file of [FIRST, LAST]) {
      const used = (whole.dataOffsets.get(file)?.at(-1) ?? 0) + 1560
      for (let offset = 0; offset < used; offset += 97) {
        const { files } = smallLog()
        flipBit(files, file, offset, offset % 8)
        rmSync(directory, { recursive: true, force: true })
        writeLog(directory, files)
        const report = await verify(directory)
        const place = `${file}:${offset}`
        expect([place, report.verdict]).toEqual([place, 'rot'])
        expect(report.lostMessages).toBeLessThanOrEqual(3)
        const told = await explain(join(directory, file), offset)
        expect([place, told.verdict]).toEqual([place, 'rot'])
        if (offset % 13 !== 0) continue
        const saved = await salvage(directory, `${directory}-saved`)
        expect([place, saved.messages, saved.losses.length]).toEqual([place, 18, 0])
        rmSync(`${directory}-saved`, { recursive: true })
      }
    }
  }, 60_000)
})

describe('lengths that lie', () => {
  it('cost no memory: a block of half a GB in a sparse file is read, not believed', async () => {
    const directory = freshDirectory()
    const log = smallLog()
    const name = '00000000000000000001-00.qls'
    const fileBytes = 2 ** 29
    const header = bytesOf(log.files, name).slice(0, 16_384)
    writeLog(directory, new Map([[name, header]]))
    const view = new DataView(header.buffer)
    const salt1 = view.getUint32(52, true)
    const whole = encodeSegmentHeader(
      {
        formatNumber: 1,
        features: { compatible: 0, readOnlyCompatible: 0, incompatible: 0 },
        storeId: '00112233445566778899aabbccddeeff',
        number: 1,
        generation: 0,
        salt1,
        salt2: view.getUint32(56, true),
        blockBytes: 4096,
        fileBytes,
        createdMs: 0,
      },
      crc32,
    )
    // The first block says that it reaches almost to the end of the file.
    view.setUint32(4096 + 8, fileBytes - 8192, true)
    const path = join(directory, name)
    const descriptor = openSync(path, 'r+')
    writeSync(descriptor, header, 0, header.length, 0)
    writeSync(descriptor, whole, 0, whole.length, 0)
    ftruncateSync(descriptor, fileBytes)
    closeSync(descriptor)
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    for await (const item of dump(directory)) {
      expect(item.kind).toBeDefined()
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }
    expect(most).toBeLessThan(64 * 1024 * 1024)
  }, 60_000)
})

describe('one file alone', () => {
  it('is fine where it is, and says up to where it is known durable', async () => {
    const directory = freshDirectory()
    const log = smallLog()
    writeLog(directory, log.files)
    const report = await verifySegment(join(directory, LAST))
    expect(report).toMatchObject({ verdict: 'fine', firstId: 13, nextId: 19, findings: [] })
    expect(report.durable).toBeGreaterThan(log.lastGroupOffset)
  })

  it('is rot where a block below its own D is damaged', async () => {
    const directory = freshDirectory()
    const log = smallLog()
    flipBit(log.files, LAST, 9000)
    writeLog(directory, log.files)
    const report = await verifySegment(join(directory, LAST))
    expect(report).toMatchObject({
      verdict: 'rot',
      findings: [{ firstId: 13, endId: 16, mendable: 1 }],
    })
  })

  it('is not a log where it does not begin as a segment does', async () => {
    const directory = freshDirectory()
    writeLog(directory, new Map([['notes.txt', new TextEncoder().encode('hello')]]))
    const refused = verifySegment(join(directory, 'notes.txt'))
    await expect(refused).rejects.toMatchObject({ code: 'QLOG_NOT_A_LOG' })
    await expect(verify(directory)).rejects.toMatchObject({ code: 'QLOG_NOT_A_LOG' })
  })
})
