/**
 * What a log on files tells of itself while it is open: on its channels, where somebody listens, and by a
 * warning where a flush takes too long. Decides nothing.
 */
import { isHeard, publish, type SegmentEvent } from '../channels.ts'
import type { Gap } from '../errors.ts'
import { segmentFileName } from '../format/layout.ts'
import type { MapEntry } from '../format/link.ts'
import type { System } from '../system/system.ts'
import type { Flight } from './flight.ts'
import { RareWarning } from './rare-warning.ts'
import type { ScrubReport } from './scrub/types.ts'

/** A flush that takes longer is told of; etcd warns at the same. */
export const SLOW_FLUSH_MS = 1_000

export class LogEvents {
  readonly #directory: string
  readonly #slowFlush: RareWarning

  constructor(system: System, directory: string) {
    this.#directory = directory
    this.#slowFlush = new RareWarning(system, 'QLOG_SLOW_FLUSH')
  }

  /** A group has resolved. */
  resolved(flight: Flight, tookMs: number): void {
    if (isHeard('qlog:flush')) {
      const { messages, offset, end } = flight
      publish('qlog:flush', {
        directory: this.#directory,
        tookMs,
        messages,
        bytes: end - offset,
      })
    }
    this.flushed(tookMs)
  }

  /** The same of a flush that is no group's own. */
  flushed(tookMs: number): void {
    if (tookMs <= SLOW_FLUSH_MS) return
    const directory = this.#directory
    if (isHeard('qlog:slow-flush')) publish('qlog:slow-flush', { directory, tookMs })
    this.#slowFlush.tell(`a flush of the log ${directory} took ${(tookMs / 1000).toFixed(1)} s`)
  }

  segment(change: SegmentEvent['change'], { number, generation, fileBytes }: MapEntry): void {
    if (!isHeard('qlog:segment')) return
    publish('qlog:segment', {
      directory: this.#directory,
      change,
      file: segmentFileName(number, generation),
      bytes: fileBytes,
    })
  }

  damage(gap: Gap): void {
    publishDamage(this.#directory, gap)
  }

  scrubbed({ tookMs, segments, bytes, fromDisk, damages, findings, repair }: ScrubReport): void {
    if (!isHeard('qlog:scrubbed')) return
    const directory = this.#directory
    const figures = { tookMs, segments, bytes, fromDisk, damages }
    publish('qlog:scrubbed', { directory, ...figures, findings, mended: repair?.blocks ?? [] })
  }

  space(state: 'ok' | 'full'): void {
    if (isHeard('qlog:space')) publish('qlog:space', { directory: this.#directory, state })
  }

  failed(error: Error): void {
    if (isHeard('qlog:log-failed'))
      publish('qlog:log-failed', { directory: this.#directory, error })
  }
}

/** Damage that was not known, of a log that is open or is only read. */
export function publishDamage(directory: string, gap: Gap): void {
  if (isHeard('qlog:damage')) publish('qlog:damage', { directory, gap })
}
