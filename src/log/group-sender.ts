/**
 * Which group leaves next, when, and into which segment: a map, blocks of a snapshot, appends, a pair.
 * Several are under way at once, but nothing beside the first of a segment. Hands flights to the writer
 * and touches no file itself.
 */
import { BlockType } from '../format/layout.ts'
import type { Clock, FileHandle } from '../system/system.ts'
import { type Composer, type SnapshotBlock, snapshotBytes } from './composer.ts'
import type { DuePairs } from './due-pairs.ts'
import type { Flight } from './flight.ts'
import type { FlightQueue } from './flight-queue.ts'
import type { FlightWriter } from './flight-writer.ts'
import type { IntervalFlush } from './interval-flush.ts'
import type { OwnSegment } from './segment-file.ts'
import type { LinkOptions, SegmentTurn } from './segment-turn.ts'
import type { Settlement } from './settlement.ts'
import type { SnapshotTurn } from './snapshot/snapshot-turn.ts'
import type { SegmentSupply } from './space/supply.ts'

/**
 * Below this a flush costs much the same whatever it covers, so that appends of one tick had better share
 * it; above, two groups under way are faster than one (measured: docs/decisions/0004).
 */
const SHARE_BYTES_MIN = 64 * 1024

export interface SenderParts {
  readonly clock: Pick<Clock, 'afterEvents'>
  readonly options: LinkOptions
  readonly supply: SegmentSupply
  readonly composer: Composer
  readonly flights: FlightQueue
  readonly settlement: Settlement
  readonly writer: FlightWriter
  readonly flush: IntervalFlush
  readonly turn: SegmentTurn
  readonly pairs: DuePairs
  readonly snapshots: SnapshotTurn
  /** False once nothing may leave any more. */
  readonly isOpen: () => boolean
  readonly isDiskFull: () => boolean
  /** Called with what kept a group from leaving. */
  readonly failed: (error: unknown) => void
}

export class GroupSender {
  readonly #parts: SenderParts
  readonly #composer: Composer
  readonly #flights: FlightQueue
  readonly #settlement: Settlement
  readonly #writer: FlightWriter
  readonly #turn: SegmentTurn
  readonly #clock: Pick<Clock, 'afterEvents'>
  #isScheduled = false

  constructor(parts: SenderParts) {
    this.#parts = parts
    this.#composer = parts.composer
    this.#flights = parts.flights
    this.#settlement = parts.settlement
    this.#writer = parts.writer
    this.#turn = parts.turn
    this.#clock = parts.clock
  }

  /** Called behind each append: sends it at once, or with the others that come with it. */
  appended(): void {
    if (this.#isShare) this.pump()
    else this.schedule()
  }

  /**
   * Appends of events that came together share a group, those of many connections too: handing a group to
   * the thread pool and looking at LOCK behind it cost as much as all else that a small group does.
   */
  schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#clock.afterEvents(this.#pumpSoon)
  }

