/**
 * What must hold behind a life whose system call failed, known from what it said (`fixtures/failing-lives.mjs`):
 * nothing acknowledged is lost, nothing refused is there, batches are whole, nothing resolves after the log
 * stopped, and whatever failed says so with a code that fits. Throws where anything of that is broken.
 */
import { createHash } from 'node:crypto'
import { bodyOf } from './acknowledged-messages.ts'
import { LogOracle } from './log-oracle.ts'
import { StoreOracle } from './store-oracle.ts'
import { verifySound } from './verify-sound.ts'

/** What a refused call may be answered with. Others would send whoever reads them the wrong way. */
const FAILURES = /^failed QLOG_(INDETERMINATE|REJECTED|FAILED|IO|DISK_FULL|CLOSED|STALE_LEASE) /
/** What the disk itself does not give back is damage, until it does. */
const DAMAGE = /^failed QLOG_DAMAGED /
/** From here on nothing may resolve. */
const STOPPED = /^failed QLOG_(INDETERMINATE|FAILED) /
const LIVES = 3

/** Judges one life and the opening behind it; made anew for each. */
export abstract class Judge {
  readonly failures: string[] = []
  /** The call that fails reads, and the answer blames the disk. */
  mayBeDamage = false
  /** Numbers that must never appear, and batches that are there whole or not at all. */
  protected readonly refused = new Set<number>()
  protected readonly batches = new Map<number, readonly number[]>()
  #isStopped = false

  /** One line; true where nobody else needs to hear it. */
  hear(line: string): boolean {
    const [word = '', text = '', more = ''] = line.split(' ')
    if (word === 'failed') {
      const isDamage = this.mayBeDamage && DAMAGE.test(line)
      if (!isDamage && !FAILURES.test(line)) throw new Error(`a life said "${line}"`)
      this.failures.push(line)
      if (STOPPED.test(line)) this.#isStopped = true
      return true
    }
    if (this.#isStopped && /^(\d+ |put |acked |moved )/.test(line)) {
      throw new Error(`it had stopped, and then said "${line}"`)
    }
    if (word === 'batch') this.batches.set(Number(text), numbersOf(text, more))
    // What was acknowledged is looked for one by one.
    else if (word === 'whole') this.batches.delete(Number(text))
    else if (word === 'refused') for (const one of numbersOf(text, more)) this.refused.add(one)
    else return word === 'status'
    return true
  }

  /** The life is over, and another one begins that nothing disturbs. */
  begin(): void {
    this.#isStopped = false
    this.mayBeDamage = false
  }

  abstract readonly acknowledged: number

  /** Looks at the files, which nobody has open. */
  abstract look(directory: string): Promise<void>

  /** A life and an opening that nothing disturbed are behind it. */
  abstract finish(directory: string): Promise<void>

  protected checkNumbers(there: ReadonlySet<number>): void {
    const wrong = [...this.refused].filter((number) => there.has(number))
    if (wrong.length > 0) throw new Error(`refused, and there: ${wrong.slice(0, 5)}`)
    for (const batch of this.batches.values()) {
      const found = batch.filter((number) => there.has(number)).length
      if (found === 0 || found === batch.length) continue
      throw new Error(`of the batch from ${batch[0]} on ${found} of ${batch.length} are there`)
    }
  }
}

export class LogJudge extends Judge {
  readonly #oracle = new LogOracle()
  readonly #round: number

  /** `told` is what was said before the life of this round. */
  constructor(round: number, told: readonly string[]) {
    super()
    this.#round = round
    for (const line of told) this.#hearOf(round - 1, line)
    this.batches.clear()
  }

  override get acknowledged(): number {
    return this.#oracle.acknowledged.size
  }

  override hear(line: string): boolean {
    return this.#hearOf(this.#round, line)
  }

