/**
 * Reads that go on around what the medium does not give. A page that cannot be read is damage like any other:
 * its bytes come back invalid, and what stands around it as it is. For whoever judges or saves what is there;
 * whoever has to tell where the log ends does not guess, and fails instead. Reads only.
 */
import { isMediumError, systemErrorCode } from '../errors.ts'
import { PAGE_BYTES, roundUp } from '../format/layout.ts'
import type { ReadHandle } from '../system/system.ts'
import { fill } from './read-ahead.ts'

/** No block, header or record begins so, and no checksum is likely to hold over it. */
const INVALID_BYTE = 0xff

/** Pages of one file that could not be read, at one try or another: what was made of them counts. */
export class UnreadPages {
  /** Code of the system by offset. */
  readonly #pages = new Map<number, string>()

  note(offset: number, code: string): void {
    this.#pages.set(offset - (offset % PAGE_BYTES), code)
  }

  get size(): number {
    return this.#pages.size
  }

  /** Where the first of them begins that reaches behind `offset`; undefined where none does. */
  firstBehind(offset: number): number | undefined {
    const starts = [...this.#pages.keys()].filter((from) => from + PAGE_BYTES > offset)
    return starts.length === 0 ? undefined : Math.min(...starts)
  }

  /** Behind the last of them; 0 where there is none. */
  get end(): number {
    let end = 0
    for (const offset of this.#pages.keys()) end = Math.max(end, offset + PAGE_BYTES)
    return end
  }

  /** In words, where some of these bytes were not given; undefined where all were. */
  words(offset: number, end: number): string | undefined {
    let bytes = 0
    let why = ''
    for (const [from, code] of this.#pages) {
      const common = Math.min(end, from + PAGE_BYTES) - Math.max(offset, from)
      if (common <= 0) continue
      bytes += common
      why = code
    }
    return bytes === 0 ? undefined : `the disk does not give ${bytes} of these bytes (${why})`
  }
}

export class ReadAround implements ReadHandle {
  readonly #handle: ReadHandle
  readonly #unread: UnreadPages | undefined

  constructor(handle: ReadHandle, unread?: UnreadPages) {
    this.#handle = handle
    this.#unread = unread
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    try {
      return await this.#handle.read(target, position)
    } catch (error) {
      if (!isMediumError(error)) throw error
      return this.#readPages(target, position)
    }
  }

  async #readPages(target: Uint8Array, position: number): Promise<number> {
    for (let at = 0; at < target.length; ) {
      const end = Math.min(target.length, roundUp(position + at + 1, PAGE_BYTES) - position)
      const page = target.subarray(at, end)
      try {
        const filled = await fill(this.#handle, page, position + at)
        if (filled < page.length) return at + filled
      } catch (error) {
        if (!isMediumError(error)) throw error
        page.fill(INVALID_BYTE)
        this.#unread?.note(position + at, systemErrorCode(error))
      }
      at = end
    }
    return target.length
  }
}
