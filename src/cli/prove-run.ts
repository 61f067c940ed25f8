/**
 * The proof itself: rounds of appending, killing, reopening and comparing, with an oracle outside of
 * the log. Touches the log's directory through producers and the public functions only.
 */
import { QlogError } from '../errors.ts'
import type { CommandContext } from './context.ts'
import type { ProveDirectory } from './prove-directory.ts'
import type { CheckResult } from './prove-oracle.ts'
import { Oracle } from './prove-oracle.ts'
import { planRound } from './prove-plan.ts'
import { seededRandom } from './prove-random.ts'
import type { ProveResult } from './prove-report.ts'
import type { RoundOrder, RoundResult } from './prove-round.ts'
import { runRound } from './prove-round.ts'
import type { CollectedSource } from './prove-source.ts'
import { ratePerSecond } from './text.ts'

/** Appends in flight: enough to fill groups, few enough that the bound on survivors says something. */
const IN_FLIGHT_MAX = 2_000
/** Before the first comparison nothing has been measured; a careful guess. */
const COMPARED_PER_MS_GUESS = 500
/** Never use more than this part of the free space. */
const FREE_SHARE_MAX = 0.25
/** What blocks, segments made ahead and copies of a recovery add to a message, generously. */
const OVERHEAD_BYTES_PER_MESSAGE = 64

export interface ProveJob {
  readonly context: CommandContext
  readonly directory: ProveDirectory
  readonly source: CollectedSource
  readonly seconds: number
  readonly kills: number
  readonly messagesMin: number
  readonly seed: number
  readonly signal: AbortSignal
  /** Told often; how far the proof is, from 0 to 1. */
  readonly onProgress: (state: ProveProgress) => void
}

export interface ProveProgress {
  readonly share: number
  readonly acknowledged: number
  readonly kills: number
  readonly faults: number
  readonly phase: 'appending' | 'comparing'
}

export async function runProof(job: ProveJob): Promise<ProveResult> {
  return await new Proof(job).run()
}

class Proof {
  readonly #job: ProveJob
  readonly #oracle: Oracle
  readonly #random: () => number
  readonly #startedMs = performance.now()
  #kills = 0
  #acknowledged = 0
  #appendingMs = 0
  #comparedPerMs = COMPARED_PER_MS_GUESS
  #reopenMsMax = 0
  #unacknowledged = 0
  /** The worst of all comparisons. */
  #lost = 0
  #wrong = 0
  #newest: CheckResult = { messages: 0, bytes: 0, lost: 0, wrong: 0, unacknowledged: 0, nextId: 1 }
  #lastRound: RoundResult | undefined

  constructor(job: ProveJob) {
    this.#job = job
    this.#oracle = new Oracle(job.source.lines)
    this.#random = seededRandom(job.seed)
  }

  async run(): Promise<ProveResult> {
    for (let round = 0; round <= this.#job.kills; round += 1) {
      await this.#round(round === this.#job.kills, this.#job.kills + 1 - round)
      if (this.#oracle.faultCount > 0) break
    }
    return this.#result()
  }

  async #round(last: boolean, roundsLeft: number): Promise<void> {
    const oracle = this.#oracle
    const { lines } = this.#job.source
    // Somewhere else in the source each time, so that a message of an earlier life under a later
    // id cannot look right.
    const position = this.#newest.nextId - 1 + Math.floor(this.#random() * lines.lineCount)
    oracle.beginRound(this.#newest.nextId, position)
    const result = await runRound(this.#order(position, last, roundsLeft), oracle)
    this.#lastRound = result
    this.#acknowledged += result.acknowledged
    this.#appendingMs += result.appendingMs
    if (!last) {
      this.#kills += 1
      await this.#checkReadOnly()
    }
    await this.#checkWhole(last)
  }

  #order(position: number, last: boolean, roundsLeft: number): RoundOrder {
    const { context, directory, source, seconds, messagesMin, signal } = this.#job
    const messages = this.#newest.messages
    const remainingMs = seconds * 1000 - (performance.now() - this.#startedMs)
    const comparedPerMs = this.#comparedPerMs
    const messagesMax = messages + this.#roomForMessages()
    const plan = planRound(
      { roundsLeft, remainingMs, messages, messagesMin, messagesMax, comparedPerMs, last },
      this.#random,
    )
    return {
      selfCommand: context.selfCommand,
      directory: directory.path,
      sourceBytes: source.lines.bytes,
      position,
      window: IN_FLIGHT_MAX,
      ...plan,
      kill: !last,
      signal,
      onProgress: () => this.#tellProgress('appending'),
    }
  }

  #roomForMessages(): number {
    const { directory, source } = this.#job
    const lineBytes = source.lines.bytes.length / source.lines.lineCount
    const budget = directory.freeBytes() * FREE_SHARE_MAX
    return Math.floor(budget / (lineBytes + OVERHEAD_BYTES_PER_MESSAGE))
  }

  /** Before any recovery: what a reader sees of the dead writer's log, newest round only. */
  async #checkReadOnly(): Promise<void> {
    const from = this.#oracle.newestFirstId
    const reader = await this.#job.context.openReader(this.#job.directory.path)
    try {
      await this.#compare(reader, from)
    } finally {
      await reader.close()
    }
  }

