/**
 * A process of the benchmark: its parent tells it what to do, one verb after the other, so that memory is its
 * own and a kill kills only it. Both sides stand here.
 */

import { type ChildProcess, fork } from 'node:child_process'

/** What such a process can be told to do: one argument and one answer each. */
export type VerbsOf<V> = { readonly [Name in keyof V]: (argument: never) => Promise<unknown> }
export type ArgumentOf<V extends VerbsOf<V>, N extends keyof V> = Parameters<V[N]>[0]
export type AnswerOf<V extends VerbsOf<V>, N extends keyof V> = Awaited<ReturnType<V[N]>>

interface Call {
  /** An answer that comes too late is not taken for that of the next call. */
  readonly number: number
  readonly verb: string
  readonly argument: unknown
}

interface Answer {
  readonly number?: number
  readonly answer?: unknown
  readonly error?: string
}

/** Serves until the parent goes. */
export function serveVerbs<V extends VerbsOf<V>>(verbs: V): void {
  process.on('message', ({ number, verb, argument }: Call) => {
    // What it is called with is what the parent's `call` was checked for.
    const act: (argument: never) => Promise<unknown> = verbs[verb as keyof V]
    act.call(verbs, argument as never).then(
      (answer) => reply({ number, answer }),
      (error) => reply({ number, error: wordsOf(error) }),
    )
  })
  process.once('disconnect', () => process.exit(0))
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function reply(answer: Answer): void {
  process.send?.(answer)
}

/** Nothing that is measured takes so long: what does has gone wrong, and is ended. */
const CALL_SECONDS_MAX = 900
const CLOSE_SECONDS_MAX = 120

export interface ChildOptions {
  /** A directory for `--cpu-prof`. */
  readonly profile: string | undefined
  /** Beside what this process has. */
  readonly env?: Readonly<Record<string, string>> | undefined
}

/** `V`: its verbs; `close` closes what is open. */
export class VerbProcess<V extends VerbsOf<V> & { close(what: object): Promise<void> }> {
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  #isOver = false
  #calls = 0
  #answered: (answer: Answer) => void = () => undefined

  /** `command`: of bench/main.ts, which makes that process serve its verbs. */
  constructor(command: string, { profile, env }: ChildOptions) {
    const [, main] = process.argv
    if (main === undefined) throw new Error('the benchmark has no file of its own')
    const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
    this.#child = fork(main, [command], {
      execArgv: [...process.execArgv, '--expose-gc', ...profiling],
      serialization: 'advanced',
      stdio: ['ignore', 2, 2, 'ipc'],
      env: { ...process.env, ...env },
    })
    this.#child.on('message', (answer: Answer) => {
      if (answer.number === this.#calls) this.#answered(answer)
    })
    // That it could not be started, or told anything: whoever waits hears of it.
    this.#child.on('error', (error) => this.#answered({ error: wordsOf(error) }))
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#isOver = true
        this.#answered({ error: `the process ended: ${signal ?? code}` })
        resolve()
      })
    })
  }

  /** One at a time. One that is not answered in time leaves the process for `kill`, and nothing else. */
  async call<N extends keyof V & string>(
    verb: N,
    argument: ArgumentOf<V, N>,
    secondsMax = CALL_SECONDS_MAX,
  ): Promise<AnswerOf<V, N>> {
    if (this.#isOver) throw new Error(`${verb}: the process has ended`)
    const answered = new Promise<Answer>((resolve) => {
      this.#answered = resolve
    })
    const call: Call = { number: ++this.#calls, verb, argument }
    this.#child.send(call)
    const limit = setTimeout(() => {
      this.#answered({ error: `no answer within ${secondsMax} s` })
    }, secondsMax * 1000)
    const { answer, error } = await answered
    clearTimeout(limit)
    if (error !== undefined) throw new Error(`${verb}: ${error}`)
    return answer as AnswerOf<V, N>
  }

  /** Closes what is open, then the process. */
  async end(): Promise<void> {
    await this.call('close', {} as ArgumentOf<V, 'close'>, CLOSE_SECONDS_MAX)
    if (this.#child.connected) this.#child.disconnect()
    await this.#exited
  }

  /** As a power cut for the process, though not for the machine. Also where it is over already. */
  async kill(): Promise<void> {
    // One that was never started has nobody to tell that it is gone.
    if (this.#child.pid === undefined) return
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}
