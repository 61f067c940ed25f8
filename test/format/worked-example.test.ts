import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Block, checkBlock, readBlock } from '../../src/format/block.ts'
import { decodeSegmentHeader } from '../../src/format/header.ts'
import { BlockFlag, BlockType, RecordKind } from '../../src/format/layout.ts'
import { decodeLink } from '../../src/format/link.ts'
import { RecordCursor, readBatchRecord } from '../../src/format/records.ts'
import { goldenFiles } from './golden-files.ts'
import { crc32 } from './samples.ts'

/** The bytes of section 7: an offset, two spaces, pairs of digits, then words that are skipped. */
const HEX_LINE = /^([0-9a-f]{5}) {2}([0-9a-f]{2}(?: [0-9a-f]{2})*)(?: {2}.*)?$/

function bytesOfThePage(): Uint8Array {
  const page = readFileSync(new URL('../../docs/format.md', import.meta.url), 'utf8')
  const code = page.split('## 7. Worked example')[1]?.split('```')[1]
  if (code === undefined) throw new Error('section 7 of docs/format.md has no code')
  const bytes = new Uint8Array(16_384)
  for (const line of code.split('\n')) {
    if (line === '') continue
    const match = HEX_LINE.exec(line)
    if (match === null) throw new Error(`not a line of bytes: ${line}`)
    const [, offset = '', pairs = ''] = match
    const values = pairs.split(' ').map((pair) => Number.parseInt(pair, 16))
    bytes.set(values, Number.parseInt(offset, 16))
  }
  return bytes
}

describe('the worked example of docs/format.md', () => {
  const file = bytesOfThePage()
  const decoded = decodeSegmentHeader(file, crc32)
  if (decoded.kind !== 'valid') throw new Error(decoded.why)
  const { header } = decoded

  function blockAt(at: number): Block {
    expect(checkBlock(file, at, at, header, crc32)).toBe(0)
    return readBlock(file, at)
  }

  function cursorAt(at: number): RecordCursor {
    const cursor = new RecordCursor()
    cursor.open(file, at)
    return cursor
  }

  test('is the golden file of the same name', () => {
    expect(goldenFiles(crc32).get('worked-example.qls')).toEqual(file)
  })

  test('has the header that the page describes, in both copies', () => {
    expect(decoded).not.toHaveProperty('damagedCopy')
    expect(header).toEqual({
      formatNumber: 1,
      features: { compatible: 0, readOnlyCompatible: 0, incompatible: 0 },
      storeId: '00112233445566778899aabbccddeeff',
      number: 1,
      generation: 0,
      salt1: 0x51a7_0001,
      salt2: 0x51a7_0002,
      blockBytes: 4096,
      fileBytes: 16_384,
      createdMs: Date.parse('2024-01-01T00:00:00Z'),
    })
  })

  test('has LINK twice, in two pages, as the beginning of the first group', () => {
    const links = [4096, 8192].map((at) => {
      const place = { offset: at, groupOffset: 4096, durableOffset: 4096, type: BlockType.LINK }
      expect(blockAt(at)).toMatchObject({ ...place, flags: 0, firstId: 1 })
      const cursor = cursorAt(at)
      expect(cursor.next()).toBe(true)
      return decodeLink(cursor.body())
    })
    expect(links[0]).toMatchObject({ epoch: 1, mode: 'always', base: 0, nextId: 1, map: [] })
    expect(links[0]).not.toHaveProperty('predecessor')
    expect(links[1]).toEqual(links[0])
  })

  test('has one batch of two messages, which ends that group', () => {
    expect(blockAt(8344)).toMatchObject({
      length: 88,
      groupOffset: 4096,
      type: BlockType.DATA,
      flags: BlockFlag.END,
      recordCount: 3,
      firstId: 1,
    })
    const cursor = cursorAt(8344)
    expect(cursor.next()).toBe(true)
    expect(cursor.kind).toBe(RecordKind.BATCH)
    const span = { messages: 2, controls: 0, messagesBefore: 0, controlsBefore: 0 }
    expect(readBatchRecord(cursor.bytes, cursor.start)).toEqual(span)
    const messages: [number, string][] = []
    while (cursor.next()) messages.push([cursor.id, new TextDecoder().decode(cursor.body())])
    expect(messages).toEqual([
      [1, 'hello'],
      [2, 'world!'],
    ])
  })

  test('has SYNC twice, in two sectors, and nothing behind it', () => {
    const place = { type: BlockType.SYNC, groupOffset: 8432, durableOffset: 8432, firstId: 3 }
    expect(blockAt(8432)).toMatchObject({ ...place, length: 8704 - 8432, flags: 0 })
    expect(blockAt(8704)).toMatchObject({ ...place, length: 48, flags: BlockFlag.END })
    expect(file.subarray(8752).every((byte) => byte === 0)).toBe(true)
  })
})
