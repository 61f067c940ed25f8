/**
 * The writes under way: carries several groups at once to their segment and looks at LOCK behind each,
 * so that a group is confirmed by a look that began after its write had returned. The look waits for
 * nobody: the kernel has the entry in memory, and a turn of the thread pool would take twenty times as
 * long (docs/decisions/0012-look-and-turn.md). Decides neither what is sent nor what resolves.
 */
import { QlogError } from '../errors.ts'
import type { FileHandle } from '../system/system.ts'
import { type Flight, writePieces, writePiecesSync } from './flight.ts'
import type { FlightQueue } from './flight-queue.ts'
import type { Lock } from './lock.ts'
import type { OwnSegment } from './segment-file.ts'

/**
 * Writes under way at once. The flushes of three overlap, which gives more than any loop of one after
 * the other can, and one of the four threads that Node has for files stays free for everything else. See
 * docs/decisions/0004-the-writer.md.
 */
export const FLIGHTS_MAX = 3

/** What the writer tells; nothing is called within a call of `send`. */
export interface FlightEvents {
  /** False once nothing may resolve any more. */
  isOpen(): boolean
  /** A write returned, and LOCK was seen held: groups may resolve, and others may be sent. */
  moved(): void
  /** The write of a group that had resolved before has returned: its buffers are free. */
  released(flight: Flight): void
  failed(error: unknown): void
  fenced(): void
  /** One more write has room beside those that are under way. */
  roomier(): void
}

export class FlightWriter {
  /** Asynchronous writes that have not returned. */
  #writing = 0
  readonly #lock: Lock
  readonly #flights: FlightQueue
  readonly #events: FlightEvents
  /** Whether a group is flushed behind its write, though it does not ask for it. */
  readonly #flushesEach: boolean
  /** In `always` with durable handles a group that must be flushed is so by its write. */
  readonly #flushesNone: boolean
  /** The same as promises, which never reject. */
  readonly #writes = new Set<Promise<void>>()

  constructor(
    lock: Lock,
    flights: FlightQueue,
    mode: 'always' | 'interval' | 'never',
    durableWrites: 'dsync' | 'flush',
    events: FlightEvents,
  ) {
    this.#lock = lock
    this.#flights = flights
    this.#events = events
    this.#flushesEach = mode === 'always' && durableWrites === 'flush'
    this.#flushesNone = mode === 'always' && durableWrites === 'dsync'
  }

  /** Whether a group may be sent to this segment now; to a new one if there is none. */
  hasRoomIn(segment: OwnSegment | undefined): boolean {
    return this.#writing < FLIGHTS_MAX && (segment === undefined || segment.lanes.hasFree)
  }

  /** The same, and makes room where only a description of the file is missing. */
  makesRoomIn(segment: OwnSegment | undefined): boolean {
    if (this.hasRoomIn(segment)) return true
    if (this.#writing < FLIGHTS_MAX) segment?.lanes.whenFree(this.#events.roomier)
    return false
  }

  /** Sends a group that is in the queue already. */
  send(flight: Flight): void {
    this.#writing++
    const write = flight.segment.lanes
      .use((handle) => this.#write(flight, handle))
      .then(
        () => this.#returned(flight),
        (error: unknown) => {
          this.#writing--
          this.#events.failed(error)
        },
      )
      // A broken invariant that shows while groups settle stops the log like a failed write.
      .catch((error: unknown) => this.#events.failed(error))
    this.#writes.add(write)
    void write.then(() => this.#writes.delete(write))
  }

  /**
   * Sends a group that is in the queue already, through a description that nothing else uses, and confirms
   * it. Throws QLOG_FENCED and errors.
   */
  sendSync(flight: Flight, handle: FileHandle): void {
    this.#writeSync(flight, handle)
    if (!this.#confirm()) throw fencedError()
  }

  /**
   * Writes the bytes of the groups under way again, the same bytes to the same place, so that whatever
   * mixture of the two writes arrives is the same group; then confirms them. All are of one segment.
   */
  resendSync(handle: FileHandle): void {
    if (this.#flights.isEmpty) return
    // Asynchronous writes return in any order, so those that have not are told apart one by one.
    for (const flight of this.#flights.all()) {
      if (flight.written) continue
      this.#writeSync(flight, handle)
      flight.settled = true
    }
    if (!this.#confirm()) throw fencedError()
  }

  /** Resolves when every write that has begun has returned. */
  async returned(): Promise<void> {
    await Promise.all(this.#writes)
  }

  async #write(flight: Flight, handle: FileHandle): Promise<void> {
    await writePieces(flight, handle)
    if (this.#flushes(flight)) await handle.flush()
  }

  #writeSync(flight: Flight, handle: FileHandle): void {
    writePiecesSync(flight, handle)
    if (this.#flushes(flight)) handle.flushSync()
    flight.written = true
  }

  #flushes(flight: Flight): boolean {
    return this.#flushesEach || (flight.mustFlush && !this.#flushesNone)
  }

  #returned(flight: Flight): void {
    this.#writing--
    if (flight.settled) {
      this.#events.released(flight)
      return
    }
    flight.written = true
    if (!this.#events.isOpen()) return
    if (this.#confirm()) this.#events.moved()
  }

  /** One look for every group whose write has returned; false where the lock is another's by now. */
  #confirm(): boolean {
    this.#flights.noteWritten()
    if (!this.#lock.isHeldSync()) {
      this.#events.fenced()
      return false
    }
    for (const flight of this.#flights.all()) flight.confirmed ||= flight.written
    return true
  }
}

export function fencedError(): QlogError {
  return new QlogError('QLOG_FENCED', 'another process has taken over this log')
}
