/**
 * The valid blocks of one segment, in order of offset, as columns: a segment can hold a million
 * small blocks, and recovery looks at all of them at once. Pure; grows by doubling.
 */
import type { Block } from './block.ts'
import { BlockFlag } from './layout.ts'

const ROWS_AT_FIRST = 256
/** Beside the flags of the block, which end at 8. */
const HAS_CONTROL = 0x80

export class BlockTable {
  count = 0
  #offset = new Uint32Array(ROWS_AT_FIRST)
  #length = new Uint32Array(ROWS_AT_FIRST)
  #durable = new Uint32Array(ROWS_AT_FIRST)
  #group = new Uint32Array(ROWS_AT_FIRST)
  #kind = new Uint16Array(ROWS_AT_FIRST)
  #idSpan = new Uint32Array(ROWS_AT_FIRST)
  #firstId = new Float64Array(ROWS_AT_FIRST)
  #timeMs = new Float64Array(ROWS_AT_FIRST)

  /** Adds a valid block behind all others; `idSpan` is how many ids from its first it takes. */
  add(block: Block, idSpan: number, hasControl = false): void {
    const row = this.count
    if (row > 0 && block.offset < this.end(row - 1)) throw new Error('blocks must not overlap')
    if (row === this.#offset.length) this.#grow()
    this.#offset[row] = block.offset
    this.#length[row] = block.length
    this.#durable[row] = block.durableOffset
    this.#group[row] = block.groupOffset
    this.#kind[row] = (block.type << 8) | block.flags | (hasControl ? HAS_CONTROL : 0)
    this.#idSpan[row] = idSpan
    this.#firstId[row] = block.firstId
    this.#timeMs[row] = block.timeMs
    this.count = row + 1
  }

  offset(row: number): number {
    return this.#offset[row] ?? outOfRange(row)
  }

  end(row: number): number {
    return this.offset(row) + (this.#length[row] ?? outOfRange(row))
  }

  /** D as this block claims it. */
  durable(row: number): number {
    return this.#durable[row] ?? outOfRange(row)
  }

  group(row: number): number {
    return this.#group[row] ?? outOfRange(row)
  }

  type(row: number): number {
    return (this.#kind[row] ?? outOfRange(row)) >> 8
  }

  endsGroup(row: number): boolean {
    return ((this.#kind[row] ?? outOfRange(row)) & BlockFlag.END) !== 0
  }

  hasControl(row: number): boolean {
    return ((this.#kind[row] ?? outOfRange(row)) & HAS_CONTROL) !== 0
  }

  firstId(row: number): number {
    return this.#firstId[row] ?? outOfRange(row)
  }

  /** The next id behind this block. */
  endId(row: number): number {
    return this.firstId(row) + (this.#idSpan[row] ?? outOfRange(row))
  }

  timeMs(row: number): number {
    return this.#timeMs[row] ?? outOfRange(row)
  }

  /** First row whose block begins at `offset` or behind it; `count` where there is none. */
  rowAt(offset: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.offset(middle) < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  #grow(): void {
    const rows = this.#offset.length * 2
    this.#offset = grown(new Uint32Array(rows), this.#offset)
    this.#length = grown(new Uint32Array(rows), this.#length)
    this.#durable = grown(new Uint32Array(rows), this.#durable)
    this.#group = grown(new Uint32Array(rows), this.#group)
    this.#kind = grown(new Uint16Array(rows), this.#kind)
    this.#idSpan = grown(new Uint32Array(rows), this.#idSpan)
    this.#firstId = grown(new Float64Array(rows), this.#firstId)
    this.#timeMs = grown(new Float64Array(rows), this.#timeMs)
  }
}

function grown<T extends Uint16Array | Uint32Array | Float64Array>(target: T, source: T): T {
  target.set(source)
  return target
}

function outOfRange(row: number): never {
  throw new Error(`no block in row ${row}`)
}
