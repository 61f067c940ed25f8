/**
 * The hidden half of `qlog prove`: appends lines that come on stdin and reports every acknowledged
 * id on stdout, until it is killed. SIGTERM lets it finish. Never outlives its parent: a report that
 * nobody reads ends it.
 */
import { writeSync } from 'node:fs'
import process from 'node:process'
import type { Command } from 'commander'
import type { Log } from '../index.ts'
import { wholeNumber } from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import type { ProducerLine } from './prove-protocol.ts'
import { encodeProducerLine } from './prove-protocol.ts'
import { LineSource } from './prove-source.ts'

interface ProducerOptions {
  readonly position: number
  readonly window: number
}

export function registerProveProducer(program: Command, context: CommandContext): void {
  const number = wholeNumber(0, Number.MAX_SAFE_INTEGER)
  program
    .command('prove-producer', { hidden: true })
    .description('The process that `qlog prove` kills. Not for use by hand.')
    .argument('<DIR>')
    .requiredOption('--position <N>', 'source line to begin with', number)
    .requiredOption('--window <N>', 'appends in flight', number)
    .action(
      action(context, (directory: string, options: ProducerOptions) =>
        runProducer(context, directory, options),
      ),
    )
}

async function runProducer(
  context: CommandContext,
  directory: string,
  options: ProducerOptions,
): Promise<ExitCode> {
  let stopping = false
  process.on('SIGTERM', () => {
    stopping = true
  })
  // Ctrl-C reaches the whole process group; the parent decides what becomes of this process.
  process.on('SIGINT', () => {})
  const source = new LineSource(await readAll(context.input))
  try {
    const log = await context.openLog(directory)
    report({ kind: 'ready' })
    await produce(log, source, options, () => stopping)
    const { flushP50Ms, flushP99Ms } = log.stats()
    await log.close()
    report({ kind: 'end', end: { flushP50Ms, flushP99Ms } })
    return EXIT.fine
  } catch (error) {
    report({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })
    throw error
  }
}

/** Keeps `window` appends in flight. An append leaves the window only once it has been reported. */
async function produce(
  log: Log,
  source: LineSource,
  options: ProducerOptions,
  isStopping: () => boolean,
): Promise<void> {
  let position = options.position
  let inFlight = 0
  let wake: (() => void) | undefined
  let failure: { readonly error: unknown } | undefined
  const reporter = new AcknowledgementReporter((count) => {
    inFlight -= count
    wake?.()
  })
  const fail = (error: unknown): void => {
    failure ??= { error }
    wake?.()
  }
  while (failure === undefined) {
    if (isStopping() && inFlight === 0) return
    if (isStopping() || inFlight >= options.window) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      continue
    }
    const appended = position
    position += 1
    inFlight += 1
    log.append(source.line(appended)).then((id) => reporter.add(id, appended), fail)
  }
  throw failure.error
}

/** Joins acknowledgements that arrive in one turn of the event loop into one line. */
class AcknowledgementReporter {
  readonly #onReported: (count: number) => void
  #firstId = 0
  #firstPosition = 0
  #count = 0

  constructor(onReported: (count: number) => void) {
    this.#onReported = onReported
  }

  add(id: number, position: number): void {
    const offset = this.#count
    if (offset > 0 && id === this.#firstId + offset && position === this.#firstPosition + offset) {
      this.#count += 1
      return
    }
    this.#flush()
    this.#firstId = id
    this.#firstPosition = position
    this.#count = 1
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    const count = this.#count
    if (count === 0) return
    this.#count = 0
    const firstId = this.#firstId
    report({ kind: 'acknowledged', firstId, firstPosition: this.#firstPosition, count })
    this.#onReported(count)
  }
}

/** Synchronous, so that what has been reported has left this process before anything else happens. */
function report(line: ProducerLine): void {
  try {
    writeSync(1, encodeProducerLine(line))
  } catch {
    // Nobody listens any more: the parent is gone, and so is the reason to run.
    process.exit(EXIT.unexpected)
  }
}

async function readAll(input: NodeJS.ReadableStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of input)
    chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
  return Buffer.concat(chunks)
}
