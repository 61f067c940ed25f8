/**
 * Makes the names in a log's directory durable, for everybody who changes them while it is open. A flush of
 * the directory covers all that was named before it; once one has failed the system may call the names
 * clean that it lost, so that a later one proves nothing, whoever asks for it. Touches the directory.
 */
import { QlogError } from '../errors.ts'
import type { System } from '../system/system.ts'

export class DirectoryNames {
  readonly #system: System
  readonly #directory: string
  #flushing: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(system: System, directory: string) {
    this.#system = system
    this.#directory = directory
  }

  /** Rejects with QLOG_IO where any flush of this directory has failed, with the system's error where it could not begin. */
  async flush(): Promise<void> {
    // One that is under way may have lost what was named since it began, and tell so only when a later one has
    // told that all is well.
    while (this.#flushing !== undefined) await this.#flushing.catch(() => undefined)
    this.assertSound()
    this.#flushing = this.#flush().finally(() => {
      this.#flushing = undefined
    })
    await this.#flushing
    // That of a synchronous append may have failed meanwhile.
    this.assertSound()
  }

  /** The same without returning to the event loop: what is named and flushed in one go was named behind any other. */
  flushSync(): void {
    this.assertSound()
    try {
      this.#system.files.flushDirectorySync(this.#directory)
    } catch (error) {
      this.#note(error)
    }
    this.assertSound()
  }

  /**
   * Rejects what needs a new name, before a file is made for it. Never an error of space: what was lost does
   * not come back with it.
   */
  assertSound(): void {
    if (!this.#failure) return
    const why = 'a flush of it has failed, and none proves anything any more: open the log again'
    const { error: cause } = this.#failure
    throw new QlogError('QLOG_IO', `the names in ${this.#directory} are in doubt: ${why}`, {
      cause,
    })
  }

  async #flush(): Promise<void> {
    try {
      await this.#system.files.flushDirectory(this.#directory)
    } catch (error) {
      this.#note(error)
    }
  }

  /** A directory that could not even be opened has lost nothing: the next flush covers all of it. */
  #note(error: unknown): void {
    if (error instanceof Error && 'syscall' in error && error.syscall === 'open') throw error
    this.#failure ??= { error }
  }
}
