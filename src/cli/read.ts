/** `qlog read`: messages on stdout, as they are or as JSON lines. Changes nothing. */
import type { Command } from 'commander'
import type { Gap, Message, ReadOptions } from '../index.ts'
import { wholeNumber } from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import type { Output } from './output.ts'
import { oneLine } from './output.ts'

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
      'Prints messages in order. Opens the log read-only: needs no lock, works on a live log.',
    )
    .argument('<DIR>', 'directory of the log')
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
    for await (const batch of reader.readBatches(readOptions(options, signal, printer))) {
      // A batch is small, so waiting once a batch keeps memory bounded and follows without delay.
      const done = printer.printBatch(batch)
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

class MessagePrinter {
  gapsFound = false
  readonly #output: Output
  readonly #json: boolean
  readonly #delimiter: string
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
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
  printBatch(batch: readonly Message[]): boolean {
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

  #print(message: Message): void {
    if (this.#json) {
      this.#output.json(this.#toJson(message))
      return
    }
    if (message.unconfirmed === true) this.#tellUnconfirmed(message.id)
    this.#output.data(message.body)
    this.#output.data(this.#delimiter)
  }

  #toJson(message: Message): Record<string, unknown> {
    const time = new Date(message.timeMs).toISOString()
    const shown = message.unconfirmed === true ? { unconfirmed: true } : {}
    return { id: message.id, time, ...this.#bodyFields(message.body), ...shown }
  }

  #bodyFields(body: Uint8Array): { readonly body: string } | { readonly bodyBase64: string } {
    try {
      return { body: this.#decoder.decode(body) }
    } catch {
      // Not UTF-8: a string could not give these bytes back.
      const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
      return { bodyBase64: bytes.toString('base64') }
    }
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