  /** Opens the log as its next writer, which recovers it, and compares everything from the first id. */
  async #checkWhole(last: boolean): Promise<void> {
    const openingMs = performance.now()
    const log = await this.#job.context.openLog(this.#job.directory.path)
    const startedMs = performance.now()
    this.#reopenMsMax = Math.max(this.#reopenMsMax, startedMs - openingMs)
    let result: CheckResult
    try {
      result = await this.#compare(log, 1)
    } finally {
      await log.close()
    }
    const tookMs = Math.max(1, performance.now() - startedMs)
    this.#comparedPerMs = Math.max(1, result.messages / tookMs)
    this.#newest = result
    this.#unacknowledged += result.unacknowledged
    const allowed = last ? 0 : IN_FLIGHT_MAX
    if (result.unacknowledged > allowed) {
      this.#oracle.fault(
        `${result.unacknowledged} messages are there that were never acknowledged, but at most ${allowed} were in flight`,
      )
    }
    this.#oracle.endRound(result.nextId)
  }

  async #compare(
    log: Awaited<ReturnType<CommandContext['openReader']>>,
    from: number,
  ): Promise<CheckResult> {
    const { signal } = this.#job
    const check = this.#oracle.check(from)
    const onGap = ({
      firstId,
      endId,
      why,
    }: {
      firstId: number
      endId: number
      why: string
    }): void =>
      this.#oracle.fault(`the log reports damage at ids ${firstId} to ${endId - 1}: ${why}`)
    for await (const batch of log.readBatches({ from, signal, onGap })) {
      for (const message of batch) check.message(message.id, message.body)
      if (signal.aborted) throw new QlogError('QLOG_ABORTED', 'interrupted')
      this.#tellProgress('comparing')
    }
    const result = check.end()
    this.#lost = Math.max(this.#lost, result.lost)
    this.#wrong = Math.max(this.#wrong, result.wrong)
    return result
  }

  #tellProgress(phase: ProveProgress['phase']): void {
    const elapsed = (performance.now() - this.#startedMs) / (this.#job.seconds * 1000)
    this.#job.onProgress({
      share: Math.min(0.99, elapsed),
      acknowledged: this.#oracle.acknowledged,
      kills: this.#kills,
      faults: this.#oracle.faultCount,
      phase,
    })
  }

  #result(): ProveResult {
    const { messages, bytes } = this.#newest
    const appendedPerSecond = ratePerSecond(this.#acknowledged, this.#appendingMs)
    return {
      verdict: this.#oracle.faultCount === 0 ? 'ok' : 'failed',
      seed: this.#job.seed,
      messages,
      bytes,
      acknowledged: this.#oracle.acknowledged,
      lost: this.#lost,
      wrong: this.#wrong,
      unacknowledged: this.#unacknowledged,
      inFlightMax: IN_FLIGHT_MAX,
      kills: this.#kills,
      appendedPerSecond: Math.round(appendedPerSecond),
      appendedBytesPerSecond: Math.round(
        messages === 0 ? 0 : (appendedPerSecond * bytes) / messages,
      ),
      flushP50Ms: this.#lastRound?.end?.flushP50Ms ?? 0,
      flushP99Ms: this.#lastRound?.end?.flushP99Ms ?? 0,
      reopenMsMax: Number(this.#reopenMsMax.toFixed(2)),
      readPerSecond: Math.round(this.#comparedPerMs * 1000),
      diskBytes: this.#job.directory.diskBytes(),
      seconds: Number(((performance.now() - this.#startedMs) / 1000).toFixed(2)),
      faults: this.#oracle.faults,
    }
  }
}
