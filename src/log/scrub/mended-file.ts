/**
 * A mended copy of one full segment on its way in: the same bytes, salts and places but for the flipped
 * bits, and both copies of the header of a higher generation. Written under a temporary name, flushed, read
 * back, then linked to its name. Touches these two names and nothing else; commits nothing: the map does.
 */
import { systemErrorCode } from '../../errors.ts'
import type { SingleBit } from '../../format/evidence.ts'
import { decodeSegmentHeader, encodeSegmentHeader } from '../../format/header.ts'
import { SEGMENT_HEADER_BYTES, segmentFileName } from '../../format/layout.ts'
import type { MapEntry } from '../../format/link.ts'
import type { FileHandle, FileStat, ReadHandle } from '../../system/system.ts'
import type { DirectoryNames } from '../directory-names.ts'
import { nextGeneration } from '../next-generation.ts'
import { temporaryPath, unlinkOwn, writeWhole } from '../segment-file.ts'
import { readFully } from '../survey.ts'
import { removeQuietly } from '../tidy.ts'
import { type CheckedSegment, type CheckParts, checkFile } from './check-segment.ts'
import { SCRUB_READ_BYTES } from './read-pace.ts'
import type { ScrubFinding } from './types.ts'

/** One flush of all at the end would hold up the groups that are written meanwhile. */
const FLUSH_BYTES = 1024 * 1024
/** How many taken generations are passed over before something must be wrong. */
const GENERATIONS_SKIPPED_MAX = 1_000

export type MendOutcome =
  /** `entry` names a file that is durable, name and all; `left` is what is damaged in it still. */
  | { readonly kind: 'mended'; readonly entry: MapEntry; readonly left: readonly ScrubFinding[] }
  | { readonly kind: 'not mended'; readonly why: string }

/**
 * Writes the mended copy of a segment, of which `checked` tells what is damaged. Rejects where the disk or
 * the process lacks something, and with QLOG_ABORTED.
 */
export async function writeMended(
  parts: CheckParts,
  names: DirectoryNames,
  entry: MapEntry,
  checked: CheckedSegment,
): Promise<MendOutcome> {
  // A name that stays in doubt would leave a copy behind at every pass.
  names.assertSound()
  const path = temporaryPath(parts.system, parts)
  const { files } = parts.system
  const target = await files.open(path, { mode: 'create' })
  let created: FileStat | undefined
  let outcome: MendOutcome = {
    kind: 'not mended',
    why: 'the file has changed since it was checked',
  }
  let isNamed = false
  try {
    try {
      created = await target.stat()
      const header = await copyMended(parts, entry, checked.mends, target)
      if (header) outcome = await linkMended(parts, entry, checked, { path, target, header })
    } finally {
      await target.close()
    }
    if (outcome.kind === 'mended') {
      await names.flush()
      isNamed = true
    }
    return outcome
  } finally {
    // What stays is rubbish to whoever opens next; of whole copies each pass would leave one more.
    if (!isNamed) {
      await removeQuietly(parts.system, path)
      if (outcome.kind === 'mended' && created) {
        await unlinkOwn(parts.system, pathOf(parts, outcome.entry), created).catch(() => undefined)
      }
    }
  }
}

function pathOf({ directory }: CheckParts, { number, generation }: MapEntry): string {
  return `${directory}/${segmentFileName(number, generation)}`
}

type HeaderOf = (generation: number) => Uint8Array

/** The bytes behind the header; resolves with what makes the header, or undefined where they do not fit. */
async function copyMended(
  { system, directory, pace }: CheckParts,
  entry: MapEntry,
  mends: readonly SingleBit[],
  target: FileHandle,
): Promise<HeaderOf | undefined> {
  const file = segmentFileName(entry.number, entry.generation)
  // What the page cache holds instead is not what was found damaged.
  const source = await system.files.open(`${directory}/${file}`, { mode: 'read', direct: true })
  try {
    const reads = pace.slow(source)
    const head = new Uint8Array(SEGMENT_HEADER_BYTES)
    await readFully(reads, head, 0)
    const decoded = decodeSegmentHeader(head, system.crc32)
    if (decoded.kind !== 'valid' || decoded.header.fileBytes !== entry.fileBytes) return undefined
    if (!(await copyBytes(reads, target, entry.fileBytes, mends))) return undefined
    const { header } = decoded
    return (generation) => encodeSegmentHeader({ ...header, generation }, system.crc32)
  } finally {
    await source.close()
  }
}

/** False where the file is shorter than it should be. */
async function copyBytes(
  source: ReadHandle,
  target: FileHandle,
  fileBytes: number,
  mends: readonly SingleBit[],
): Promise<boolean> {
  let flushed = 0
  for (let at = SEGMENT_HEADER_BYTES; at < fileBytes; ) {
    const piece = new Uint8Array(Math.min(SCRUB_READ_BYTES, fileBytes - at))
    if ((await readFully(source, piece, at)) < piece.length) return false
    for (const { byteOffset, bit } of mends) {
      const place = byteOffset - at
      const byte = piece[place]
      if (byte !== undefined) piece[place] = byte ^ (1 << bit)
    }
    await writeWhole(target, piece, at)
    at += piece.length
    if (at - flushed < FLUSH_BYTES) continue
    await target.flush()
    flushed = at
  }
  return true
}

interface Copy {
  readonly path: string
  readonly target: FileHandle
  readonly header: HeaderOf
}

/** Gives the copy the first free name, once it was read back and is what it should be. */
async function linkMended(
  parts: CheckParts,
  old: MapEntry,
  checked: CheckedSegment,
  { path, target, header }: Copy,
): Promise<MendOutcome> {
  const { files } = parts.system
  const first = nextGeneration(parts.system, old.generation)
  for (let generation = first; generation < first + GENERATIONS_SKIPPED_MAX; generation++) {
    await writeWhole(target, header(generation), 0)
    await target.flush()
    const entry = { ...old, generation, damaged: false }
    const copy = await checkFile(parts, entry, path.slice(parts.directory.length + 1))
    if (!isMended(checked, copy)) return { kind: 'not mended', why: 'the copy does not read back' }
    try {
      const file = segmentFileName(entry.number, generation)
      await files.link(path, pathOf(parts, entry))
      await removeQuietly(parts.system, path)
      const left = copy.findings.map((finding) => ({ ...finding, file }))
      return { kind: 'mended', entry: { ...entry, damaged: left.length > 0 }, left }
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error
    }
  }
  throw new Error(`no free generation of segment ${old.number} from ${first} on`)
}

/** Every block that was valid is, every mended one too, and nothing is damaged that was not. */
function isMended(before: CheckedSegment, copy: CheckedSegment): boolean {
  if (copy.blocks !== before.blocks + before.mends.length) return false
  return copy.findings.every(
    (left) =>
      before.findings.some((one) => one.row === left.row && covers(one, left)) &&
      !before.mends.some(({ offset, length }) => meets(left, { offset, bytes: length })),
  )
}

interface Place {
  readonly offset: number
  readonly bytes: number
}

/** Whether all of a place stands in another. */
export function covers(one: Place, other: Place): boolean {
  return one.offset <= other.offset && other.offset + other.bytes <= one.offset + one.bytes
}

function meets(one: Place, other: Place): boolean {
  return one.offset < other.offset + other.bytes && other.offset < one.offset + one.bytes
}
