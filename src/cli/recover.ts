/**
 * `qlog recover`: a copy of everything valid (`--out`), or the log itself made usable again by setting
 * damage aside (`--in-place --yes`). Neither changes an existing segment.
 */
import type { Command } from 'commander'
import type { SalvageReport, VerifyReport } from '../inspect/index.ts'
import { salvage, verify } from '../inspect/index.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { exitOf, findingLine, idRange, JSON_VERSION, progressOf } from './inspect-words.ts'
import { oneLine } from './output.ts'
import { plural } from './text.ts'
import { UsageError } from './usage-error.ts'

interface RecoverOptions {
  readonly out?: string
  readonly inPlace?: true
  readonly yes?: true
  readonly json?: true
}

export function registerRecover(program: Command, context: CommandContext): void {
  program
    .command('recover')
    .summary('save what is valid of a damaged log')
    .description(
      'With --out, copies everything valid into a new directory and mends blocks that are one flipped bit away from valid. With --in-place --yes, sets damage aside so that the log can be opened and written again; no segment is rewritten, so single bits stay as they are. Says exactly what is lost; exit code 3 if any message is, or may be. A copy has no saved state: of a store whose older segments have retired it lacks names of queues, groups and what they have finished, which is said, with exit code 3. Where the log still opens, use `qlog backup`, and `qlog scrub --repair`.',
    )
    .argument('<DIR>', 'directory of the damaged log')
    .option('--out <NEWDIR>', 'new directory for the copy')
    .option('--in-place', 'set damage aside in the log itself')
    .option('--yes', 'really do it in place; without it, only say what would happen')
    .option('--json', 'one JSON line a finding, then one with the summary')
    .addHelpText(
      'before',
      examples(
        ['qlog recover ./log --out ./saved', 'the safe way: the damaged log is only read'],
        ['qlog recover ./log --in-place', 'what would happen in place'],
        ['qlog recover ./log --in-place --yes', 'do it'],
      ),
    )
    .action(
      action(context, (directory: string, options: RecoverOptions) => {
        const { out, inPlace, yes } = options
        if ((out === undefined) === (inPlace === undefined) || (yes && out !== undefined)) {
          const remedy = 'Name a new directory with --out, or use --in-place (and --yes to do it).'
          throw new UsageError('recover needs either --out NEWDIR or --in-place', remedy)
        }
        return out === undefined
          ? recoverInPlace(context, directory, options)
          : recoverOut(context, directory, out, options.json === true)
      }),
    )
}

async function recoverOut(
  context: CommandContext,
  directory: string,
  target: string,
  json: boolean,
): Promise<ExitCode> {
  const { output } = context
  const report = await salvage(directory, target, {
    signal: context.interruption(),
    onProgress: progressOf(output, 'copied'),
  })
  output.progress(undefined)
  const lost = report.losses.reduce((sum, gap) => sum + gap.endId - gap.firstId, 0)
  if (json) {
    for (const gap of report.losses) output.json({ v: JSON_VERSION, kind: 'loss', ...gap })
    for (const mended of report.mended) output.json({ v: JSON_VERSION, kind: 'mended', ...mended })
    const { losses, mended, ...rest } = report
    const counts = { losses: losses.length, mended: mended.length, lostMessages: lost }
    output.json({ v: JSON_VERSION, kind: 'summary', ...rest, ...counts })
  } else output.data(wordsOf(report, lost))
  return lost > 0 || report.endUnknown || report.stateLeftOut ? EXIT.rot : EXIT.fine
}

const STATE_LEFT_OUT: readonly string[] = [
  'The saved state is NOT in the copy: of a store the names of queues, the groups, and what they have finished. What led to it has retired from the log, so that a store cannot go on from this copy.',
  'If the log still opens, `qlog backup DIR --out NEWDIR` copies all of it, and `qlog scrub DIR --repair` mends single bits in it.',
]

