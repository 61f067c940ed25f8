/** `qlog import`: jobs and messages from elsewhere become queues. Each source has a file of its own. */
import type { Command } from 'commander'
import { seconds } from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { importBeanstalkd } from './import/from-beanstalkd.ts'
import { importBinlog } from './import/from-binlog.ts'
import { importExport } from './import/from-export.ts'
import { DIR_WORDS, SECONDS_MAX } from './store-words.ts'
import { UsageError } from './usage-error.ts'

interface ImportCommandOptions {
  readonly input?: string
  readonly from?: string
  readonly fromBinlog?: string
  readonly wait?: number
  readonly json?: true
}

export function registerImport(program: Command, context: CommandContext): void {
  program
    .command('import')
    .summary('make queues of an export, or of a beanstalkd')
    .description(
      'Puts every message of an export with all that belongs to it, in order, then makes its groups and brings messages to where they stood for them. Ids, offsets and times of putting are new; attempts begin anew, and what was leased is ready. Into queues that are not there yet.\n\nWith --from or --from-binlog: every job of a beanstalkd, ready, delayed or buried, with its priority and time to run, into the queue of its tube. Run again the same way, no job comes twice within an hour of its own put, with --from-binlog within a week of it: a move that was begun with --from is not to be ended with --from-binlog.\n\n--from deletes a job there once it is on the disk here. Where a service holds the store, and was started with -f, -F or --sync other than always, it is only written by then: a power cut here may take it, and it is nowhere. Serve the store without them for the move.',
    )
    .argument('<DIR>', `${DIR_WORDS}; made where it is missing`)
    .option('--input <FILE>', 'read this file instead of stdin ("-" is stdin)')
    .option('--from <URL>', 'empty this server: beanstalkd://HOST:PORT, beanstalkd://unix:PATH')
    .option('--from-binlog <OLD_DIR>', 'read the binlog files there, which no server may use')
    .option('--wait <S>', 'with --from: wait for jobs that workers hold', seconds(SECONDS_MAX))
    .option('--json', 'with --from, --from-binlog: one JSON line a tube')
    .addHelpText(
      'before',
      examples(
        ['qlog import ./other --input data.ndjson', 'what `qlog export` printed'],
        ['qlog export ./data | qlog import ./other', 'from store to store'],
        ['qlog import ./data --from beanstalkd://127.0.0.1:11300', 'what a beanstalkd holds'],
        ['qlog import ./data --from-binlog /var/lib/beanstalkd', 'what its files hold'],
      ),
    )
    .action(
      action(context, (directory: string, options: ImportCommandOptions) =>
        runImport(context, directory, options),
      ),
    )
}

async function runImport(
  context: CommandContext,
  directory: string,
  { input, from, fromBinlog, wait, json }: ImportCommandOptions,
): Promise<ExitCode> {
  const sources = [input, from, fromBinlog].filter((source) => source !== undefined)
  if (sources.length > 1) {
    throw new UsageError(
      'import takes one of --input, --from and --from-binlog',
      'Import one source after the other.',
    )
  }
  if (wait !== undefined && from === undefined) {
    throw new UsageError('--wait needs --from', 'Nobody holds jobs of a file: leave it out.')
  }
  if (json === true && from === undefined && fromBinlog === undefined) {
    throw new UsageError('--json needs --from or --from-binlog', 'Leave it out.')
  }
  if (from !== undefined)
    return importBeanstalkd(context, directory, from, wait ?? 0, json === true)
  if (fromBinlog !== undefined) return importBinlog(context, directory, fromBinlog, json === true)
  return importExport(context, directory, input)
}
