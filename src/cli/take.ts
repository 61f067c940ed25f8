/** `qlog take`: messages of a queue, printed and then acknowledged, or given back. */
import type { Command } from 'commander'
import type { StoreAccess, TakenMessage } from '../server/index.ts'
import { seconds, wholeNumber } from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { DIR_WORDS, messageJson, SECONDS_MAX, withStore } from './store-words.ts'
import { UsageError } from './usage-error.ts'

/** Messages that are leased, printed and acknowledged together. */
const TAKEN_AT_ONCE = 256
/** What is not acknowledged is held until the end, so that it does not come twice. */
const HELD_MAX = 4_096

interface TakeCommandOptions {
  readonly group?: string
  readonly createGroup?: true
  readonly count: number
  readonly wait?: number | true
  readonly lease?: number
  readonly ack?: true
  readonly json?: true
  readonly null?: true
}

export function registerTake(program: Command, context: CommandContext): void {
  program
    .command('take')
    .summary('take messages out of a queue')
    .description(
      'Leases messages, prints them, and acknowledges them with --ack; without it they are given back, as they were. Works beside a process that holds the store, and competes with its workers. Makes the first group of a queue, "default", but no other unless told: a group that nobody reads on holds every message back (`qlog group --remove`).',
    )
    .argument('<DIR>', DIR_WORDS)
    .argument('<QUEUE>', 'name of the queue')
    .option('--group <GROUP>', 'the group that reads; "default" unless told')
    .option('--create-group', 'make the group, and the queue, where they are missing')
    .option('--count <N>', 'at most N messages', wholeNumber(1, Number.MAX_SAFE_INTEGER), 1)
    .option('--wait [S]', 'wait for them, so many seconds or for ever', seconds(SECONDS_MAX))
    .option('--lease <S>', 'how long they are held; 30 unless told', seconds(SECONDS_MAX))
    .option('--ack', 'acknowledge them once they are printed: they are finished')
    .option('--json', 'one JSON line a message')
    .option('--null', 'end each message with a NUL byte instead of a newline')
    .addHelpText(
      'before',
      examples(
        ['qlog take ./data orders --ack', 'the next message, and it is done'],
        ['qlog take ./data orders --count 10 --json', 'ten of them; all go back'],
        ['qlog take ./data orders --group audit --wait 5 --ack', 'wait up to five seconds'],
        ['qlog take ./data new --create-group --wait', 'for what is going to be put'],
      ),
    )
    .action(
      action(context, (directory: string, queue: string, options: TakeCommandOptions) =>
        runTake(context, directory, queue, options),
      ),
    )
}

async function runTake(
  context: CommandContext,
  directory: string,
  queue: string,
  options: TakeCommandOptions,
): Promise<ExitCode> {
  if (options.ack !== true && options.count > HELD_MAX) {
    const words = `without --ack at most ${HELD_MAX} messages can be taken`
    throw new UsageError(words, 'Add --ack, or look at them with `qlog list`.')
  }
  return withStore(context, directory, {}, async (store, signal) => {
    const taker = new Taker(context, store, queue, options)
    try {
      await taker.run(signal)
    } catch (error) {
      // Ctrl-C is the way to stop waiting.
      if (!signal.aborted) throw error
    }
    if (!signal.aborted) await taker.giveBack()
    if (taker.count === 0 && !signal.aborted) context.output.words('There is nothing to take.')
    return EXIT.fine
  })
}

class Taker {
  count = 0
  readonly #context: CommandContext
  readonly #store: StoreAccess
  readonly #queue: string
  readonly #options: TakeCommandOptions
  #held: number[] = []

  constructor(
    context: CommandContext,
    store: StoreAccess,
    queue: string,
    options: TakeCommandOptions,
  ) {
    this.#context = context
    this.#store = store
    this.#queue = queue
    this.#options = options
  }

  async run(signal: AbortSignal): Promise<void> {
    const { count, wait, ack } = this.#options
    const endMs = performance.now() + (wait === true ? Number.POSITIVE_INFINITY : (wait ?? 0))
    while (this.count < count) {
      const leftMs = Math.max(0, endMs - performance.now())
      const before = this.count
      const leases = await this.#takeSome(leftMs, signal)
      await this.#context.output.flush()
      if (this.count === before) return
      if (ack === true) await this.#store.call('settle', { how: 'ack', leases })
      else this.#held.push(...leases)
    }
  }

  /** At once and in order, rather than by the end of the connection. */
  async giveBack(): Promise<void> {
    const leases = this.#held
    this.#held = []
    if (leases.length > 0) await this.#store.call('settle', { how: 'release', leases })
  }

  async #takeSome(leftMs: number, signal: AbortSignal): Promise<number[]> {
    const { group, count, lease, createGroup } = this.#options
    const leases: number[] = []
    const args = {
      queue: this.#queue,
      count: Math.min(count - this.count, TAKEN_AT_ONCE),
      timeoutMs: leftMs === Number.POSITIVE_INFINITY ? null : leftMs,
      ...(group !== undefined && { group }),
      ...(lease !== undefined && { leaseMs: lease }),
      ...(createGroup === true && { createGroup }),
    }
    const onItem = (message: TakenMessage, body: Uint8Array): void => {
      this.count += 1
      leases.push(message.lease)
      this.#print(message, body)
    }
    await this.#store.call('take', args, { onItem, signal })
    return leases
  }

  #print(message: TakenMessage, body: Uint8Array): void {
    const { output } = this.#context
    if (this.#options.json === true) {
      output.json(messageJson(message, body))
      return
    }
    output.data(body)
    output.data(this.#options.null === true ? '\0' : '\n')
  }
}
