/** `qlog doctor`: what a file system and its disk can promise, for people or as JSON lines. */
import type { Command } from 'commander'
import type { DoctorCheck, DoctorReport } from '../inspect/index.ts'
import { doctor } from '../inspect/index.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import type { Output, Styles } from './output.ts'
import { oneLine } from './output.ts'
import { plural, wrapWords } from './text.ts'

const TITLES: Readonly<Record<DoctorCheck['check'], string>> = {
  fileSystem: 'file system',
  sockets: 'lock socket',
  link: 'hard link',
  directorySync: 'directory sync',
  flush: 'flush',
  space: 'space',
}
const LEVEL_WIDTH = 8
const TITLE_WIDTH = 16
/** Longer lines are hard to read, however wide the terminal is. */
const COLUMNS_MAX = 100

export function registerDoctor(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .summary('what this file system and disk can promise')
    .description(
      'Looks at the file system, the lock, durable writes and free space of an existing directory, and says for each what can be promised. Makes small temporary files and removes them. Exit code 1 where a promise cannot be kept.',
    )
    .argument('<DIR>', 'directory that holds the log, or will')
    .option('--json', 'one JSON line a check, then one with the verdict')
    .addHelpText(
      'before',
      examples(
        ['qlog doctor /var/lib/app', 'before the first message goes there'],
        ['qlog doctor ./log --json | jq .level', 'for a script'],
      ),
    )
    .action(
      action(context, (directory: string, options: { readonly json?: true }) =>
        runDoctor(context, directory, options.json === true),
      ),
    )
}

async function runDoctor(
  context: CommandContext,
  directory: string,
  json: boolean,
): Promise<ExitCode> {
  context.output.progress('looking at the file system, measuring durable writes ...')
  const report = await doctor(directory, { signal: context.interruption() })
  context.output.progress(undefined)
  if (json) {
    for (const check of report.checks) context.output.json(check)
    context.output.json({ directory: report.directory, level: report.level })
  } else {
    context.output.data(toText(report, context.output))
  }
  return report.level === 'problem' ? EXIT.unexpected : EXIT.fine
}

function toText(report: DoctorReport, output: Output): string {
  const { styles } = output
  const width = Math.min(output.columns, COLUMNS_MAX)
  const indent = LEVEL_WIDTH + TITLE_WIDTH
  const lines = report.checks.map((check) => {
    // Wrapped without colour, because marks have no width on the screen.
    const head = check.level.padEnd(LEVEL_WIDTH) + TITLES[check.check].padEnd(TITLE_WIDTH)
    const placeholder = 'x'.repeat(indent)
    const wrapped = wrapWords(placeholder + oneLine(check.sentence), width, indent)
    return (
      paint(styles, check.level, head.slice(0, LEVEL_WIDTH)) +
      head.slice(LEVEL_WIDTH) +
      wrapped.slice(indent)
    )
  })
  return `${lines.join('\n')}\n\n${verdict(report, styles)}\n`
}

function paint(styles: Styles, level: DoctorCheck['level'], words: string): string {
  if (level === 'ok') return styles.green(words)
  return level === 'note' ? styles.yellow(words) : styles.red(words)
}

function verdict(report: DoctorReport, styles: Styles): string {
  const count = (level: DoctorCheck['level']): number =>
    report.checks.filter((check) => check.level === level).length
  if (report.level === 'problem') {
    return styles.red(`${plural(count('problem'), 'problem')}: not every promise can be kept here.`)
  }
  const notes = count('note')
  if (notes === 0) return styles.green('Every promise can be kept here.')
  return styles.yellow(`Usable; ${plural(notes, 'note')} above to read first.`)
}
