/**
 * One read that is under way before it is asked for, while the caller works on what came before. What
 * it brings is used only where it was begun for, is checked like any other bytes, and where it failed
 * the same read is made again, so that an error is met where the caller would have met it. Reads only.
 */
import { getUint32 } from '../format/bytes.ts'
import { BLOCK_HEADER_BYTES, BLOCK_LENGTH_AT } from '../format/layout.ts'
import type { ReadHandle } from '../system/system.ts'

/** No read ahead of need takes more memory than this. */
const READ_AHEAD_BYTES_MAX = 1024 * 1024

interface Ahead {
  readonly target: Uint8Array
  readonly offset: number
  /** How many bytes came; -1 where the read failed. Never rejects. */
  readonly filled: Promise<number>
  isUnderWay: boolean
}

export class ReadAhead {
  #ahead: Ahead | undefined

  /** Nothing is being read into memory that was handed in here. */
  get isIdle(): boolean {
    return this.#ahead?.isUnderWay !== true
  }

  /** Begins to fill `target`, which nobody touches until `take` or `settled`. Only while idle. */
  begin(handle: ReadHandle, target: Uint8Array, offset: number): void {
    if (!this.isIdle) throw new Error('one read ahead at a time')
    const filled = fill(handle, target, offset).then(
      (bytes) => bytes,
      () => -1,
    )
    const ahead: Ahead = { target, offset, filled, isUnderWay: true }
    void filled.then(() => {
      ahead.isUnderWay = false
    })
    this.#ahead = ahead
  }

  /** What was read ahead from exactly this offset; undefined where there is no such thing. */
  async take(offset: number): Promise<Uint8Array | undefined> {
    const ahead = this.#ahead
    if (ahead?.offset !== offset) return undefined
    const filled = await ahead.filled
    this.#ahead = undefined
    return filled < 0 ? undefined : ahead.target.subarray(0, filled)
  }

  /** Waits until nothing is being read any more, so that the file may be closed. */
  async settled(): Promise<void> {
    await this.#ahead?.filled
  }
}

/** Where the load that follows a window will begin, and how many bytes it will need at least. */
export interface NextLoad {
  readonly offset: number
  readonly byteLength: number
}

/**
 * Judges that by lengths nobody has checked: a wrong guess costs one read that nobody uses. Undefined
 * where it is not worth it.
 */
export function guessNextLoad(
  bytes: Uint8Array,
  start: number,
  chunkBytes: number,
): NextLoad | undefined {
  let at = 0
  let byteLength = chunkBytes
  while (at + BLOCK_HEADER_BYTES <= bytes.length) {
    const length = getUint32(bytes, at + BLOCK_LENGTH_AT)
    // No block begins here: whoever looks for the next one looks through all of the window.
    if (length < BLOCK_HEADER_BYTES || length % 8 !== 0) {
      at = bytes.length & ~7
      break
    }
    if (at + length > bytes.length) {
      byteLength = Math.max(chunkBytes, length)
      break
    }
    at += length
  }
  // A block that does not fit into a window is asked for at once, before anybody works on anything.
  if (at === 0 || byteLength > READ_AHEAD_BYTES_MAX) return undefined
  return { offset: start + at, byteLength }
}

/** Reads until `target` is full or the file ends; tells how many bytes came. */
export async function fill(
  handle: ReadHandle,
  target: Uint8Array,
  offset: number,
): Promise<number> {
  let filled = 0
  while (filled < target.length) {
    const rest = filled === 0 ? target : target.subarray(filled)
    const read = await handle.read(rest, offset + filled)
    if (read === 0) break
    filled += read
  }
  return filled
}
