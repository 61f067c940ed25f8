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
  readonly verb: string
  readonly argument: unknown
}

interface Answer {
  readonly answer?: unknown
  readonly error?: string
}

/** Serves until the parent goes. */
export function serveVerbs<V extends VerbsOf<V>>(verbs: V): void {
  process.on('message', ({ verb, argument }: Call) => {
    // What it is called with is what the parent's `call` was checked for.
    const act: (argument: never) => Promise<unknown> = verbs[verb as keyof V]
    act.call(verbs, argument as never).then(
      (answer) => reply({ answer }),
      (error) => reply({ error: error instanceof Error ? (error.stack ?? '') : String(error) }),
    )
  })
  process.once('disconnect', () => process.exit(0))
}

function reply(answer: Answer): void {
  process.send?.(answer)
}

/** Nothing that is measured takes so long: what does has gone wrong, and is ended. */
const CALL_SECONDS_MAX = 900

export interface ChildOptions {
  /** A directory for `--cpu-prof`. */
  readonly profile: string | undefined
}

/** `V`: its verbs; `close` closes what is open. */
export class VerbProcess<V extends VerbsOf<V> & { close(what: object): Promise<void> }> {
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  #isOver = false
  #answered: (answer: Answer) => void = () => undefined

  /** `command`: of bench/main.ts, which makes that process serve its verbs. */
  constructor(command: string, { profile }: ChildOptions) {
    const [, main] = process.argv
    if (main === undefined) throw new Error('the benchmark has no file of its own')
    const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
    this.#child = fork(main, [command], {
      execArgv: [...process.execArgv, '--expose-gc', ...profiling],
      serialization: 'advanced',
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    this.#child.on('message', (answer: Answer) => this.#answered(answer))
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#isOver = true
        this.#answered({ error: `the process ended: ${signal ?? code}` })
        resolve()
      })
    })
  }

  /** One at a time. */
  async call<N extends keyof V & string>(
    verb: N,
    argument: ArgumentOf<V, N>,
  ): Promise<AnswerOf<V, N>> {
    if (this.#isOver) throw new Error(`${verb}: the process has ended`)
    const answered = new Promise<Answer>((resolve) => {
      this.#answered = resolve
    })
    const call: Call = { verb, argument }
    this.#child.send(call)
    const limit = setTimeout(() => {
      this.#answered({ error: `no answer within ${CALL_SECONDS_MAX} s` })
    }, CALL_SECONDS_MAX * 1000)
    const { answer, error } = await answered
    clearTimeout(limit)
    if (error !== undefined) throw new Error(`${verb}: ${error}`)
    return answer as AnswerOf<V, N>
  }

  /** Closes what is open, then the process. */
  async end(): Promise<void> {
    await this.call('close', {} as ArgumentOf<V, 'close'>)
    this.#child.disconnect()
    await this.#exited
  }

  /** As a power cut for the process, though not for the machine. Also where it is over already. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}
