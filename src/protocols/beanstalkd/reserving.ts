/**
 * Reserve: waits for jobs of the watched tubes, until its own time is over, a job that is held comes near
 * the end of its time, or the client hangs up. Reserves that follow each other are served as one.
 */
import type { Delivery, Session } from '../../index.ts'
import type { Counted } from './counters.ts'
import { MARGIN_MS, RESERVE_RUN_BYTES, RESERVE_RUN_MAX } from './limits.ts'
import { Reply } from './replies.ts'
import type { Talk } from './talk.ts'
import type { Tube } from './tubes.ts'

const CR = 0x0d
const LF = 0x0a

export class Reserving {
  readonly #talk: Talk
  /** Ends the wait that is under way. */
  #wait: AbortController | undefined
  /** Goes on with the jobs of a run, once the client has taken those before them. */
  #goOn: (() => void) | undefined
  #isStopped = false

  constructor(talk: Talk) {
    this.#talk = talk
  }

  /** It waits for a job, which must not be given to a client that has left. */
  get isWaiting(): boolean {
    return this.#wait !== undefined
  }

  /**
   * Begins one, and as many more as follow in the same words; `timeoutMs` is infinite where it waits for
   * ever. Each counts as `counted` once its turn has come.
   */
  begin(line: Uint8Array, timeoutMs: number, counted: Counted): void {
    const count = 1 + this.#countRepeated(line)
    this.#talk.noteWorker()
    this.#talk.alone(() => this.#reserve(timeoutMs, count, counted))
  }

  /** Up to `count` jobs at once, as `write` tells them; one reply where there is none. */
  many(timeoutMs: number, count: number, write: (jobs: readonly Delivery[]) => void): void {
    const talk = this.#talk
    talk.noteWorker()
    talk.alone(async () => {
      const session = await talk.watching.ready()
      const taken = await this.#take(session, timeoutMs, count)
      if (typeof taken === 'string') talk.write(taken)
      else {
        for (const delivery of taken) talk.held.add(delivery, session.leased)
        write(taken)
      }
    })
  }

  /** The client takes answers again. */
  goOn(): void {
    this.#goOn?.()
    this.#goOn = undefined
  }

  /** No more comes of the client: it waits for nothing. */
  peerEnded(): void {
    this.#wait?.abort()
  }

  /** The server stops: nothing is waited for any more. */
  stop(): void {
    this.#isStopped = true
    this.#wait?.abort()
    this.goOn()
  }

  /** The connection is gone. */
  end(): void {
    this.stop()
  }

  async #reserve(timeoutMs: number, count: number, counted: Counted): Promise<void> {
    const talk = this.#talk
    const { commands } = talk.shared.counters
    const session = await talk.watching.ready()
    for (let left = count; left > 0 && !talk.isClosed; ) {
      if (left < count && talk.client.isCongested) await this.#untilTaken()
      if (left < count && this.#isStopped) return
      commands[counted]++
      const deliveries = await this.#take(session, timeoutMs, left)
      if (typeof deliveries === 'string') {
        talk.write(deliveries)
        left--
        continue
      }
      for (const delivery of deliveries) {
        talk.held.add(delivery, session.leased)
        talk.writeJob('RESERVED', delivery.id, delivery.body)
      }
      commands[counted] += deliveries.length - 1
      left -= deliveries.length
    }
  }

  /** What is not taken by the client waits in memory: no more is added to it. */
  async #untilTaken(): Promise<void> {
    if (this.#isStopped) return
    await new Promise<void>((resolve) => {
      this.#goOn = resolve
    })
  }

  /** Some jobs, or what to say instead of one. */
  async #take(
    session: Session,
    timeoutMs: number,
    count: number,
  ): Promise<readonly Delivery[] | string> {
    const options = { count, bytesMax: RESERVE_RUN_BYTES }
    const now = await session.reserve({ ...options, timeoutMs: 0 })
    if (now.length > 0) return now
    const nearestMs = session.nearestEndMs
    const marginMs = nearestMs === undefined ? Number.POSITIVE_INFINITY : nearestMs - MARGIN_MS
    if (marginMs <= 0) return Reply.DEADLINE_SOON
    if (timeoutMs === 0 || this.#talk.client.intake.ended || this.#isStopped) return Reply.TIMED_OUT
    const later = await this.#await(session, Math.min(timeoutMs, marginMs), options)
    if (later.length > 0) return later
    const isOverNear = marginMs <= timeoutMs && !this.#isInterrupted
    return isOverNear ? Reply.DEADLINE_SOON : Reply.TIMED_OUT
  }

  get #isInterrupted(): boolean {
    return this.#isStopped || this.#talk.client.intake.ended
  }

  async #await(
    session: Session,
    timeoutMs: number,
    options: { readonly count: number; readonly bytesMax: number },
  ): Promise<readonly Delivery[]> {
    const wait = new AbortController()
    this.#wait = wait
    const { client, shared } = this.#talk
    const { counters } = shared
    // What stands behind it keeps the socket from being read: from now on it may be read further.
    if (client.intake.length > 0) client.wake()
    const tubes: readonly Tube[] = [...this.#talk.watching.watched]
    counters.waiting++
    for (const tube of tubes) tube.waiting++
    const bound = timeoutMs === Number.POSITIVE_INFINITY ? {} : { timeoutMs }
    try {
      return await session.reserve({ ...options, ...bound, signal: wait.signal })
    } catch (error) {
      if (wait.signal.aborted) return []
      throw error
    } finally {
      this.#wait = undefined
      counters.waiting--
      for (const tube of tubes) tube.waiting--
    }
  }

  /** How often the same line follows; those are taken out of the intake. */
  #countRepeated(line: Uint8Array): number {
    const { intake } = this.#talk.client
    const bytes = line.length + 2
    let count = 0
    for (; count < RESERVE_RUN_MAX - 1 && intake.length >= bytes; count++) {
      if (intake.peek(line.length) !== CR || intake.peek(line.length + 1) !== LF) break
      let at = 0
      while (at < line.length && intake.peek(at) === line[at]) at++
      if (at < line.length) break
      intake.skip(bytes)
    }
    return count
  }
}