  readonly #pumpSoon = (): void => {
    this.#isScheduled = false
    this.pump()
  }

  /** Sends what can be sent now; called whenever something changed. */
  pump(): void {
    if (!this.#parts.isOpen()) return
    try {
      this.#sendNext()
    } catch (error) {
      this.#parts.failed(error)
    }
  }

  /**
   * Whether a message of so many bytes may leave in the pending group. It did not wait for room like what is
   * there, and LINK's limit holds for both together.
   */
  mayJoinPending(bytes: number): boolean {
    const { mode, inFlightBytesBound } = this.#parts.options
    return mode !== 'always' || this.#composer.pendingBytesWith(1, bytes) <= inFlightBytesBound
  }

  /**
   * A segment for the pending group if it needs a new one, made synchronously. `handle` is of the current
   * one, and nothing else uses it.
   */
  placeSync(handle: FileHandle | undefined): OwnSegment | undefined {
    const { segment } = this.#turn
    if (segment && this.#composer.fits(segment)) return undefined
    if (segment && handle && segment.durableOffset < segment.writtenEnd) {
      this.#parts.flush.flushSync(segment, this.#settlement.visibleNextId, handle)
    }
    return this.#turn.nextSync(this.#settlement.visibleNextId)
  }

  /** Sends the pending group synchronously, as the first of `own` if there is one. */
  sendSync(own: OwnSegment | undefined, handle: FileHandle | undefined): void {
    const flight = own ? this.#openingFlight(own) : this.#dataFlight()
    this.#launch(flight)
    // Nothing is under way to a new one.
    const lane = own ? own.handle : handle
    if (!lane) throw new Error('a group needs a segment')
    this.#writer.sendSync(flight, lane)
  }

  /**
   * Appends that resolved together are followed by others together. In one group these would resolve
   * together again, with nothing to write meanwhile; so a group leaves before its tick is over once it
   * has its share of what the last ones were. Not into the next segment: to ask for one is not for every
   * append.
   */
  get #isShare(): boolean {
    const { segment } = this.#turn
    if (!segment || !this.#composer.fits(segment)) return false
    const shareBytes = Math.max(SHARE_BYTES_MIN, this.#settlement.lastBytes / 2)
    return this.#writer.hasRoomIn(segment) && this.#composer.pending.byteLength >= shareBytes
  }

  #sendNext(): void {
    // The first group of a segment resolves before anything follows: else a later D would claim
    // what a fenced writer cannot know.
    const { segment } = this.#turn
    if (this.#flights.opensSegment || !this.#writer.makesRoomIn(segment)) return
    if (this.#turn.map.isDue) {
      if (this.#flights.isEmpty && !(segment && this.#sendPair(segment, 'map'))) this.#roll()
      return
    }
    const blocks = this.#parts.snapshots.next(this.#composer.pending, this.#needReserve(segment))
    if (blocks) {
      this.#sendBlocks(blocks)
      return
    }
    if (!this.#composer.pending.isEmpty) {
      if (segment && this.#composer.fits(segment)) this.#send(this.#dataFlight())
      else if (this.#flights.isEmpty) this.#roll()
      return
    }
    if (!this.#flights.isEmpty || !segment) return
    const due = this.#parts.pairs.takeDue()
    if (due) this.#sendPair(segment, due)
    else this.#parts.pairs.armIdle()
  }

  /** The blocks of a snapshot find no room beside the pending group, and there is no other. */
  #needReserve(segment: OwnSegment | undefined): boolean {
    const { waiting } = this.#parts.snapshots
    if (!waiting || !this.#parts.isDiskFull()) return false
    return !segment || !this.#composer.fitBeside(segment, waiting)
  }

  /** In modes that do not flush each group, the flush of an end must cover all groups in front of it. */
  #sendBlocks(blocks: readonly SnapshotBlock[]): void {
    const { segment } = this.#turn
    const fits = segment && this.#composer.fitsBlocks(segment, blocks)
    const isEnd = blocks.some(({ type }) => type === BlockType.SNAPSHOT_END)
    if (!this.#flights.isEmpty && (!fits || isEnd)) return
    if (!fits) {
      this.#roll(snapshotBytes(blocks))
      return
    }
    const lsn = segment.base + segment.sentEnd
    const settled = this.#parts.snapshots.sent(lsn)
    this.#send(this.#composer.snapshot(segment, blocks, settled))
  }

  /**
   * Begins the next segment, with room for `moreBytes` behind its first group; everything before must be
   * durable first, in every mode.
   */
  #roll(moreBytes = 0): void {
    const { segment } = this.#turn
    if (segment && segment.durableOffset < segment.writtenEnd) {
      this.#flushThenPump(segment)
      return
    }
    const own = this.#turn.next(this.#settlement.visibleNextId, moreBytes)
    if (own) this.#send(this.#openingFlight(own))
  }

  #flushThenPump(segment: OwnSegment): void {
    const flushed = this.#parts.flush.flush(segment, this.#settlement.visibleNextId)
    flushed.then(() => this.schedule(), this.#parts.failed)
  }

  /** The first group of a segment, of which nothing is visible yet. */
  #openingFlight(own: OwnSegment): Flight {
    const flight = this.#turn.open(own, this.#settlement.visibleNextId)
    this.#settlement.visibleEnd = 0
    return flight
  }

  #dataFlight(): Flight {
    const { segment, blockIndex } = this.#turn
    if (!segment) throw new Error('a group needs a segment')
    return this.#composer.data(segment, blockIndex)
  }

  /** Sends a pair, or what must come before it; false where it does not fit. */
  #sendPair(segment: OwnSegment, type: 'map' | 'sync' | 'clean'): boolean {
    if (type !== 'map' && segment.durableOffset < segment.writtenEnd) {
      this.#flushThenPump(segment)
      return true
    }
    const flight = this.#parts.pairs.compose(segment, type)
    if (!flight) return false
    this.#send(flight)
    return true
  }

  #launch(flight: Flight): void {
    const { segment, end, opensSegment } = flight
    const { mode, inFlightBytesBound } = this.#parts.options
    // It has left the composer: whatever throws from here on, whoever waits for it is found in the queue.
    this.#flights.push(flight)
    // What stands further in front of the last valid block is judged by LINK's limit to be durable.
    if (mode === 'always' && !opensSegment && end - segment.durableOffset > inFlightBytesBound) {
      throw new Error(`more than ${inFlightBytesBound} bytes between D and the end of a write`)
    }
    this.#parts.pairs.noteSent(flight.group === undefined && !opensSegment)
  }

  #send(flight: Flight): void {
    this.#launch(flight)
    if (flight.group) this.#parts.snapshots.passed()
    this.#writer.send(flight)
    this.#parts.supply.prepareAhead(flight.segment)
  }
}
