/**
 * Does one damage after the other to a log, reads it each time, and undoes it. Failures are gathered,
 * each kind once with the first damage that showed it, so that a broken rule does not print for hours.
 */
import { BlockFlag, BlockType, SEGMENT_HEADER_BYTES } from '../../src/format/layout.ts'
import { Checker, type Hit } from './check.ts'
import type { Damage } from './damages.ts'
import type { Image, PlacedBlock } from './images.ts'
import { expectTold } from './told.ts'

/** `full`: every bit; else some of each byte that steers reading, and of some bytes of messages and zeros. */
export const isFull = process.env['QLOG_DAMAGE'] === 'full'

/** One in so many bytes of messages. */
const MESSAGE_PART = 3
/** Of a segment that is full, and checked in the image closed in order, the other image takes this part. */
const SEEN_BEFORE_PART = 12
const ZERO_PART = 32
/** A shorter run flips two bits of each byte that steers reading: those this far apart. */
const STEERING_STEP = 4
const HEADER_FIELDS_BYTES = 88
const HEADER_CRC_BYTES = 4
const SECTOR_BYTES = 512
const KINDS_MAX = 10

export class Sweep {
  count = 0
  readonly image: Image
  readonly checker: Checker
  readonly #failures = new Map<string, string>()

  constructor(image: Image) {
    this.image = image
    this.checker = new Checker(image)
  }

  /** What went wrong, one line a kind; empty where everything was right. */
  get failures(): string[] {
    return [...this.#failures.values()]
  }

  /** Reads and judges the files as they are now. */
  async check(what: string, hits: readonly Hit[]): Promise<void> {
    this.count++
    try {
      this.checker.judge(await this.checker.read(), hits)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      const kind = `${hits[0]?.file} ${why}`
      if (this.#failures.size < KINDS_MAX && !this.#failures.has(kind)) {
        this.#failures.set(kind, `${this.image.name}: ${what}: ${why}`)
      }
    }
  }

  /** Throws what went wrong so far, and forgets it. */
  expectRight(): void {
    const { failures } = this
    this.#failures.clear()
    if (failures.length > 0) throw new Error(failures.join('\n'))
  }

  /** With one file replaced, or taken away, or put there. */
  async damage({ what, file, bytes, hits }: Damage): Promise<void> {
    const { files } = this.checker
    const before = files.get(file)
    if (bytes) files.set(file, bytes)
    else files.delete(file)
    await this.check(`${what} ${file}`, hits)
    if (before) files.set(file, before)
    else files.delete(file)
  }

  async bit(file: string, offset: number, bit: number): Promise<void> {
    const bytes = this.checker.files.get(file)
    if (bytes === undefined) throw new Error(`there is no ${file}`)
    bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit)
    const hit = { file, offset, end: offset + 1, isOneBit: true }
    await this.check(`bit ${bit} of byte ${offset} of ${file}`, [hit])
    bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit)
  }

  /** Flips the bit and looks whether `verify` says so. */
  async told(file: string, offset: number, bit: number): Promise<void> {
    const { files } = this.checker
    const bytes = files.get(file)
    if (bytes === undefined) throw new Error(`there is no ${file}`)
    bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit)
    try {
      await expectTold(this.image, files, file, offset)
    } finally {
      bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit)
    }
  }

  /** Flips every bit of every file, or those that a shorter run takes. */
  async bits(): Promise<void> {
    for (const [file, bytes] of this.image.files) {
      const steering = steeringBytes(this.image, file)
      for (let offset = 0; offset < bytes.length; offset++) {
        if (isFull) {
          for (let bit = 0; bit < 8; bit++) await this.bit(file, offset, bit)
        } else if (steering[offset]) {
          const first = offset % STEERING_STEP
          await this.bit(file, offset, first)
          await this.bit(file, offset, first + STEERING_STEP)
        } else if (bytes[offset] !== 0 ? this.#takes(file, offset) : offset % ZERO_PART === 0) {
          await this.bit(file, offset, offset & 7)
        }
      }
    }
  }

  /** Flips every bit of all compressed blocks, or in a shorter run one of each byte. */
  async packedBits(): Promise<void> {
    for (const [file, blocks] of this.image.blocks) {
      for (const block of blocks) {
        if ((block.flags & BlockFlag.COMPRESSED) === 0) continue
        for (let offset = block.offset; offset < block.end; offset++) {
          for (let bit = isFull ? 0 : offset % 8; bit < 8; bit += isFull ? 1 : 8) {
            await this.bit(file, offset, bit)
          }
        }
      }
    }
  }

  #takes(file: string, offset: number): boolean {
    return offset % (isSeenBefore(this.image, file) ? SEEN_BEFORE_PART : MESSAGE_PART) === 0
  }
}

/** Marks headers, and all of each block except the messages in it. */
function steeringBytes(image: Image, file: string): Uint8Array {
  const bytes = image.files.get(file) ?? new Uint8Array(0)
  const marks = new Uint8Array(bytes.length)
  const blocks = image.blocks.get(file)
  if (!blocks) return file.endsWith('.tmp') ? marks : marks.fill(1)
  if (isSeenBefore(image, file)) return marks
  for (const copy of [0, SEGMENT_HEADER_BYTES - SECTOR_BYTES]) {
    marks.fill(1, copy, copy + HEADER_FIELDS_BYTES)
    marks.fill(1, copy + SECTOR_BYTES - HEADER_CRC_BYTES, copy + SECTOR_BYTES)
  }
  for (const block of blocks) marks.fill(1, block.offset, steeringEnd(block, bytes))
  return marks
}

/** Everything of a small block that holds no message; of others the header and the first record's. */
function steeringEnd(block: PlacedBlock, bytes: Uint8Array): number {
  if (block.type === BlockType.DATA) return block.offset + 64
  let end = block.end
  while (end > block.offset && bytes[end - 1] === 0) end--
  return end
}

/** A full segment of the killed log stands in the closed one too, under the same verdicts. */
function isSeenBefore(image: Image, file: string): boolean {
  return image.name === 'killed' && [...image.blocks.keys()].slice(0, -2).includes(file)
}
