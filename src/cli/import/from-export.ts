/** `qlog import` of what `qlog export` printed, which becomes queues again. */
import { QlogTypeError } from '../../errors.ts'
import type { StoreAccess } from '../../server/index.ts'
import type { CommandContext } from '../context.ts'
import type { ExitCode } from '../exit-codes.ts'
import { EXIT } from '../exit-codes.ts'
import { EXPORT_VERSION } from '../export.ts'
import { chunksUntil, type InputStream, openInput } from '../input.ts'
import { MessageSplitter } from '../message-splitter.ts'
import { withStore } from '../store-words.ts'
import { formatBytes, plural } from '../text.ts'
import { UsageError } from '../usage-error.ts'
import { Importer } from './importer.ts'

/** A body of the largest size as text that JSON has to escape. */
const LINE_BYTES_MAX = 128 * 1024 * 1024
const REMEDY = 'Import what `qlog export` printed, whole, into queues that are not there yet.'

export async function importExport(
  context: CommandContext,
  directory: string,
  file: string | undefined,
): Promise<ExitCode> {
  const input = await openInput(context, file)
  const signal = context.interruption()
  const lines = linesOf(input, signal)
  try {
    // What is no export makes no store.
    const first = await lines.next()
    if (!first.done) checkHead(first.value)
    else if (!signal.aborted) throw cutOff(0)
    return await withStore(context, directory, { create: true }, (store) =>
      importLines(context, store, lines, signal),
    )
  } finally {
    await lines.return()
  }
}

async function importLines(
  context: CommandContext,
  store: StoreAccess,
  lines: AsyncIterable<Line>,
  signal: AbortSignal,
): Promise<ExitCode> {
  const existing = new Set<string>()
  await store.call('queues', {}, { onItem: ({ queue }) => void existing.add(queue) })
  const importer = new Importer(store, existing)
  try {
    const end = await takeLines(importer, lines)
    if (!end.isEnded && !signal.aborted) throw cutOff(end.number)
  } finally {
    const { messages, queues } = importer
    context.output.words(`imported ${plural(messages, 'message')} into ${plural(queues, 'queue')}`)
  }
  return EXIT.fine
}

/** Those behind the head; says which one is wrong. */
async function takeLines(
  importer: Importer,
  lines: AsyncIterable<Line>,
): Promise<{ readonly isEnded: boolean; readonly number: number }> {
  let isEnded = false
  let number = 1
  for await (const { number: at, fields } of lines) {
    number = at
    if (isEnded) throw wrong(number, 'stands behind the end')
    if (fields['kind'] === 'end') {
      await refusing(`what stands in front of line ${at} of the input`, importer.finish())
      isEnded = true
      if (fields['messages'] === importer.messages) continue
      throw wrong(number, `counts ${String(fields['messages'])} messages, there were others`)
    }
    await refusing(`line ${at} of the input`, importer.take(fields))
  }
  return { isEnded, number }
}

async function refusing(what: string, taken: Promise<void>): Promise<void> {
  try {
    await taken
  } catch (error) {
    if (!(error instanceof QlogTypeError)) throw error
    throw new UsageError(`${what} is refused: ${error.message}`, REMEDY)
  }
}

/** A line of an export, counted from 1. */
interface Line {
  readonly number: number
  readonly fields: Readonly<Record<string, unknown>>
}

async function* linesOf(
  input: InputStream,
  signal: AbortSignal,
): AsyncGenerator<Line, void, undefined> {
  const splitter = new MessageSplitter(0x0a, LINE_BYTES_MAX)
  let number = 0
  for await (const chunk of chunksUntil(input, signal)) {
    for (const bytes of splitter.push(chunk)) {
      number += 1
      yield { number, fields: fieldsOf(bytes, number) }
    }
    if (splitter.overflowed) {
      throw wrong(number + 1, `is longer than ${formatBytes(LINE_BYTES_MAX)}`)
    }
  }
  const last = signal.aborted ? undefined : splitter.end()
  if (last !== undefined) yield { number: number + 1, fields: fieldsOf(last, number + 1) }
}

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function fieldsOf(bytes: Uint8Array, number: number): Readonly<Record<string, unknown>> {
  let line: unknown
  try {
    line = JSON.parse(DECODER.decode(bytes))
  } catch {
    throw wrong(number, 'is no JSON')
  }
  if (typeof line === 'object' && line !== null) return line as Record<string, unknown>
  throw wrong(number, 'is no JSON object')
}

function checkHead({ number, fields }: Line): void {
  if (fields['qlog'] !== 'export') throw wrong(number, 'does not begin an export of qlog')
  if (fields['version'] === EXPORT_VERSION) return
  throw wrong(number, `is of version ${String(fields['version'])}, this is ${EXPORT_VERSION}`)
}

function wrong(number: number, why: string): UsageError {
  return new UsageError(`line ${number} of the input ${why}`, REMEDY)
}

function cutOff(number: number): UsageError {
  const why = number === 0 ? 'is empty' : `has no end behind line ${number}`
  const rest = number === 0 ? '' : ', and its last queue is not whole'
  return new UsageError(`the export is cut off: it ${why}${rest}`, REMEDY)
}
