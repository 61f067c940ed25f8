/**
 * What a store must hold after its workers were killed or robbed of power, known from what they said
 * (`fixtures/store-worker.mjs`). Throws where a message is lost, comes back after its ack, or a transaction is
 * there by half.
 */

/** What a store may answer when the disk below it is gone. */
const FAILURES =
  /^failed QLOG_((INDETERMINATE|REJECTED|FAILED|IO|FENCED|CLOSED|STALE_LEASE|DISK_FULL) |DAMAGED .*\(EIO\)$)/

export class StoreOracle {
  readonly put = new Set<number>()
  readonly acked = new Set<number>()
  readonly taken = new Set<number>()
  failures = 0
  moved = 0
  /** Put or seen, and not taken since: these must be there at the next opening. */
  #resting = new Set<number>()
  #there = new Set<number>()
  readonly #moved = new Set<number>()
  #parts = new Map<number, number>()
  readonly #mayFail: boolean

  constructor(mayFail = false) {
    this.#mayFail = mayFail
  }

  /** So many are there, as far as is known. */
  get resting(): number {
    return this.#resting.size
  }

  hear(line: string): void {
    const [word = '', text = '', of = ''] = line.split(' ')
    const id = Number(text)
    if (word === 'put') {
      if (this.put.has(id)) throw new Error(`id ${id} was given twice`)
      this.put.add(id)
      // Whoever took it may have said so before its producer was told.
      if (!this.taken.has(id)) this.#resting.add(id)
    } else if (word === 'took') {
      if (this.acked.has(id)) throw new Error(`id ${id} was delivered after its ack`)
      this.taken.add(id)
      this.#resting.delete(id)
    } else if (word === 'acked') this.acked.add(id)
    else if (word === 'moved') {
      this.acked.add(id)
      this.#moved.add(id)
      this.moved++
    } else if (word === 'there') this.#there.add(id)
    else if (word === 'part') {
      this.#parts.set(Number(of), (this.#parts.get(Number(of)) ?? 0) + 1)
    } else if (word === 'open') this.#compare()
    else if (word === 'failed' && this.#mayFail && FAILURES.test(line)) this.failures++
    else throw new Error(`a worker said "${line}"`)
  }

  /** After everything was drained. `kills` workers may have died between an ack and its word. */
  finish(kills: number): void {
    const lost = [...this.put].filter((id) => !this.taken.has(id))
    if (lost.length > 0)
      throw new Error(`${lost.length} were put and never came: ${lost.slice(0, 5)}`)
    const unfinished = [...this.put].filter((id) => !this.acked.has(id)).length
    if (unfinished > kills * 15) throw new Error(`${unfinished} acks without a word`)
  }

  /** A worker died before it had told all: what it did tell is half of the truth. */
  forget(): void {
    this.#there = new Set()
    this.#parts = new Map()
  }

  #compare(): void {
    const lost = [...this.#resting].filter((id) => !this.#there.has(id))
    if (lost.length > 0)
      throw new Error(`${lost.length} of the store are lost: ${lost.slice(0, 5)}`)
    const back = [...this.#there].filter((id) => this.acked.has(id))
    if (back.length > 0)
      throw new Error(`${back.length} are back after their ack: ${back.slice(0, 5)}`)
    for (const [of, parts] of this.#parts) {
      if (parts !== 2) throw new Error(`of ${of} there are ${parts} parts`)
      if (this.#there.has(of)) throw new Error(`${of} is there, and so are its parts`)
    }
    const without = [...this.#moved].filter((of) => !this.#parts.has(of))
    if (without.length > 0) throw new Error(`${without[0]} was moved and its parts are not there`)
    this.#resting = new Set(this.#there)
    this.forget()
  }
}
