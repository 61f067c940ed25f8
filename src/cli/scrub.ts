/** `qlog scrub`: every full segment, read from the disk at a gentle rate. Changes nothing, unless asked to mend. */
import type { Command } from 'commander'
import type { ScrubLogReport } from '../inspect/index.ts'
import { scrub } from '../inspect/index.ts'
import { bytesPerSecond, NONE, type None, orNone } from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { exitOf, findingLine, idRange, JSON_VERSION, progressOf } from './inspect-words.ts'
import type { Output } from './output.ts'
import { formatBytes, formatMs, plural } from './text.ts'

interface ScrubCommandOptions {
  readonly rate: number | None
  readonly repair?: true
  readonly json?: true
}

export function registerScrub(program: Command, context: CommandContext): void {
  program
    .command('scrub')
    .summary('read full segments from the disk, slowly')
    .description(
      'Reads every block of every full segment, oldest first, and says what is damaged: what verify says of them, but at a limited rate, one read at a time, and from the disk itself where the platform allows, so that a page cache which still holds what was there hides no damage. Needs no lock, changes nothing, works beside the process that holds the log. With --repair it takes the lock, and mends blocks that one flipped bit explains, each in a new file beside the damaged one, which goes to quarantine/. Exit code 3 for rot that is left.',
    )
    .argument('<DIR>', 'directory of the log')
    .option(
      '--rate <RATE>',
      'read so much a second at most, 64KB/s or more',
      orNone(bytesPerSecond),
      32_000_000,
    )
    .option('--repair', 'mend blocks that one flipped bit explains; nobody else may use the log')
    .option('--json', 'one JSON line a finding, then one with the summary')
    .addHelpText(
      'before',
      examples(
        ['qlog scrub ./log', 'one line a problem, then a summary; 32 MB a second'],
        ['qlog scrub ./log --rate 4MB/s', 'beside a busy process'],
        ['qlog scrub ./log --repair', 'and mend what can be mended'],
        ['qlog scrub ./log --rate none --json', 'as fast as the disk, for a script'],
      ),
    )
    .action(
      action(context, (directory: string, options: ScrubCommandOptions) =>
        runScrub(context, directory, options),
      ),
    )
}

async function runScrub(
  context: CommandContext,
  directory: string,
  { rate, repair, json }: ScrubCommandOptions,
): Promise<ExitCode> {
  const { output } = context
  const report = await scrub(directory, {
    ...(rate !== NONE && { bytesPerSecond: rate }),
    ...(repair && { repair }),
    signal: context.interruption(),
    onProgress: progressOf(output, 'scrubbed'),
  })
  output.progress(undefined)
  const { findings, ...rest } = report
  for (const finding of findings) {
    if (json) output.json({ v: JSON_VERSION, kind: 'finding', ...finding })
    else output.data(findingLine(finding, output.styles))
  }
  if (json) output.json({ v: JSON_VERSION, kind: 'summary', ...rest, findings: findings.length })
  else output.data(wordsOf(report, output))
  return exitOf(report.verdict)
}

function wordsOf(report: ScrubLogReport, output: Output): string {
  const { segments, blocks, bytes, tookMs, fromDisk, damages, findings, lostMessages } = report
  const { green, red } = output.styles
  const lines = [
    `${plural(segments, 'full segment')}, ${plural(blocks, 'valid block')}, ${formatBytes(bytes)} in ${formatMs(tookMs)}`,
  ]
  if (segments > 0) {
    lines.push(
      fromDisk
        ? 'Read from the disk.'
        : 'Perhaps read from the page cache: no other way is known here, so damage on the disk may be hidden.',
    )
  }
  if (report.repair) lines.push(...repairLines(report.repair))
  if (damages > findings.length) {
    lines.push(`${plural(damages - findings.length, 'more place')} with damage.`)
  }
  lines.push(
    report.verdict === 'fine'
      ? green('Fine. The segment being written is left out: `qlog verify DIR` looks at it too.')
      : red(
          lostMessages === 0
            ? 'Rot: bytes have changed, but no message is lost.'
            : `Rot: ${plural(lostMessages, 'acknowledged message')} lost.`,
        ),
  )
  return `${lines.join('\n')}\n`
}

function repairLines(repair: NonNullable<ScrubLogReport['repair']>): string[] {
  const { mendedBlocks, blocks, notMended } = repair
  const lines = [`${plural(mendedBlocks, 'block')} mended.`]
  for (const { file, offset, byteOffset, bit, firstId, endId } of blocks) {
    const ids = endId > firstId ? `, ${idRange(firstId, endId)}` : ''
    lines.push(`  ${file}: the block at ${offset}, bit ${bit} of byte ${byteOffset}${ids}`)
  }
  const untold = mendedBlocks - blocks.length
  if (untold > 0) lines.push(`  and ${plural(untold, 'more block')}`)
  for (const { file, why } of notMended) lines.push(`Not mended: ${file}: ${why}.`)
  return lines
}
