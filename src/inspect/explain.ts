/**
 * What stands at one byte of a segment's file, why it is valid or not, and what that means for messages:
 * for a person who has never seen the format. Reads only.
 */
import { QlogError } from '../errors.ts'
import { type Block, NEEDS_MORE } from '../format/block.ts'
import type { SingleBit } from '../format/evidence.ts'
import { isReused, type SegmentHeader } from '../format/header.ts'
import {
  BlockFlag,
  parseSegmentFileName,
  RecordKind,
  SEGMENT_HEADER_BYTES,
} from '../format/layout.ts'
import { mendableBlocks } from '../log/mend.ts'
import { ReadAround } from '../log/read-around.ts'
import { keyOf } from '../log/survey.ts'
import type { System } from '../system/system.ts'
import { blockInWords, placeInBlock, segmentFieldAt } from './explain-place.ts'
import type { Finding } from './finding.ts'
import { type OpenedSegment, splitPath, withSegment } from './segment-source.ts'
import { segmentsOf } from './segments.ts'
import { lookAt } from './source.ts'
import { lookIntoStore, type StoreLook } from './store-look.ts'
import { UnreadFiles } from './unread-files.ts'
import { type InspectOptions, verifyLog } from './verify.ts'
import { verifyFile } from './verify-file.ts'
import { type InvalidPiece, walkSegment } from './walk.ts'
import { failureInWords, idsInWords } from './words.ts'

export interface Explanation {
  readonly file: string
  readonly offset: number
  readonly kind: 'header' | 'block' | 'invalid' | 'unwritten' | 'behind the end'
  /** What the byte is. */
  readonly what: string
  /** Why it is valid, or which condition fails. */
  readonly why: string
  /** Whether flipping one bit would mend it; absent where it is valid. */
  readonly mending?: string
  /** The verdict, and what it means for messages. */
  readonly means: string
  readonly verdict: 'fine' | 'torn-tail' | 'rot'
}

type Seen = Omit<Explanation, 'file' | 'offset' | 'means' | 'verdict'> & {
  /** The region that was seen, for its verdict. */
  readonly from: number
  readonly to: number
}

export async function explainPlace(
  system: System,
  path: string,
  offset: number,
  options: InspectOptions = {},
): Promise<Explanation> {
  // Beside its log it may be a store's, and then its records have names.
  const store = await lookIntoStore(system, splitPath(path).directory, options.signal)
  const seen = await withSegment(system, path, (segment) =>
    look(system, segment, offset, store, options),
  )
  const { from, to, ...told } = seen
  const judged = await judge(system, path, from, to, options)
  return { file: path, offset, ...told, ...judged }
}

async function look(
  system: System,
  segment: OpenedSegment,
  offset: number,
  store: StoreLook | undefined,
  options: InspectOptions,
): Promise<Seen> {
  const { decoded, actualBytes, handle } = segment
  if (offset >= actualBytes) {
    const what = `nothing: the file ends at ${actualBytes}`
    const { header } = decoded.kind === 'valid' ? decoded : { header: undefined }
    const isShort = header !== undefined && offset < header.fileBytes
    const why = isShort
      ? `its header says ${header.fileBytes} bytes, so it was cut short`
      : 'no such byte'
    return { kind: 'behind the end', what, why, from: offset, to: offset + 1 }
  }
  if (offset < SEGMENT_HEADER_BYTES) return headerPlace(segment, offset)
  if (decoded.kind !== 'valid') {
    throw new QlogError(
      'QLOG_DAMAGED',
      'neither copy of the segment header is valid, so nothing tells a block from other bytes',
    )
  }
  const key = keyOf(decoded.header)
  const { signal } = options
  for await (const piece of walkSegment(system, handle, key, actualBytes, { signal })) {
    if (piece.kind === 'block') {
      const { block, bytes, at, payload } = piece
      if (offset >= block.offset + block.length) continue
      const place = placeInBlock(bytes, at, offset - block.offset, payload, storeWords(store))
      return blockPlace(block, place)
    }
    if (offset >= piece.end) continue
    return await invalidPlace(system, segment, piece, decoded.header, offset)
  }
  const what = 'bytes behind the size that the header names'
  return {
    kind: 'behind the end',
    what,
    why: 'no block may stand there',
    from: offset,
    to: offset + 1,
  }
}

/** What the record says to a store: `, orders offset 4` or `, bury of orders, group billing`. */
function storeWords(store: StoreLook | undefined): (kind: number, body: Uint8Array) => string {
  return (kind, body) => {
    if (kind === RecordKind.MESSAGE) {
      const fields = store?.message(body)
      return fields ? `, offset ${fields['offset']} of queue ${fields['queue']}` : ''
    }
    const fields = kind === RecordKind.CONTROL ? store?.control(body) : undefined
    if (!fields) return ''
    const queue = fields['queue'] === undefined ? '' : ` of queue ${fields['queue']}`
    const group = fields['group'] === undefined ? '' : `, group ${fields['group']}`
    return `, ${fields['kind']}${queue}${group}`
  }
}

