/**
 * When the index files are written while the log is open, and what they hold: after so many appended
 * bytes, at the end, and where the owner's state is to stand in them. A cache: a failure to write it
 * costs time at the next opening, nothing else.
 */
import { DamagedError } from '../errors.ts'
import type { IndexHead } from '../format/index-file.ts'
import type { SnapshotPart } from '../format/snapshot.ts'
import type { System } from '../system/system.ts'
import { type IndexedPart, otherIndex, writeIndexFile } from './checkpoint.ts'
import type { CommitLoop } from './commit-loop.ts'
import type { DirectoryNames } from './directory-names.ts'
import type { IndexPlace } from './snapshot/saved-state.ts'
import type { IndexName } from './survey.ts'

/** A checkpoint is due after this many appended bytes. */
const CHECKPOINT_BYTES = 64 * 1024 * 1024

export interface CheckpointWriterParts {
  readonly system: System
  readonly directory: string
  readonly storeId: string
  readonly loop: CommitLoop
  readonly names: DirectoryNames
  /** Sequence of the index that opening found, 0 where there was none, and its name. */
  readonly indexSequence: number
  readonly indexName: IndexName | undefined
  /** The index that holds the owner's state; it is not written over by one that holds none. */
  readonly stateIndex: IndexName | undefined
  /** What the writer tells about itself at this moment. */
  readonly report: () => SnapshotPart
}

export class CheckpointWriter {
  readonly #parts: CheckpointWriterParts
  #name: IndexName
  #stateIndex: IndexName | undefined
  #sequence: number
  /** The one being written; never rejects. */
  #writing: Promise<unknown> | undefined
  /** Bytes that had been appended when a checkpoint was last due. */
  #bytes = 0

  constructor(parts: CheckpointWriterParts) {
    this.#parts = parts
    this.#name = otherIndex(parts.indexName)
    this.#stateIndex = parts.stateIndex
    this.#sequence = parts.indexSequence + 1
  }

  /** Called after groups resolved: writes a checkpoint in the background where one is due. */
  appended(): void {
    const bytes = this.#parts.loop.settlement.stats.messageBytes
    if (bytes - this.#bytes < CHECKPOINT_BYTES || this.#writing !== undefined) return
    this.#bytes = bytes
    void this.write()
  }

  /** Resolves when none is being written. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
  }

  /** Writes one now, where this opening has a segment. */
  async write(): Promise<void> {
    await this.#inTurn(undefined)
  }

  /**
   * The same with the owner's state, which must be durable up to where its parts stand for; returns where
   * they stand now, or undefined where it was not written. Rejects with QLOG_DAMAGED where a part cannot be read.
   */
  writeState(state: readonly IndexedPart[]): Promise<ReadonlyMap<string, IndexPlace> | undefined> {
    return this.#inTurn(state)
  }

  async #inTurn(
    state: readonly IndexedPart[] | undefined,
  ): Promise<ReadonlyMap<string, IndexPlace> | undefined> {
    await this.settled()
    const writing = this.#write(state).catch((error: unknown) => {
      // The owner can give the part anew; whatever else fails costs time at the next opening.
      if (state && error instanceof DamagedError) throw error
      return undefined
    })
    this.#writing = writing.catch(() => undefined)
    try {
      return await writing
    } finally {
      this.#writing = undefined
    }
  }

  async #write(
    state: readonly IndexedPart[] | undefined,
  ): Promise<ReadonlyMap<string, IndexPlace> | undefined> {
    const { system, directory, storeId, loop, names, report } = this.#parts
    const { segment } = loop
    if (!segment) return undefined
    const durableLsn = segment.base + segment.durableOffset
    if (state?.some(({ at }) => at > durableLsn)) return undefined
    const head: IndexHead = {
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
      snapshots: loop.snapshotPlaces,
      map: loop.map,
    }
    const { name: own, lsn, bytes } = report()
    const told = { name: own, at: lsn, byteLength: bytes.length, read: async () => bytes }
    const name = this.#stateIndex ? otherIndex(this.#stateIndex) : this.#name
    const parts = [told, ...(state ?? [])]
    const places = await writeIndexFile(system, directory, name, head, parts, names)
    this.#name = otherIndex(name)
    if (state) this.#stateIndex = name
    return places
  }
}
