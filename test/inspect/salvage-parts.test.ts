/**
 * Goal: a block that begins in front of what is wanted gives the rest of its messages, or they are told as lost;
 * a segment that is there is taken from its own file, with its control records. Method: logs put together by
 * hand, whose maps name a segment that is gone, beside what merges have left of it.
 */
import { expect, test } from 'vitest'
import { encodeSegmentHeader, type SegmentHeader } from '../../src/format/header.ts'
import {
  BlockFlag,
  BlockType,
  RecordKind,
  SEGMENT_HEADER_BYTES,
  segmentFileName,
} from '../../src/format/layout.ts'
import { encodeLink, type MapEntry } from '../../src/format/link.ts'
import { SparseBlock } from '../../src/format/sparse.ts'
import { type SalvageReport, salvageLog } from '../../src/inspect/salvage.ts'
import type { Entry } from '../../src/log/seam.ts'
import { crc32 } from '../../src/system/real/crc.ts'
import { concat, record, u32, u64 } from '../format/pieces.ts'
import { SegmentBuilder } from '../format/segment-builder.ts'
import { LOG, Owner, simulate } from '../log/space/support.ts'
import { entryOf, headerOf, linkOf } from './small-log.ts'

const DAMAGED = '/damaged'
const FILE_BYTES = 16 * 1024

type Files = Map<string, Uint8Array>

function text(id: number): string {
  return `message ${id}`
}

/** The records of one batch. */
function batch(firstId: number, messages: number, ...control: readonly string[]): Uint8Array {
  const counts = record(RecordKind.BATCH, u32(messages, control.length, 0, 0))
  const bodies = Array.from({ length: messages }, (_, i) => text(firstId + i))
  return concat(
    counts,
    ...bodies.map((body) => record(RecordKind.MESSAGE, body)),
    ...control.map((body) => record(RecordKind.CONTROL, body)),
  )
}

/** A segment that begins with LINK. */
function linked(header: SegmentHeader, map: readonly MapEntry[], nextId: number): SegmentBuilder {
  const builder = new SegmentBuilder(header, nextId, crc32)
  builder.pair({ type: BlockType.LINK, body: encodeLink(linkOf(map, nextId)) }, true)
  return builder
}

/** A merged file of one block, which nothing behind it seals. */
function merged(header: SegmentHeader, ids: readonly number[]): Uint8Array {
  const block = new SparseBlock()
  for (const id of ids) block.add(id, header.createdMs + id, new TextEncoder().encode(text(id)))
  const file = new Uint8Array(header.fileBytes)
  file.set(encodeSegmentHeader(header, crc32))
  file.set(block.take(SEGMENT_HEADER_BYTES, true, header, crc32), SEGMENT_HEADER_BYTES)
  return file
}

function generationOf(number: number, generation: number): SegmentHeader {
  const header = headerOf(number)
  return { ...header, generation, salt1: header.salt1 + 256 * generation }
}

function nameOf({ number, generation }: SegmentHeader): string {
  return segmentFileName(number, generation)
}

/** What is saved of the files and of the newest segment behind them, which is closed. */
async function savedOf(
  files: Files,
  map: readonly MapEntry[],
): Promise<{ report: SalvageReport; entries: readonly Entry[] }> {
  const number = (map.at(-1)?.number ?? 0) + 1
  const newest = linked(headerOf(number), map, map.at(-1)?.endId ?? 1)
  newest.pair({ type: BlockType.CLEAN })
  files.set(nameOf(headerOf(number)), newest.file)
  return await simulate(61, async (system, { disk }) => {
    for (const [name, bytes] of files) disk.putFile(`${DAMAGED}/${name}`, bytes)
    const report = await salvageLog(system, DAMAGED, LOG)
    const log = await new Owner().open(system)
    const entries: Entry[] = []
    for await (const some of log.read({ after: 0 })) entries.push(...some)
    await log.close()
    return { report, entries }
  })
}

function idsOf(entries: readonly Entry[]): number[] {
  return entries.flatMap(({ ids }) => Array.from(ids))
}

function textsOf(parts: readonly Uint8Array[]): string[] {
  return parts.map((bytes) => new TextDecoder().decode(bytes))
}

/**
 * A merged segment of the ids 1 to 8 that is gone. Two older files are left of it: the newer one was given up behind
 * the ids 1 and 3, the other begins with `first`, whose batch has the ids 1 to 6, and goes on with 7, 8 and a control
 * record.
 */
function leftOver(first: Uint8Array, recordCount: number): [Files, MapEntry[]] {
  const gone = generationOf(1, 50)
  const givenUp = generationOf(1, 49)
  const older = generationOf(1, 48)
  const builder = linked(older, [], 1)
  builder.block({ type: BlockType.DATA, recordCount }, first, 6)
  builder.block({ type: BlockType.DATA, recordCount: 4 }, batch(7, 2, 'second'), 2)
  const files = new Map([
    [nameOf(givenUp), merged(givenUp, [1, 3])],
    [nameOf(older), builder.file],
  ])
  return [files, [{ ...entryOf(gone, [], FILE_BYTES, 1, 9), dataOnly: true }]]
}

test('of a batch of messages that begins in front of what is wanted, the rest is saved', async () => {
  const { report, entries } = await savedOf(...leftOver(batch(1, 6), 7))
  expect(report.losses).toEqual([])
  expect(report.messages).toBe(7)
  expect(idsOf(entries)).toEqual([1, 3, 4, 5, 6, 7, 8])
  expect(textsOf(entries.flatMap(({ messages }) => messages))).toEqual(idsOf(entries).map(text))
  expect(textsOf(entries.flatMap(({ control }) => control))).toEqual(['second'])
})

