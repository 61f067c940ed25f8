/**
 * Everything that reads bytes from outside in one piece, fed with bytes as no writer leaves them: noise,
 * and valid ones that were mutated, with and without a checksum that fits. Each throws what is typed or
 * nothing, takes memory in proportion to what it is given, and lets nothing pass that a checksum tells.
 */
import { type Allocated, watchAllocations } from './allocations.ts'
import { BrokenPromiseError, type HostileDecoder, isTyped } from './decoder.ts'
import { formatDecoders } from './decoders-of-format.ts'
import { storeDecoders } from './decoders-of-store.ts'
import { wireDecoders } from './decoders-of-wire.ts'
import { below, mutate, noise, type Random } from './mutate.ts'

const NOISE_BYTES_MAX = 700
const NOISE_PART = 0.1
/** Decoders have buffers of their own, and arrays of numbers that stood in fewer bytes. */
const LARGEST_BASE = 64 * 1024
const LARGEST_FACTOR = 8
/** All arrays of one call together: four billion offsets, the most of one range, are chunks that take this. */
const TOTAL_BASE = 64 * 1024 * 1024
const TOTAL_FACTOR = 100

let decoders: Promise<readonly HostileDecoder[]> | undefined

export function hostileDecoders(): Promise<readonly HostileDecoder[]> {
  decoders ??= Promise.all([formatDecoders(), storeDecoders(), wireDecoders()]).then((all) =>
    all.flat(),
  )
  return decoders
}

/** Feeds it once. Throws where it breaks a promise; the bytes are in the message. */
export async function feed(decoder: HostileDecoder, random: Random): Promise<void> {
  const original = random() < NOISE_PART ? undefined : decoder.valid(random)
  const { inPlace = false } = decoder
  const bytes = original
    ? mutate(random, original, { donor: decoder.valid(random), inPlace })
    : noise(random, below(random, NOISE_BYTES_MAX))
  const { allocated, outcome } = await watchAllocations(() => decoder.read(bytes, original, random))
  const wrong = wrongOf(decoder, bytes, allocated, outcome)
  if (wrong === undefined) return
  const cause = outcome.status === 'rejected' ? outcome.reason : undefined
  throw new Error(`${decoder.name}: ${wrong}; it was given ${hexOf(bytes)}`, { cause })
}

function wrongOf(
  { isRefusal, largestFor }: HostileDecoder,
  { length }: Uint8Array,
  { largest, total }: Allocated,
  outcome: PromiseSettledResult<unknown>,
): string | undefined {
  if (outcome.status === 'rejected') {
    const { reason } = outcome
    if (reason instanceof BrokenPromiseError) return reason.message
    if (!isTyped(reason) && isRefusal?.(reason) !== true) return `throws ${String(reason)}`
  }
  const largestMax = largestFor?.(length) ?? LARGEST_BASE + LARGEST_FACTOR * length
  if (largest > largestMax) return `asks for ${largest} bytes at once`
  const totalMax = TOTAL_BASE + TOTAL_FACTOR * length
  return total > totalMax ? `asks for ${total} bytes in all` : undefined
}

const HEX_BYTES_MAX = 1_500

function hexOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.subarray(0, HEX_BYTES_MAX)).toString('hex')
  return bytes.length > HEX_BYTES_MAX ? `${hex}... (${bytes.length} bytes)` : hex
}
