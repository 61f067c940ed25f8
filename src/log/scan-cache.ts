/** Walks of segments that one assessment asks for, some of them more than once. */
import type { SegmentHead, SegmentScan } from '../format/evidence.ts'
import type { System } from '../system/system.ts'
import { scanSegment } from './scan.ts'
import { keyOf } from './survey.ts'
import { withFile } from './with-file.ts'

/** Each segment is walked at most once an assessment. */
export class ScanCache {
  readonly #scans = new Map<string, Promise<SegmentScan>>()
  readonly #system: System
  readonly #directory: string

  constructor(system: System, directory: string) {
    this.#system = system
    this.#directory = directory
  }

  get(head: SegmentHead): Promise<SegmentScan> {
    let scan = this.#scans.get(head.file)
    if (!scan) {
      const { header } = head
      if (!header) throw new Error(`${head.file} has no header to walk by`)
      scan = withFile(this.#system, `${this.#directory}/${head.file}`, (handle) =>
        scanSegment(this.#system, handle, keyOf(header), head.actualBytes),
      )
      this.#scans.set(head.file, scan)
    }
    return scan
  }
}
