/**
 * How a worker ends, for whoever waits for it. A failure that nobody has asked to hear of would leave a
 * process that works on nothing and looks well, so that one is told as a warning.
 */
import { QlogError } from '../../errors.ts'
import { textOf } from '../check.ts'
import type { StoreSystem } from '../store-core.ts'

export class WorkerEnd {
  readonly #system: Pick<StoreSystem, 'warn'>
  readonly #of: { readonly queue: string; readonly group: string }
  readonly #promise: Promise<void>
  #resolve: () => void = () => undefined
  #reject: (error: Error) => void = () => undefined
  #isAsked = false

  constructor(system: Pick<StoreSystem, 'warn'>, of: { queue: string; group: string }) {
    this.#system = system
    this.#of = of
    this.#promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Nobody has to wait for it.
    this.#promise.catch(() => undefined)
  }

  /** From the first call on somebody hears of it. */
  get promise(): Promise<void> {
    this.#isAsked = true
    return this.#promise
  }

  stopped(): void {
    this.#resolve()
  }

  /** Called once. */
  failed(cause: Error): void {
    this.#reject(cause)
    if (this.#isAsked) return
    const { queue, group } = this.#of
    this.#system.warn(
      'QLOG_WORKER_ENDED',
      `the worker of the queue ${queue}, group ${group}, has ended by itself, and nobody has asked for ` +
        `its \`ended\`: ${wordsOf(cause)}`,
    )
  }
}

/** What stopped a log stands in the cause of its error. */
function wordsOf(error: Error): string {
  const words = error instanceof QlogError ? `${error.code}, ${error.message}` : textOf(error)
  return error.cause === undefined ? words : `${words} (${textOf(error.cause)})`
}
