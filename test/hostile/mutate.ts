/**
 * Bytes as no writer leaves them: valid ones with bits flipped, lengths made huge, pieces spliced in, or
 * nothing but noise. Everything follows from the random numbers that are handed in. Pure.
 */

export type Random = () => number

export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}

export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[below(random, items.length)]
  if (item === undefined) throw new Error('there is nothing to pick from')
  return item
}

/** Noise, of which some is long runs of one byte. */
export function noise(random: Random, byteLength: number): Uint8Array {
  const kind = random()
  if (kind < 0.1) return new Uint8Array(byteLength).fill(pick(random, [0, 0x7f, 0x80, 0xff]))
  return Uint8Array.from({ length: byteLength }, () => below(random, 256))
}

/** A changed copy; `donor` is where pieces of other bytes come from. */
type Mutation = (random: Random, bytes: Uint8Array, donor: Uint8Array) => Uint8Array

/** The longest piece that is moved. */
const PIECE_BYTES_MAX = 600
const MUTATIONS_MAX = 4

const U16_EDGES = [0, 1, 0x7fff, 0x8000, 0xffff] as const
const U32_EDGES = [0, 1, 47, 48, 49, 0x7fff_ffff, 0x8000_0000, 0xffff_fff8, 0xffff_ffff] as const
/** Pairs of low and high halves: around 2^32, 2^53 and 2^64. */
const U64_EDGES = [
  [0, 0],
  [1, 0],
  [0xffff_ffff, 0],
  [0, 1],
  [0xffff_ffff, 0x1f_ffff],
  [0xffff_fffe, 0x1f_ffff],
  [0, 0x20_0000],
  [0xffff_ffff, 0xffff_ffff],
] as const
/** What varints may hold and not hold. */
const VARINTS = [
  [0],
  [0x7f],
  [0x80, 0x01],
  [0xff, 0xff, 0x03],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x00],
] as const

/** That leave the length as it is, for bytes in which the places of others must not move. */
const IN_PLACE: readonly Mutation[] = [
  (random, bytes) => changed(bytes, at(random, bytes), (old) => old ^ (1 << below(random, 8))),
  (random, bytes) => changed(bytes, at(random, bytes), () => below(random, 256)),
  (random, bytes) => changed(bytes, at(random, bytes), (old) => old + pick(random, [1, -1])),
  (random, bytes) => written(bytes, at(random, bytes), u16(pick(random, U16_EDGES))),
  (random, bytes) => written(bytes, aligned(random, bytes), u32(pick(random, U32_EDGES))),
  (random, bytes) => {
    const [low, high] = pick(random, U64_EDGES)
    return written(bytes, aligned(random, bytes), [...u32(low), ...u32(high)])
  },
  (random, bytes) => written(bytes, at(random, bytes), pick(random, VARINTS)),
  (random, bytes) => written(bytes, at(random, bytes), piece(random, bytes)),
  (random, bytes, donor) => written(bytes, at(random, bytes), piece(random, donor)),
  (random, bytes) => written(bytes, at(random, bytes), noise(random, below(random, 64))),
]

const MOVING: readonly Mutation[] = [
  (random, bytes) => bytes.slice(0, at(random, bytes)),
  (random, bytes) => spliced(bytes, at(random, bytes), below(random, 9), []),
  (random, bytes) => spliced(bytes, at(random, bytes), 0, piece(random, bytes)),
  (random, bytes, donor) =>
    spliced(bytes, at(random, bytes), below(random, 40), piece(random, donor)),
  (random, bytes) => spliced(bytes, at(random, bytes), 1, pick(random, VARINTS)),
]

/** One to four changes; `inPlace`: none of them moves what stands behind. Always a copy. */
export function mutate(
  random: Random,
  bytes: Uint8Array,
  { donor = bytes, inPlace = false }: { donor?: Uint8Array; inPlace?: boolean } = {},
): Uint8Array {
  const kinds = inPlace ? IN_PLACE : [...IN_PLACE, ...MOVING]
  let mutated: Uint8Array = bytes.slice()
  for (let i = below(random, MUTATIONS_MAX); i >= 0; i -= 1) {
    mutated = pick(random, kinds)(random, mutated, donor)
  }
  return mutated
}

function at(random: Random, bytes: Uint8Array): number {
  // Fields that steer stand in front.
  return below(random, random() < 0.3 ? Math.min(bytes.length, 96) : bytes.length)
}

function aligned(random: Random, bytes: Uint8Array): number {
  const place = at(random, bytes)
  return random() < 0.8 ? place - (place % 4) : place
}

function changed(bytes: Uint8Array, place: number, change: (old: number) => number): Uint8Array {
  if (place < bytes.length) bytes[place] = change(bytes[place] ?? 0)
  return bytes
}

function written(bytes: Uint8Array, place: number, source: ArrayLike<number>): Uint8Array {
  const room = Math.max(0, bytes.length - place)
  bytes.set(Array.prototype.slice.call(source, 0, room), place)
  return bytes
}

function spliced(
  bytes: Uint8Array,
  place: number,
  removed: number,
  source: ArrayLike<number>,
): Uint8Array {
  const end = Math.min(bytes.length, place + removed)
  const target = new Uint8Array(place + source.length + bytes.length - end)
  target.set(bytes.subarray(0, place))
  target.set(source, place)
  target.set(bytes.subarray(end), place + source.length)
  return target
}

function piece(random: Random, bytes: Uint8Array): Uint8Array {
  const from = at(random, bytes)
  return bytes.slice(from, from + below(random, Math.min(PIECE_BYTES_MAX, bytes.length + 1)))
}

function u16(value: number): number[] {
  return [value & 0xff, value >>> 8]
}

function u32(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24]
}
