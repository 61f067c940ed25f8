/**
 * What an LZ4 block may look like, what goes wrong with one, and the check of a caller's ranges. A
 * block is a run of sequences:
 *
 * ```
 * token 1 | more of the literal length 0.. | literals | offset 2 | more of the match length 0..
 * ```
 *
 * The upper four bits of the token are the number of literals, the lower four the length of the match
 * less 4; 15 means that bytes follow which are added, up to the first below 255. The offset tells how
 * far back in the output the match begins. The last sequence ends behind its literals.
 */

export const MATCH_BYTES_MIN = 4
/** How far back a match may reach: the offset is a u16. */
export const OFFSET_MAX = 0xffff
/** A nibble of this value goes on in the bytes behind it. */
export const LENGTH_GOES_ON = 15
/** End-of-block rule: the last so many bytes are literals. */
export const LAST_LITERALS = 5
/** End-of-block rule: no match begins within the last so many bytes. */
export const MATCH_START_FROM_END_MIN = 12

/** The longest input that {@link compressBound} and the codec accept. */
export const SOURCE_BYTES_MAX = 1024 * 1024 * 1024

/** A block that cannot be decoded, or not into as many bytes as was asked for. */
export class Lz4Error extends Error {
  override readonly name = 'Lz4Error'
}

/** The most bytes that `sourceBytes` bytes can take as a block: what no match was found in. */
export function compressBound(sourceBytes: number): number {
  if (!Number.isInteger(sourceBytes) || sourceBytes < 0 || sourceBytes > SOURCE_BYTES_MAX) {
    throw new RangeError(`${sourceBytes} is no length between 0 and ${SOURCE_BYTES_MAX}`)
  }
  return sourceBytes + Math.floor(sourceBytes / 255) + 16
}

/** A range that leaves its bytes is a mistake of the caller, whatever the input. */
export function checkRange(name: string, bytes: Uint8Array, start: number, end: number): void {
  if (
    !Number.isInteger(start) ||
    !Number.isInteger(end) ||
    start < 0 ||
    end < start ||
    end > bytes.length
  ) {
    throw new RangeError(`${name} ${start} to ${end} is no range of ${bytes.length} bytes`)
  }
}
