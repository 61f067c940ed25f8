/**
 * What a log must hold after its producers were killed or robbed of power, known from what they said
 * (`fixtures/producer.mjs`). Reads the log, and throws where anything is missing, wrong or made up.
 */
import { createHash } from 'node:crypto'
import type { Random } from '../../src/system/simulated/random.ts'
import { AcknowledgedMessages, bodyOf, IN_FLIGHT, KEPT_EVERY } from './acknowledged-messages.ts'

/** What becomes of the disk while producers live. */
export type Disk = 'stays' | 'goes' | 'fills'

/** What a log may answer then. Of a disk that fills below its file system ENOSPC comes at a flush, also of a segment that is made. */
const FAILURES: Readonly<Record<Disk, RegExp>> = {
  stays: /^$/,
  goes: /^failed QLOG_(INDETERMINATE|REJECTED|FAILED|IO|FENCED) /,
  fills: /^failed QLOG_(INDETERMINATE|REJECTED|FAILED|IO|FENCED|DISK_FULL) /,
}

export class LogOracle {
  readonly acknowledged = new AcknowledgedMessages(bodyOf)
  failures = 0
  /** All below `startId`, and those below `endId` that KEPT_EVERY does not divide, may be gone. */
  discarded = { startId: 1, endId: 1 }
  /** Of every message that was ever read, by id. */
  readonly #hashes = new Map<number, string>()
  #lastId = 0
  readonly #disk: Disk

  constructor(disk: Disk = 'stays') {
    this.#disk = disk
  }

  hear(round: number, line: string): void {
    if (line.startsWith('open ')) return
    if (line.startsWith('failed ')) {
      if (!FAILURES[this.#disk].test(line)) throw new Error(`round ${round}: ${line}`)
      this.failures++
      return
    }
    const [id = 0, number = 0] = line.split(' ').map(Number)
    this.acknowledged.add(id, round, number)
  }

  /** Only of what has been read: then it is known what a reader may have seen. */
  discardSome(random: Random): void {
    const { startId, endId } = this.discarded
    const nextId = this.#lastId + 1
    const end = random.between(endId, nextId)
    this.discarded = { startId: random.between(startId, Math.max(startId, end >> 1)), endId: end }
  }

  /**
   * Reads the whole log. Every acknowledged message must be there as it was sent, the others be real. Returns the
   * hashes of all that were ever there.
   */
  async verify(directory: string, lives: number): Promise<Map<number, string>> {
    const untold = await this.acknowledged.verify(
      directory,
      (id) => this.#mustStay(id),
      (id, bytes) => this.#note(id, createHash('sha256').update(bytes).digest('base64')),
    )
    if (untold > lives * IN_FLIGHT * 2) {
      throw new Error(`${untold} that nobody was told of in ${lives} lives`)
    }
    return this.#hashes
  }

  #mustStay(id: number): boolean {
    const { startId, endId } = this.discarded
    return id >= startId && (id >= endId || id % KEPT_EVERY === 0)
  }

  #note(id: number, hash: string): void {
    const known = this.#hashes.get(id)
    if (known !== undefined && known !== hash) throw new Error(`message ${id} has changed`)
    this.#hashes.set(id, hash)
    this.#lastId = Math.max(this.#lastId, id)
  }
}
