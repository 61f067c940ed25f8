/** `qlog groups`: the groups of a store or of one queue as a table. Changes nothing in them. */
import type { Command } from 'commander'
import type { GroupStats } from '../index.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import { EXIT } from './exit-codes.ts'
import { JSON_VERSION } from './inspect-words.ts'
import { oneLine } from './output.ts'
import { groupSettingRows, setWords } from './setting-words.ts'
import { DIR_WORDS, withStore } from './store-words.ts'
import { formatCount, formatTable } from './text.ts'

export function registerGroups(program: Command, context: CommandContext): void {
  program
    .command('groups')
    .summary('the groups that read the queues')
    .description(
      'Lists the groups of all queues, or of one: what is ready, delayed, leased and buried for each, and the offset below which it has finished everything.',
    )
    .argument('<DIR>', DIR_WORDS)
    .argument('[QUEUE]', 'only the groups of this queue')
    .option('--json', 'one JSON line a group')
    .addHelpText(
      'before',
      examples(
        ['qlog groups ./data', 'a table'],
        ['qlog groups ./data orders --json | jq -c "[.group, .ready]"', 'for a script'],
      ),
    )
    .action(
      action(
        context,
        (directory: string, queue: string | undefined, options: { readonly json?: true }) =>
          withStore(context, directory, {}, async (store) => {
            const { output } = context
            const groups: GroupStats[] = []
            const args = queue === undefined ? {} : { queue }
            await store.call('groups', args, { onItem: (group) => void groups.push(group) })
            if (options.json) for (const group of groups) output.json({ v: JSON_VERSION, ...group })
            else if (groups.length > 0) output.data(groupTable(groups))
            else output.words('There is no group yet: one begins when it first takes.')
            return EXIT.fine
          }),
      ),
    )
}

const HEAD = ['queue', 'group', 'ready', 'delayed', 'leased', 'buried', 'floor', 'waiting', '']
const FIGURES = new Set(['ready', 'delayed', 'leased', 'buried', 'floor', 'waiting'])

export function groupTable(groups: readonly GroupStats[]): string {
  const rows = groups.map((one) => [
    oneLine(one.queue),
    oneLine(one.group),
    formatCount(one.ready),
    formatCount(one.delayed),
    formatCount(one.leased),
    formatCount(one.buried),
    formatCount(one.floor),
    formatCount(one.waiting),
    setWords(groupSettingRows(one)),
  ])
  return formatTable(HEAD, rows, FIGURES)
}
