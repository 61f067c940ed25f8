/**
 * What a log has acknowledged, and whether it gives that back: messages that begin with the round and the number
 * by which whoever sent them can make them again (`fixtures/bodies.mjs`).
 */
import { pathToFileURL } from 'node:url'
import { openReader } from '../../src/index.ts'
import { fixturePath } from './children.ts'

/** Compiled tools have no fixtures beside them, so they are found from the repository. */
export const { bodyOf, mixedBodyOf, IN_FLIGHT, KEPT_EVERY } = (await import(
  pathToFileURL(fixturePath('bodies.mjs')).href
)) as {
  bodyOf(round: number, number: number): Buffer
  mixedBodyOf(round: number, number: number): Buffer
  IN_FLIGHT: number
  KEPT_EVERY: number
}

interface Sent {
  readonly round: number
  readonly number: number
}

export class AcknowledgedMessages {
  readonly #sent = new Map<number, Sent>()
  readonly #bodyOf: (round: number, number: number) => Buffer

  constructor(makeBody: (round: number, number: number) => Buffer) {
    this.#bodyOf = makeBody
  }

  get size(): number {
    return this.#sent.size
  }

  /** In their order. */
  ids(): number[] {
    return [...this.#sent.keys()]
  }

  add(id: number, round: number, number: number): void {
    if (this.#sent.has(id)) throw new Error(`id ${id} was given again`)
    this.#sent.set(id, { round, number })
  }

  /** It is about to be discarded: it may be there from now on, or not. */
  mayGo(id: number): void {
    this.#sent.delete(id)
  }

  /**
   * Reads the whole log. Each message must be one that was sent, and come once; those of which `mustStay` is true
   * must be there. Returns how many there are that nobody was told of.
   */
  async verify(
    directory: string,
    mustStay: (id: number) => boolean,
    visit: (id: number, bytes: Buffer) => void = () => undefined,
  ): Promise<number> {
    const ids = new Set<number>()
    const names = new Set<string>()
    let untold = 0
    const reader = await openReader(directory)
    try {
      for await (const { id, body } of reader.read()) {
        const bytes = Buffer.from(body)
        const name = this.#nameOf(id, bytes)
        if (names.has(name)) throw new Error(`message ${name} came twice`)
        names.add(name)
        ids.add(id)
        if (!this.#sent.has(id)) untold++
        visit(id, bytes)
      }
    } finally {
      await reader.close()
    }
    const missing = this.ids().filter((id) => !ids.has(id) && mustStay(id))
    if (missing.length > 0) {
      throw new Error(`${missing.length} acknowledged are missing: ${missing.slice(0, 5)}`)
    }
    return untold
  }

  /** The round and number of a message, which has to be the one that was sent. */
  #nameOf(id: number, bytes: Buffer): string {
    const round = bytes.readUInt32LE(0)
    const number = bytes.readUInt32LE(4)
    const known = this.#sent.get(id)
    if (known !== undefined && (known.round !== round || known.number !== number)) {
      throw new Error(
        `message ${id} is ${round}.${number} instead of ${known.round}.${known.number}`,
      )
    }
    if (!bytes.equals(this.#bodyOf(round, number))) throw new Error(`message ${id} has wrong bytes`)
    return `${round}.${number}`
  }
}