  override async look(directory: string): Promise<void> {
    await verifySound(directory)
    const hashes = new Set((await this.#oracle.verify(directory, LIVES)).values())
    const candidates = [...this.refused, ...[...this.batches.values()].flat()]
    this.checkNumbers(new Set(candidates.filter((number) => hashes.has(this.#hashOf(number)))))
  }

  override finish(directory: string): Promise<void> {
    return this.look(directory)
  }

  /** What the undisturbed opening says, in the round behind. */
  hearNext(line: string): void {
    this.#hearOf(this.#round + 1, line)
  }

  #hearOf(round: number, line: string): boolean {
    const [word, first, end] = line.split(' ')
    if (word === 'discarding') {
      // From now on they may be there or not.
      for (let id = Number(first); id < Number(end); id += 1) this.#oracle.acknowledged.mayGo(id)
      return true
    }
    if (super.hear(line)) return true
    this.#oracle.hear(round, line)
    return true
  }

  #hashOf(number: number): string {
    return createHash('sha256').update(bodyOf(this.#round, number)).digest('base64')
  }
}

export class StoreJudge extends Judge {
  readonly #oracle = new StoreOracle()
  readonly #maybe = new Set<number>()
  readonly #taken = new Set<number>()
  #numbers = new Set<number>()
  #there = new Set<number>()

  constructor(told: readonly string[]) {
    super()
    for (const line of told) this.hear(line)
    this.#taken.clear()
    this.batches.clear()
  }

  override get acknowledged(): number {
    return this.#oracle.put.size + this.#oracle.acked.size
  }

  override hear(line: string): boolean {
    if (super.hear(line)) return true
    const [word = '', text = '', number = ''] = line.split(' ')
    // Lists pass over what cannot be read.
    if (this.mayBeDamage && /^(there|number|part|open)$/.test(word)) return true
    const id = Number(text)
    if (word === 'maybe') this.#maybe.add(id)
    else if (word === 'number') this.#numbers.add(Number(number))
    else {
      if (word === 'there') this.#there.add(id)
      if (word === 'took') this.#taken.add(id)
      this.#oracle.hear(line)
    }
    return true
  }

  /** What a life said that was disturbed while it told what is there is half of the truth. */
  override begin(): void {
    super.begin()
    this.#oracle.forget()
    this.#numbers = new Set()
    this.#there = new Set()
  }

  override async look(directory: string): Promise<void> {
    // Of a store that was never begun there need be nothing.
    if (this.acknowledged > 0) await verifySound(directory)
  }

  override async finish(directory: string): Promise<void> {
    const { acked } = this.#oracle
    const lost = [...this.#taken].filter(
      (id) => !acked.has(id) && !this.#maybe.has(id) && !this.#there.has(id),
    )
    if (lost.length > 0)
      throw new Error(`taken and not acknowledged, and gone: ${lost.slice(0, 5)}`)
    this.checkNumbers(this.#numbers)
    await verifySound(directory)
  }
}

/** Of those who only look: what they said is right, or they said that they could not tell. */
export class ReaderJudge extends Judge {
  readonly #log: LogJudge
  readonly #messages: number
  isBackedUp = false

  constructor(round: number, told: readonly string[], messages: number) {
    super()
    this.#log = new LogJudge(round, told)
    this.#messages = messages
  }

  override get acknowledged(): number {
    return this.#log.acknowledged
  }

  override hear(line: string): boolean {
    const [word, text] = line.split(' ')
    if (word === 'saw' && Number(text) !== this.#messages) {
      throw new Error(`a reader saw ${text} of ${this.#messages} messages, and no error`)
    }
    if (word === 'verdict' && text === 'rot' && !this.mayBeDamage)
      throw new Error('verify called a failing call rot')
    if (word === 'backed') this.isBackedUp = true
    if (/^(saw|verdict|backed|status)/.test(line)) return true
    return super.hear(line) || this.#log.hear(line)
  }

  override async look(directory: string): Promise<void> {
    await this.#log.look(directory)
    if (this.isBackedUp) await this.#log.look(`${directory}.backup`)
  }

  override finish(directory: string): Promise<void> {
    return this.#log.finish(directory)
  }

  hearNext(line: string): void {
    this.#log.hearNext(line)
  }
}

function numbersOf(first: string, count: string): number[] {
  return Array.from({ length: Number(count) }, (_, row) => Number(first) + row)
}
