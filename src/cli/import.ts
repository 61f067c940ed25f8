/** `qlog import`: what `qlog export` printed becomes queues again. */
import type { Command } from 'commander'
import { QlogTypeError } from '../errors.ts'
import type { StoreAccess } from '../server/index.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { EXPORT_VERSION } from './export.ts'
import { Importer } from './importer.ts'
import { chunksUntil, openInput } from './input.ts'
import { MessageSplitter } from './message-splitter.ts'
import { DIR_WORDS, withStore } from './store-words.ts'
import { formatBytes, plural } from './text.ts'

/** A body of the largest size as text that JSON has to escape. */
const LINE_BYTES_MAX = 128 * 1024 * 1024

export function registerImport(program: Command, context: CommandContext): void {
  program
    .command('import')
    .summary('make queues of what export printed')
    .description(
      'Puts every message of an export with all that belongs to it, in order, then makes its groups and brings messages to where they stood for them. Ids, offsets and times of putting are new; attempts begin anew, and what was leased is ready. Into queues that are not there yet.',
    )
    .argument('<DIR>', `${DIR_WORDS}; made where it is missing`)
    .option('--input <FILE>', 'read this file instead of stdin ("-" is stdin)')
    .addHelpText(
      'before',
      examples(
        ['qlog import ./other --input data.ndjson', 'what `qlog export` printed'],
        ['qlog export ./data | qlog import ./other', 'from store to store'],
      ),
    )
    .action(
      action(context, (directory: string, options: { readonly input?: string }) =>
        runImport(context, directory, options.input),
      ),
    )
}

async function runImport(
  context: CommandContext,
  directory: string,
  file: string | undefined,
): Promise<ExitCode> {
  const input = await openInput(context, file)
  return withStore(context, directory, { create: true }, async (store, signal) => {
    const existing = new Set<string>()
    await store.call('queues', {}, { onItem: ({ queue }) => void existing.add(queue) })
    const lines = new Lines(store, existing)
    try {
      const splitter = new MessageSplitter(0x0a, LINE_BYTES_MAX)
      for await (const chunk of chunksUntil(input, signal)) {
        for (const line of splitter.push(chunk)) await lines.take(line)
        if (splitter.overflowed) throw lines.wrong(`is longer than ${formatBytes(LINE_BYTES_MAX)}`)
      }
      const last = signal.aborted ? undefined : splitter.end()
      if (last !== undefined) await lines.take(last)
      if (!signal.aborted) lines.assertWhole()
    } finally {
      const { messages, queues } = lines.importer
      context.output.words(
        `imported ${plural(messages, 'message')} into ${plural(queues, 'queue')}`,
      )
    }
    return EXIT.fine
  })
}

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Lines of an export, one after the other; says which one is wrong. */
class Lines {
  readonly importer: Importer
  #number = 0
  #isEnded = false

  constructor(store: StoreAccess, existing: ReadonlySet<string>) {
    this.importer = new Importer(store, existing)
  }

  async take(bytes: Uint8Array): Promise<void> {
    this.#number += 1
    const line = this.#parse(bytes)
    if (this.#isEnded) throw this.wrong('stands behind the end')
    if (this.#number === 1) {
      if (line['qlog'] !== 'export') throw this.wrong('does not begin an export of qlog')
      if (line['version'] === EXPORT_VERSION) return
      throw this.wrong(`is of version ${String(line['version'])}, this is ${EXPORT_VERSION}`)
    }
    if (line['kind'] === 'end') {
      await this.importer.finish()
      this.#isEnded = true
      if (line['messages'] === this.importer.messages) return
      throw this.wrong(`counts ${String(line['messages'])} messages, there were others`)
    }
    try {
      await this.importer.take(line)
    } catch (error) {
      if (error instanceof QlogTypeError) throw this.wrong(`is refused: ${error.message}`)
      throw error
    }
  }

  assertWhole(): void {
    if (this.#isEnded) return
    throw new QlogTypeError(
      `the export is cut off: it has no end behind line ${this.#number}, and its last queue is not whole`,
    )
  }

  wrong(why: string): QlogTypeError {
    return new QlogTypeError(`line ${this.#number} of the input ${why}`)
  }

  #parse(bytes: Uint8Array): Record<string, unknown> {
    let line: unknown
    try {
      line = JSON.parse(DECODER.decode(bytes))
    } catch {
      throw this.wrong('is no JSON')
    }
    if (typeof line === 'object' && line !== null) return line as Record<string, unknown>
    throw this.wrong('is no JSON object')
  }
}
