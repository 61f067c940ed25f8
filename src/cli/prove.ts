/** `qlog prove`: kills a writer again and again and compares what is left with what it was told. */
import type { Command } from 'commander'
import { wholeNumber } from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { ProveDirectory } from './prove-directory.ts'
import type { ProveResult } from './prove-report.ts'
import { formatProof } from './prove-report.ts'
import type { ProveProgress } from './prove-run.ts'
import { runProof } from './prove-run.ts'
import { collectSource } from './prove-source.ts'
import { formatBytes, formatCount, plural } from './text.ts'

const PROGRESS_INTERVAL_MS = 100
const BAR_COLUMNS = 24
const UINT32_MAX = 0xffff_ffff

interface ProveCommandOptions {
  readonly seconds: number
  readonly kills: number
  readonly messages: number
  readonly source?: readonly string[]
  readonly seed?: number
  readonly keep?: true
  readonly json?: true
}

export function registerProve(program: Command, context: CommandContext): void {
  program
    .command('prove')
    .summary('kill a writer again and again: is anything lost?')
    .description(
      'A process of its own appends real lines durably; SIGKILL ends it midway, several times. After each kill the log is opened again and every acknowledged message is compared byte for byte with its line. A kill leaves the page cache: power cuts are what the tests of qlog simulate.',
    )
    .argument('<DIR>', 'empty or missing directory on the disk to be tried')
    .option('--seconds <N>', 'about how long', wholeNumber(1, 86_400), 12)
    .option('--kills <N>', 'how often the writer is killed', wholeNumber(1, 10_000), 5)
    .option('--messages <N>', 'at least this many', wholeNumber(1, 1_000_000_000), 200_000)
    .option('--source <PATH...>', 'text files or directories whose lines are appended')
    .option(
      '--seed <N>',
      'choose the moments of the kills as an earlier run did',
      wholeNumber(0, UINT32_MAX),
    )
    .option('--keep', 'leave the log in DIR')
    .option('--json', 'the result as one JSON line')
    .addHelpText(
      'before',
      examples(
        ['qlog prove /mnt/disk/scratch', 'twelve seconds, five kills'],
        ['qlog prove ./scratch --seconds 60 --kills 50', 'longer and rougher'],
        ['qlog prove ./scratch --keep && qlog verify ./scratch', 'look into the log afterwards'],
      ),
    )
    .action(
      action(context, (directory: string, options: ProveCommandOptions) =>
        runProve(context, directory, options),
      ),
    )
}

async function runProve(
  context: CommandContext,
  directoryName: string,
  options: ProveCommandOptions,
): Promise<ExitCode> {
  const { output } = context
  const signal = context.interruption()
  const directory = new ProveDirectory(directoryName)
  let keep = options.keep === true
  try {
    output.progress('reading the source ...')
    const source = collectSource(options.source, directory.path)
    const seed = options.seed ?? Math.floor(Math.random() * UINT32_MAX)
    const { lineCount, bytes } = source.lines
    output.words(
      `seed ${seed}; source: ${plural(lineCount, 'line')} of ${plural(source.fileCount, 'file')}, ${formatBytes(bytes.length)}`,
    )
    const { seconds, kills, messages: messagesMin } = options
    const onProgress = progressPrinter(context, options)
    const result = await runProof({
      ...{ context, directory, source, seconds, kills, messagesMin, seed, signal, onProgress },
    })
    output.progress(undefined)
    if (options.json === true) output.json(result)
    else output.data(`\n${formatProof(result, output.styles)}`)
    // What went wrong must be there to be looked at.
    if (result.verdict === 'failed') keep = true
    return exitCodeOfProof(result)
  } finally {
    output.progress(undefined)
    if (keep) output.words(`the log was left in ${directory.path}`)
    else directory.remove()
  }
}

/** Rot is what was acknowledged and is gone or wrong; any other broken promise is unexpected. */
export function exitCodeOfProof(result: ProveResult): ExitCode {
  if (result.verdict === 'ok') return EXIT.fine
  return result.lost + result.wrong > 0 ? EXIT.rot : EXIT.unexpected
}

function progressPrinter(
  context: CommandContext,
  options: ProveCommandOptions,
): (state: ProveProgress) => void {
  const { output } = context
  if (!output.showsProgress) return () => {}
  let nextMs = 0
  return ({ share, acknowledged, kills, faults, phase }) => {
    if (performance.now() < nextMs) return
    nextMs = performance.now() + PROGRESS_INTERVAL_MS
    const filled = Math.round(share * BAR_COLUMNS)
    const bar = '#'.repeat(filled) + '.'.repeat(BAR_COLUMNS - filled)
    const told = `${formatCount(acknowledged)} acknowledged, ${kills}/${options.kills} kills`
    output.progress(`[${bar}] ${told}, ${plural(faults, 'fault')}, ${phase}`)
  }
}
