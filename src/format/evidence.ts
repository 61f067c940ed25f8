/**
 * What the verdicts rest on: facts about files, gathered by whoever can read them (recovery, the
 * tools, a browser), judged by verdict.ts. Pure data.
 */
import type { BlockTable } from './block-table.ts'
import type { SegmentHeader } from './header.ts'
import type { Link } from './link.ts'

/** A file with a segment's name, as its first pages show it. */
export interface SegmentHead {
  readonly file: string
  readonly number: number
  readonly generation: number
  /** Size as the file system tells it. */
  readonly actualBytes: number
  /** Absent where neither header copy is valid; `problem` says why. */
  readonly header?: SegmentHeader
  readonly problem?: string
  /**
   * The medium did not give pages that would have told whether it has a header or LINK, in words: what looks
   * as if it had none may have one.
   */
  readonly unread?: string
  /** One of the two header copies, or the zero between them, is damaged. */
  readonly headerWound?: string
  /** From whichever of the two LINK blocks is valid. */
  readonly link?: Link
}

/** What a walk over all bytes of one segment found. */
export interface SegmentScan {
  readonly blocks: BlockTable
  /** Bytes that were there to walk over: the smaller of actual size and header's size. */
  readonly endOffset: number
  /**
   * One past the last byte that is not zero; in a file that is used again, one past the last place where
   * a block's header begins: the rest may be old bytes.
   */
  readonly dataEnd: number
  readonly isReused?: boolean
}

/** A block that becomes valid when one bit is flipped. */
export interface SingleBit {
  readonly offset: number
  readonly length: number
  readonly groupOffset: number
  readonly firstId: number
  readonly endId: number
  readonly endsGroup: boolean
  /** Byte within the file, and bit within that byte, to flip. */
  readonly byteOffset: number
  readonly bit: number
}

/** What the newer valid index file says. */
export interface IndexEvidence {
  readonly epoch: number
  readonly storeId: string
  readonly number: number
  readonly generation: number
  readonly salt1: number
  readonly salt2: number
  readonly durableOffset: number
  readonly nextId: number
}
