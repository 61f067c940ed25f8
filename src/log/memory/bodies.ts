/** Bodies in memory by id, in pages, so that a message that stays for long holds up no others. */
import type { Entry, Lsn, MessageId } from '../seam.ts'

/** A page with nothing alive is given back whole; one survivor costs this many slots at most. */
const PAGE_SLOTS = 1024

/** An entry as it stands in memory, before and after it is durable. */
export class StoredEntry implements Entry {
  readonly lsn: Lsn
  readonly epoch: number
  readonly timeMs: number
  readonly ids: readonly MessageId[]
  readonly messages: readonly Uint8Array[]
  readonly control: readonly Uint8Array[]
  /** Messages of it that were not discarded. */
  #live: number

  constructor(
    lsn: Lsn,
    epoch: number,
    timeMs: number,
    ids: readonly MessageId[],
    messages: readonly Uint8Array[],
    control: readonly Uint8Array[],
  ) {
    this.lsn = lsn
    this.epoch = epoch
    this.timeMs = timeMs
    this.ids = ids
    this.messages = messages
    this.control = control
    this.#live = ids.length
  }

  /** No message of it lives, and nothing else is in it: readers need not see it. */
  get isDead(): boolean {
    return this.#live === 0 && this.control.length === 0
  }

  /** One message of it was discarded; true where that was the last thing in it. */
  discardOne(): boolean {
    this.#live -= 1
    return this.isDead
  }
}

interface Page {
  readonly slots: (StoredEntry | undefined)[]
  live: number
}

/** Which entry holds the body of a message that lives. */
export class BodyTable {
  readonly #pages = new Map<number, Page>()
  /** Ids grow, so that most of what is added goes to the page that was used last. */
  #newest: Page = { slots: [], live: 0 }
  #newestNumber = -1
  #live = 0

  get live(): number {
    return this.#live
  }

  add(id: MessageId, entry: StoredEntry): void {
    const number = Math.floor(id / PAGE_SLOTS)
    if (number !== this.#newestNumber) {
      if (this.#newest.live === 0) this.#pages.delete(this.#newestNumber)
      this.#newest = { slots: new Array<StoredEntry | undefined>(PAGE_SLOTS), live: 0 }
      this.#newestNumber = number
      this.#pages.set(number, this.#newest)
    }
    this.#newest.slots[id % PAGE_SLOTS] = entry
    this.#newest.live += 1
    this.#live += 1
  }

  /** The body of a message, undefined where it was discarded or is not there yet. */
  get(id: MessageId): Uint8Array | undefined {
    const entry = this.#pages.get(Math.floor(id / PAGE_SLOTS))?.slots[id % PAGE_SLOTS]
    return entry?.messages[id - (entry.ids[0] ?? 0)]
  }

  /** Forgets the bodies from `first` to `last`; tells how many entries have nothing left. */
  discard(first: MessageId, last: MessageId): number {
    let dead = 0
    for (let id = first; id <= last; ) {
      const number = Math.floor(id / PAGE_SLOTS)
      const end = Math.min(last + 1, (number + 1) * PAGE_SLOTS)
      const page = this.#pages.get(number)
      if (page) dead += this.#discardIn(number, page, id, end)
      id = end
    }
    return dead
  }

  /** Takes an entry apart, so that each message that lives holds its own bytes only. */
  detach(entry: StoredEntry): void {
    const { ids, lsn, epoch, timeMs } = entry
    if (ids.length <= 1 && entry.control.length === 0) return
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as MessageId
      const page = this.#pages.get(Math.floor(id / PAGE_SLOTS))
      if (!page?.slots[id % PAGE_SLOTS]) continue
      const body = entry.messages[i] as Uint8Array
      page.slots[id % PAGE_SLOTS] = new StoredEntry(lsn, epoch, timeMs, [id], [body], [])
    }
  }

  #discardIn(number: number, page: Page, first: MessageId, end: MessageId): number {
    let dead = 0
    for (let id = first; id < end; id++) {
      const entry = page.slots[id % PAGE_SLOTS]
      if (!entry) continue
      page.slots[id % PAGE_SLOTS] = undefined
      page.live -= 1
      this.#live -= 1
      if (entry.discardOne()) dead += 1
    }
    if (page.live === 0 && number !== this.#newestNumber) this.#pages.delete(number)
    return dead
  }
}
