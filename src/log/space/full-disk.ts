/**
 * Whether the disk is full: entered where no segment can be made, left by itself once there is space
 * again for the reserve and for a segment. Memory and one timer.
 */
import type { QlogError } from '../../errors.ts'
import type { System } from '../../system/system.ts'

/** How often it is looked whether there is space again. */
const LOOK_MS = 250

export interface FullDiskOptions {
  readonly system: System
  /** Makes what was missing; rejects as long as it cannot. */
  readonly regain: () => Promise<void>
  readonly onChange: (state: 'ok' | 'full') => void
}

export class FullDisk {
  /** Why messages are refused; undefined where they are not. */
  cause: QlogError | undefined
  readonly #options: FullDiskOptions
  #cancel: (() => void) | undefined
  #isLooking = false
  #isOver = false

  constructor(options: FullDiskOptions) {
    this.#options = options
  }

  get isFull(): boolean {
    return this.cause !== undefined
  }

  enter(cause: QlogError): void {
    if (this.#isOver) return
    const wasFull = this.isFull
    this.cause = cause
    if (!wasFull) this.#options.onChange('full')
    this.#arm()
  }

  /** Looks at once: something may have given space back. */
  look(): void {
    if (!this.isFull || this.#isLooking || this.#isOver) return
    this.#cancel?.()
    this.#cancel = undefined
    this.#isLooking = true
    this.#options.regain().then(
      () => this.#looked(true),
      () => this.#looked(false),
    )
  }

  /** Stops looking, for good. */
  end(): void {
    this.#isOver = true
    this.#cancel?.()
    this.#cancel = undefined
  }

  #looked(hasSpace: boolean): void {
    this.#isLooking = false
    if (this.#isOver) return
    if (!hasSpace) {
      this.#arm()
      return
    }
    this.cause = undefined
    this.#options.onChange('ok')
  }

  #arm(): void {
    this.#cancel ??= this.#options.system.clock.after(LOOK_MS, () => {
      this.#cancel = undefined
      this.look()
    })
  }
}
