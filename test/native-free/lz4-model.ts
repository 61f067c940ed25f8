/**
 * An LZ4 block restated as slowly and plainly as possible, to judge the codec by: sequence by sequence,
 * byte by byte, every rule by name.
 */

export interface Sequence {
  readonly literals: number
  /** Where the match begins in what is unpacked, and how far back it reaches; absent in the last one. */
  readonly match?: { readonly at: number; readonly offset: number; readonly length: number }
}

export interface Unpacked {
  readonly bytes: Uint8Array
  readonly sequences: readonly Sequence[]
}

/** What `block` unpacks to, or the rule that it breaks. */
export function unpackByModel(block: Uint8Array, length: number): Unpacked | string {
  const bytes: number[] = []
  const sequences: Sequence[] = []
  let at = 0
  const lengthOf = (nibble: number): number => {
    let value = nibble
    if (nibble < 15) return value
    for (;;) {
      const byte = block[at++]
      if (byte === undefined) return Number.NaN
      value += byte
      if (byte !== 255) return value
    }
  }
  while (at < block.length) {
    const token = block[at++] ?? 0
    const literals = lengthOf(token >> 4)
    if (!(at + literals <= block.length)) return 'literals leave the block'
    if (bytes.length + literals > length) return 'literals leave the output'
    for (const end = at + literals; at < end; at++) bytes.push(block[at] ?? 0)
    if (at === block.length) {
      sequences.push({ literals })
      if (bytes.length !== length) return 'another length'
      return { bytes: Uint8Array.from(bytes), sequences }
    }
    if (at + 2 > block.length) return 'half an offset'
    const offset = (block[at] ?? 0) + (block[at + 1] ?? 0) * 256
    at += 2
    const match = { at: bytes.length, offset, length: lengthOf(token & 15) + 4 }
    if (Number.isNaN(match.length)) return 'a length leaves the block'
    if (offset === 0 || offset > bytes.length) return 'a match begins in front of the output'
    if (match.at > length - 12) return 'a match begins within the last 12 bytes'
    if (match.at + match.length > length - 5) return 'a match reaches into the last 5 bytes'
    for (let i = 0; i < match.length; i++) bytes.push(bytes[bytes.length - offset] ?? 0)
    sequences.push({ literals, match })
  }
  return 'no last literals'
}
