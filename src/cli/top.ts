/** `qlog top`: the figures of a store as they change. Changes nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { seconds } from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import type { OutputStream } from './output.ts'
import { DIR_WORDS, waitTeller } from './store-words.ts'
import { TerminalScreen } from './terminal-screen.ts'
import { TopLooks } from './top-looks.ts'
import { topLines } from './top-screen.ts'

const INTERVAL_MS = 2_000
const INTERVAL_MS_MIN = 100
const INTERVAL_SECONDS_MAX = 3_600

interface TopOptions {
  /** Milliseconds, once it is parsed. */
  readonly interval?: number
  readonly once?: true
}

export function registerTop(program: Command, context: CommandContext): void {
  program
    .command('top')
    .summary('rates, depth and lag, as they change')
    .description(
      'Shows what a store does while a process works with it: rates, the depth of queues and the lag of their groups, leases, dead letters (buried), the age of the oldest message that is ready, flushes and disk. Ends with q or Ctrl-C. Where the output is no terminal it is a block of text every interval.',
    )
    .argument('<DIR>', DIR_WORDS)
    .option('--interval <S>', 'seconds between two looks; 2 unless told', interval)
    .option('--once', 'one block of text, with the rates of one interval')
    .addHelpText(
      'before',
      examples(
        ['qlog top ./data', 'until you press q'],
        ['qlog top ./data --once --interval 10', 'mean rates of ten seconds, as text'],
        ['qlog top ./data --interval 60 >> top.txt', 'a block every minute'],
      ),
    )
    .action(
      action(context, (directory: string, options: TopOptions) => {
        const { terminal } = context.output
        const looks = new TopLooks(context.openStore, directory, waitTeller(context))
        if (terminal === undefined || options.once) return printBlocks(context, looks, options)
        return new LiveTop(context, looks, options.interval ?? INTERVAL_MS).run(terminal)
      }),
    )
}

function interval(word: string): number {
  const intervalMs = seconds(INTERVAL_SECONDS_MAX)(word)
  if (intervalMs >= INTERVAL_MS_MIN) return intervalMs
  throw new InvalidArgumentError('It must be at least 0.1 seconds.')
}

async function printBlocks(
  { output, interruption }: CommandContext,
  looks: TopLooks,
  { interval: intervalMs = INTERVAL_MS, once }: TopOptions,
): Promise<ExitCode> {
  const signal = interruption()
  let view = await looks.next(signal)
  const print = (): Promise<void> => {
    const size = { columns: output.columns, rows: Number.POSITIVE_INFINITY }
    output.data(`${topLines(view, size, output.styles).join('\n')}\n`)
    return output.flush()
  }
  // Without a process that works there is no rate to wait for.
  if (view.figures.pid === undefined) {
    await print()
    if (once) return EXIT.fine
    output.data('\n')
  }
  for (;;) {
    if (await isAborted(intervalMs, signal)) return EXIT.interrupted
    view = await looks.next(signal)
    await print()
    if (once) return EXIT.fine
    output.data('\n')
  }
}

/** The screen, until a key or a signal ends it. */
class LiveTop {
  readonly #context: CommandContext
  readonly #looks: TopLooks
  readonly #intervalMs: number

  constructor(context: CommandContext, looks: TopLooks, intervalMs: number) {
    this.#context = context
    this.#looks = looks
    this.#intervalMs = intervalMs
  }

  async run(terminal: OutputStream): Promise<ExitCode> {
    const { output, input } = this.#context
    const interruption = this.#context.interruption()
    // What can be wrong from the start is told where it stays to be read.
    let view = await this.#looks.next(interruption)
    let exitCode: ExitCode = EXIT.interrupted
    const keys = new AbortController()
    const screen = new TerminalScreen(terminal, input, {
      onKeys: (pressed) => {
        if (pressed !== 'interrupt' && !/q/i.test(pressed)) return
        exitCode = pressed === 'interrupt' ? EXIT.interrupted : EXIT.fine
        keys.abort()
      },
      // A terminal that is gone is met by the next paint.
      onResize: () => void paint().catch(() => undefined),
    })
    const paint = (): Promise<void> => screen.paint(topLines(view, screen, output.styles))
    const signal = AbortSignal.any([interruption, keys.signal])
    try {
      for (;;) {
        await paint()
        if (await isAborted(this.#intervalMs, signal)) break
        view = await this.#looks.next(signal)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      await screen.leave()
    }
    return exitCode
  }
}

/** Waits; true where that was ended. */
async function isAborted(waitMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(waitMs, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
  return signal.aborted
}
