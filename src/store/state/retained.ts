/**
 * Messages of a queue that every group has finished and that stay to be read, and delivered, again. What
 * lets them go is the writer's decision. Pure memory.
 */
import { OffsetSet } from '../containers/offset-set.ts'
import type { StateHash } from '../containers/state-hash.ts'
import { chunkOf } from './offset-chunks.ts'

export class Retained {
  readonly #offsets = new OffsetSet()
  /** How often the members of a chunk changed. A chunk that comes back goes on counting. */
  readonly #versions = new Map<number, number>()
  #version = 0

  get count(): number {
    return this.#offsets.count
  }

  has(offset: number): boolean {
    return this.#offsets.count > 0 && this.#offsets.has(offset)
  }

  /** The first offset from `from` up to `end` that is in; `end` where none is. */
  next(from: number, end: number): number {
    if (this.#offsets.count === 0) return end
    const next = this.#offsets.nextPresent(from, end)
    return next < 0 ? end : next
  }

  forEachRange(from: number, to: number, visit: (first: number, end: number) => void): void {
    this.#offsets.forEachRange(from, to, visit)
  }

  add(first: number, end: number): void {
    this.#change(first, end, () => this.#offsets.add(first, end))
  }

  /** Takes out what of [first, end) is in: pairs [first, end) in one flat array. */
  take(first: number, end: number): number[] {
    const ranges: number[] = []
    if (this.#offsets.count === 0) return ranges
    this.#offsets.forEachRange(first, end, (from, to) => ranges.push(from, to))
    for (let i = 0; i < ranges.length; i += 2) {
      const [from = 0, to = 0] = [ranges[i], ranges[i + 1]]
      this.#change(from, to, () => this.#offsets.remove(from, to))
    }
    return ranges
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version
  }

  /** Every offset below is in. */
  get floor(): number {
    return this.#offsets.floor
  }

  chunkNumbers(): number[] {
    return this.#offsets.chunkNumbers()
  }

  versionOf(chunk: number): number {
    return this.#versions.get(chunk) ?? 0
  }

  encodeChunk(chunk: number): Uint8Array {
    return this.#offsets.encodeChunk(chunk)
  }

  setFloor(floor: number): void {
    this.#offsets.setFloor(floor)
  }

  /** False where the bytes are malformed. */
  loadChunk(chunk: number, bytes: Uint8Array): boolean {
    return this.#offsets.loadChunk(chunk, bytes)
  }

  hashInto(hash: StateHash): void {
    this.#offsets.hashInto(hash)
  }

  /** What a chunk holds depends on the floor of the set, too. */
  #change(first: number, end: number, change: () => void): void {
    const before = this.#offsets.floor
    change()
    const after = this.#offsets.floor
    this.#version++
    this.#touch(first, end)
    if (before !== after) this.#touch(Math.min(before, after), Math.max(before, after) + 1)
  }

  #touch(first: number, end: number): void {
    for (let chunk = chunkOf(first); chunk <= chunkOf(end - 1); chunk++) {
      this.#versions.set(chunk, this.versionOf(chunk) + 1)
    }
  }
}
