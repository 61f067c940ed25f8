/** `qlog read`: messages on stdout, as they are or as JSON lines. Changes nothing. */
import type { Command } from 'commander'
import type { Gap, Message, ReadOptions } from '../index.ts'
import { type RecordedMessage, type StoreRecords, storeRecords } from '../inspect/index.ts'
import { wholeNumber } from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import type { Output } from './output.ts'
import { oneLine } from './output.ts'
import { bodyFields } from './store-words.ts'

interface ReadCommandOptions {
  readonly from?: number
  readonly count?: number
  readonly follow?: true
  readonly json?: true
  readonly null?: true
}

export function registerRead(program: Command, context: CommandContext): void {
  program
    .command('read')
    .summary('print messages')
    .description(
      'Prints messages in order. Opens the log read-only: needs no lock, works on a live log. Of a store, those of all queues that the files still hold, with what was put (queue, offset, priority, key, headers in --json); whether one is finished they do not say: `qlog list` does.',
    )
    .argument('<DIR>', 'directory of the log or store')
    .option('--from <ID>', 'first id to print', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--count <N>', 'stop after N messages', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--follow', 'wait for new messages at the end')
    .option('--json', 'one JSON line a message: id, time, body (bodyBase64 where not UTF-8)')
    .option('--null', 'end each message with a NUL byte instead of a newline')
    .addHelpText(
      'before',
      examples(
        ['qlog read ./log --from 1000 --count 10', 'ten messages from id 1000 on'],
        ['qlog read ./log --follow --json | jq .body', 'what comes in, as it becomes durable'],
        ['qlog read ./data --json | jq -c [.queue,.body]', 'a store, whoever holds it'],
        ['qlog read ./log --null | xargs -0 -n 1 echo', 'messages that may hold newlines'],
      ),
    )
    .action(
      action(context, (directory: string, options: ReadCommandOptions) =>
        runRead(context, directory, options),
      ),
    )
}

async function runRead(
  context: CommandContext,
  directory: string,
  options: ReadCommandOptions,
): Promise<ExitCode> {
  const signal = context.interruption()
  const reader = await context.openReader(directory, { signal })
  const printer = new MessagePrinter(context.output, options)
  try {
    const records = await storeRecords(directory, { signal })
    const opener = new RecordOpener(directory, records, signal)
    for await (const batch of reader.readBatches(readOptions(options, signal, printer))) {
      // A batch is small, so waiting once a batch keeps memory bounded and follows without delay.
      const done = printer.printBatch(await opener.open(batch))
      await context.output.flush()
      if (done || signal.aborted) break
    }
    printer.printGapsBefore(Number.POSITIVE_INFINITY)
    await context.output.flush()
  } catch (error) {
    // Ctrl-C is the way to stop following.
    if (!signal.aborted) throw error
  } finally {
    await reader.close()
  }
  if (signal.aborted) return EXIT.interrupted
  return printer.gapsFound ? EXIT.rot : EXIT.fine
}

function readOptions(
  options: ReadCommandOptions,
  signal: AbortSignal,
  printer: MessagePrinter,
): ReadOptions {
  return {
    ...(options.from === undefined ? {} : { from: options.from }),
    follow: options.follow === true,
    signal,
    onGap: (gap) => printer.addGap(gap),
  }
}

/** A message of a log, or of a store's queue. */
type Shown = Message & Partial<RecordedMessage>

/** Makes messages of a store's records; those of a plain log are what they are. */
class RecordOpener {
  readonly #directory: string
  readonly #signal: AbortSignal
  readonly #nameless = new Set<number>()
  #records: StoreRecords | undefined

  constructor(directory: string, records: StoreRecords | undefined, signal: AbortSignal) {
    this.#directory = directory
    this.#records = records
    this.#signal = signal
  }

  async open(batch: readonly Message[]): Promise<readonly Shown[]> {
    if (this.#records === undefined) return batch
    const opened = batch.map((message) => this.#openOne(message))
    const nameless = opened.flatMap(({ queue }) => (typeof queue === 'number' ? queue : []))
    if (nameless.every((queue) => this.#nameless.has(queue))) return opened
    // A queue that began while this follows: once for each, its name is looked up.
    for (const queue of nameless) this.#nameless.add(queue)
    this.#records = (await storeRecords(this.#directory, { signal: this.#signal })) ?? this.#records
    return batch.map((message) => this.#openOne(message))
  }

  #openOne(message: Message): Shown {
    return { ...message, ...this.#records?.read(message.body) }
  }
}

class MessagePrinter {
  gapsFound = false
  readonly #output: Output
  readonly #json: boolean
  readonly #delimiter: string
  #remaining: number
  #gaps: Gap[] = []
  #unconfirmedTold = false

  constructor(output: Output, options: ReadCommandOptions) {
    this.#output = output
    this.#json = options.json === true
    this.#delimiter = options.null === true ? '\0' : '\n'
    this.#remaining = options.count ?? Number.POSITIVE_INFINITY
  }

  addGap(gap: Gap): void {
    this.gapsFound = true
    this.#gaps.push(gap)
  }

  /** True when as many messages as wanted have been printed. */
  printBatch(batch: readonly Shown[]): boolean {
    let lastId = 0
    for (const message of batch) {
      if (this.#remaining === 0) return true
      this.#remaining -= 1
      if (this.#gaps.length > 0) this.printGapsBefore(message.id)
      this.#print(message)
      lastId = message.id
    }
    // While following, the message behind a gap may come late: what is known now is told now.
    if (this.#gaps.length > 0) this.printGapsBefore(lastId + 1)
    return this.#remaining === 0
  }

  /** Tells the gaps that stand before this id, so that gaps and messages come in order. */
  printGapsBefore(id: number): void {
    const due = this.#gaps.filter((gap) => gap.firstId <= id)
    this.#gaps = this.#gaps.filter((gap) => gap.firstId > id)
    for (const gap of due) {
      if (this.#json) this.#output.json({ gap })
      else this.#output.words(this.#gapWords(gap))
    }
  }

  #print(message: Shown): void {
    if (this.#json) {
      this.#output.json(this.#toJson(message))
      return
    }
    if (message.unconfirmed === true) this.#tellUnconfirmed(message.id)
    this.#output.data(message.body)
    this.#output.data(this.#delimiter)
  }

  #toJson({ id, timeMs, body, unconfirmed, ...more }: Shown): Record<string, unknown> {
    const time = new Date(timeMs).toISOString()
    const shown = unconfirmed === true ? { unconfirmed: true } : {}
    return { id, time, ...bodyFields(body), ...more, ...shown }
  }

  #tellUnconfirmed(id: number): void {
    if (this.#unconfirmedTold) return
    this.#unconfirmedTold = true
    this.#output.words(
      `note: messages from id ${id} on are unconfirmed: the writer stopped before they were known to be durable`,
    )
  }

  #gapWords(gap: Gap): string {
    const lost =
      gap.endId > gap.firstId
        ? `messages ${gap.firstId} to ${gap.endId - 1} are lost`
        : 'no message is lost'
    const { red } = this.#output.errorStyles
    return `${red('damage:')} ${lost}: ${oneLine(gap.file)} at byte ${gap.offset}, ${gap.bytes} bytes: ${oneLine(gap.why)}`
  }
}
