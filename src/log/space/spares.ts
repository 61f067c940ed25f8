/**
 * Files of retired segments that wait to become segments again: their blocks exist on the disk already,
 * so that nothing has to be zeroed. Touches `spare-*` in the log's directory, nothing else.
 */
import type { System } from '../../system/system.ts'
import type { DirectoryNames } from '../directory-names.ts'
import { randomHex, type SegmentSource } from '../segment-file.ts'
import { removeQuietly } from '../tidy.ts'

/** One is filled while the other waits; more would only take space. */
const SPARES_MAX = 2

export class Spares {
  readonly #system: System
  readonly #directory: string
  readonly #names: DirectoryNames
  readonly #files: SegmentSource[] = []
  /** Renames under way, so that two at once do not keep one file too many. */
  #arriving = 0

  constructor(system: System, directory: string, names: DirectoryNames) {
    this.#system = system
    this.#directory = directory
    this.#names = names
  }

  get isFull(): boolean {
    return this.#files.length + this.#arriving >= SPARES_MAX
  }

  get bytes(): number {
    return this.#files.reduce((sum, file) => sum + file.fileBytes, 0)
  }

  /**
   * Takes the file of a segment that no durable map names, that nobody reads, and that this process
   * made. It has a new name for good before a byte of it changes: else a power cut could bring a new
   * segment's bytes back under the old name.
   */
  async keep(path: string, fileBytes: number): Promise<void> {
    const { files } = this.#system
    const spare = `${this.#directory}/spare-${randomHex(this.#system, 8)}`
    this.#arriving++
    try {
      await files.rename(path, spare)
      await this.#names.flush().catch(async (error: unknown) => {
        // Which of its names it has for good is not known: it is no spare, and takes no space.
        await removeQuietly(this.#system, spare)
        throw error
      })
      this.#files.push({ path: spare, fileBytes, isReused: true })
    } finally {
      this.#arriving--
    }
  }

  /** A file of at least `bytesMin` and at most `bytesMax`, which is the caller's from now on. */
  take(bytesMin: number, bytesMax: number): SegmentSource | undefined {
    const row = this.#files.findIndex(
      ({ fileBytes }) => fileBytes >= bytesMin && fileBytes <= bytesMax,
    )
    return row < 0 ? undefined : this.#files.splice(row, 1)[0]
  }

  /** Gives the space of one file back; false where there is none. */
  async drop(): Promise<boolean> {
    const file = this.#files.pop()
    return file !== undefined && (await removeQuietly(this.#system, file.path))
  }

  /** The same at once. */
  dropSync(): boolean {
    const file = this.#files.pop()
    if (!file) return false
    try {
      this.#system.files.unlinkSync(file.path)
      return true
    } catch {
      // A file that stays is cleared away by a later opening.
      return false
    }
  }

  /** Removes what waits; not where the log is another's, who clears such files away itself. */
  async close(isOurs: boolean): Promise<void> {
    while (isOurs && (await this.drop()));
    this.#files.length = 0
  }
}
