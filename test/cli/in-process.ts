/** Runs commands inside this process: over a log of memory, or real ones. */
import { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { CommandContext } from '../../src/cli/context.ts'
import type { ExitCode } from '../../src/cli/exit-codes.ts'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { Output } from '../../src/cli/output.ts'
import { runProgram } from '../../src/cli/program.ts'
import type { Log, LogReader } from '../../src/index.ts'
import { openStoreThrough } from '../../src/server/index.ts'
import { FakeLog } from './fake-log.ts'

/** The built program. */
export const BUILT = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** A stream that remembers what was written, on a terminal or not. */
export class MemoryStream extends Writable {
  readonly chunks: Uint8Array[] = []
  readonly isTTY: boolean
  columns: number = 80

  constructor(isTTY = false) {
    super()
    this.isTTY = isTTY
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    this.chunks.push(chunk)
    done()
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }

  get text(): string {
    return this.bytes.toString()
  }
}

export interface InProcessOptions {
  readonly log?: FakeLog
  readonly input?: Iterable<Uint8Array | string> | Readable
  readonly environment?: NodeJS.ProcessEnv
  readonly terminal?: boolean
  readonly stdout?: MemoryStream
  readonly abort?: AbortController
  /** Where real logs are wanted instead of one of memory. */
  readonly functions?: Partial<Pick<CommandContext, 'openLog' | 'openReader' | 'openStore'>>
}

export interface InProcessResult {
  readonly exitCode: ExitCode
  readonly stdout: Buffer
  readonly stderr: string
}

export async function runInProcess(
  words: readonly string[],
  options: InProcessOptions = {},
): Promise<InProcessResult> {
  const log = options.log ?? new FakeLog()
  const stdout = options.stdout ?? new MemoryStream(options.terminal)
  const stderr = new MemoryStream(options.terminal)
  const environment = options.environment ?? {}
  const input = options.input ?? []
  const abort = options.abort ?? new AbortController()
  const context: CommandContext = {
    openLog: (directory, logOptions): Promise<Log> => log.open(directory, logOptions),
    openReader: (directory): Promise<LogReader> => log.open(directory, {}),
    openStore: openStoreThrough,
    ...options.functions,
    input: input instanceof Readable ? input : Readable.from(input, { objectMode: false }),
    output: new Output(stdout, stderr, environment),
    selfCommand: [process.execPath, BUILT],
    interruption: () => abort.signal,
    exitCode: EXIT.fine,
  }
  const exitCode = await runProgram(words, context, environment)
  return { exitCode, stdout: stdout.bytes, stderr: stderr.text }
}
