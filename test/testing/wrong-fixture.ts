/** A log in memory that is right but for what it is told to do wrong, as a fixture of the log suite. */

import { MemoryMedium } from '../../src/log/memory/medium.ts'
import { openMemoryLog } from '../../src/log/memory/memory-log.ts'
import type { LogOwner, OwnedLog } from '../../src/log/seam.ts'
import type { Clock } from '../../src/system/system.ts'
import type { LogFixture } from '../../src/testing/log-suite.ts'
import { openSlowLog, type SlowLog } from '../../src/testing/slow-log.ts'
import { Machine } from './log-fixtures.ts'

/** How one wrong log differs from a right one. */
export interface WrongLog {
  /** A part of the name of a test that must fail. */
  readonly failing: string
  /** The owner that the right log gets instead. */
  readonly owner?: (owner: LogOwner) => LogOwner
  /** What the owner gets instead of the right log. */
  readonly log: (log: OwnedLog, owner: LogOwner, around: Around) => Partial<OwnedLog>
  /** The right log beneath acknowledges late. */
  readonly slow?: true
}

/** What a wrong log can reach besides the right one. */
export interface Around {
  readonly medium: MemoryMedium
  readonly clock: Pick<Clock, 'after'>
}

export class WrongFixture extends Machine implements LogFixture {
  readonly medium = new MemoryMedium()
  readonly #wrong: WrongLog
  #slow: SlowLog | undefined

  constructor(wrong: WrongLog) {
    super(1)
    this.#wrong = wrong
  }

  async open(owner: LogOwner, options: { signal?: AbortSignal } = {}): Promise<OwnedLog> {
    const { clock, medium } = this
    const limits = { inFlightBytesMax: 64 * 1024 }
    const told = this.#wrong.owner?.(owner) ?? owner
    let right: OwnedLog
    if (this.#wrong.slow) {
      this.#slow = await openSlowLog({ clock }, medium, limits)(told, options)
      right = this.#slow
    } else right = await openMemoryLog({ clock }, medium, limits)(told, options)
    const changes = this.#wrong.log(right, owner, { medium, clock })
    return new Proxy(right, {
      get: (target, name) => {
        if (Object.hasOwn(changes, name)) return Reflect.get(changes, name)
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  takeOver(owner: LogOwner): Promise<OwnedLog> {
    return this.open(owner)
  }

  async crash(): Promise<void> {
    this.medium.crash()
  }

  failNextCommit(): void {
    if (!this.#slow) throw new Error('this log cannot fail')
    this.#slow.failAt(this.#slow.lastTicket + 1)
  }

  setFull(full: boolean): void {
    this.#slow?.setFull(full)
  }
}
