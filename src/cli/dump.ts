/** `qlog dump`: every block and record, and every stretch that is none. Changes nothing. */
import type { Command } from 'commander'
import type { DumpBlock, DumpItem, DumpRecord, DumpSegment } from '../inspect/index.ts'
import { dump, dumpSegment } from '../inspect/index.ts'
import { wholeNumber } from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { isDirectory } from './inspect-paths.ts'
import { JSON_VERSION } from './inspect-words.ts'
import { oneLine } from './output.ts'
import { escapeControl, plural } from './text.ts'

interface DumpCommandOptions {
  readonly json?: true
  readonly from?: number
  readonly bodies?: true
}

export function registerDump(program: Command, context: CommandContext): void {
  program
    .command('dump')
    .summary('every block and record')
    .description(
      'Prints every block and record of a log or of one segment, and the bytes that are none where they stand, with the reason. Works on a live log. It judges nothing: `qlog verify` does.',
    )
    .argument('<DIR|FILE>', 'directory of the log, or one of its segments')
    .option('--json', 'one JSON line an item')
    .option('--from <OFFSET>', 'first byte to show, in every file', wholeNumber(0, 2 ** 32))
    .option('--bodies', 'show what the records hold')
    .addHelpText(
      'before',
      examples(
        ['qlog dump ./log | less', 'everything, without what the messages say'],
        ['qlog dump ./log --json | jq -c "select(.kind == \\"invalid\\")"', 'what is no block'],
        [
          'qlog dump ./log/00000000000000000007-00.qls --from 8192 --bodies',
          'one file, from a byte on',
        ],
      ),
    )
    .action(
      action(context, (path: string, options: DumpCommandOptions) =>
        runDump(context, path, options),
      ),
    )
}

async function runDump(
  context: CommandContext,
  path: string,
  options: DumpCommandOptions,
): Promise<ExitCode> {
  const { output } = context
  const { from, bodies } = options
  const how = {
    signal: context.interruption(),
    bodies: bodies === true,
    ...(from !== undefined && { from }),
  }
  const items = (await isDirectory(path)) ? dump(path, how) : dumpSegment(path, how)
  for await (const item of items) {
    const isFull =
      options.json === true ? output.json(jsonOf(item)) : output.data(`${lineOf(item)}\n`)
    if (isFull) await output.flush()
  }
  return EXIT.fine
}

function jsonOf(item: DumpItem): Record<string, unknown> {
  if (item.kind !== 'record' || item.body === undefined) return { v: JSON_VERSION, ...item }
  const { body, ...rest } = item
  return { v: JSON_VERSION, ...rest, ...bodyFields(body) }
}

function bodyFields(body: Uint8Array): { readonly body: string } | { readonly bodyBase64: string } {
  const text = textOf(body)
  if (text !== undefined) return { body: text }
  return { bodyBase64: base64Of(body) }
}

function lineOf(item: DumpItem): string {
  switch (item.kind) {
    case 'segment':
      return segmentLine(item)
    case 'block':
      return blockLine(item)
    case 'record':
      return recordLine(item)
    case 'invalid': {
      const what = item.zero ? 'unwritten' : 'INVALID'
      return `${at(item.offset)}  ${what}, ${plural(item.bytes, 'byte')}: ${item.why}`
    }
  }
}

function segmentLine(item: DumpSegment): string {
  const { file, state, bytes, cut, firstId, endId, epoch, problem } = item
  const words = [
    ...(state === undefined ? [] : [String(state)]),
    ...(bytes === undefined ? [] : [plural(bytes, 'byte')]),
    ...(cut === undefined ? [] : [`cut at ${cut}`]),
    ...(firstId === undefined || endId === undefined || endId <= firstId
      ? []
      : [`ids ${firstId} to ${endId - 1}`]),
    ...(epoch === undefined ? [] : [`epoch ${epoch}`]),
    ...(problem === undefined ? [] : [problem]),
  ]
  return `== ${oneLine(file)}: ${words.join(', ')}`
}

function blockLine(block: DumpBlock): string {
  const { offset, length, type, flags, durable, group, records, firstId, timeMs } = block
  const marks = flags.length > 0 ? ` ${flags.join('+')}` : ''
  const date = new Date(timeMs)
  const time = Number.isNaN(date.getTime()) ? String(timeMs) : date.toISOString()
  return `${at(offset)}  ${type}${marks}, ${plural(length, 'byte')}, D ${durable}, group ${group}, ${plural(records, 'record')}, first id ${firstId}, ${time}`
}

function recordLine(item: DumpRecord): string {
  const id = item.id === undefined ? '' : ` id ${item.id}`
  const origin =
    item.originEpoch === undefined ? '' : `, first written in epoch ${item.originEpoch}`
  const fields = item.fields === undefined ? '' : ` ${escapeControl(JSON.stringify(item.fields))}`
  const problem = item.problem === undefined ? '' : `: ${item.problem}`
  const body = item.body === undefined ? '' : ` ${bodyWords(item.body)}`
  return `              ${item.type}${id}, ${plural(item.bytes, 'byte')}${origin}${fields}${problem}${body}`
}

function bodyWords(body: Uint8Array): string {
  const text = textOf(body)
  return text === undefined ? `base64:${base64Of(body)}` : `"${escapeControl(text)}"`
}

function at(offset: number): string {
  return String(offset).padStart(12)
}

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(body: Uint8Array): string | undefined {
  try {
    return DECODER.decode(body)
  } catch {
    // Not UTF-8: a string could not give these bytes back.
    return undefined
  }
}

function base64Of(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64')
}
