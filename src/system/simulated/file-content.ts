/**
 * What one simulated file holds: what its readers see (the page cache), what is on stable storage,
 * and the writes between the two. Every durability rule of file data stands here. Pure.
 *
 * Rules: a flush makes every write applied before it durable, with the size. A durable write makes
 * its own range durable and nothing else. A power cut leaves of each write under way, sector by
 * sector, old, new, zero or garbage bytes, and never touches a byte outside the written range.
 */
import { PagedBytes } from './paged-bytes.ts'
import type { Random } from './random.ts'
import { tearWrite } from './tear.ts'

/** A write that is in the page cache and not known to be on stable storage. */
export interface PendingWrite {
  readonly position: number
  readonly bytes: Uint8Array
}

/**
 * What a failed flush leaves. keep-latest-clean: readers see the new bytes, nothing will ever write
 * them back. revert-old: readers see the old bytes again. report-late: the newest write did reach
 * the disk, the error is about older ones.
 */
export type FlushFailure = 'keep-latest-clean' | 'revert-old' | 'report-late'

export const FLUSH_FAILURES: readonly FlushFailure[] = [
  'keep-latest-clean',
  'revert-old',
  'report-late',
]

const SHARED_ZEROS = new Uint8Array(1 << 20)

export class FileContent {
  cache = new PagedBytes()
  durable = new PagedBytes()
  #pending: PendingWrite[] = []

  get pendingWrites(): readonly PendingWrite[] {
    return this.#pending
  }

  /** Into the page cache alone. The bytes are copied: the caller's buffer is its own again. */
  write(source: Uint8Array, position: number): PendingWrite {
    const pending = { position, bytes: keepBytes(source) }
    this.cache.write(source, position)
    this.#pending.push(pending)
    return pending
  }

  /** What the end of a durable write does: its own range reaches the disk, nothing else. */
  makeDurable(write: PendingWrite): void {
    const at = this.#pending.indexOf(write)
    if (at < 0) throw new Error('a write was made durable that is not pending')
    const start = write.position
    const end = start + write.bytes.byteLength
    // An older write to the same bytes can no longer reach the disk: the cache's pages went there.
    const older = this.#pending.slice(0, at).flatMap((other) => without(other, start, end))
    this.#pending = [...older, ...this.#pending.slice(at + 1)]
    this.durable.write(write.bytes, start)
  }

  flush(): void {
    for (const write of this.#pending) this.durable.write(write.bytes, write.position)
    this.#pending = []
  }

  /** A flush that reports an error. The pages are clean afterwards: the next flush succeeds. */
  failFlush(flavour: FlushFailure, random: Random): void {
    const lost = this.#pending
    this.#pending = []
    this.#loseWrites(lost, flavour, random)
  }

  /** The same for the range of one durable write. */
  failDurableWrite(write: PendingWrite, flavour: FlushFailure, random: Random): void {
    this.#pending = this.#pending.filter((other) => other !== write)
    this.#loseWrites([write], flavour, random)
  }

  #loseWrites(lost: readonly PendingWrite[], flavour: FlushFailure, random: Random): void {
    const newest = lost.at(-1)
    for (const write of lost) {
      if (flavour === 'report-late' && write === newest) {
        this.durable.write(write.bytes, write.position)
      } else {
        this.#tear(write, random)
      }
    }
    if (flavour !== 'revert-old') return
    for (const write of lost) {
      this.cache.copyPages(this.durable, write.position, write.bytes.byteLength)
    }
    // Other writes to these pages are still on their way, so they stay visible.
    for (const write of this.#pending) this.cache.write(write.bytes, write.position)
  }

  /** What is left when the power goes; readers see exactly that afterwards. */
  powerCut(random: Random): void {
    const pending = random.shuffle(this.#pending)
    this.#pending = []
    for (const write of pending) this.#tear(write, random)
    this.cache = this.durable.clone()
  }

  /** The size is metadata of its own: it may arrive without the data, and the other way round. */
  #tear(write: PendingWrite, random: Random): void {
    const oldSize = this.durable.size
    tearWrite(this.durable, write, random)
    const newSize = Math.max(oldSize, write.position + write.bytes.byteLength)
    this.durable.resize(random.chance(0.5) ? newSize : oldSize)
  }

  /** Replaces everything, durably: how tests plant a file. */
  replace(bytes: Uint8Array): void {
    this.#pending = []
    this.durable = new PagedBytes()
    this.durable.write(bytes, 0)
    this.cache = this.durable.clone()
  }

  /** Past the page cache: what the disk has, behind the writes that are still to get there. */
  readDirect(target: Uint8Array, position: number): number {
    if (this.#pending.length === 0) return this.durable.read(target, position)
    const written = this.durable.clone()
    for (const { bytes, position: at } of this.#pending) written.write(bytes, at)
    return written.read(target, position)
  }

  /**
   * Damage at rest: both what is stored and what is cached change, without anybody's write. Where it is
   * `hidden` the page cache still has what was there, so that only a direct read, or one after a power
   * cut, shows it.
   */
  damage(
    position: number,
    byteCount: number,
    change: (bytes: Uint8Array) => void,
    isHidden = false,
  ): void {
    for (const stored of isHidden ? [this.durable] : [this.cache, this.durable]) {
      const part = new Uint8Array(Math.min(byteCount, Math.max(0, stored.size - position)))
      stored.read(part, position)
      change(part)
      if (part.byteLength > 0) stored.write(part, position)
    }
  }

  clone(): FileContent {
    const copy = new FileContent()
    copy.cache = this.cache.clone()
    copy.durable = this.durable.clone()
    copy.#pending = this.#pending.slice()
    return copy
  }
}

/** Large writes of zeros (files made ahead) share one buffer instead of a copy each. */
function keepBytes(source: Uint8Array): Uint8Array {
  if (source.byteLength <= SHARED_ZEROS.byteLength && source[0] === 0) {
    const zeros = SHARED_ZEROS.subarray(0, source.byteLength)
    if (Buffer.compare(source, zeros) === 0) return zeros
  }
  // Buffer.slice would share its memory, and the caller may write there again.
  return Uint8Array.prototype.slice.call(source)
}

/** The parts of `write` outside `start` to `end`. */
function without(write: PendingWrite, start: number, end: number): PendingWrite[] {
  const writeEnd = write.position + write.bytes.byteLength
  if (writeEnd <= start || write.position >= end) return [write]
  const parts: PendingWrite[] = []
  if (write.position < start) {
    parts.push({ position: write.position, bytes: write.bytes.subarray(0, start - write.position) })
  }
  if (writeEnd > end) {
    parts.push({ position: end, bytes: write.bytes.subarray(end - write.position) })
  }
  return parts
}
