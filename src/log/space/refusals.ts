/**
 * What follows from the making of a segment that groups waited for: where there is none, who is turned away,
 * and where it took of the reserve, that no messages follow into it. Whoever finds room without it stays.
 */
import { QlogError } from '../../errors.ts'
import type { Composer } from '../composer.ts'
import type { FlightQueue } from '../flight-queue.ts'
import { isFenced, isFullDisk } from '../io-errors.ts'
import type { SegmentTurn } from '../segment-turn.ts'
import type { SnapshotTurn } from '../snapshot/snapshot-turn.ts'
import type { Admission } from './admission.ts'
import type { SegmentSupply, SegmentUse } from './supply.ts'

export interface RefusalParts {
  readonly composer: Composer
  readonly flights: FlightQueue
  readonly turn: SegmentTurn
  readonly snapshots: SnapshotTurn
  readonly supply: SegmentSupply
  readonly admission: Admission
  /** Called where somebody was turned away: who waits has to look again, and others may leave now. */
  readonly onRefused: () => void
  /** Called with what is no lack of the disk or of the process. */
  readonly failed: (error: unknown) => void
}

export class Refusals {
  readonly #parts: RefusalParts

  constructor(parts: RefusalParts) {
    this.#parts = parts
  }

  /** A segment for `use` was made, or could not be. */
  prepared(error: unknown, use: SegmentUse): void {
    const { composer, flights, turn, snapshots, supply, failed } = this.#parts
    // The log is another's, or itself wrong.
    if (error !== undefined && (isFenced(error) || !(error instanceof QlogError))) {
      failed(error)
      return
    }
    const { segment } = turn
    const { isDue } = turn.map
    const { waiting } = snapshots
    // A synchronous append may have gone on to a segment of its own meanwhile.
    const fits = segment !== undefined && composer.fits(segment)
    const blocksFit = !waiting || (segment && composer.fitsBlocks(segment, waiting))
    const isNeeded = isDue || !blocksFit || !(fits || !flights.isEmpty)
    // Behind messages the reserve can be had.
    const isReserveNext = use === 'messages' && isFullDisk(error)
    if (error === undefined || !isNeeded) {
      if (supply.isReservePrepared) this.#keepMessagesOut()
    } else if (fits && !(isDue && isReserveNext)) this.#refuseOwn(error, isReserveNext)
    else this.refusePending(error, use)
  }

  /** Turns away what waits: messages, and with `control` whatever there is. */
  refusePending(error: unknown, use: SegmentUse): void {
    const { snapshots, admission, onRefused } = this.#parts
    if (use === 'control') snapshots.refuse(error)
    admission.refusePending(error, use)
    onRefused()
  }

  /** What waits of the owner's finds its room in the current segment: only the log wanted another. */
  #refuseOwn(error: unknown, isReserveNext: boolean): void {
    const { snapshots, admission, turn, onRefused } = this.#parts
    if (isFullDisk(error)) admission.keepMessagesOut(error)
    if (!isReserveNext) {
      snapshots.refuse(error)
      turn.map.isDue = false
    }
    onRefused()
  }

  /** Control records had to take of the reserve: messages that came meanwhile must not follow. */
  #keepMessagesOut(): void {
    const { composer, admission } = this.#parts
    const cause = new QlogError('QLOG_DISK_FULL', 'the reserve for a full disk is in use')
    if (composer.pending.messages > 0) this.refusePending(cause, 'messages')
    else admission.keepMessagesOut(cause)
  }
}
