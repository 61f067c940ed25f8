/** What a store takes of the disk, and what it may take: the bound of invariant 15. */
import { BLOCK_BYTES, BLOCK_HEADER_BYTES, SPARSE_ENTRY_BYTES } from '../../src/format/layout.ts'
import { mergedFileBytes } from '../../src/log/space/merge-plan.ts'
import type { FileUse, Ground } from './ground.ts'

/** Of a message beside its body: kind and length, and what the store writes in front of the body. */
const RECORD_BYTES = 4
const HEAD_BYTES = 12

export interface LiveMessages {
  readonly messages: number
  /** Of their bodies. */
  readonly bytes: number
}

export interface DiskUse {
  readonly diskBytes: number
  readonly segmentFiles: number
  readonly segmentFileBytes: number
  readonly spareBytes: number
  readonly reserveBytes: number
  /** Files that openings set aside, which have a bound of their own. */
  readonly quarantineBytes: number
  /** Of the larger index file. */
  readonly indexBytes: number
}

export interface Bound extends DiskUse {
  readonly liveMessages: number
  readonly liveBytes: number
  /** Of one snapshot, as it stands in the log. */
  readonly snapshotBytes: number
  /** Of the largest segment there is: never more than `segmentBytesMax`. */
  readonly segmentBytes: number
  readonly boundBytes: number
}

export function diskUse(files: readonly FileUse[]): DiskUse {
  const sum = (isMeant: (name: string) => boolean): number =>
    files.reduce((bytes, file) => bytes + (isMeant(file.name) ? file.bytes : 0), 0)
  const indexes = files.filter(({ name }) => name.startsWith('index.'))
  const isSetAside = (name: string): boolean => name.startsWith('quarantine/')
  return {
    diskBytes: sum((name) => !isSetAside(name)),
    quarantineBytes: sum(isSetAside),
    segmentFiles: files.filter(({ name }) => isSegment(name)).length,
    segmentFileBytes: sum(isSegment),
    spareBytes: sum((name) => name.startsWith('spare-')),
    reserveBytes: sum((name) => name.startsWith('reserve-')),
    indexBytes: Math.max(0, ...indexes.map(({ bytes }) => bytes)),
  }
}

function isSegment(name: string): boolean {
  return name.endsWith('.qls') && !name.startsWith('quarantine/')
}

/** Right after `compact()`: nothing has been changed since the older snapshot. */
export async function boundOf(ground: Ground, live: LiveMessages): Promise<Bound> {
  const files = ground.files()
  const use = diskUse(files)
  const segments = files.filter(({ name }) => isSegment(name))
  const snapshotBytes = await snapshotBytesOf(ground)
  const liveBytes = mergedFileBytes(packedBytes(live)) + 2 * snapshotBytes
  const segmentBytes = Math.max(0, ...segments.map(({ bytes }) => bytes))
  return {
    ...use,
    liveMessages: live.messages,
    liveBytes,
    snapshotBytes,
    segmentBytes,
    boundBytes: 2 * liveBytes + 4 * segmentBytes + use.reserveBytes + 2 * use.indexBytes,
  }
}

/** In full blocks, as merging writes them. */
function packedBytes({ messages, bytes }: LiveMessages): number {
  const records = bytes + messages * (RECORD_BYTES + HEAD_BYTES + SPARSE_ENTRY_BYTES)
  return records * (1 + BLOCK_HEADER_BYTES / BLOCK_BYTES)
}

/** Each part is a block, and the end names all of them. */
async function snapshotBytesOf({ log }: Ground): Promise<number> {
  const snapshot = await log.snapshot()
  let bytes = BLOCK_HEADER_BYTES
  for (const [name, part] of snapshot?.parts ?? []) {
    const { length } = await part.read()
    bytes += BLOCK_HEADER_BYTES + 2 * (name.length + 16) + length
  }
  return bytes
}
