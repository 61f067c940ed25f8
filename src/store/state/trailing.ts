/**
 * Messages that run once more after another of their key: each waits until a group has dealt with the one
 * that was in work when it was put. By offset, both of them in the queue still. Pure memory.
 */
import type { StateHash } from '../containers/state-hash.ts'
import { ByteReader, ByteWriter } from '../containers/varint.ts'

export class Trailing {
  /** Which one a message waits for, and which message waits for one. */
  readonly #after = new Map<number, number>()
  readonly #behind = new Map<number, number>()
  version = 0

  get size(): number {
    return this.#after.size
  }

  /** The offset that this one waits for; undefined where it waits for none. */
  after(offset: number): number | undefined {
    return this.#after.get(offset)
  }

  add(offset: number, after: number): void {
    this.#after.set(offset, after)
    this.#behind.set(after, offset)
    this.version++
  }

  /** Calls back with each message that waits for one of these. */
  forEachBehind(first: number, end: number, visit: (offset: number) => void): void {
    if (end - first < this.#behind.size) {
      for (let after = first; after < end; after++) {
        const offset = this.#behind.get(after)
        if (offset !== undefined) visit(offset)
      }
      return
    }
    for (const [after, offset] of this.#behind) if (after >= first && after < end) visit(offset)
  }

  forEach(visit: (offset: number) => void): void {
    for (const offset of this.#after.keys()) visit(offset)
  }

  /** These are gone: nobody waits for them, and they wait for nobody. */
  forget(first: number, end: number): void {
    const isNarrow = end - first < this.#after.size
    const offsets = isNarrow ? undefined : new Set([...this.#after].flat())
    if (offsets) {
      for (const offset of offsets) if (offset >= first && offset < end) this.#forgetOne(offset)
    } else for (let offset = first; offset < end; offset++) this.#forgetOne(offset)
  }

  encode(): Uint8Array {
    const writer = new ByteWriter()
    writer.varint(this.#after.size)
    for (const [offset, after] of this.#inOrder()) {
      writer.varint(offset)
      writer.varint(after)
    }
    return writer.finish()
  }

  /** False where the bytes are malformed. */
  load(bytes: Uint8Array): boolean {
    const reader = new ByteReader(bytes)
    const count = reader.varint()
    for (let i = 0; i < count && !reader.failed; i++) this.add(reader.varint(), reader.varint())
    return reader.complete
  }

  hashInto(hash: StateHash): void {
    for (const pair of this.#inOrder()) for (const offset of pair) hash.number(offset)
  }

  #forgetOne(offset: number): void {
    const after = this.#after.get(offset)
    const behind = this.#behind.get(offset)
    if (after !== undefined) this.#part(offset, after)
    if (behind !== undefined) this.#part(behind, offset)
  }

  #part(offset: number, after: number): void {
    this.version++
    this.#after.delete(offset)
    // Another may wait for the same one by now.
    if (this.#behind.get(after) === offset) this.#behind.delete(after)
  }

  #inOrder(): [number, number][] {
    return [...this.#after].sort(([a], [b]) => a - b)
  }
}
