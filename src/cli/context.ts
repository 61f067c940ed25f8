/**
 * What a command is given: the public functions of the log, its streams, the wish to stop. Handed in
 * so that a command can be run inside a test as well as from a shell. Types and two small helpers.
 */
import type { Log, LogOptions, LogReader, ReaderOptions } from '../index.ts'
import type { AccessOptions, StoreAccess } from '../server/index.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Output } from './output.ts'

export interface CommandContext {
  readonly openLog: (directory: string, options?: LogOptions) => Promise<Log>
  readonly openReader: (directory: string, options?: ReaderOptions) => Promise<LogReader>
  /** The store by its verbs, wherever it is open. */
  readonly openStore: (directory: string, options?: AccessOptions) => Promise<StoreAccess>
  /** stdin. */
  readonly input: NodeJS.ReadableStream
  readonly output: Output
  /** How to start this command again as a process of its own. */
  readonly selfCommand: readonly string[]
  /**
   * Aborted by the first SIGINT, SIGTERM or SIGHUP; a second one ends the process at once. A command
   * that never asks for it is ended by the first, as any program is.
   */
  interruption(): AbortSignal
  /** Set by the action that ran; see {@link action}. */
  exitCode: ExitCode
}

/** Makes a commander action of a function that returns the exit code. */
export function action<Arguments extends readonly unknown[]>(
  context: CommandContext,
  run: (...parameters: Arguments) => Promise<ExitCode>,
): (...parameters: Arguments) => Promise<void> {
  return async (...parameters) => {
    context.exitCode = await run(...parameters)
  }
}

/** Text that stands before the usage in `--help`: examples first. */
export function examples(
  ...lines: readonly (readonly [command: string, meaning: string])[]
): string {
  const rows = lines.map(([command, meaning]) => `  $ ${command}\n      ${meaning}\n`)
  return `Examples:\n${rows.join('')}`
}
