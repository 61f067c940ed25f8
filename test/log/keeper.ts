/**
 * An owner behind the seam that keeps words in named parts: each change is a control record, the parts
 * are its state. What it knows after opening is its snapshot and the entries behind it.
 */
import { openSegmentLog } from '../../src/log/open.ts'
import { checkOptions } from '../../src/log/options.ts'
import type { Encodable, LogOwner, PartToSave, SaveOptions } from '../../src/log/seam.ts'
import type { SegmentLog } from '../../src/log/segment-log.ts'
import type { LogOptions } from '../../src/log/types.ts'
import type { System } from '../../src/system/system.ts'

export const SMALL: LogOptions = { segmentBytesMin: 16_384, segmentBytesMax: 32_768 }

export class Keeper {
  readonly log: SegmentLog
  /** Words by part. */
  readonly words: Map<string, string[]>
  /** Control records that opening had to apply. */
  replayed = 0
  /** Part names of the snapshot that opening found; undefined where it found none. */
  found: string[] | undefined
  /** Of the last entry that is in the words. */
  lsn = 0
  readonly #waiting: Waiting

  private constructor(log: SegmentLog, words: Map<string, string[]>, waiting: Waiting) {
    this.log = log
    this.words = words
    this.#waiting = waiting
  }

  static async open(system: System, options: LogOptions = {}): Promise<Keeper> {
    const waiting = new Waiting()
    const all = checkOptions({ ...SMALL, ...options })
    const log = await openSegmentLog(system, '/log', waiting, all)
    const keeper = new Keeper(log, new Map(), waiting)
    await keeper.#load()
    return keeper
  }

  async #load(): Promise<void> {
    const snapshot = await this.log.snapshot()
    const ats = new Map<string, number>()
    for (const [name, part] of snapshot?.parts ?? []) {
      this.words.set(name, textOf(await part.read()).split(' '))
      ats.set(name, part.at)
    }
    if (snapshot) this.found = [...snapshot.parts.keys()]
    const after = ats.size > 0 ? Math.min(...ats.values()) : 0
    this.lsn = after
    for await (const entries of this.log.read({ after })) {
      for (const { lsn, control } of entries) {
        this.lsn = lsn
        for (const record of control) {
          const [name = '', word = ''] = textOf(record).split(':')
          if (lsn <= (ats.get(name) ?? 0)) continue
          this.replayed++
          this.#add(name, word)
        }
      }
    }
  }

  /** Appends a change, with a message where `messageBytes` is over 0, and waits until it is durable. */
  async put(name: string, word: string, messageBytes = 0): Promise<void> {
    const messages =
      messageBytes > 0 ? [encodable(`${name}:${word}`.padEnd(messageBytes, 'm'))] : []
    const ticket = this.log.append({ messages, control: [encodable(`${name}:${word}`)] })
    this.lsn = await this.#waiting.for(ticket)
    this.#add(name, word)
  }

  /** Appends messages alone. */
  async fill(count: number, messageBytes: number): Promise<void> {
    for (let row = 0; row < count; row++) {
      const messages = [encodable(`${this.log.nextId}:`.padEnd(messageBytes, 'f'))]
      this.lsn = await this.#waiting.for(this.log.append({ messages, control: [] }))
    }
  }

  /** Control records that change nothing, of so many bytes. */
  async noise(bytes: number): Promise<void> {
    const ticket = this.log.append({
      messages: [],
      control: [encodable(`noise:${'n'.repeat(bytes)}`)],
    })
    this.lsn = await this.#waiting.for(ticket)
  }

  save(unchanged: readonly string[] = [], options: SaveOptions = {}): Promise<void> {
    return this.log.saveSnapshot(this.parts(unchanged), options)
  }

  async *parts(unchanged: readonly string[]): AsyncGenerator<PartToSave> {
    for (const [name, words] of this.words) {
      if (name === 'noise') continue
      const bytes = unchanged.includes(name)
        ? 'unchanged'
        : new TextEncoder().encode(words.join(' '))
      yield [name, this.lsn, bytes]
    }
  }

  /** Nobody wants any message any more, from this one on. */
  discardAll(firstId = 1): void {
    const { nextId } = this.log
    if (nextId > firstId) this.log.discard([[firstId, nextId - 1]])
  }

  /** The words, as one text. */
  get text(): string {
    const rows = [...this.words].filter(([name]) => name !== 'noise')
    return rows
      .map(([name, words]) => `${name}: ${words.join(' ')}`)
      .sort()
      .join('\n')
  }

  #add(name: string, word: string): void {
    const words = this.words.get(name)
    if (words) words.push(word)
    else this.words.set(name, [word])
  }
}

class Waiting implements LogOwner {
  #committed = 0
  #lsn = 0
  #failure: Error | undefined
  readonly #refused: { readonly from: number; readonly upTo: number; readonly cause: Error }[] = []
  #waiters: (() => void)[] = []

  async for(ticket: number): Promise<number> {
    while (this.#committed < ticket) {
      if (this.#failure) throw this.#failure
      const refused = this.#refused.find(({ from, upTo }) => ticket >= from && ticket <= upTo)
      if (refused) throw refused.cause
      await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
    return this.#lsn
  }

  committed(upTo: number, lsn: number): void {
    this.#committed = upTo
    this.#lsn = lsn
    this.#wake()
  }

  failed(_from: number, _outcome: string, cause: Error): void {
    this.#failure = cause
    this.#wake()
  }

  refused(from: number, upTo: number, cause: Error): void {
    this.#refused.push({ from, upTo, cause })
    this.#wake()
  }

  space(): void {}

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake()
  }
}

export function encodable(text: string): Encodable {
  const bytes = new TextEncoder().encode(text)
  return { byteLength: bytes.length, encodeInto: (target, at) => target.set(bytes, at) }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