function wordsOf(report: SalvageReport, lost: number): string {
  const lines: string[] = []
  for (const { file, offset, bytes, firstId, endId, why } of report.losses) {
    const place = bytes > 0 ? ` at ${offset}, ${plural(bytes, 'byte')}` : ''
    // Only the end of a log is lost without a byte or an id that tells of it.
    const isEnd = bytes === 0 && report.endUnknown !== undefined
    const none = isEnd ? 'messages lost, nobody knows how many' : 'no message lost'
    const what = endId > firstId ? `${idRange(firstId, endId)} lost` : none
    lines.push(oneLine(`lost    ${file}${place}: ${what}: ${why}`))
  }
  for (const { file, byteOffset, bit, firstId, endId } of report.mended) {
    const what = endId > firstId ? `${idRange(firstId, endId)} saved` : 'no message stood there'
    lines.push(oneLine(`mended  ${file}: bit ${bit} of byte ${byteOffset} flipped back, ${what}`))
  }
  const { messages, segments, target, nextId } = report
  lines.push(
    oneLine(
      `${plural(messages, 'message')} in ${plural(segments, 'segment')} saved to ${target}; the next id is ${nextId}.`,
    ),
  )
  if (report.endUnknown) {
    const words = 'how many messages stood there is not known, and their ids are given again'
    lines.push(oneLine(`The end of the log is not known: ${report.endUnknown}; ${words}.`))
  }
  if (lost > 0) lines.push(`${plural(lost, 'message')} lost.`)
  else if (!report.endUnknown) lines.push('No message is lost.')
  if (report.stateLeftOut) lines.push(...STATE_LEFT_OUT)
  if (report.owner.live) lines.push(ownerWords(report.owner))
  return `${lines.join('\n')}\n`
}

function ownerWords({ pid, host }: SalvageReport['owner']): string {
  const who = pid === undefined ? 'a process' : `process ${pid} on ${host ?? '?'}`
  return oneLine(
    `Nothing tells whether ${who} still writes the log: if it does, stop it and recover again, as the copy may be of no one moment.`,
  )
}

async function recoverInPlace(
  context: CommandContext,
  directory: string,
  options: RecoverOptions,
): Promise<ExitCode> {
  const { output } = context
  const signal = context.interruption()
  const report = await verify(directory, { signal, onProgress: progressOf(output, 'verified') })
  output.progress(undefined)
  for (const finding of report.findings) {
    if (options.json) output.json({ v: JSON_VERSION, kind: 'finding', ...finding })
    else output.data(findingLine(finding, output.styles))
  }
  if (options.yes) {
    const log = await context.openLog(directory, { onDamage: 'quarantine', signal })
    await log.close()
  }
  if (options.json) {
    const { findings, ...rest } = report
    const done = options.yes === true
    output.json({ v: JSON_VERSION, kind: 'summary', ...rest, findings: findings.length, done })
  } else output.data(wordsInPlace(report, options.yes === true))
  if (!options.yes) return exitOf(report.verdict)
  const isUncounted = report.findings.some(({ uncounted }) => uncounted)
  return report.lostMessages > 0 || isUncounted ? EXIT.rot : EXIT.fine
}

function wordsInPlace(report: VerifyReport, done: boolean): string {
  const { verdict, lostMessages, findings } = report
  const mendable = findings.reduce((sum, { mendable: count = 0 }) => sum + count, 0)
  const lines: string[] = []
  if (mendable > 0) {
    lines.push(
      `${plural(mendable, 'block')} above could be saved by flipping one bit each, but not in place: ` +
        'existing segments are never rewritten. `qlog recover DIR --out NEWDIR` saves them.',
    )
  }
  if (verdict === 'fine') lines.push('Nothing is damaged.')
  else if (verdict === 'torn-tail') {
    lines.push(`${done ? 'The log now ends' : 'The log would end'} in front of the torn bytes.`)
  } else {
    const isUncounted = findings.some(({ uncounted }) => uncounted)
    const none = isUncounted ? 'messages' : 'no message'
    const what = lostMessages === 0 ? none : plural(lostMessages, 'message')
    const more = isUncounted ? ', and nobody knows how many' : ''
    lines.push(
      `${done ? 'The log opens' : 'The log would open'} without the damage above: ${what} lost${more}.`,
    )
    lines.push(
      '`qlog verify` goes on naming it where it stands; only a copy (--out) is free of it.',
    )
  }
  if (!done) lines.push('Nothing was changed. Add --yes to do it.')
  return `${lines.join('\n')}\n`
}
