/** `qlog put`: a message from the command line, or one a line from stdin or a file, into a queue. */
import type { Command } from 'commander'
import { QlogError } from '../errors.ts'
import { PRIORITY_MAX } from '../index.ts'
import type { PutRowOptions, StoreAccess } from '../server/index.ts'
import { nameAndValue, seconds, wholeNumber } from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { chunksUntil, type InputStream, MESSAGE_BYTES_MAX, openInput } from './input.ts'
import { MessageSplitter } from './message-splitter.ts'
import { oneLine } from './output.ts'
import { DIR_WORDS, SECONDS_MAX, withStore } from './store-words.ts'
import { formatBytes, plural } from './text.ts'
import { UsageError } from './usage-error.ts'

/** Messages and bytes that go out with one request. */
const REQUEST_COUNT = 1_024
const REQUEST_BYTES = 1024 * 1024

interface PutCommandOptions {
  readonly priority?: number
  readonly delay?: number
  readonly ttl?: number
  readonly key?: string
  readonly keyWindow?: number
  readonly header?: Readonly<Record<string, string>>
  readonly input?: string
  readonly null?: true
  readonly batch?: number
  readonly ids?: true
  readonly quiet?: true
}

export function registerPut(program: Command, context: CommandContext): void {
  program
    .command('put')
    .summary('put messages into a queue')
    .description(
      'Puts BODY, or one message a line of stdin, and says so once it is durable. Makes the store and the queue where they are missing. Works beside a process that holds the store.',
    )
    .argument('<DIR>', DIR_WORDS)
    .argument('<QUEUE>', 'name of the queue')
    .argument('[BODY]', 'the message; lines of stdin where it is left out')
    .option('--priority <N>', 'lowest first; 1024 unless told', wholeNumber(0, PRIORITY_MAX))
    .option('--delay <S>', 'not before so many seconds', seconds(SECONDS_MAX))
    .option('--ttl <S>', 'gone after so many seconds, delivered or not', seconds(SECONDS_MAX))
    .option('--key <KEY>', 'put nothing where a message of this key is known')
    .option('--key-window <S>', 'how long the key is taken; 600 unless told', seconds(SECONDS_MAX))
    .option('--header <NAME=VALUE>', 'travels with the message; may be repeated', nameAndValue)
    .option('--input <FILE>', 'read this file instead of stdin ("-" is stdin)')
    .option('--null', 'messages end with a NUL byte instead of a newline')
    .option('--batch <N>', 'put N messages as one atomic batch', wholeNumber(1, 1_000))
    .option('--ids', 'print the id of each message once it is durable')
    .option('-q, --quiet', 'no summary')
    .addHelpText(
      'before',
      examples(
        ['qlog put ./data orders "3 pears" --ids', 'one message; its id once it is on disk'],
        ['tail -f app.log | qlog put ./data lines', 'a message a line, durable as it comes'],
        ['qlog put ./data mail --delay 60 --key bill-17 "..."', 'in a minute, and only once'],
      ),
    )
    .action(
      action(
        context,
        (directory: string, queue: string, body: string | undefined, options: PutCommandOptions) =>
          runPut(context, directory, queue, body, options),
      ),
    )
}

async function runPut(
  context: CommandContext,
  directory: string,
  queue: string,
  body: string | undefined,
  options: PutCommandOptions,
): Promise<ExitCode> {
  if (body !== undefined && options.input !== undefined) {
    throw new UsageError('put takes BODY or --input, not both', 'Leave one of them out.')
  }
  if (body === undefined && options.key !== undefined) {
    const why = 'every line would have the same key, and only the first would be put'
    throw new UsageError(`--key needs BODY: ${why}`, 'Name the message behind the queue.')
  }
  // Everything that can be refused is refused before the store is touched.
  const input = body === undefined ? await openInput(context, options.input) : undefined
  return withStore(context, directory, { create: true }, async (store, signal) => {
    const putter = new Putter(context, store, queue, options)
    try {
      if (input) await putAll(input, putter, signal, options)
      else if (body !== undefined) await putter.add(new TextEncoder().encode(body))
      await putter.flush()
    } catch (error) {
      // What is durable by now is told beside the error; where nothing is, that says it all.
      if (options.quiet !== true && putter.count > 0) context.output.words(putter.summary())
      throw error
    }
    if (options.quiet !== true) context.output.words(putter.summary())
    return EXIT.fine
  })
}