function headerPlace(segment: OpenedSegment, offset: number): Seen {
  const { decoded } = segment
  const what = segmentFieldAt(offset)
  const copy = offset < 512 ? 'first' : offset < 3584 ? 'between' : 'last'
  const place = { kind: 'header' as const, what, from: 0, to: SEGMENT_HEADER_BYTES }
  if (decoded.kind !== 'valid') {
    return { ...place, why: 'why' in decoded ? decoded.why : 'neither copy of the header is valid' }
  }
  if (decoded.damagedCopy !== copy) {
    return { ...place, why: 'this part of the header is whole: its checksum and its limits hold' }
  }
  const why = 'this part of the header is damaged; the other copy is whole and is used instead'
  return { ...place, why }
}

function blockPlace(block: Block, place: string): Seen {
  const conditions = (block.flags & BlockFlag.COMPRESSED) === 0 ? 'eleven' : 'twelve'
  return {
    kind: 'block',
    what: `${place}: ${blockInWords(block)}`,
    why: `the block is valid: all ${conditions} conditions hold, the checksum over all its bytes among them`,
    from: block.offset,
    to: block.offset + block.length,
  }
}

async function invalidPlace(
  system: System,
  segment: OpenedSegment,
  piece: InvalidPiece,
  header: SegmentHeader,
  offset: number,
): Promise<Seen> {
  const { condition, end, dataEnd, unread } = piece
  const range = `bytes ${piece.offset} to ${end - 1}`
  const place = { from: piece.offset, to: end }
  if (offset >= dataEnd) {
    const rest = isReused(header) ? 'what the file held before it was used again' : 'zero'
    const what = `${rest}, in ${range} which no valid block covers`
    const why =
      dataEnd > piece.offset
        ? `from ${dataEnd} on all is ${rest}; in front of that stands what is no block`
        : 'nothing is written there, or it was zeroed'
    return { kind: 'unwritten', what, why, ...place }
  }
  const reads = new ReadAround(segment.handle)
  const mended = await mendableBlocks(reads, piece.offset, end, keyOf(header), system)
  const isAsked = (one: SingleBit): boolean =>
    one.offset <= offset && offset < one.offset + one.length
  const told = mended.find(isAsked) ?? mended[0]
  const where = told?.offset === piece.offset ? 'of it' : `at ${told?.offset}`
  const mending = told
    ? `flipping bit ${told.bit} of byte ${told.byteOffset} makes a valid block of ${told.length} bytes ${where}; ` +
      '`qlog recover DIR --out NEWDIR` does that in the copy'
    : 'no single flipped bit explains it'
  const what = `byte ${offset - piece.offset} of ${range}, which no valid block covers`
  const short = condition === NEEDS_MORE ? 'a block begins there, but ' : ''
  const why = `at ${piece.offset}: ${unread ?? `${short}${failureInWords(condition, false, false)}`}`
  return { kind: 'invalid', what, why, mending, ...place }
}

/** What the log's own verdict says about these bytes, or the file's where it stands alone. */
async function judge(
  system: System,
  path: string,
  from: number,
  to: number,
  options: InspectOptions,
): Promise<Pick<Explanation, 'means' | 'verdict'>> {
  const { directory, name } = splitPath(path)
  const { findings, context } = await contextOf(system, path, directory, name, options)
  const hit = findings.find(
    (one) =>
      one.file === name &&
      ((one.bytes === 0 && one.level !== 'note') ||
        (one.offset < to && one.offset + one.bytes > from)),
  )
  if (hit) {
    const verdict = hit.level === 'rot' ? 'rot' : hit.level === 'tail' ? 'torn-tail' : 'fine'
    return { verdict, means: `${hit.what}: ${idsInWords(hit.firstId, hit.endId)}; ${hit.follows}` }
  }
  return { verdict: 'fine', means: context(from) }
}

async function contextOf(
  system: System,
  path: string,
  directory: string,
  name: string,
  options: InspectOptions,
): Promise<{ findings: readonly Finding[]; context: (from: number) => string }> {
  const isNamed = parseSegmentFileName(name) !== undefined
  const info = isNamed
    ? segmentsOf(
        await lookAt(system, directory, options.signal, { unread: new UnreadFiles(system) }),
      ).find((one) => one.file === name)
    : undefined
  if (info === undefined) {
    const { findings, end } = await verifyFile(system, path, options)
    return { findings, context: (from) => plainMeaning(from, end, 'this file, judged alone,') }
  }
  const { findings } = await verifyLog(system, directory, options)
  if (info.state !== 'full' && info.state !== 'current') {
    const means = `this file is ${info.state}: the log does not read it`
    return { findings, context: () => means }
  }
  const what = info.state === 'full' ? 'this full segment' : 'the log'
  return { findings, context: (from) => plainMeaning(from, info.usedBytes ?? 0, what) }
}

function plainMeaning(from: number, end: number, what: string): string {
  if (from < end) return 'nothing is wrong here'
  return `${what} ends at ${end}: what stands behind it is never read, and no message is affected`
}
