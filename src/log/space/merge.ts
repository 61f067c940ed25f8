/**
 * One merge: the live messages of neighbouring segments into one new file, paced so that nobody waits
 * for it. Commits nothing: the map does that.
 */
import type { Gap } from '../../errors.ts'
import { PAGE_BYTES, SEGMENT_FILE_BYTES_MAX, segmentFileName } from '../../format/layout.ts'
import type { MapEntry } from '../../format/link.ts'
import { SPARSE_MESSAGE_BYTES } from '../../format/sparse.ts'
import type { System } from '../../system/system.ts'
import type { BlockCompressor } from '../block-compressor.ts'
import type { BlockIndex } from '../block-index.ts'
import type { DirectoryNames } from '../directory-names.ts'
import { nextGeneration } from '../next-generation.ts'
import { MessageReader } from '../read/message-reader.ts'
import type { LogView } from '../view.ts'
import { MergedFile } from './merged-file.ts'

export interface MergeParts {
  readonly system: System
  readonly view: LogView
  readonly storeId: string
  readonly compressor: BlockCompressor | undefined
  readonly names: DirectoryNames
  readonly isDiscarded: (id: number) => boolean
  /** Told of ids that no victim holds. */
  readonly onHole: (firstId: number, endId: number) => void
  /** Called with every few bytes that were worked on; may wait. False: the merge is to end now. */
  readonly pace: (bytes: number) => Promise<boolean>
}

/** A segment that must stay what it is. */
export interface Wounded {
  readonly entry: MapEntry
  /** Its own bytes are damaged; else it tells of a loss elsewhere. */
  readonly isRotten: boolean
}

export type MergeOutcome =
  | {
      readonly kind: 'merged'
      readonly entry: MapEntry
      readonly index: BlockIndex
      readonly messages: number
    }
  /** A victim is damaged, or tells of a loss: it must stay what it is. */
  | { readonly kind: 'damaged'; readonly victims: readonly Wounded[] }
  /** No message is live, or they would not take less space than they do. */
  | { readonly kind: 'empty' | 'too large' | 'stopped' }

/** Writes the merged file of `victims`. Rejects where the disk or the process lacks something. */
export async function merge(
  parts: MergeParts,
  victims: readonly MapEntry[],
  targetBytes: number,
): Promise<MergeOutcome> {
  const oldBytes = victims.reduce((sum, { fileBytes }) => sum + fileBytes, 0)
  // One that is alone may have been larger than others get.
  const mostBytes = victims.length === 1 ? SEGMENT_FILE_BYTES_MAX : targetBytes
  const limitBytes = Math.min(mostBytes, oldBytes - PAGE_BYTES)
  const { system, view, storeId, compressor, names } = parts
  const options = { directory: view.directory, storeId, victims, limitBytes, compressor, names }
  const file = new MergedFile(system, options)
  await file.create()
  try {
    const outcome = await copyLive(parts, victims, file)
    if (outcome) {
      await file.giveUp()
      return outcome
    }
    const newest = victims.reduce((most, one) => Math.max(most, one.generation), 0)
    const entry = await file.finish(nextGeneration(system, newest))
    return { kind: 'merged', entry, index: file.index, messages: file.messages }
  } catch (error) {
    await file.giveUp()
    throw error
  }
}

export type Measured =
  | { readonly kind: 'measured'; readonly messages: number; readonly bytes: number }
  | { readonly kind: 'damaged'; readonly victims: readonly Wounded[] }
  | { readonly kind: 'stopped' }

/** Reads a segment to tell which ids it does not hold, and what its messages take when merged. */
export async function measure(parts: MergeParts, entry: MapEntry): Promise<Measured> {
  const walk = new LiveWalk(parts, [entry])
  let messages = 0
  let bytes = 0
  const ended = await walk.run((_id, _timeMs, body) => {
    messages++
    bytes += body.length + SPARSE_MESSAGE_BYTES
    return true
  })
  if (walk.damaged.length > 0) return { kind: 'damaged', victims: walk.damaged }
  return ended === 'done' ? { kind: 'measured', messages, bytes } : { kind: 'stopped' }
}

/** What ended it, where that is not the last message. */
async function copyLive(
  parts: MergeParts,
  victims: readonly MapEntry[],
  file: MergedFile,
): Promise<MergeOutcome | undefined> {
  const walk = new LiveWalk(parts, victims)
  const ended = await walk.run((id, timeMs, body) => {
    if (parts.isDiscarded(id)) return true
    if (!file.fits(body.length)) return false
    return file.add(id, timeMs, body).then(() => true)
  })
  if (walk.damaged.length > 0) return { kind: 'damaged', victims: walk.damaged }
  if (ended !== 'done') return { kind: ended === 'refused' ? 'too large' : 'stopped' }
  return file.messages === 0 ? { kind: 'empty' } : undefined
}

/** False where the message is not taken. */
type Take = (id: number, timeMs: number, body: Uint8Array) => boolean | Promise<boolean>

/** Messages of so many bytes come between two looks at the pace. */
const PACE_BYTES = 4096

/** All messages of neighbouring segments in order, until one of them turns out to be damaged. */
class LiveWalk {
  /** Those that reading reported a gap in. */
  readonly damaged: Wounded[] = []
  readonly #parts: MergeParts
  readonly #victims: readonly MapEntry[]
  #nextId: number

  constructor(parts: MergeParts, victims: readonly MapEntry[]) {
    this.#parts = parts
    this.#victims = victims
    this.#nextId = victims[0]?.firstId ?? 0
  }

  async run(take: Take): Promise<'done' | 'refused' | 'stopped'> {
    const { system, view, pace, onHole } = this.#parts
    const endId = this.#victims.at(-1)?.endId ?? 0
    const reader = new MessageReader(system, view, {
      from: this.#nextId,
      to: endId,
      onGap: (gap) => this.#note(gap),
    })
    let bytes = 0
    try {
      for (;;) {
        const batch = await reader.nextBatch()
        if (this.damaged.length > 0) return 'done'
        if (!batch) break
        for (const { id, timeMs, body } of batch) {
          if (id > this.#nextId) onHole(this.#nextId, id)
          this.#nextId = id + 1
          const taken = take(id, timeMs, body)
          if (taken !== true && !(await taken)) return 'refused'
          bytes += body.length + SPARSE_MESSAGE_BYTES
          if (bytes < PACE_BYTES) continue
          if (!(await pace(bytes))) return 'stopped'
          bytes = 0
        }
      }
    } finally {
      await reader.close()
    }
    if (endId > this.#nextId) onHole(this.#nextId, endId)
    return 'done'
  }

  /** The victim where the damage is; a GAP record names another file, so it goes by its ids. */
  #note(gap: Gap): void {
    const byFile = this.#victims.find(
      ({ number, generation }) => segmentFileName(number, generation) === gap.file,
    )
    const entry = byFile ?? this.#victims.find(({ endId }) => endId >= gap.endId)
    if (!entry || this.damaged.some((one) => one.entry === entry)) return
    this.damaged.push({ entry, isRotten: byFile !== undefined })
  }
}
