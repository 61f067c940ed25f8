/**
 * When the index files are written while the log is open, and what they hold: after so many appended
 * bytes, and at the end. A cache: a failure to write it costs time at the next opening, nothing else.
 */
import type { IndexFile } from '../format/index-file.ts'
import type { SnapshotPart } from '../format/snapshot.ts'
import type { System } from '../system/system.ts'
import { type IndexName, otherIndex, writeIndexFile } from './checkpoint.ts'
import type { CommitLoop } from './commit-loop.ts'

/** A checkpoint is due after this many appended bytes. */
const CHECKPOINT_BYTES = 64 * 1024 * 1024

export interface CheckpointWriterParts {
  readonly system: System
  readonly directory: string
  readonly storeId: string
  readonly loop: CommitLoop
  /** The index that opening found, and its name. */
  readonly index: IndexFile | undefined
  readonly indexName: IndexName | undefined
  /** What the writer tells about itself at this moment. */
  readonly report: () => SnapshotPart
}

export class CheckpointWriter {
  readonly #parts: CheckpointWriterParts
  #name: IndexName
  #sequence: number
  #writing: Promise<void> | undefined
  /** Bytes that had been appended when a checkpoint was last due. */
  #bytes = 0

  constructor(parts: CheckpointWriterParts) {
    this.#parts = parts
    this.#name = otherIndex(parts.indexName)
    this.#sequence = (parts.index?.sequence ?? 0) + 1
  }

  /** Called after groups resolved: writes a checkpoint in the background where one is due. */
  appended(): void {
    const bytes = this.#parts.loop.settlement.stats.messageBytes
    if (bytes - this.#bytes < CHECKPOINT_BYTES || this.#writing !== undefined) return
    this.#bytes = bytes
    this.#writing = this.write().finally(() => {
      this.#writing = undefined
    })
  }

  /** Resolves when none is being written. */
  async settled(): Promise<void> {
    await this.#writing
  }

  /** Writes one now, where this opening has a segment. */
  async write(): Promise<void> {
    await this.#write().catch(() => undefined)
  }

  async #write(): Promise<void> {
    const { system, directory, storeId, loop, report } = this.#parts
    const { segment } = loop
    if (!segment) return
    const index: IndexFile = {
      storeId,
      sequence: this.#sequence++,
      epoch: loop.epoch,
      current: {
        number: segment.number,
        generation: segment.generation,
        salt1: segment.key.salt1,
        salt2: segment.key.salt2,
        durableOffset: segment.durableOffset,
      },
      nextId: loop.durableNextId,
      timeMs: loop.timeMs,
      snapshots: [0, 0],
      map: loop.map,
      parts: [report()],
    }
    const name = this.#name
    this.#name = otherIndex(name)
    await writeIndexFile(system, directory, name, index)
  }
}
