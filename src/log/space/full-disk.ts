/**
 * Whether the disk is full: entered where no segment can be made, left by itself once there is space
 * again for the reserve and for a segment. Memory and one timer.
 */
import type { QlogError } from '../../errors.ts'
import type { System } from '../../system/system.ts'

/** How often it is looked whether there is space again. */
const LOOK_MS = 250
/** Trying to make files writes to the disk: where it fails again and again it is done less often. */
const TRY_MS_MAX = 8_000

export interface FullDiskOptions {
  readonly system: System
  /** Whether it is worth trying, found out without a write. */
  readonly mayFit: () => Promise<boolean>
  /** Makes what was missing; rejects as long as it cannot. */
  readonly regain: () => Promise<void>
  readonly onChange: (state: 'ok' | 'full') => void
  /** Called after each attempt: it may have made a part of what was missing. */
  readonly onTried: () => void
  /** Called with what the owner threw when it was told that there is space: nobody waits for it. */
  readonly failed: (error: unknown) => void
}

export class FullDisk {
  /** Why messages are refused; undefined where they are not. */
  cause: QlogError | undefined
  readonly #options: FullDiskOptions
  #cancel: (() => void) | undefined
  #isLooking = false
  #isOver = false
  #delayMs = LOOK_MS

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
    if (!wasFull) {
      this.#delayMs = LOOK_MS
      this.#options.onChange('full')
    }
    this.#arm()
  }

  /** Looks at once: something may have given space back. */
  look(): void {
    if (!this.isFull || this.#isLooking || this.#isOver) return
    this.#cancel?.()
    this.#cancel = undefined
    this.#isLooking = true
    this.#lookNow()
      .then(
        (hasSpace) => this.#looked(hasSpace),
        () => this.#looked(false),
      )
      .catch(this.#options.failed)
  }

  /** Stops looking, for good. */
  end(): void {
    this.#isOver = true
    this.#cancel?.()
    this.#cancel = undefined
  }

  async #lookNow(): Promise<boolean> {
    const { mayFit, regain, onTried } = this.#options
    if (!(await mayFit())) {
      this.#delayMs = LOOK_MS
      return false
    }
    try {
      await regain()
      return true
    } catch {
      // Quotas and limits of the process do not show before a write fails.
      this.#delayMs = Math.min(TRY_MS_MAX, this.#delayMs * 2)
      return false
    } finally {
      if (!this.#isOver) onTried()
    }
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
    this.#cancel ??= this.#options.system.clock.after(this.#delayMs, () => {
      this.#cancel = undefined
      this.look()
    })
  }
}
