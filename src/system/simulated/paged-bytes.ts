/**
 * Bytes of a simulated file in pages: missing pages read as zeros, pages of zeros cost nothing, and
 * a clone shares its pages until one side writes. Pure.
 */

export const PAGE_BYTES = 4096

interface Page {
  readonly bytes: Uint8Array
  /** Who may write into these bytes; anybody else copies them first. */
  readonly owner: object
}

const NOBODY = {}
const ZERO_PAGE: Page = { bytes: new Uint8Array(PAGE_BYTES), owner: NOBODY }

export class PagedBytes {
  #pages: (Page | undefined)[] = []
  #owner: object = {}
  #size = 0
  #allocatedPages = 0

  get size(): number {
    return this.#size
  }

  /** Pages that take space on the disk: written ones, also those written with zeros. */
  get allocatedPages(): number {
    return this.#allocatedPages
  }

  read(target: Uint8Array, position: number): number {
    const end = Math.min(position + target.byteLength, this.#size)
    let cursor = position
    while (cursor < end) {
      const index = Math.floor(cursor / PAGE_BYTES)
      const within = cursor - index * PAGE_BYTES
      const length = Math.min(PAGE_BYTES - within, end - cursor)
      const page = this.#pages[index]
      const at = cursor - position
      if (page === undefined) target.fill(0, at, at + length)
      else target.set(page.bytes.subarray(within, within + length), at)
      cursor += length
    }
    return Math.max(0, end - position)
  }

  write(source: Uint8Array, position: number): void {
    const end = position + source.byteLength
    let cursor = position
    while (cursor < end) {
      const index = Math.floor(cursor / PAGE_BYTES)
      const within = cursor - index * PAGE_BYTES
      const length = Math.min(PAGE_BYTES - within, end - cursor)
      const part = source.subarray(cursor - position, cursor - position + length)
      if (length === PAGE_BYTES && part[0] === 0 && Buffer.compare(part, ZERO_PAGE.bytes) === 0) {
        this.#put(index, ZERO_PAGE)
      } else {
        this.#writablePage(index).set(part, within)
      }
      cursor += length
    }
    this.#size = Math.max(this.#size, end)
  }

  /** Cuts, or lengthens with a hole. */
  resize(size: number): void {
    if (size < this.#size) {
      const within = size % PAGE_BYTES
      const first = Math.ceil(size / PAGE_BYTES)
      for (let index = first; index < this.#pages.length; index += 1) this.#put(index, undefined)
      this.#pages.length = Math.min(this.#pages.length, first)
      if (within !== 0 && this.#pages[first - 1] !== undefined) {
        this.#writablePage(first - 1).fill(0, within)
      }
    }
    this.#size = size
  }

  /** Makes the pages that touch the range equal to those of `other`; the size stays. */
  copyPages(other: PagedBytes, position: number, byteCount: number): void {
    const last = Math.floor((position + byteCount - 1) / PAGE_BYTES)
    for (let index = Math.floor(position / PAGE_BYTES); index <= last; index += 1) {
      const page = other.#pages[index]
      if (page === undefined) this.#put(index, undefined)
      else this.#writablePage(index).set(page.bytes)
    }
  }

  /** How many bytes from `position` on fit when only `freePages` more pages may be allocated. */
  roomFor(position: number, byteCount: number, freePages: number): number {
    let free = freePages
    const end = position + byteCount
    let index = Math.floor(position / PAGE_BYTES)
    for (; index * PAGE_BYTES < end; index += 1) {
      if (this.#pages[index] !== undefined) continue
      if (free <= 0) break
      free -= 1
    }
    return Math.max(0, Math.min(end, index * PAGE_BYTES) - position)
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.#size)
    this.read(bytes, 0)
    return bytes
  }

  /** Whether both read the same; pages that they share are not compared. */
  equals(other: PagedBytes): boolean {
    if (this.#size !== other.#size) return false
    const count = Math.max(this.#pages.length, other.#pages.length)
    for (let index = 0; index < count; index += 1) {
      const page = this.#pages[index] ?? ZERO_PAGE
      const others = other.#pages[index] ?? ZERO_PAGE
      if (page !== others && Buffer.compare(page.bytes, others.bytes) !== 0) return false
    }
    return true
  }

  clone(): PagedBytes {
    const copy = new PagedBytes()
    copy.#pages = this.#pages.slice()
    copy.#size = this.#size
    copy.#allocatedPages = this.#allocatedPages
    // Neither side owns the shared pages any more.
    this.#owner = {}
    return copy
  }

  #writablePage(index: number): Uint8Array {
    const page = this.#pages[index]
    if (page !== undefined && page.owner === this.#owner) return page.bytes
    const bytes = page === undefined ? new Uint8Array(PAGE_BYTES) : page.bytes.slice()
    this.#put(index, { bytes, owner: this.#owner })
    return bytes
  }

  #put(index: number, page: Page | undefined): void {
    if (this.#pages[index] === undefined) {
      if (page !== undefined) this.#allocatedPages += 1
    } else if (page === undefined) {
      this.#allocatedPages -= 1
    }
    while (this.#pages.length <= index) this.#pages.push(undefined)
    this.#pages[index] = page
  }
}
