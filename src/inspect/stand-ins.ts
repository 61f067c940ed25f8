/**
 * What merges made of segments that are gone or damaged: the map that named it is lost or was never written, and an
 * older one counts, which names what it was made of. Reads only.
 */
import type { SegmentKey } from '../format/block.ts'
import type { SegmentHead } from '../format/evidence.ts'
import { belongs } from '../format/file-verdict.ts'
import { BlockType, SEGMENT_HEADER_BYTES, segmentFileName } from '../format/layout.ts'
import type { MapEntry } from '../format/link.ts'
import { RecordCursor } from '../format/records.ts'
import { decodeSeal, type Seal } from '../format/seal-record.ts'
import type { Assessment } from '../log/assess.ts'
import { scanSegment } from '../log/scan.ts'
import { keyOf } from '../log/survey.ts'
import { withFile } from '../log/with-file.ts'
import type { System } from '../system/system.ts'

/** A segment's file, as far as it is to be read. */
export interface SegmentSource {
  readonly file: string
  readonly key: SegmentKey
  readonly actualBytes: number
  /** Blocks count from this offset on, default the first. */
  readonly from?: number
  /** Blocks count below this offset. */
  readonly end: number
  readonly epoch: number
  /** One past the last id that the log gave in this segment; 0 where nothing tells. */
  readonly endId: number
  /** Ids in front of `endId` that no block gives are lost, also where no invalid bytes tell of them. */
  readonly losesToEnd?: boolean
  /** Ids from here on are not taken from it, default all are. */
  readonly toId?: number
  /** Of the map, where the segment has one: what its file does not give may stand elsewhere. */
  readonly entry?: MapEntry
}

export interface StandIn extends SegmentSource {
  /** What stands in front of it was taken or passed, for ids that were wanted before. */
  from: number
}

export class StandIns {
  readonly #system: System
  readonly #assessment: Assessment
  readonly #known = new Map<SegmentHead, StandIn>()

  constructor(system: System, assessment: Assessment) {
    this.#system = system
    this.#assessment = assessment
  }

  /**
   * Those of a segment that is gone or damaged. The likeliest comes first; one that was given up half way holds less than
   * another. What they hold of other segments is for these, where it is wanted.
   */
  async *of(entry: MapEntry): AsyncGenerator<StandIn, void, undefined> {
    const { map, survey, storeId, newest } = this.#assessment
    const found = survey.heads.filter(
      (head) =>
        head.generation > 0 &&
        head.number <= entry.number &&
        head !== newest?.head &&
        belongs(head, storeId) &&
        !map.some(({ number, generation }) => segmentFileName(number, generation) === head.file),
    )
    for (const head of found.reverse()) {
      const standIn = this.#known.get(head) ?? (await this.#lookAt(head))
      this.#known.set(head, standIn)
      yield standIn
    }
  }

  async #lookAt(head: SegmentHead): Promise<StandIn> {
    const { file, header, actualBytes } = head
    if (!header) throw new Error('what belongs to a log has a header')
    const key = keyOf(header)
    const from = SEGMENT_HEADER_BYTES
    let end = from
    let endId = 0
    await withFile(this.#system, `${this.#assessment.survey.directory}/${file}`, (handle) =>
      scanSegment(this.#system, handle, key, actualBytes, {
        visit: (bytes, at, block) => {
          end = block.offset + block.length
          if (block.type === BlockType.SEAL) endId = sealOf(bytes, at)?.endId ?? 0
        },
      }),
    )
    return { file, key, actualBytes, from, end, epoch: head.link?.epoch ?? 1, endId }
  }
}

function sealOf(bytes: Uint8Array, at: number): Seal | undefined {
  const cursor = new RecordCursor()
  cursor.open(bytes, at)
  return cursor.next() ? decodeSeal(cursor.body()) : undefined
}
