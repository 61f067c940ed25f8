/** Where a command's messages come from: stdin or a file, chunk by chunk, until a signal. */
import { createReadStream } from 'node:fs'
import type { CommandContext } from './context.ts'
import { UsageError } from './usage-error.ts'

/** The log's own default limit for one message. */
export const MESSAGE_BYTES_MAX = 16 * 1024 * 1024

/** A stream that can be let go. */
export type InputStream = NodeJS.ReadableStream & { destroy(): unknown }

/** The file, or stdin where none is named. Rejects with a usage error where it cannot be read. */
export async function openInput(
  context: CommandContext,
  file: string | undefined,
): Promise<InputStream> {
  if (file === undefined || file === '-') {
    const stdin = context.input
    if (!('destroy' in stdin) || typeof stdin.destroy !== 'function') {
      throw new Error('stdin is not a stream that can be let go')
    }
    // Nothing happens until something is typed: that must not look like a command that hangs.
    if ('isTTY' in stdin && stdin.isTTY === true) {
      context.output.words('Reading from the terminal; Ctrl-D on a line of its own ends it.')
    }
    return stdin as InputStream
  }
  const stream = createReadStream(file)
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve())
    stream.once('error', (error) => {
      reject(
        new UsageError(`cannot read the input: ${error.message}`, 'Name a file that can be read.'),
      )
    })
  })
  return stream
}

/** The chunks of a stream; ends quietly when the signal asks, and lets go of the stream. */
export async function* chunksUntil(
  input: InputStream,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const stop = (): void => void input.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    if (signal.aborted) return
    for await (const chunk of input) {
      yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      if (signal.aborted) return
    }
  } catch (error) {
    // Destroying a stream under its reader is reported as an error; here it was wanted.
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', stop)
    input.destroy()
  }
}
