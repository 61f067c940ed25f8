/**
 * The pairs that carry no append, and when each is due: MAP where segments retire or a snapshot counts, SYNC where the log
 * has been idle for a while, CLEAN where it ends. Memory and one timer; the commit loop sends them.
 */
import type { System } from '../system/system.ts'
import type { Composer } from './composer.ts'
import type { Flight } from './flight.ts'
import type { LiveMap } from './live-map.ts'
import type { OwnSegment } from './segment-file.ts'
import { fitsMap } from './special-groups.ts'

export interface DuePairsParts {
  readonly system: System
  readonly epoch: number
  readonly composer: Composer
  readonly map: LiveMap
  /** How long the log is idle before SYNC is due; 0 where it never is. */
  readonly idleSyncMs: number
  /** Called when SYNC has become due. */
  readonly onDue: () => void
}

export class DuePairs {
  readonly #parts: DuePairsParts
  #isSyncDue = false
  /** CLEAN is due: what to do once it is durable. */
  #whenClean: (() => void) | undefined
  /** Nothing was sent behind the last pair, or nothing at all. Set when a group leaves, not when it returns. */
  #lastWasPair = true
  #cancelIdle: (() => void) | undefined

  constructor(parts: DuePairsParts) {
    this.#parts = parts
  }

  /** Makes CLEAN due; `whenClean` is called once it is durable, or where it does not fit. */
  end(whenClean: () => void): void {
    this.#whenClean = whenClean
  }

  /** Tells what is due where nothing waits and nothing is under way; SYNC is told of once. */
  takeDue(): 'sync' | 'clean' | undefined {
    if (this.#whenClean) return 'clean'
    if (!this.#isSyncDue) return undefined
    this.#isSyncDue = false
    return 'sync'
  }

  /** The pair as a flight; undefined where it does not fit. */
  compose(segment: OwnSegment, type: 'map' | 'sync' | 'clean'): Flight | undefined {
    const { epoch, composer, map } = this.#parts
    const clean = type === 'clean' ? this.#whenClean : undefined
    if (type === 'clean') this.#whenClean = undefined
    let retired: (() => void) | undefined
    const named = { epoch, snapshots: map.snapshots, map: map.entries }
    const flight = composer.pair(segment, type, named, () => {
      retired?.()
      clean?.()
    })
    if (!flight) {
      clean?.()
      return undefined
    }
    if (type === 'map') retired = map.takeRetiring()
    return flight
  }

  /** Whether a MAP of now fits the segment. */
  fitsMap(segment: OwnSegment | undefined): boolean {
    return segment !== undefined && fitsMap(segment, this.#parts.map.entries.length)
  }

  /** Called with every group that leaves: what it adds is not confirmed by a pair yet, unless it is one. */
  noteSent(isPair: boolean): void {
    this.cancel()
    this.#isSyncDue = false
    this.#lastWasPair = isPair
  }

  /** Called where there is nothing to do. */
  armIdle(): void {
    const { system, idleSyncMs, onDue } = this.#parts
    if (idleSyncMs === 0 || this.#lastWasPair || this.#cancelIdle) return
    this.#cancelIdle = system.clock.after(idleSyncMs, () => {
      this.#cancelIdle = undefined
      this.#isSyncDue = true
      onDue()
    })
  }

  cancel(): void {
    this.#cancelIdle?.()
    this.#cancelIdle = undefined
  }
}
