/**
 * What each producer of a queue has put, by the numbers that it gave its messages: ranges, since a sender
 * by priority delivers 10 before 9. Bounded: what is forgotten may be put a second time, never lost. Pure
 * memory.
 */
import { RangeList } from '../containers/range-list.ts'
import type { StateHash } from '../containers/state-hash.ts'
import { ByteReader, ByteWriter } from '../containers/varint.ts'

/** Producers of a queue that are remembered: the one that put least recently goes. */
export const PRODUCERS_MAX = 1024
/**
 * Ranges of a producer that are remembered. The lowest is what a sender that counts from its start has
 * put without a gap, so the next one goes.
 */
export const SEQUENCE_RANGES_MAX = 1024

export class ProducerTable {
  /** Who put least recently comes first. */
  readonly #producers = new Map<string, RangeList>()
  #last: string | undefined
  /** Grows with every change. */
  version = 0

  get size(): number {
    return this.#producers.size
  }

  /** The producer has put a message with this number, as far as is remembered. */
  has(producer: string, sequence: number): boolean {
    return this.#producers.get(producer)?.has(sequence) ?? false
  }

  add(producer: string, sequence: number): void {
    const ranges = this.#touch(producer)
    ranges.add(sequence, sequence + 1)
    if (ranges.ranges > SEQUENCE_RANGES_MAX) forgetSecond(ranges)
    this.version++
  }

  encode(): Uint8Array {
    const writer = new ByteWriter()
    writer.varint(this.#producers.size)
    for (const [producer, ranges] of this.#producers) {
      writer.text(producer)
      writer.varint(ranges.ranges)
      let before = 0
      forEachRange(ranges, (first, end) => {
        writer.varint(first - before)
        writer.varint(end - first)
        before = end
      })
    }
    return writer.finish()
  }

  /** Takes in what {@link encode} wrote; false where it is malformed. */
  load(bytes: Uint8Array): boolean {
    const reader = new ByteReader(bytes)
    const producers = reader.varint()
    for (let i = 0; i < producers && !reader.failed; i++) {
      const ranges = this.#touch(reader.text(reader.varint()))
      const count = reader.varint()
      let before = 0
      for (let row = 0; row < count && !reader.failed; row++) {
        const first = before + reader.varint()
        const length = reader.varint()
        reader.require(length > 0)
        before = first + length
        if (!reader.failed) ranges.add(first, before)
      }
    }
    return reader.complete
  }

  hashInto(hash: StateHash): void {
    for (const [producer, ranges] of this.#producers) {
      hash.text(producer)
      forEachRange(ranges, (first, end) => {
        hash.number(first)
        hash.number(end)
      })
    }
  }

  /** What the producer has put; from now on it is the last one that did. */
  #touch(producer: string): RangeList {
    const known = this.#producers.get(producer)
    if (known && this.#last === producer) return known
    const ranges = known ?? new RangeList()
    this.#producers.delete(producer)
    this.#producers.set(producer, ranges)
    this.#last = producer
    if (this.#producers.size > PRODUCERS_MAX) {
      const [oldest] = this.#producers.keys()
      if (oldest !== undefined) this.#producers.delete(oldest)
    }
    return ranges
  }
}

function forgetSecond(ranges: RangeList): void {
  const first = ranges.nextPresent(ranges.nextAbsent(ranges.nextPresent(0)))
  ranges.remove(first, ranges.nextAbsent(first))
}

function forEachRange(ranges: RangeList, visit: (first: number, end: number) => void): void {
  for (let first = ranges.nextPresent(0); first >= 0; ) {
    const end = ranges.nextAbsent(first)
    visit(first, end)
    first = ranges.nextPresent(end)
  }
}
