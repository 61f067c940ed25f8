/** `qlog verify`: is every byte what was written, and is every file there? Changes nothing. */
import type { Command } from 'commander'
import type { FileReport, Finding, VerifyReport } from '../inspect/index.ts'
import { verify, verifySegment } from '../inspect/index.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { isDirectory } from './inspect-paths.ts'
import { exitOf, findingLine, JSON_VERSION, progressOf, queueShares } from './inspect-words.ts'
import type { Output } from './output.ts'
import { oneLine } from './output.ts'
import { formatBytes, formatCount, plural } from './text.ts'

export function registerVerify(program: Command, context: CommandContext): void {
  program
    .command('verify')
    .summary('check every block and file')
    .description(
      'Reads every block of every segment and says what is damaged, which messages of which queues that costs, and what follows. Needs no lock, changes nothing, works on a live log. Exit code 3 for rot, 4 for a torn tail and nothing else.',
    )
    .argument('<DIR|FILE>', 'directory of the log, or one of its segments alone')
    .option('--json', 'one JSON line a finding, then one with the summary')
    .addHelpText(
      'before',
      examples(
        ['qlog verify ./log', 'one line a problem, then a summary'],
        ['qlog verify ./log --json | jq -c "select(.kind == \\"finding\\")"', 'for a script'],
      ),
    )
    .action(
      action(context, (path: string, options: { readonly json?: true }) =>
        runVerify(context, path, options.json === true),
      ),
    )
}

async function runVerify(context: CommandContext, path: string, json: boolean): Promise<ExitCode> {
  const { output } = context
  const options = { signal: context.interruption(), onProgress: progressOf(output, 'verified') }
  if (await isDirectory(path)) {
    const report = await verify(path, options)
    output.progress(undefined)
    printFindings(output, report, json)
    if (json) output.json(summaryOf(report))
    else output.data(wordsOfLog(report, output))
    return exitOf(report.verdict)
  }
  const report = await verifySegment(path, options)
  output.progress(undefined)
  printFindings(output, report, json)
  if (json) output.json(summaryOf(report))
  else output.data(wordsOfFile(report, output))
  return exitOf(report.verdict)
}

function printFindings(output: Output, report: VerifyReport | FileReport, json: boolean): void {
  for (const finding of report.findings) {
    if (json) output.json({ v: JSON_VERSION, kind: 'finding', ...finding })
    else output.data(findingLine(finding, output.styles))
  }
}

function summaryOf(report: VerifyReport | FileReport): Record<string, unknown> {
  const { findings, ...rest } = report
  return { v: JSON_VERSION, kind: 'summary', ...rest, findings: findings.length }
}

function wordsOfLog(report: VerifyReport, output: Output): string {
  const { segments, blocks, bytes, firstId, nextId, lostMessages, owner, closed } = report
  const { lostQueues } = report
  const lines: string[] = []
  const messages = nextId > firstId ? `ids ${firstId} to ${nextId - 1}` : 'no message'
  lines.push(
    `${plural(segments, 'segment')}, ${plural(blocks, 'valid block')}, ${formatBytes(bytes)}, ${messages}`,
  )
  if (owner.live) {
    const who =
      owner.pid === undefined ? 'a writer' : `process ${owner.pid} on ${owner.host ?? '?'}`
    const sure = owner.state === 'alive' ? `${who} is writing it` : `${who} may be writing it`
    lines.push(`${oneLine(sure)}: what it has not confirmed yet was left out`)
  } else if (!closed && report.verdict === 'fine') {
    lines.push('It was not closed in order, and nothing is torn: that is no damage.')
  }
  lines.push(verdictWords(report.verdict, lostMessages, output, report.findings))
  if (lostQueues !== undefined) {
    lines.push(
      lostQueues.length === 0
        ? 'The state of the queues knows none of them that was still to be finished.'
        : `Still to be finished, as far as the state of the queues knows: ${queueShares(lostQueues)}.`,
    )
  }
  return `${lines.join('\n')}\n`
}

function wordsOfFile(report: FileReport, output: Output): string {
  const { blocks, bytes, durable, end, firstId, nextId } = report
  const messages = nextId > firstId ? `ids ${firstId} to ${nextId - 1}` : 'no message'
  const lines = [
    `${plural(blocks, 'valid block')}, ${formatBytes(bytes)}, ${messages}, durable below ${formatCount(durable)}, ends at ${formatCount(end)}`,
    'One file alone: whether the log still names it, and where it was cut, only `qlog verify DIR` can tell.',
    verdictWords(report.verdict, undefined, output),
  ]
  return `${lines.join('\n')}\n`
}

function verdictWords(
  verdict: 'fine' | 'torn-tail' | 'rot',
  lostMessages: number | undefined,
  output: Output,
  findings: readonly Finding[] = [],
): string {
  const { green, yellow, red } = output.styles
  if (verdict === 'fine') return green('Fine.')
  if (verdict === 'torn-tail') {
    return yellow('Torn tail only, as after any crash: nothing proven acknowledged is lost.')
  }
  if (lostMessages === undefined) return red('Rot: bytes that were durable have changed.')
  const isUncounted = findings.some(({ uncounted }) => uncounted === true)
  if (lostMessages === 0) {
    const words = isUncounted
      ? 'messages are lost, and nobody knows how many'
      : 'bytes have changed, but no message is lost'
    return red(`Rot: ${words}.`)
  }
  const count = plural(lostMessages, 'acknowledged message')
  const more = isUncounted ? ', and nobody knows how many more' : ''
  if (!findings.some(({ unopened }) => unopened)) return red(`Rot: ${count} lost${more}.`)
  const words =
    'not read by any opening; `qlog recover DIR --out NEWDIR` saves what is there of them'
  return red(`Rot: ${count}${more} ${words}.`)
}
