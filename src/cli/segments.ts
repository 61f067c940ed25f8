/** `qlog segments`: the files of a log as a table. Changes nothing. */
import type { Command } from 'commander'
import type { SegmentInfo, SpaceFile } from '../inspect/index.ts'
import { segments, spaceFiles } from '../inspect/index.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { JSON_VERSION } from './inspect-words.ts'
import { oneLine } from './output.ts'
import { formatBytes, formatTable, formatTime } from './text.ts'

export function registerSegments(program: Command, context: CommandContext): void {
  program
    .command('segments')
    .summary('the files of a log')
    .description(
      'Lists the segments: what each is to the log, how much of it is live, which ids it holds, how fast it was filled; then the other files that take space. Looks at headers and the newest segment only; `qlog verify` reads everything. Needs no lock.',
    )
    .argument('<DIR>', 'directory of the log')
    .option('--json', 'one JSON line a file, with times and exact bytes')
    .addHelpText(
      'before',
      examples(
        ['qlog segments ./log', 'a table'],
        ['qlog segments ./log --json | jq "select(.deadBytes > 0).file"', 'for a script'],
      ),
    )
    .action(
      action(context, (directory: string, options: { readonly json?: true }) =>
        runSegments(context, directory, options.json === true),
      ),
    )
}

async function runSegments(
  context: CommandContext,
  directory: string,
  json: boolean,
): Promise<ExitCode> {
  const { output } = context
  const infos = await segments(directory, { signal: context.interruption() })
  const others = await spaceFiles(directory)
  if (json) {
    for (const info of infos) output.json({ v: JSON_VERSION, kind: 'segment', ...info })
    for (const other of others) output.json({ v: JSON_VERSION, ...other })
  } else output.data(formatTable(HEAD, infos.map(cellsOf), FIGURES) + wordsBelow(infos, others))
  const damaged = infos.filter((info) => info.damaged)
  if (damaged.length === 0) return EXIT.fine
  output.words('Damage was found: run `qlog verify` for the exact ids and bytes.')
  return EXIT.rot
}

const HEAD = ['file', 'state', 'size', 'live', 'dead', 'ids', 'rate'] as const
/** Columns whose cells stand flush right. */
const FIGURES: ReadonlySet<string> = new Set(['size', 'live', 'dead', 'rate'])
/** Behind the state of a segment whose file is used again; {@link wordsBelow} says so. */
const REUSED_MARK = '*'

function cellsOf(info: SegmentInfo): readonly string[] {
  const { file, state, bytes, usedBytes, liveBytes, deadBytes, firstId = 0, endId = 0 } = info
  const { bytesPerSecond } = info
  const damaged = info.knownDamaged || (info.damaged && state === 'current') ? ', damaged' : ''
  // Without a report everything that the log reads counts as live, as it does for the log.
  const live = liveBytes ?? (state === 'full' || state === 'current' ? usedBytes : undefined)
  return [
    oneLine(file),
    `${state}${info.coversTo === undefined ? '' : ', merged'}${damaged}${info.isReused ? REUSED_MARK : ''}`,
    formatBytes(bytes),
    live === undefined ? '-' : formatBytes(live),
    deadBytes === undefined ? '-' : formatBytes(deadBytes),
    endId > firstId ? `${firstId} to ${endId - 1}` : '-',
    bytesPerSecond === undefined ? '-' : `${formatBytes(bytesPerSecond)}/s`,
  ]
}

function wordsBelow(infos: readonly SegmentInfo[], others: readonly SpaceFile[]): string {
  const lines = ['', ...others.map(lineOfOther)]
  if (others.length > 0) lines.push('')
  const times = infos.flatMap(({ createdMs }) => (createdMs === undefined ? [] : [createdMs]))
  const [oldestMs, newestMs] = [times[0], times.at(-1)]
  if (oldestMs !== undefined && newestMs !== undefined) {
    const [oldest, newest] = [formatTime(oldestMs), formatTime(newestMs)]
    lines.push(oldest === newest ? `Made at ${oldest}.` : `Made from ${oldest} to ${newest}.`)
  }
  const reportedMs = infos.find((info) => info.reportedMs !== undefined)?.reportedMs
  lines.push(
    reportedMs === undefined
      ? 'Dead bytes: the writer has left no figures yet; it does so at close and every 64 MiB.'
      : `Live and dead bytes as the writer left them at ${formatTime(reportedMs)}.`,
  )
  if (infos.some(({ coversTo }) => coversTo !== undefined)) {
    lines.push('merged: what was live of several segments, written anew as one.')
  }
  if (infos.some(({ isReused }) => isReused)) {
    lines.push(`${REUSED_MARK} in a file that is used again: it held a retired segment before.`)
  }
  return lines.map((line) => `${line}\n`).join('')
}

const OTHERS: Readonly<Record<SpaceFile['kind'], string>> = {
  spare: 'of a retired segment, to be used again',
  reserve: 'kept for the case of a full disk',
}

function lineOfOther({ file, kind, bytes }: SpaceFile): string {
  const name = oneLine(file).padEnd(OTHER_NAME_WIDTH)
  return `${name}  ${formatBytes(bytes).padStart(OTHER_SIZE_WIDTH)}  ${OTHERS[kind]}`
}

/** `reserve-` with 16 digits, and sizes up to 999.9 MB. */
const OTHER_NAME_WIDTH = 24
const OTHER_SIZE_WIDTH = 8
