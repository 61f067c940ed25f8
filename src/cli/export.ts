/** `qlog export`: queues, groups and messages as lines of JSON that `qlog import` takes. */
import type { Command } from 'commander'
import type { ExportItem } from '../server/index.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { bodyFields, DIR_WORDS, withStore } from './store-words.ts'
import { plural } from './text.ts'

/** Version of the lines; `import` takes no other. */
export const EXPORT_VERSION = 1

export function registerExport(program: Command, context: CommandContext): void {
  program
    .command('export')
    .summary('queues as lines of JSON')
    .description(
      'Prints every queue with its groups and messages, one JSON line each, for `qlog import`. Beside a service that works, each message is printed as it stands when it is reached: for one moment of everything use `qlog backup`.',
    )
    .argument('<DIR>', DIR_WORDS)
    .option('--queue <QUEUE>', 'only this queue')
    .addHelpText(
      'before',
      examples(
        ['qlog export ./data > data.ndjson', 'everything'],
        ['qlog export ./data --queue orders | qlog import ./other', 'one queue, elsewhere'],
      ),
    )
    .action(
      action(context, (directory: string, options: { readonly queue?: string }) =>
        runExport(context, directory, options.queue),
      ),
    )
}

function runExport(
  context: CommandContext,
  directory: string,
  queue: string | undefined,
): Promise<ExitCode> {
  return withStore(context, directory, {}, async (store, signal) => {
    const { output } = context
    let messages = 0
    let isBegun = false
    const begin = (): void => {
      if (!isBegun) output.json({ qlog: 'export', version: EXPORT_VERSION })
      isBegun = true
    }
    const onItem = (item: ExportItem, body: Uint8Array): Promise<void> | undefined => {
      begin()
      if (item.kind === 'message') messages += 1
      return output.json(lineOf(item, body)) ? output.flush() : undefined
    }
    await store.call('export', queue === undefined ? {} : { queue }, { onItem, signal })
    begin()
    // Whoever reads it knows by this line that nothing is missing behind it.
    output.json({ kind: 'end', messages })
    await output.flush()
    output.words(`exported ${plural(messages, 'message')}`)
    return EXIT.fine
  })
}

function lineOf(item: ExportItem, body: Uint8Array): Record<string, unknown> {
  if (item.kind !== 'message') return { ...item }
  const { kind, queue, id, offset, putMs, put, groups } = item
  const time = new Date(putMs).toISOString()
  return {
    kind,
    queue,
    id,
    offset,
    time,
    ...bodyFields(body),
    put,
    ...(Object.keys(groups).length > 0 && { groups }),
  }
}
