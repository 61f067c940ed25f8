/**
 * What a log must hold after its producers were killed or robbed of power, known from what they said
 * (`fixtures/producer.mjs`). Reads the log, and throws where anything is missing, wrong or made up.
 */
import { createHash } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import { openReader } from '../../src/index.ts'
import type { Random } from '../../src/system/simulated/random.ts'
import { fixturePath } from './children.ts'

/** Compiled tools have no fixtures beside them, so it is found from the repository. */
const { bodyOf, IN_FLIGHT, KEPT_EVERY } = (await import(
  pathToFileURL(fixturePath('bodies.mjs')).href
)) as {
  bodyOf(round: number, number: number): Buffer
  IN_FLIGHT: number
  KEPT_EVERY: number
}

/** What a log may answer when the disk below it is gone. */
const FAILURES = /^failed QLOG_(INDETERMINATE|REJECTED|FAILED|IO|FENCED) /

export class LogOracle {
  /** What was acknowledged: round and number of the message with this id. */
  readonly acknowledged = new Map<number, { round: number; number: number }>()
  unacknowledged = 0
  failures = 0
  /** All below `startId`, and those below `endId` that KEPT_EVERY does not divide, may be gone. */
  discarded = { startId: 1, endId: 1 }
  /** Of every message that was ever read, by id. */
  readonly #hashes = new Map<number, string>()
  #lastId = 0
  readonly #mayFail: boolean

  constructor(mayFail = false) {
    this.#mayFail = mayFail
  }

  hear(round: number, line: string): void {
    if (line.startsWith('open ')) return
    if (line.startsWith('failed ')) {
      if (!this.#mayFail || !FAILURES.test(line)) throw new Error(`round ${round}: ${line}`)
      this.failures++
      return
    }
    const [id = 0, number = 0] = line.split(' ').map(Number)
    if (this.acknowledged.has(id)) throw new Error(`id ${id} was given again`)
    this.acknowledged.set(id, { round, number })
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
    const found = new Set<string>()
    const ids = new Set<number>()
    const reader = await openReader(directory)
    this.unacknowledged = 0
    try {
      for await (const { id, body } of reader.read()) {
        const bytes = Buffer.from(body)
        this.#check(id, bytes, found)
        ids.add(id)
        this.#note(id, createHash('sha256').update(bytes).digest('base64'))
      }
    } finally {
      await reader.close()
    }
    const missing = [...this.acknowledged.keys()].filter((id) => !ids.has(id) && this.#mustStay(id))
    if (missing.length > 0) {
      throw new Error(`${missing.length} acknowledged are missing: ${missing.slice(0, 5)}`)
    }
    if (this.unacknowledged > lives * IN_FLIGHT * 2) {
      throw new Error(`${this.unacknowledged} that nobody was told of in ${lives} lives`)
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

  #check(id: number, bytes: Buffer, found: Set<string>): void {
    const round = bytes.readUInt32LE(0)
    const number = bytes.readUInt32LE(4)
    const known = this.acknowledged.get(id)
    if (known === undefined) this.unacknowledged++
    else if (known.round !== round || known.number !== number) {
      throw new Error(
        `message ${id} is ${round}.${number} instead of ${known.round}.${known.number}`,
      )
    }
    if (!bytes.equals(bodyOf(round, number))) throw new Error(`message ${id} has wrong bytes`)
    if (found.has(`${round}.${number}`)) throw new Error(`message ${round}.${number} came twice`)
    found.add(`${round}.${number}`)
  }
}
