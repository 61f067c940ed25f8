/** `qlog backup` and `qlog restore`: a whole copy of a log or store, checked before it gets its name. */
import type { Command } from 'commander'
import type { BackupReport, VerifyReport } from '../inspect/index.ts'
import { backup, verify } from '../inspect/index.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { exitOf, findingLine, JSON_VERSION, progressOf } from './inspect-words.ts'
import { oneLine } from './output.ts'
import { formatBytes, plural } from './text.ts'

export function registerBackup(program: Command, context: CommandContext): void {
  program
    .command('backup')
    .summary('copy a log or store while it is in use')
    .description(
      'Copies everything that is durable into a new directory, consistent at the id it names, while a writer goes on, and verifies the copy before it gets its name. Needs no lock. A plain `cp -r` of a directory in use is no backup.',
    )
    .argument('<DIR>', 'directory of the log or store')
    .requiredOption('--out <NEWDIR>', 'new directory for the copy')
    .option('--json', 'one JSON line with what was copied')
    .addHelpText(
      'before',
      examples(
        ['qlog backup ./data --out /backup/2026-01-05', 'beside the service that uses it'],
        ['qlog restore /backup/2026-01-05 --out ./data', 'back again'],
      ),
    )
    .action(
      action(
        context,
        (directory: string, options: { readonly out: string; readonly json?: true }) =>
          copy(context, directory, options.out, options.json === true, 'copied'),
      ),
    )
}

export function registerRestore(program: Command, context: CommandContext): void {
  program
    .command('restore')
    .summary('make a log or store of a backup')
    .description(
      'Verifies a backup, copies it into a new directory, and verifies the copy. The backup stays as it is: what is restored is used, and a backup that is used is none any more.',
    )
    .argument('<BACKUP>', 'directory that `qlog backup` made')
    .requiredOption('--out <NEWDIR>', 'new directory, to be opened by a service')
    .option('--json', 'one JSON line with what was restored')
    .addHelpText(
      'before',
      examples(['qlog restore /backup/2026-01-05 --out ./data', 'then start the service on it']),
    )
    .action(
      action(
        context,
        async (from: string, options: { readonly out: string; readonly json?: true }) => {
          const signal = context.interruption()
          const report = await verify(from, {
            signal,
            onProgress: progressOf(context.output, 'verified'),
          })
          context.output.progress(undefined)
          if (report.verdict === 'rot') return refuse(context, report)
          return copy(context, from, options.out, options.json === true, 'restored')
        },
      ),
    )
}

function refuse({ output }: CommandContext, report: VerifyReport): ExitCode {
  for (const finding of report.findings) output.wordsRaw(findingLine(finding, output.errorStyles))
  output.words(
    'The backup is damaged: `qlog recover BACKUP --out NEWDIR` saves what is valid of it.',
  )
  return exitOf(report.verdict)
}

async function copy(
  context: CommandContext,
  directory: string,
  target: string,
  json: boolean,
  done: string,
): Promise<ExitCode> {
  const { output } = context
  const signal = context.interruption()
  const report = await backup(directory, target, { signal, onProgress: progressOf(output, done) })
  output.progress(undefined)
  if (json) output.json({ v: JSON_VERSION, kind: 'backup', ...report })
  else output.data(wordsOf(report, done))
  if (report.findings.length === 0 && !report.stateDamage) return EXIT.fine
  for (const finding of report.findings) output.wordsRaw(findingLine(finding, output.errorStyles))
  output.words('The original is damaged there, and so is the copy: see `qlog recover`.')
  if (report.stateDamage) output.words(doesNotOpen(report.stateDamage))
  return EXIT.rot
}

function wordsOf({ target, bytes, segments, nextId, live }: BackupReport, done: string): string {
  const what = `${formatBytes(bytes)} in ${plural(segments, 'segment')} ${done} to ${oneLine(target)} and verified`
  const beside = live ? ', while a writer went on' : ''
  return `${what}${beside}.\nIt holds what was durable below id ${nextId}.\n`
}

/** A copy that is as good as can be is better than none, as long as nobody learns of it when it is needed. */
function doesNotOpen(damage: string): string {
  return oneLine(
    `The copy does not open as it is: changes of the saved state may be lost (${damage}). With onDamage: "quarantine" (a store: log: { onDamage: "quarantine" }) it opens without them. If the original is in use or opens, \`qlog compact DIR\` saves its state anew, and a backup made then opens.`,
  )
}