test('a batch with control records is not cut in half: the rest is told as lost', async () => {
  const { report, entries } = await savedOf(...leftOver(batch(1, 6, 'first'), 8))
  expect(report.losses).toHaveLength(1)
  expect(report.losses[0]).toMatchObject({ firstId: 4, endId: 7, file: segmentFileName(1, 48) })
  expect(idsOf(entries)).toEqual([1, 3, 7, 8])
  expect(textsOf(entries.flatMap(({ control }) => control))).toEqual(['second'])
})

test('a segment that is there gives its own batches, although a merged file holds its messages', async () => {
  const map: MapEntry[] = []
  const first = linked(headerOf(1), map, 1)
  first.block({ type: BlockType.DATA, recordCount: 4 }, batch(1, 3), 3)
  map.push(entryOf(headerOf(1), [], first.offset, 1, 4))
  const second = linked(headerOf(2), map, 4)
  second.block({ type: BlockType.DATA, recordCount: 4 }, batch(4, 2, 'kept'), 2)
  map.push(entryOf(headerOf(2), map, second.offset, 4, 6))
  const standIn = generationOf(1, 20)
  const files = new Map([
    [nameOf(headerOf(2)), second.file],
    [nameOf(standIn), merged(standIn, [2, 4])],
  ])
  const { report, entries } = await savedOf(files, map)
  expect(report.losses).toEqual([])
  expect(entries.map(({ ids }) => Array.from(ids))).toEqual([[2], [4, 5]])
  expect(textsOf(entries[1]?.control ?? [])).toEqual(['kept'])
})

test('a loss within a merged file is told for each segment that it belongs to', async () => {
  const map: MapEntry[] = []
  for (const number of [1, 2, 3]) {
    const header = headerOf(number)
    map.push(entryOf(header, map, FILE_BYTES, 3 * number - 2, 3 * number + 1))
  }
  const standIn = generationOf(1, 20)
  const file = merged(standIn, [1])
  const builder = new SegmentBuilder(standIn, 9, crc32)
  builder.offset = 3 * 4096
  const last = concat(u64(9, standIn.createdMs), record(RecordKind.MESSAGE, text(9)))
  builder.block({ type: BlockType.DATA, flags: BlockFlag.SPARSE, recordCount: 1 }, last, 1)
  file.set(builder.file.subarray(3 * 4096), 3 * 4096)
  const there = linked(headerOf(2), map.slice(0, 1), 4)
  there.block({ type: BlockType.DATA, recordCount: 4 }, batch(4, 3), 3)
  map[1] = { ...entryOf(headerOf(2), map.slice(0, 1), there.offset, 4, 7) }
  const files = new Map([
    [nameOf(headerOf(2)), there.file],
    [nameOf(standIn), file],
  ])
  const { report, entries } = await savedOf(files, map)
  expect(idsOf(entries)).toEqual([1, 4, 5, 6, 9])
  const told = report.losses.filter(({ firstId, endId }) => endId > firstId)
  expect(told.map(({ firstId, endId }) => [firstId, endId])).toEqual([
    [2, 4],
    [7, 9],
  ])
})

/** A batch of the ids 1 to 4 that spans three blocks, the middle one destroyed, and a message behind it. */
function torn(...control: readonly string[]): [Files, MapEntry[]] {
  const header = headerOf(1)
  const builder = linked(header, [], 1)
  const part = (before: number, ...bodies: readonly Uint8Array[]): Uint8Array =>
    concat(record(RecordKind.BATCH, u32(4, control.length, before, 0)), ...bodies)
  const message = (id: number): Uint8Array => record(RecordKind.MESSAGE, text(id))
  builder.block({ type: BlockType.DATA, recordCount: 3 }, part(0, message(1), message(2)), 2, true)
  const middle = builder.offset
  builder.block({ type: BlockType.DATA, recordCount: 2 }, part(2, message(3)), 1, true)
  const behind = builder.offset
  const last = [message(4), ...control.map((body) => record(RecordKind.CONTROL, body))]
  builder.block({ type: BlockType.DATA, recordCount: 1 + last.length }, part(3, ...last), 1)
  builder.block({ type: BlockType.DATA, recordCount: 1 }, message(5), 1)
  builder.file.fill(0xff, middle, behind)
  return [
    new Map([[nameOf(header), builder.file]]),
    [{ ...entryOf(header, [], builder.offset, 1, 6), hasControl: control.length > 0 }],
  ]
}

test('of a batch with control records that lost a block in the middle nothing is read, and all that follows is', async () => {
  const { report, entries } = await savedOf(...torn('control'))
  expect(report.losses).toMatchObject([{ firstId: 3, endId: 4 }])
  expect(entries.map(({ ids }) => Array.from(ids))).toEqual([[5]])
  expect(entries.flatMap(({ control }) => control)).toEqual([])
})

test('of a batch of messages that lost a block in the middle the others are read', async () => {
  const { report, entries } = await savedOf(...torn())
  expect(report.losses).toMatchObject([{ firstId: 3, endId: 4 }])
  expect(entries.map(({ ids }) => Array.from(ids))).toEqual([[1, 2], [4], [5]])
})
