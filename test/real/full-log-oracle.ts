/** What a log on a full disk must hold, known from what its writers said (`fixtures/filling-writer.mjs`). */
import { pathToFileURL } from 'node:url'
import { openReader } from '../../src/index.ts'
import { verify } from '../../src/inspect/index.ts'
import { fixturePath } from './children.ts'

/** Compiled tools have no fixtures beside them, so it is found from the repository. */
export const { mixedBodyOf } = (await import(pathToFileURL(fixturePath('bodies.mjs')).href)) as {
  mixedBodyOf(round: number, number: number): Buffer
}

export class FullLogOracle {
  /** What was acknowledged: round and number of the message with this id, in the order of ids. */
  readonly acknowledged = new Map<number, { round: number; number: number }>()
  unacknowledged = 0
  /** Ids below may be gone. */
  floor = 1

  hear(round: number, line: string): void {
    const [word, text, number] = line.split(' ')
    if (word !== 'ack') return
    const id = Number(text)
    if (this.acknowledged.has(id)) throw new Error(`id ${id} was given again`)
    this.acknowledged.set(id, { round, number: Number(number) })
  }

  /** The end of this share of what is there, which may go from now on. */
  discard(share: number): number {
    const ids = [...this.acknowledged.keys()].filter((id) => id >= this.floor)
    this.floor = Math.max(this.floor, ids[Math.floor(ids.length * share)] ?? 1)
    return this.floor
  }

  /** Reads the whole log. Throws where one is missing that must be there, wrong or made up. */
  async verify(directory: string): Promise<void> {
    const { verdict, findings } = await verify(directory)
    if (verdict === 'rot') throw new Error(`verify finds rot: ${JSON.stringify(findings)}`)
    const ids = new Set<number>()
    const sent = new Set<string>()
    this.unacknowledged = 0
    const reader = await openReader(directory)
    try {
      for await (const { id, body } of reader.read()) {
        const name = this.#nameOf(id, Buffer.from(body))
        if (sent.has(name)) throw new Error(`${name} came twice`)
        sent.add(name)
        ids.add(id)
      }
    } finally {
      await reader.close()
    }
    const missing = [...this.acknowledged.keys()].filter((id) => id >= this.floor && !ids.has(id))
    if (missing.length > 0) {
      throw new Error(`${missing.length} acknowledged are missing: ${missing.slice(0, 5)}`)
    }
  }

  /** The round and number of a message, which has to be the one that was sent. */
  #nameOf(id: number, bytes: Buffer): string {
    const round = bytes.readUInt32LE(0)
    const number = bytes.readUInt32LE(4)
    const known = this.acknowledged.get(id)
    if (known === undefined) this.unacknowledged++
    else if (known.round !== round || known.number !== number) {
      throw new Error(
        `message ${id} is ${round}.${number} instead of ${known.round}.${known.number}`,
      )
    }
    if (!bytes.equals(mixedBodyOf(round, number))) throw new Error(`message ${id} has wrong bytes`)
    return `${round}.${number}`
  }
}
