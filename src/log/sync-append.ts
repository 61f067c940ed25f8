/**
 * An append that waits for the disk. All that is under way or waits is sent with it, in order, through one
 * description of the segment that nothing else uses meanwhile.
 */
import type { FileHandle } from '../system/system.ts'
import type { Composer } from './composer.ts'
import type { FlightWriter } from './flight-writer.ts'
import type { GroupSender } from './group-sender.ts'
import { isFenced } from './io-errors.ts'
import type { OwnSegment } from './segment-file.ts'
import type { SegmentTurn } from './segment-turn.ts'
import { isRefusal } from './space/admission.ts'

export interface SyncAppendParts {
  readonly composer: Composer
  readonly turn: SegmentTurn
  readonly sender: GroupSender
  readonly writer: FlightWriter
  /** Lets resolve what can. */
  readonly settle: () => void
  /** Called with why what waits cannot be written; nothing of it was. */
  readonly refused: (error: unknown) => void
  /** Called with what stops the log. */
  readonly failed: (error: unknown) => void
}

export class SyncAppend {
  readonly #parts: SyncAppendParts

  constructor(parts: SyncAppendParts) {
    this.#parts = parts
  }

  /** `append` returns the bytes of its bodies. Throws what it was refused for, or what stopped the log. */
  run(append: () => number): void {
    const { composer, turn } = this.#parts
    const { segment } = turn
    // Before anything is refused that could wait, and for the whole call: what resolves on the way may begin a
    // flush, which takes one, too.
    const handle = this.#take(segment)
    try {
      composer.end(append())
      this.#commit(segment, handle)
    } finally {
      if (handle) segment?.lanes.give(handle)
      if (segment !== turn.segment) segment?.lanes.shedSync()
    }
  }

  #take(segment: OwnSegment | undefined): FileHandle | undefined {
    try {
      return segment?.lanes.takeSync()
    } catch (error) {
      if (isFenced(error)) this.#parts.failed(error)
      throw error
    }
  }

  #commit(segment: OwnSegment | undefined, handle: FileHandle | undefined): void {
    const { sender, writer, settle, refused, failed } = this.#parts
    let isPlacing = false
    try {
      if (handle) writer.resendSync(handle)
      settle()
      isPlacing = true
      const own = sender.placeSync(handle)
      isPlacing = false
      sender.sendSync(own, handle)
    } catch (error) {
      if (isPlacing && isRefusal(error)) {
        refused(error)
      } else {
        segment?.lanes.fail(error)
        failed(error)
      }
      throw error
    }
  }
}
