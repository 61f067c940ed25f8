/** Runs commands for tests: inside this process with a log of memory, or as the built program. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { CommandContext } from '../../src/cli/context.ts'
import type { ExitCode } from '../../src/cli/exit-codes.ts'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { Output } from '../../src/cli/output.ts'
import { runProgram } from '../../src/cli/program.ts'
import type { Log, LogReader } from '../../src/index.ts'
import { openStoreThrough } from '../../src/server/index.ts'
import { FakeLog } from './fake-log.ts'

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

const BUILT = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** Starts the built program as a process of its own. */
export function startBuilt(words: readonly string[]): ChildProcess {
  if (!existsSync(BUILT)) throw new Error('dist/ is missing: run `npm run build` first')
  const child = spawn(process.execPath, [BUILT, ...words], { stdio: ['pipe', 'pipe', 'pipe'] })
  // Nothing outlives its test, not even one that timed out.
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

export interface BuiltResult {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** Collects what a child says until it is gone. */
export async function endOfBuilt(child: ChildProcess): Promise<BuiltResult> {
  const stdout: Uint8Array[] = []
  const stderr: Uint8Array[] = []
  child.stdout?.on('data', (chunk: Uint8Array) => stdout.push(chunk))
  child.stderr?.on('data', (chunk: Uint8Array) => stderr.push(chunk))
  await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return {
    exitCode: child.exitCode,
    signal: child.signalCode,
    stdout: Buffer.concat(stdout),
    stderr: Buffer.concat(stderr).toString(),
  }
}

export async function runBuilt(
  words: readonly string[],
  input: Uint8Array | string = '',
): Promise<BuiltResult> {
  const child = startBuilt(words)
  // A program that refuses its arguments does not read its input.
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  return await endOfBuilt(child)
}

/** A directory on the disk, removed after the test that asked for it. */
export function freshDirectory(parent = tmpdir()): string {
  const directory = mkdtempSync(join(parent, 'qlog-cli-test-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export function jsonLines(bytes: Uint8Array): unknown[] {
  const lines = Buffer.from(bytes).toString().split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as unknown)
}
