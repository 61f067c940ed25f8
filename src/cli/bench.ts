/** `qlog bench`: how fast this engine is on the user's own disk, beside a loop that only writes. */
import type { Command } from 'commander'
import type { DiskCase, DiskResult } from '../measure/disk-cases.ts'
import { diskHeader, measureOwnDisk, requireSpace } from '../measure/own-disk.ts'
import { wholeNumber } from './argument-types.ts'
import { benchConclusion, benchHead, benchLine, caseWords } from './bench-words.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'

const SECONDS = 60
const SECONDS_MAX = 3600

interface BenchOptions {
  readonly seconds: number
  readonly json?: true
}

export function registerBench(program: Command, context: CommandContext): void {
  program
    .command('bench')
    .summary('how fast it is on this disk')
    .description(
      'Appends and reads in a fresh subdirectory of DIR, in turns with a loop that does nothing but write and flush as many bytes, and shows medians. Removes the subdirectory afterwards. Other programs that use this disk meanwhile show in the figures.',
    )
    .argument('<DIR>', 'a directory on the disk to measure; a missing one is made for the time')
    .option('--seconds <N>', 'about how long all of it takes', wholeNumber(1, SECONDS_MAX), SECONDS)
    .option('--json', 'one JSON line with what the figures depend on, then one a case')
    .addHelpText(
      'before',
      examples(
        ['qlog bench /var/lib/app', 'a minute, then a table'],
        ['qlog bench ./scratch --seconds 300', 'longer, and steadier'],
        ['qlog bench ./scratch --json | jq "select(.case) | [.case, .rate]"', 'for a script'],
      ),
    )
    .action(
      action(context, (directory: string, options: BenchOptions) =>
        runBench(context, directory, options),
      ),
    )
}

async function runBench(
  context: CommandContext,
  directory: string,
  { seconds, json }: BenchOptions,
): Promise<ExitCode> {
  const { output } = context
  const signal = context.interruption()
  requireSpace(directory, seconds)
  const header = diskHeader(directory, seconds)
  if (json) output.json(header)
  else output.data(benchHead(header))
  const results: DiskResult[] = []
  // The first case takes seconds; whoever waits for it can read this meanwhile.
  await output.flush()
  const onCase = (one: DiskCase, row: number, rows: number): void =>
    output.progress(`measuring ${row + 1} of ${rows}: ${caseWords(one)} ...`)
  const measuring = measureOwnDisk(directory, { seconds, signal, onCase })
  for await (const result of measuring) {
    // Both streams may be one terminal: the line of progress must not stand in the table.
    output.progress(undefined)
    if (json) output.json(result)
    else output.data(benchLine(result, results.at(-1)))
    results.push(result)
    await output.flush()
  }
  if (!json) output.data(benchConclusion(results, output.columns))
  return EXIT.fine
}
