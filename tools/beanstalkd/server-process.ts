/**
 * A server that speaks beanstalkd's protocol, as a process: Debian's beanstalkd, or the built `qlog serve`
 * with the same flags. Started on a free port of the loopback interface, ended by its process id.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join, resolve } from 'node:path'
import { Wire } from './wire.ts'

export type ServerKind = 'beanstalkd' | 'qlog'

export interface ServerOptions {
  readonly kind: ServerKind
  /** Where its log stands; without one, beanstalkd keeps none. `qlog` needs one. */
  readonly directory?: string
  /** Further flags, those of beanstalkd. */
  readonly flags?: readonly string[]
  /** Of Node, where the server is ours. */
  readonly nodeFlags?: readonly string[]
  readonly port?: number
}

/** The repository: tests, tools and benchmarks all run in it. */
export const QLOG_COMMAND = resolve('dist/cli/main.js')
const PREPARED = resolve('test/real/fixtures/server.mjs')
/** Linux gives none of these to whoever asks for any port: no client that connects again and again gets it. */
const STEADY_PORTS = [20_000, 32_000] as const
const START_MS_MAX = 20_000
const END_MS_MAX = 20_000
const OUTPUT_CHARACTERS_MAX = 64 * 1024
/** Ticks of /proc/PID/stat a second: the same on every Linux that Node runs on. */
const TICKS_A_SECOND = 100

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Those that run: none outlives this process, however that ends, but by SIGKILL. */
const running = new Set<ChildProcess>()

function killRunning(): void {
  for (const child of running) child.kill('SIGKILL')
}

function killAndEnd(signal: NodeJS.Signals): void {
  killRunning()
  for (const one of SIGNALS) process.off(one, killAndEnd)
  process.kill(process.pid, signal)
}

/** From now on it is killed where this process ends. */
export function keep(child: ChildProcess): void {
  if (running.size === 0) {
    process.on('exit', killRunning)
    for (const signal of SIGNALS) process.on(signal, killAndEnd)
  }
  running.add(child)
  const gone = (): void => {
    running.delete(child)
    if (running.size > 0) return
    process.off('exit', killRunning)
    for (const signal of SIGNALS) process.off(signal, killAndEnd)
  }
  child.once('close', gone)
  child.once('error', gone)
}

/** The path of a program, or undefined where it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return [...folders, '/usr/bin', '/usr/sbin']
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path))
}

/** What `beanstalkd -v` says, or undefined where it is not installed. */
export function beanstalkdVersion(): string | undefined {
  const program = findProgram('beanstalkd')
  if (program === undefined) return undefined
  return spawnSync(program, ['-v'], { encoding: 'utf8' }).stdout.trim()
}

export class ServerProcess {
  readonly kind: ServerKind
  readonly port: number
  readonly #child: ChildProcess
  readonly #ended: Promise<string>
  #ending: string | undefined
  #output = ''

  private constructor(kind: ServerKind, port: number, child: ChildProcess) {
    this.kind = kind
    this.port = port
    this.#child = child
    keep(child)
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX)
      })
    }
    this.#ended = new Promise((resolveEnd) => {
      const finish = (how: string): void => {
        this.#ending ??= how
        resolveEnd(this.#ending)
      }
      child.once('error', (error) => finish(error.message))
      child.once('close', (code, signal) => finish(signal ?? `exit code ${code}`))
    })
  }

  static async start(options: ServerOptions): Promise<ServerProcess> {
    const port = options.port ?? (await freePort())
    const [program, ...words] = commandOf(options, port)
    if (program === undefined) throw new Error('a server needs a program')
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] })
    const server = new ServerProcess(options.kind, port, child)
    await server.answers()
    return server
  }

  /** `qlog serve`, loaded: it opens nothing until {@link begin}. */
  static prepare(options: ServerOptions & { readonly port: number }): ServerProcess {
    const [program, ...words] = commandOf(options, options.port)
    if (program === undefined) throw new Error('a server needs a program')
    const prepared = words.flatMap((word) =>
      word === QLOG_COMMAND ? [PREPARED] : word === 'serve' ? [] : [word],
    )
    const child = spawn(program, prepared, { stdio: ['pipe', 'pipe', 'pipe'] })
    // One that was killed cannot be written to.
    child.stdin.on('error', () => undefined)
    return new ServerProcess(options.kind, options.port, child)
  }

  /** Lets a prepared one begin, and does not wait for it. */
  begin(): void {
    this.#child.stdin?.write('go\n')
  }

  /** Waits until it accepts connections, at its other port where that is told. */
  async answers(port = this.port): Promise<void> {
    const limit = performance.now() + START_MS_MAX
    for (;;) {
      if (this.#ending !== undefined) {
        throw new Error(`${this.kind} ended at its start: ${this.#ending}: ${this.#output}`)
      }
      try {
        const wire = await Wire.connect(port)
        wire.destroy()
        return
      } catch (error) {
        if (performance.now() > limit) {
          await this.kill()
          throw error
        }
        await new Promise((again) => setTimeout(again, 5))
      }
    }
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the server has no process')
    return this.#child.pid
  }

  /** How it ended, where it has. */
  get ending(): string | undefined {
    return this.#ending
  }

  /** The last that it wrote, to either stream. */
  get output(): string {
    return this.#output
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** As its user ends it: it may finish what it does. How it ended. */
  async stop(): Promise<string> {
    this.#child.kill('SIGTERM')
    const limit = setTimeout(() => this.#child.kill('SIGKILL'), END_MS_MAX)
    const ending = await this.#ended
    clearTimeout(limit)
    return ending
  }

  /** At once. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** Processor time of the process so far. */
  cpuSeconds(): number {
    return cpuSecondsOf(this.pid)
  }

  /** Bytes of memory that the process holds now, or with `'peak'` ever held. */
  memoryBytes(which: 'now' | 'peak' = 'now'): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    const name = which === 'now' ? 'VmRSS' : 'VmHWM'
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]
    if (kib === undefined) throw new Error(`/proc/${this.pid}/status has no ${name}`)
    return Number(kib) * 1024
  }
}

/** The program and its arguments. */
export function commandOf(options: ServerOptions, port: number): string[] {
  const { kind, directory, flags = [], nodeFlags = [] } = options
  const place = directory === undefined ? [] : ['-b', directory]
  const words = ['-l', '127.0.0.1', '-p', String(port), ...place, ...flags]
  if (kind === 'beanstalkd') {
    const program = findProgram('beanstalkd')
    if (program === undefined) throw new Error('beanstalkd is not installed')
    return [program, ...words]
  }
  if (directory === undefined) throw new Error('qlog serve needs a directory')
  if (!existsSync(QLOG_COMMAND)) throw new Error('dist/ is missing: run `npm run build` first')
  return [process.execPath, ...nodeFlags, QLOG_COMMAND, 'serve', '--beanstalkd', ...words]
}

/** A port that was free a moment ago, for a server that is started again and again. */
export async function steadyPort(random: () => number): Promise<number> {
  const [first, end] = STEADY_PORTS
  for (;;) {
    const port = first + Math.floor(random() * (end - first))
    const server = createServer()
    const isFree = await new Promise<boolean>((found) => {
      server.once('error', () => found(false))
      server.listen(port, '127.0.0.1', () => server.close(() => found(true)))
    })
    if (isFree) return port
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  await new Promise((closed) => server.close(closed))
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return address.port
}

/** Processor time, of the process itself and of the kernel for it. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field may hold spaces: it ends at the last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
}
