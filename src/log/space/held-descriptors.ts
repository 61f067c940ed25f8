/**
 * Descriptors held back, so that a process out of them can still begin a segment. Touches LOCK, which is
 * always there, by opening it.
 */
import { QlogError, systemErrorCode } from '../../errors.ts'
import type { FileHandle, System } from '../../system/system.ts'
import { ioError, runAll } from '../io-errors.ts'
import type { DescriptorSource } from '../segment-file.ts'

/**
 * While the next segment is begun the full one is still open, and the first segment of an opening may be
 * begun as late as any.
 */
const HELD_MAX = 2

export class HeldDescriptors implements DescriptorSource {
  readonly #system: System
  readonly #path: string
  readonly #shed: () => boolean
  readonly #handles: FileHandle[] = []
  #isHolding = false
  #isClosed = false

  /** `shed` lets go of others; false where there are none. */
  constructor(system: System, directory: string, shed: () => boolean) {
    this.#system = system
    this.#path = `${directory}/LOCK`
    this.#shed = shed
  }

  /** All that is to be held back is. */
  get isWhole(): boolean {
    return this.#handles.length >= HELD_MAX
  }

  /** Holds what is missing, also after some had to be let go of. */
  async hold(): Promise<void> {
    if (this.#isHolding) return
    this.#isHolding = true
    try {
      while (this.#handles.length < HELD_MAX && !this.#isClosed) {
        this.#handles.push(await this.#system.files.open(this.#path, { mode: 'read' }))
      }
    } finally {
      this.#isHolding = false
      if (this.#isClosed) await this.close()
    }
  }

  /**
   * Does the work again with one more descriptor where there was none for it: one that is held back, else of those
   * that `shed` lets go of.
   */
  async spend<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!isDescriptorError(error)) throw error
      const handle = this.#handles.pop()
      if (handle) await handle.close()
      else if (!this.#shed()) throw error
      return await work()
    }
  }

  spendSync<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (!isDescriptorError(error)) throw error
      const handle = this.#handles.pop()
      if (handle) handle.closeSync()
      else if (!this.#shed()) throw error
      return work()
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const errors = await runAll(this.#handles.splice(0).map((handle) => () => handle.close()))
    if (errors.length > 0) throw ioError(`close ${this.#path}`, errors[0], errors.slice(1))
  }
}

/** What was to be done has not begun, for want of a descriptor. */
function isDescriptorError(error: unknown): boolean {
  const cause = error instanceof QlogError ? error.cause : error
  const code = systemErrorCode(cause)
  return code === 'EMFILE' || code === 'ENFILE'
}
