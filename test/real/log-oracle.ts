/**
 * What a log must hold after its producers were killed or robbed of power, known from what they said
 * (`fixtures/producer.mjs`). Reads the log, and throws where anything is missing, wrong or made up.
 */
import { createHash } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import { openReader } from '../../src/index.ts'
import { fixturePath } from './children.ts'

/** Compiled tools have no fixtures beside them, so it is found from the repository. */
const { bodyOf, IN_FLIGHT } = (await import(pathToFileURL(fixturePath('bodies.mjs')).href)) as {
  bodyOf(round: number, number: number): Buffer
  IN_FLIGHT: number
}

/** What a log may answer when the disk below it is gone. */
const FAILURES = /^failed QLOG_(INDETERMINATE|REJECTED|FAILED|IO|FENCED) /

export class LogOracle {
  /** What was acknowledged: round and number of the message with this id. */
  readonly acknowledged = new Map<number, { round: number; number: number }>()
  unacknowledged = 0
  failures = 0
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

  /** Reads the whole log. Every acknowledged message must be there as it was sent, the others be real. */
  async verify(directory: string, lives: number): Promise<Map<number, string>> {
    const hashes = new Map<number, string>()
    const found = new Set<string>()
    const reader = await openReader(directory)
    this.unacknowledged = 0
    try {
      for await (const { id, body } of reader.read()) {
        const bytes = Buffer.from(body)
        this.#check(id, bytes, found)
        hashes.set(id, createHash('sha256').update(bytes).digest('base64'))
      }
    } finally {
      await reader.close()
    }
    const missing = [...this.acknowledged.keys()].filter((id) => !hashes.has(id))
    if (missing.length > 0) {
      throw new Error(`${missing.length} acknowledged are missing: ${missing.slice(0, 5)}`)
    }
    if (this.unacknowledged > lives * IN_FLIGHT * 2) {
      throw new Error(`${this.unacknowledged} that nobody was told of in ${lives} lives`)
    }
    return hashes
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
