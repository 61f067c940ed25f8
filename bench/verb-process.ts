/** A process of the benchmark as its parent sees it: told what to do, ended, or killed. */

import { type ChildProcess, fork } from 'node:child_process'
import type { Answer, AnswerOf, ArgumentOf, Call, VerbName } from './verbs.ts'

/** The command of bench/main.ts that such a process runs; for nobody else. */
export const CHILD_COMMAND = 'store-child'

/** Nothing that is measured takes so long: what does has gone wrong, and is ended. */
const CALL_SECONDS_MAX = 900

export interface ChildOptions {
  /** A directory for `--cpu-prof`. */
  readonly profile: string | undefined
}

export class StoreProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  #isOver = false
  #answered: (answer: Answer) => void = () => undefined

  constructor({ profile }: ChildOptions) {
    const [, main] = process.argv
    if (main === undefined) throw new Error('the benchmark has no file of its own')
    const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
    this.#child = fork(main, [CHILD_COMMAND], {
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
  async call<V extends VerbName>(verb: V, argument: ArgumentOf<V>): Promise<AnswerOf<V>> {
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
    return answer as AnswerOf<V>
  }

  /** Closes what is open, then the process. */
  async end(): Promise<void> {
    await this.call('close', {})
    this.#child.disconnect()
    await this.#exited
  }

  /** As a power cut for the process, though not for the machine. Also where it is over already. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}
