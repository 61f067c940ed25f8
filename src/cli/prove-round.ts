/**
 * One life of a producer: started, listened to, and killed with SIGKILL or allowed to finish. Touches
 * the child process that it starts, and leaves none behind.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { QlogError } from '../errors.ts'
import type { Oracle } from './prove-oracle.ts'
import type { ProducerEnd } from './prove-protocol.ts'
import { parseProducerLine } from './prove-protocol.ts'

/** Far longer than any disk takes for one flush: then something hangs. */
const SILENCE_MS_MAX = 30_000

export interface RoundOrder {
  /** How to start this program again. */
  readonly selfCommand: readonly string[]
  readonly directory: string
  readonly sourceBytes: Uint8Array
  readonly position: number
  readonly window: number
  /** SIGKILL comes `extraMs` after either has passed since the first acknowledgement... */
  readonly afterMs: number
  readonly afterMessages: number
  readonly extraMs: number
  /** ...or, where this is false, a polite SIGTERM when both have. */
  readonly kill: boolean
  readonly signal: AbortSignal
  readonly onProgress: () => void
}

export interface RoundResult {
  readonly acknowledged: number
  /** From being ready to the last acknowledgement. */
  readonly appendingMs: number
  /** Only of a producer that was allowed to finish. */
  readonly end: ProducerEnd | undefined
}

/** Runs one producer to its end; every acknowledgement goes to the oracle as it comes. */
export async function runRound(order: RoundOrder, oracle: Oracle): Promise<RoundResult> {
  const life = new ProducerLife(order, oracle)
  return await life.run()
}

class ProducerLife {
  readonly #order: RoundOrder
  readonly #oracle: Oracle
  readonly #child: ChildProcess
  #acknowledged = 0
  #readyMs = 0
  #firstAcknowledgedMs = 0
  #lastAcknowledgedMs = 0
  #end: ProducerEnd | undefined
  #stopSent = false
  #failure: Error | undefined
  #errorOutput = ''
  #moment: NodeJS.Timeout | undefined
  #silence: NodeJS.Timeout | undefined

  constructor(order: RoundOrder, oracle: Oracle) {
    this.#order = order
    this.#oracle = oracle
    const [program, ...words] = order.selfCommand
    if (program === undefined) throw new Error('there is no command to start')
    const { directory, position, window } = order
    words.push('prove-producer', directory)
    words.push('--position', String(position), '--window', String(window))
    this.#child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'] })
  }

  async run(): Promise<RoundResult> {
    const child = this.#child
    const abort = (): void => this.#give(new QlogError('QLOG_ABORTED', 'interrupted'))
    this.#order.signal.addEventListener('abort', abort, { once: true })
    if (this.#order.signal.aborted) abort()
    try {
      this.#listen()
      this.#restartSilence()
      await new Promise<void>((resolve, reject) => {
        child.once('error', reject)
        // "close" comes once the pipes are drained too: acknowledgements sent before the kill count.
        child.once('close', () => resolve())
      })
    } finally {
      this.#order.signal.removeEventListener('abort', abort)
      clearTimeout(this.#moment)
      clearTimeout(this.#silence)
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    }
    return this.#judge()
  }

  #listen(): void {
    const { stdin, stdout, stderr } = this.#child
    if (stdin === null || stdout === null || stderr === null) throw new Error('a pipe is missing')
    // A producer that dies early does not read its input to the end; how it died is told below.
    stdin.on('error', () => {})
    stdin.end(this.#order.sourceBytes)
    let rest = ''
    stdout.setEncoding('latin1')
    stdout.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      // A line without its end was cut off by the kill, and tells nothing.
      rest = lines.pop() ?? ''
      try {
        for (const line of lines) this.#take(line)
      } catch (error) {
        this.#give(error instanceof Error ? error : new Error(String(error)))
      }
      this.#restartSilence()
      this.#order.onProgress()
    })
    stderr.setEncoding('utf8')
    stderr.on('data', (text: string) => {
      this.#errorOutput = (this.#errorOutput + text).slice(0, 2_000)
    })
  }

  #take(text: string): void {
    const line = parseProducerLine(text)
    if (line.kind === 'ready') this.#readyMs = performance.now()
    if (line.kind === 'end') this.#end = line.end
    if (line.kind === 'failed') this.#failure ??= new Error(`the producer failed: ${line.message}`)
    if (line.kind !== 'acknowledged') return
    this.#oracle.acknowledge(line.firstId, line.firstPosition, line.count)
    this.#acknowledged += line.count
    this.#lastAcknowledgedMs = performance.now()
    if (this.#firstAcknowledgedMs === 0) {
      this.#firstAcknowledgedMs = this.#lastAcknowledgedMs
      this.#moment = setTimeout(() => this.#stopWhenDue(), this.#order.afterMs)
    }
    this.#stopWhenDue()
  }

  #stopWhenDue(): void {
    if (this.#stopSent) return
    const { afterMs, afterMessages, extraMs, kill } = this.#order
    // A timer may fire a fraction of a millisecond early.
    const timeIsUp = performance.now() - this.#firstAcknowledgedMs >= afterMs - 1
    const countIsUp = this.#acknowledged >= afterMessages
    if (kill ? !timeIsUp && !countIsUp : !timeIsUp || !countIsUp) return
    this.#stopSent = true
    clearTimeout(this.#moment)
    this.#moment = setTimeout(() => this.#child.kill(kill ? 'SIGKILL' : 'SIGTERM'), extraMs)
  }

  #restartSilence(): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => {
      const seconds = SILENCE_MS_MAX / 1000
      this.#give(new Error(`the producer acknowledged nothing for ${seconds} s`))
    }, SILENCE_MS_MAX)
  }

  /** Gives up: the round ends with this error. */
  #give(error: Error): void {
    this.#failure ??= error
    this.#child.kill('SIGKILL')
  }

  #judge(): RoundResult {
    if (this.#failure !== undefined) throw this.#failure
    const { exitCode, signalCode } = this.#child
    const asOrdered = this.#order.kill
      ? this.#stopSent && signalCode === 'SIGKILL'
      : this.#stopSent && exitCode === 0 && this.#end !== undefined
    if (!asOrdered) {
      const how = signalCode ?? `exit code ${exitCode}`
      throw new Error(`the producer ended by itself (${how}): ${this.#errorOutput.trim()}`)
    }
    return {
      acknowledged: this.#acknowledged,
      appendingMs: Math.max(0, this.#lastAcknowledgedMs - this.#readyMs),
      end: this.#end,
    }
  }
}
