/**
 * Lets the system calls of one thread fail from outside, with strace: the nth call of a kind is not made and
 * returns an error instead. Touches the thread that it is told, and one file for what strace writes.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'

/** What the nth call is answered with; `short` means that nothing was taken, without an error. */
export interface Injection {
  readonly call: string
  readonly answer: string
  readonly nth: number
}

/** What became of it. */
export interface Traced {
  /** How often each call was made. */
  readonly calls: ReadonlyMap<string, number>
  /** The call that failed, as strace writes it; undefined where it was never reached. */
  readonly hit: string | undefined
}

const SHORT = 'short'
/** strace stops a thread within milliseconds; what takes longer never will. */
const ATTACH_MS_MAX = 20_000
const PROBE_SECONDS = '1.5'

/** Why nothing can be traced here; undefined where it can. */
export function whyNoTracer(): string | undefined {
  if (process.platform !== 'linux') return 'it needs Linux'
  if (spawnSync('strace', ['-V']).error !== undefined) return 'strace is missing'
  const sleeper = spawn('sleep', [PROBE_SECONDS], { stdio: 'ignore' })
  sleeper.on('error', () => undefined)
  const words = ['-o', '/dev/null', ...wordsOf(['fsync'], { call: 'fsync', answer: 'EIO', nth: 9 })]
  const probe = spawnSync('strace', [...words, '-p', String(sleeper.pid)], { encoding: 'utf8' })
  sleeper.kill()
  return probe.status === 0 ? undefined : `strace cannot attach: ${probe.stderr.trim()}`
}

export class Tracer {
  readonly #strace: ChildProcess
  readonly #closed: Promise<void>
  readonly #output: string
  #said = ''

  /** Use {@link attach}. */
  private constructor(strace: ChildProcess, output: string) {
    this.#strace = strace
    this.#output = output
    this.#closed = new Promise((resolve) => strace.once('close', () => resolve()))
    strace.stderr?.on('data', (chunk: Buffer) => {
      this.#said += chunk.toString()
    })
  }

  /** Resolves once every call of these kinds is seen; writes into the file `output`. */
  static async attach(
    thread: number,
    output: string,
    calls: readonly string[],
    injection?: Injection,
  ): Promise<Tracer> {
    const words = ['-y', '-p', String(thread), '-o', output, ...wordsOf(calls, injection)]
    const strace = spawn('strace', words, { stdio: ['ignore', 'ignore', 'pipe'] })
    const tracer = new Tracer(strace, output)
    await tracer.#attached()
    return tracer
  }

  /** Lets the thread go. */
  async detach(): Promise<Traced> {
    this.#strace.kill('SIGINT')
    await this.#closed
    const lines = fs.readFileSync(this.#output, 'latin1').split('\n')
    const calls = new Map<string, number>()
    for (const line of lines) {
      const call = /^(\w+)\(/.exec(line)?.[1]
      if (call !== undefined) calls.set(call, (calls.get(call) ?? 0) + 1)
    }
    return { calls, hit: lines.find((line) => line.endsWith('(INJECTED)')) }
  }

  #attached(): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new Error(`strace does not attach: ${this.#said}`))
      const limit = setTimeout(fail, ATTACH_MS_MAX)
      this.#strace.stderr?.on('data', () => {
        if (!this.#said.includes(' attached')) return
        clearTimeout(limit)
        resolve()
      })
      this.#strace.once('close', () => {
        clearTimeout(limit)
        fail()
      })
      this.#strace.once('error', (error) => {
        clearTimeout(limit)
        reject(error)
      })
    })
  }
}

function wordsOf(calls: readonly string[], injection?: Injection): string[] {
  const words = ['-e', `trace=${calls.join(',')}`]
  if (injection === undefined) return words
  const { call, answer, nth } = injection
  const how = answer === SHORT ? 'retval=0' : `error=${answer}`
  return [...words, '-e', `inject=${call}:${how}:when=${nth}`]
}
