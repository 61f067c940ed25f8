/**
 * What is taken while the disk is full, and who is turned away where no segment could be made: batches
 * with messages first, so that control records and maps may still find room in the reserve.
 */
import { QlogError } from '../../errors.ts'
import type { System } from '../../system/system.ts'
import type { Composer } from '../composer.ts'
import { isFullDisk } from '../io-errors.ts'
import type { LogEvents } from '../log-events.ts'
import type { LogOwner } from '../seam.ts'
import type { SegmentTurn } from '../segment-turn.ts'
import { FullDisk } from './full-disk.ts'
import type { SegmentSupply, SegmentUse } from './supply.ts'

export interface AdmissionParts {
  readonly system: System
  readonly owner: LogOwner
  readonly events: LogEvents
  readonly supply: SegmentSupply
  readonly composer: Composer
  readonly turn: SegmentTurn
  /** Called after each attempt to find space: there may be something to send. */
  readonly onTried: () => void
  /** Called with what an owner threw that was told of space. */
  readonly failed: (error: unknown) => void
}

export class Admission {
  readonly #parts: AdmissionParts
  readonly #fullDisk: FullDisk

  constructor(parts: AdmissionParts) {
    this.#parts = parts
    const { system, owner, events, supply, turn, onTried, failed } = parts
    const { map } = turn
    this.#fullDisk = new FullDisk({
      system,
      // A map that waits gives space back: it is tried whatever the file system says is free.
      mayFit: async () => map.isWaiting || (await supply.mayRegain()),
      regain: () => supply.regain(),
      onChange: (state) => {
        events.space(state)
        owner.space(state)
      },
      onTried: () => {
        map.isDue ||= map.isWaiting
        onTried()
      },
      failed,
    })
  }

  get isDiskFull(): boolean {
    return this.#fullDisk.isFull
  }

  /**
   * Throws QLOG_DISK_FULL where a batch with so many messages of so many bytes is not taken: while the
   * disk is full, only what still fits the segment is, and nothing into what is kept for control
   * records.
   */
  assertAdmits(messages: number, bytes: number): void {
    const { cause } = this.#fullDisk
    if (cause === undefined || messages === 0) return
    const { turn, composer } = this.#parts
    const { segment } = turn
    if (segment && !segment.isReserve && composer.wouldFit(segment, messages, bytes)) return
    throw new QlogError('QLOG_DISK_FULL', cause.message, { cause: cause.cause })
  }

  /** Takes no more messages until there is space again. */
  keepMessagesOut(cause: QlogError): void {
    this.#fullDisk.enter(cause)
  }

  /**
   * Full, or no descriptor: nothing was written, and the log goes on. Batches with messages go first;
   * control records and a map may still find room in the reserve.
   */
  refusePending(error: unknown, use: SegmentUse): void {
    const { owner, composer, turn } = this.#parts
    const cause = error instanceof Error ? error : new Error(String(error))
    if (!composer.pending.isEmpty) {
      const gone = use === 'messages' ? composer.dropMessages() : composer.drop()
      for (const { firstTicket, lastTicket } of gone) owner.refused(firstTicket, lastTicket, cause)
    }
    if (isFullDisk(error)) this.#fullDisk.enter(error)
    // The map that retires segments goes out with the next LINK.
    if (use === 'control') turn.map.isDue = false
  }

  /** Something may have given space back: looks whether messages can be taken again. */
  noteFreed(): void {
    this.#fullDisk.look()
  }

  /** Stops looking for space, for good. */
  end(): void {
    this.#fullDisk.end()
  }
}

/** A segment could not be made: nothing was written, so nothing has failed for good. */
export function isRefusal(error: unknown): boolean {
  return error instanceof QlogError && (error.code === 'QLOG_DISK_FULL' || error.code === 'QLOG_IO')
}
