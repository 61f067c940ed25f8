/** `qlog serve` as a process of its own, for tests: started, heard, ended by its pid. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const BUILT = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))

export type LogLine = Readonly<Record<string, unknown>>

export interface ServeOptions {
  readonly environment?: Record<string, string>
  /** Handed down from 3 on. */
  readonly descriptors?: readonly number[]
}

export class ServerProcess {
  readonly child: ChildProcess
  readonly log: LogLine[] = []
  /** What is no JSON. */
  readonly noise: string[] = []
  readonly ended: Promise<number | null>
  #watchers: (() => void)[] = []
  #isOver = false

  constructor(words: readonly string[], options: ServeOptions = {}) {
    const stdio = ['ignore', 'pipe', 'pipe', ...(options.descriptors ?? [])] as const
    this.child = spawn(process.execPath, [BUILT, 'serve', ...words], {
      stdio: [...stdio],
      env: { ...process.env, ...options.environment },
    })
    onTestFinished(() => void this.child.kill('SIGKILL'))
    const { stderr } = this.child
    if (!stderr) throw new Error('its stderr is a pipe')
    createInterface({ input: stderr }).on('line', (line) => {
      if (line.startsWith('{')) this.log.push(JSON.parse(line) as LogLine)
      else this.noise.push(line)
      this.#tell()
    })
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code) => {
        this.#isOver = true
        this.#tell()
        resolve(code)
      })
    })
  }

  /** Started, and serving. */
  static async start(words: readonly string[], options: ServeOptions = {}): Promise<ServerProcess> {
    const server = new ServerProcess(words, options)
    await server.hears('ready')
    return server
  }

  /** The address at which it listens for this protocol. */
  address(protocol: string): string {
    const found = this.log.find(
      (line) => line['event'] === 'listening' && line['protocol'] === protocol,
    )
    if (found === undefined) throw new Error(`it does not listen for ${protocol}`)
    return String(found['address'])
  }

  /** Resolves with the first line of this event. */
  async hears(event: string): Promise<LogLine> {
    for (;;) {
      const found = this.log.find((line) => line['event'] === event)
      if (found !== undefined) return found
      if (this.#isOver) throw new Error(`no ${event}: ${JSON.stringify([this.log, this.noise])}`)
      await new Promise<void>((resolve) => this.#watchers.push(resolve))
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }

  /** Ends it as a service manager does; resolves with its exit code. */
  stop(): Promise<number | null> {
    this.signal('SIGTERM')
    return this.ended
  }

  #tell(): void {
    for (const watcher of this.#watchers.splice(0)) watcher()
  }
}