async function putAll(
  input: InputStream,
  putter: Putter,
  signal: AbortSignal,
  options: PutCommandOptions,
): Promise<void> {
  const splitter = new MessageSplitter(options.null === true ? 0 : 0x0a, MESSAGE_BYTES_MAX)
  for await (const chunk of chunksUntil(input, signal)) {
    for (const message of splitter.push(chunk)) await putter.add(message)
    if (splitter.overflowed) {
      const limit = formatBytes(MESSAGE_BYTES_MAX)
      throw new QlogError('QLOG_TOO_LARGE', `a message of the input is longer than ${limit}`)
    }
    // What has come is on its way before more is waited for; only whole batches are atomic ones.
    if (options.batch === undefined) await putter.flush()
  }
  // What was cut off by a signal is no whole message; what ends with the input is one.
  const last = signal.aborted ? undefined : splitter.end()
  if (last !== undefined) await putter.add(last)
}

/** Gathers messages and sends them by requests. */
class Putter {
  readonly #context: CommandContext
  readonly #store: StoreAccess
  readonly #queue: string
  readonly #options: PutCommandOptions
  readonly #count: number
  #bodies: Uint8Array[] = []
  #bytes = 0
  #put = 0
  #putBytes = 0
  #duplicates = 0

  constructor(
    context: CommandContext,
    store: StoreAccess,
    queue: string,
    options: PutCommandOptions,
  ) {
    this.#context = context
    this.#store = store
    this.#queue = queue
    this.#options = options
    this.#count = options.batch ?? REQUEST_COUNT
  }

  async add(body: Uint8Array): Promise<void> {
    // A view of the input's chunk, which stays as it is: nothing writes into it again.
    this.#bodies.push(body)
    this.#bytes += body.length
    const isFull = this.#options.batch === undefined && this.#bytes >= REQUEST_BYTES
    if (isFull || this.#bodies.length >= this.#count) await this.flush()
  }

  async flush(): Promise<void> {
    if (this.#bodies.length === 0) return
    const bodies = this.#bodies
    this.#bodies = []
    this.#bytes = 0
    let row = 0
    const onItem = ({ id, duplicate }: { id: number; duplicate: boolean }): void => {
      if (this.#options.ids === true) this.#context.output.data(`${id}\n`)
      if (duplicate) this.#duplicates += 1
      else this.#put += 1
      this.#putBytes += duplicate ? 0 : (bodies[row]?.length ?? 0)
      row += 1
    }
    const args = {
      queue: this.#queue,
      messages: bodies.map(({ length }) => length),
      all: optionsOf(this.#options),
      atomic: this.#options.batch !== undefined,
    }
    await this.#store.call('put', args, { tail: Buffer.concat(bodies), onItem })
    await this.#context.output.flush()
  }

  /** Messages that are durable. */
  get count(): number {
    return this.#put + this.#duplicates
  }

  summary(): string {
    const words = `put ${plural(this.#put, 'message')}, ${formatBytes(this.#putBytes)}, into ${oneLine(this.#queue)}`
    if (this.#duplicates === 0) return words
    return `${words}; ${plural(this.#duplicates, 'duplicate')} of what is known by the key`
  }
}

function optionsOf(options: PutCommandOptions): PutRowOptions {
  const { priority, delay, ttl, key, keyWindow, header } = options
  return {
    ...(priority !== undefined && { priority }),
    ...(delay !== undefined && { delayMs: delay }),
    ...(ttl !== undefined && { ttlMs: ttl }),
    ...(key !== undefined && { key }),
    ...(keyWindow !== undefined && { keyWindowMs: keyWindow }),
    ...(header !== undefined && { headers: header }),
  }
}
