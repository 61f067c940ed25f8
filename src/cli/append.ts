/** `qlog append`: bytes from stdin or a file become durable messages. */
import type { Command } from 'commander'
import { QlogError } from '../errors.ts'
import type { Log, SyncMode } from '../index.ts'
import { AppendPipeline } from './append-pipeline.ts'
import { parseSync, wholeNumber } from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { chunksUntil, type InputStream, MESSAGE_BYTES_MAX, openInput } from './input.ts'
import { MessageSplitter } from './message-splitter.ts'
import type { Output } from './output.ts'
import { formatBytes, formatCount, formatMs, plural, ratePerSecond } from './text.ts'

const PROGRESS_INTERVAL_MS = 100

interface AppendCommandOptions {
  readonly input?: string
  readonly null?: true
  readonly batch: number
  readonly sync: SyncMode
  readonly ids?: true
  readonly quiet?: true
}

export function registerAppend(program: Command, context: CommandContext): void {
  program
    .command('append')
    .summary('append lines of stdin or a file as durable messages')
    .description('Appends one message a line and makes each durable. Empty lines are messages too.')
    .argument('<DIR>', 'directory of the log; made where it is missing')
    .option('--input <FILE>', 'read this file instead of stdin ("-" is stdin)')
    .option('--null', 'messages end with a NUL byte instead of a newline')
    .option('--batch <N>', 'append N messages as one atomic batch', wholeNumber(1, 100_000), 1)
    .option('--sync <MODE>', 'always, interval:MS or never', parseSync, 'always')
    .option('--ids', 'print the id of each message once it is durable')
    .option('-q, --quiet', 'no summary')
    .addHelpText(
      'before',
      examples(
        ['tail -f app.log | qlog append ./log', 'every line durable as it comes'],
        ['qlog append ./log --input events.ndjson --ids', 'print each id once it is durable'],
        ['find . -print0 | qlog append ./log --null', 'messages that may hold newlines'],
      ),
    )
    .action(
      action(context, (directory: string, options: AppendCommandOptions) =>
        runAppend(context, directory, options),
      ),
    )
}

async function runAppend(
  context: CommandContext,
  directory: string,
  options: AppendCommandOptions,
): Promise<ExitCode> {
  const { output } = context
  // Everything that can be refused is refused before the directory is touched.
  const input = await openInput(context, options.input)
  const signal = context.interruption()
  const startedMs = performance.now()
  const log = await context.openLog(directory, { sync: options.sync, signal })
  const ids = new IdPrinter(output, options.ids === true)
  const pipeline = new AppendPipeline(log, options.batch, (firstId, endId) =>
    ids.add(firstId, endId),
  )
  const reportProgress = progressReporter(output, pipeline, options.ids === true)
  try {
    await appendAll({ input, pipeline, ids, signal, options, reportProgress })
    await pipeline.drain()
    await ids.flush()
  } finally {
    await closeAfter(log, pipeline)
    output.progress(undefined)
    if (options.quiet !== true) {
      output.words(summary(pipeline, performance.now() - startedMs))
    }
  }
  return signal.aborted ? EXIT.interrupted : EXIT.fine
}

interface AppendJob {
  readonly input: InputStream
  readonly pipeline: AppendPipeline
  readonly ids: IdPrinter
  readonly signal: AbortSignal
  readonly options: AppendCommandOptions
  readonly reportProgress: () => void
}

async function appendAll(job: AppendJob): Promise<void> {
  const { pipeline, ids, signal } = job
  const splitter = new MessageSplitter(job.options.null === true ? 0 : 0x0a, MESSAGE_BYTES_MAX)
  for await (const chunk of chunksUntil(job.input, signal)) {
    for (const message of splitter.push(chunk)) {
      if (pipeline.full) await pipeline.room()
      pipeline.push(message)
    }
    if (splitter.overflowed) throw tooLong(pipeline)
    if (pipeline.failed) return
    await ids.roomToGrow()
    job.reportProgress()
  }
  // What was cut off by a signal is no whole message; what ends with the input is one.
  const last = signal.aborted ? undefined : splitter.end()
  if (last !== undefined) pipeline.push(last)
  pipeline.pushBatch()
}

function tooLong(pipeline: AppendPipeline): QlogError {
  const before = plural(pipeline.totals.messages, 'message')
  return new QlogError(
    'QLOG_TOO_LARGE',
    `a message of the input is longer than ${formatBytes(MESSAGE_BYTES_MAX)}; ${before} before it are durable so far`,
  )
}

/** The log is closed in any case, but only the first thing that went wrong is told. */
async function closeAfter(log: Log, pipeline: AppendPipeline): Promise<void> {
  await pipeline.drain().catch(() => {})
  try {
    await log.close()
  } catch (error) {
    if (!pipeline.failed) throw error
  }
}

/** Prints ids as they become durable, gathered while the stream is busy. */
class IdPrinter {
  readonly #output: Output
  readonly #enabled: boolean
  #scheduled = false
  #waiting: Promise<void> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined

  constructor(output: Output, enabled: boolean) {
    this.#output = output
    this.#enabled = enabled
  }

  add(firstId: number, endId: number): void {
    if (!this.#enabled) return
    for (let id = firstId; id < endId; id += 1) this.#output.data(`${id}\n`)
    if (this.#scheduled) return
    this.#scheduled = true
    // Ids of one group arrive in one turn of the event loop: they leave as one write.
    setImmediate(() => {
      this.#scheduled = false
      this.#waiting = this.#output.flush().catch((error: unknown) => {
        this.#failure ??= { error }
      })
    })
  }

  /** Waits for the reader of stdout, so that ids don't pile up; rejects when it went away. */
  async roomToGrow(): Promise<void> {
    await this.#waiting
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async flush(): Promise<void> {
    await this.roomToGrow()
    await this.#output.flush()
  }
}

function progressReporter(output: Output, pipeline: AppendPipeline, idsShown: boolean): () => void {
  if (!output.showsProgress || idsShown) return () => {}
  let nextMs = performance.now() + PROGRESS_INTERVAL_MS
  return () => {
    if (performance.now() < nextMs) return
    nextMs = performance.now() + PROGRESS_INTERVAL_MS
    const { messages, bytes } = pipeline.totals
    output.progress(`${plural(messages, 'message')} durable, ${formatBytes(bytes)}`)
  }
}

function summary(pipeline: AppendPipeline, elapsedMs: number): string {
  const { messages, bytes } = pipeline.totals
  const rate = formatCount(ratePerSecond(messages, elapsedMs))
  return `appended ${plural(messages, 'message')}, ${formatBytes(bytes)} in ${formatMs(elapsedMs)} (${rate} messages/s)`
}
