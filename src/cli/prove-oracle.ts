/**
 * What a log must hold, known from outside of it: which message was acknowledged under which id,
 * and which line of the source it was made of. Never asks the log. Pure.
 */
import type { LineSource } from './prove-source.ts'

/** Enough to see what is wrong; thousands of lines would hide it. */
const FAULTS_TOLD_MAX = 10

/** The appends of one producer, from its start to its death. */
interface Round {
  readonly firstId: number
  /** Source position of the message that gets `firstId`. */
  readonly position: number
  acknowledgedEndId: number
  /** One past its last message, once the log has been opened again; from then on all must stay. */
  endId: number | undefined
}

/** What one reading of the log showed. */
export interface CheckResult {
  readonly messages: number
  readonly bytes: number
  /** Acknowledged (or shown after an earlier recovery), and not there. */
  readonly lost: number
  /** There, and not what was appended under that id, or there twice. */
  readonly wrong: number
  /** There though never acknowledged: was in flight when the producer was killed. */
  readonly unacknowledged: number
  readonly nextId: number
}

export class Oracle {
  readonly #source: LineSource
  readonly #rounds: Round[] = []
  readonly #faults: string[] = []
  #faultCount = 0
  #acknowledged = 0

  constructor(source: LineSource) {
    this.#source = source
  }

  get acknowledged(): number {
    return this.#acknowledged
  }

  /** The first faults in words; empty as long as everything is right. */
  get faults(): readonly string[] {
    return this.#faults
  }

  get faultCount(): number {
    return this.#faultCount
  }

  /** A producer starts: its messages get ids from `firstId` on and lines from `position` on. */
  beginRound(firstId: number, position: number): void {
    this.#rounds.push({ firstId, position, acknowledgedEndId: firstId, endId: undefined })
  }

  /** The producer was told that these are durable. */
  acknowledge(firstId: number, firstPosition: number, count: number): void {
    const round = this.#newestRound()
    if (firstId !== round.acknowledgedEndId) {
      const due = round.acknowledgedEndId
      this.fault(
        `id ${firstId} was acknowledged where id ${due} was due: ids repeat, skip or overtake`,
      )
    }
    const position = round.position + (firstId - round.firstId)
    if (firstPosition !== position) {
      this.fault(`id ${firstId} was given to source line ${firstPosition} instead of ${position}`)
    }
    this.#acknowledged += count
    round.acknowledgedEndId = Math.max(round.acknowledgedEndId, firstId + count)
  }

  fault(words: string): void {
    this.#faultCount += 1
    if (this.#faults.length < FAULTS_TOLD_MAX) this.#faults.push(words)
  }

  /** Starts a comparison that the messages from `firstId` on are fed to, in the order read. */
  check(firstId = 1): OracleCheck {
    return new OracleCheck(this, this.#source, this.#rounds, firstId)
  }

  /** First id of the newest round. */
  get newestFirstId(): number {
    return this.#newestRound().firstId
  }

  /** After a recovery: what it showed must stay, acknowledged or not. */
  endRound(nextId: number): void {
    const round = this.#newestRound()
    round.endId = Math.max(nextId, round.acknowledgedEndId)
  }

  #newestRound(): Round {
    const round = this.#rounds.at(-1)
    if (round === undefined) throw new Error('no round has begun')
    return round
  }
}

export class OracleCheck {
  readonly #oracle: Oracle
  readonly #source: LineSource
  readonly #rounds: readonly Round[]
  #roundIndex = 0
  #nextId: number
  #messages = 0
  #bytes = 0
  #lost = 0
  #wrong = 0

  constructor(oracle: Oracle, source: LineSource, rounds: readonly Round[], firstId: number) {
    this.#oracle = oracle
    this.#source = source
    this.#rounds = rounds
    this.#nextId = firstId
  }

  /** One message as the log returned it. */
  message(id: number, body: Uint8Array): void {
    this.#messages += 1
    this.#bytes += body.length
    if (id < this.#nextId) {
      this.#wrong += 1
      this.#oracle.fault(`id ${id} was read a second time, or out of order`)
      return
    }
    if (id > this.#nextId) this.#missing(id)
    this.#nextId = id + 1
    const position = this.#positionOf(id)
    if (position === undefined) {
      this.#wrong += 1
      this.#oracle.fault(`id ${id} was never appended by anybody`)
      return
    }
    const expected = this.#source.line(position)
    if (sameBytes(body, expected)) return
    this.#wrong += 1
    this.#oracle.fault(
      `id ${id} is not its source line ${position}: ${body.length} bytes read, ${expected.length} appended, first difference at byte ${firstDifference(body, expected)}`,
    )
  }

  /** The end of the log has been reached. */
  end(): CheckResult {
    const round = this.#rounds.at(-1)
    const mustReach = round === undefined ? 1 : (round.endId ?? round.acknowledgedEndId)
    if (this.#nextId < mustReach) this.#missing(mustReach)
    return {
      messages: this.#messages,
      bytes: this.#bytes,
      lost: this.#lost,
      wrong: this.#wrong,
      unacknowledged: Math.max(0, this.#nextId - mustReach),
      nextId: this.#nextId,
    }
  }

  /** Ids from the one that is due up to `endId` did not come. */
  #missing(endId: number): void {
    const first = this.#nextId
    this.#lost += endId - first
    this.#oracle.fault(
      endId - first === 1
        ? `id ${first} is missing`
        : `ids ${first} to ${endId - 1} are missing (${endId - first})`,
    )
    this.#nextId = endId
  }

  /** Ids only grow while reading, so the round only moves forward. */
  #positionOf(id: number): number | undefined {
    let next = this.#rounds[this.#roundIndex + 1]
    while (next !== undefined && id >= next.firstId) {
      this.#roundIndex += 1
      next = this.#rounds[this.#roundIndex + 1]
    }
    const round = this.#rounds[this.#roundIndex]
    if (round === undefined || id < round.firstId) return undefined
    return round.position + (id - round.firstId)
  }
}

/** Below this, a loop in JavaScript beats the call into native code. */
const NATIVE_COMPARE_BYTES_MIN = 64

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  if (a.length >= NATIVE_COMPARE_BYTES_MIN) return Buffer.compare(a, b) === 0
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false
  return true
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const end = Math.min(a.length, b.length)
  for (let at = 0; at < end; at += 1) if (a[at] !== b[at]) return at
  return end
}
