/**
 * Makes the names in a log's directory durable, for everybody who changes them while it is open. A flush of
 * the directory covers all that was named before it; once one has failed the system may call the names
 * clean that it lost, so that a later one proves nothing, whoever asks for it. One that could not begin, for want of
 * a descriptor, has lost nothing. Touches the directory.
 */
import type { System } from '../system/system.ts'
import { isDescriptorError } from './space/held-descriptors.ts'

export class DirectoryNames {
  readonly #system: System
  readonly #directory: string
  #failure: { readonly error: unknown } | undefined

  constructor(system: System, directory: string) {
    this.#system = system
    this.#directory = directory
  }

  /** Rejects with the first error that any flush of this directory met, or where it cannot begin. */
  async flush(): Promise<void> {
    this.#check()
    try {
      await this.#system.files.flushDirectory(this.#directory)
    } catch (error) {
      if (isDescriptorError(error)) throw error
      this.#failure ??= { error }
    }
    // Another's may have failed while this one was under way.
    this.#check()
  }

  /** The same without returning to the event loop. */
  flushSync(): void {
    this.#check()
    try {
      this.#system.files.flushDirectorySync(this.#directory)
    } catch (error) {
      if (isDescriptorError(error)) throw error
      this.#failure ??= { error }
    }
    this.#check()
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error
  }
}
