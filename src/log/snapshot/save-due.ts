/**
 * When the owner's state is due to be saved in the log: by what would have to be read again, by what a save gives
 * back, and on a full disk by what is left of its reserve. Decides; snapshots.ts saves.
 */
import type { CommitLoop } from '../commit-loop.ts'
import type { Lsn } from '../seam.ts'

const MIB = 1024 * 1024
/** A snapshot in the log is due after this many bytes of control records, and twice its own size. */
const LOG_CONTROL_BYTES_MIN = MIB
/** While the disk is full it is due after its own size, but not for next to nothing. */
const FULL_CONTROL_BYTES_MIN = 4096
/**
 * Or after so much of the log, and what a save takes of it, with the map that names it: of records that come one by
 * one most is framing.
 */
const FULL_LOG_BYTES_MIN = 16 * 1024
/**
 * And where so many bytes, and so many times its size, are kept for nothing but it. Two snapshots move the
 * root, so that writing them stays below a sixteenth of what they give back.
 */
const HELD_BACK_BYTES_MIN = 16 * MIB
const HELD_BACK_FACTOR = 32
/** While the disk is full whatever is worth its two snapshots, as nothing else may come that asks for them. */
const FULL_HELD_BACK_BYTES_MIN = 64 * 1024
const FULL_HELD_BACK_FACTOR = 4

/** Where a save begins. */
export interface SaveBegun {
  readonly controlBytes: number
  readonly lsn: Lsn
}

export class SaveDue {
  readonly #loop: CommitLoop
  readonly #heldBackBytes: () => number
  /** Of control records since the last save. */
  #controlBytes: number
  /** Where the log stood when the disk was first seen full, and behind the last save with its map. */
  #fullFromLsn: Lsn | undefined
  #savedLsn: Lsn = 0
  /** What the last save took of the log, with the map that names it. */
  #savedBytes = 0
  /** What was held back behind the last save, and behind the one before: what two could not free stays so. */
  #heldBackLast = 0
  #heldBackLeft = 0

  constructor(loop: CommitLoop, heldBackBytes: () => number, controlBytes: number) {
    this.#loop = loop
    this.#heldBackBytes = heldBackBytes
    this.#controlBytes = controlBytes
  }

  noteControl(bytes: number): void {
    this.#controlBytes += bytes
  }

  begin(): SaveBegun {
    return { controlBytes: this.#controlBytes, lsn: this.#loop.visibleLsn }
  }

  /** It is durable. */
  saved({ controlBytes }: SaveBegun): void {
    this.#controlBytes -= controlBytes
  }

  /** A durable map names it. What it has written itself, map and all, is no reason for the next one. */
  named({ lsn }: SaveBegun): void {
    this.#savedLsn = this.#loop.visibleLsn
    this.#savedBytes = this.#savedLsn - lsn
    this.#heldBackLeft = this.#heldBackLast
    this.#heldBackLast = this.#heldBackBytes()
  }

  /** A save of a state of so many bytes would pay by what it lets go of. */
  gives(stateBytes: number): boolean {
    const heldBackBytes = this.#heldBackBytes()
    if (!this.#loop.admission.isDiskFull) {
      return heldBackBytes >= Math.max(HELD_BACK_BYTES_MIN, HELD_BACK_FACTOR * stateBytes)
    }
    const moreBytes = Math.max(0, heldBackBytes - this.#heldBackLeft)
    const costBytes = Math.max(stateBytes, this.#savedBytes)
    return moreBytes >= Math.max(FULL_HELD_BACK_BYTES_MIN, FULL_HELD_BACK_FACTOR * costBytes)
  }

  /** The control records since the last one come to enough for one that would write so many bytes. */
  isLogDue(newBytes: number): boolean {
    const least = this.#loop.admission.isDiskFull
      ? Math.max(FULL_CONTROL_BYTES_MIN, newBytes)
      : Math.max(LOG_CONTROL_BYTES_MIN, 2 * newBytes)
    return this.#controlBytes >= least || this.isFullDue(newBytes)
  }

  /** While the disk is full the log lives on its reserve, and only two snapshots can give back what that holds. */
  isFullDue(bytes: number): boolean {
    const { admission, segment, visibleLsn } = this.#loop
    if (!admission.isDiskFull) {
      this.#fullFromLsn = undefined
      return false
    }
    this.#fullFromLsn ??= visibleLsn
    const since = Math.max(this.#fullFromLsn, this.#savedLsn)
    const costBytes = Math.max(this.#savedBytes, segment?.mapReserveBytes ?? 0)
    return visibleLsn - since >= Math.max(FULL_LOG_BYTES_MIN, bytes, costBytes)
  }
}
