/** The generator as its parent sees it: given a load, it tells how it went. */

import { type ChildProcess, fork } from 'node:child_process'
import type { Load, LoadResult } from './load.ts'

/** The command of bench/main.ts that such a process runs; for nobody else. */
export const GENERATOR_COMMAND = 'serve-generator'
/** No load takes so long: what does has gone wrong. */
const LOAD_SECONDS_MAX = 300

type Answer = { readonly result?: LoadResult; readonly error?: string }

export class GeneratorProcess {
  readonly #child: ChildProcess
  #answered: (answer: Answer) => void = () => undefined

  constructor() {
    const [, main] = process.argv
    if (main === undefined) throw new Error('the benchmark has no file of its own')
    this.#child = fork(main, [GENERATOR_COMMAND], { stdio: ['ignore', 2, 2, 'ipc'] })
    this.#child.on('message', (answer: Answer) => this.#answered(answer))
    this.#child.once('exit', (code, signal) => {
      this.#answered({ error: `the generator ended: ${signal ?? code}` })
    })
  }

  /** One at a time. */
  async run(load: Load): Promise<LoadResult> {
    const answered = new Promise<Answer>((resolve) => {
      this.#answered = resolve
    })
    this.#child.send(load)
    const limit = setTimeout(
      () => this.#answered({ error: `no end within ${LOAD_SECONDS_MAX} s` }),
      LOAD_SECONDS_MAX * 1000,
    )
    const { result, error } = await answered
    clearTimeout(limit)
    if (result === undefined) throw new Error(`${load.kind}: ${error}`)
    return result
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }
}
