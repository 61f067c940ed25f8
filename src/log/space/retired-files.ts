/**
 * What becomes of the files of segments that no durable map names any more: set aside where they hold
 * damage, kept to be written again where that is safe, else unlinked. Touches these files alone.
 */
import { segmentFileName } from '../../format/layout.ts'
import type { MapEntry } from '../../format/link.ts'
import type { System } from '../../system/system.ts'
import { isPinned } from '../pins.ts'
import { quarantine, unlinkIfThere } from '../tidy.ts'
import type { SegmentSupply } from './supply.ts'

export interface RetiredFilesOptions {
  readonly system: System
  readonly directory: string
  readonly supply: SegmentSupply
  /** Whether damage was found in this file. */
  readonly isDamaged: (file: string) => boolean
  /** Whether a reader of this process has this segment open. */
  readonly isRead: (number: number) => boolean
}

export class RetiredFiles {
  readonly #options: RetiredFilesOptions

  constructor(options: RetiredFilesOptions) {
    this.#options = options
  }

  /**
   * Called once the map without these segments is durable, and nothing is being written to their files
   * any more, neither a late group nor a SEAL. Rejects with the first error, after every file had its
   * turn: one that stays must not keep the space of the others.
   */
  async remove(entries: readonly MapEntry[]): Promise<void> {
    const { supply } = this.#options
    const errors: unknown[] = []
    for (const entry of entries) {
      await this.#removeOne(entry).catch((error: unknown) => errors.push(error))
    }
    await supply.names.flush()
    if (errors.length > 0) throw errors[0]
  }

  get hasLeftovers(): boolean {
    return this.#options.supply.leftovers.areThere
  }

  /** The same for what opening has left. */
  async clear(): Promise<void> {
    const { supply } = this.#options
    await supply.leftovers.clear()
    await supply.names.flush()
  }

  async #removeOne(entry: MapEntry): Promise<void> {
    const { system, directory, isDamaged } = this.#options
    const file = segmentFileName(entry.number, entry.generation)
    if (entry.damaged || isDamaged(file)) return quarantine(system, directory, [file])
    const path = `${directory}/${file}`
    // A file that cannot be kept is given up like any other.
    const isKept = this.#suits(entry) && (await this.#keep(entry, path).catch(() => false))
    if (!isKept) await unlinkIfThere(system, path)
  }

  /** Only files that no other process can be writing to, of a size that will be asked for. */
  #suits({ number, fileBytes }: MapEntry): boolean {
    const { supply } = this.#options
    return (
      supply.hasMade(number) &&
      !supply.spares.isFull &&
      fileBytes >= supply.size.bytes &&
      fileBytes <= supply.size.spareBytesMax
    )
  }

  /** A file under two names, or in a reader's hands, stays what it is. */
  async #keep({ number, fileBytes }: MapEntry, path: string): Promise<boolean> {
    const { system, directory, supply, isRead } = this.#options
    if (await isPinned(system, directory)) return false
    const { linkCount } = await system.files.stat(path)
    if (linkCount !== 1 || isRead(number)) return false
    await supply.spares.keep(path, fileBytes)
    return true
  }
}
