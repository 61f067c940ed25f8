/** What the commands on a store share: opening it wherever it is, and how its rows are shown. */
import type { AccessOptions, OwnerName, StoreAccess, TakenMessage } from '../server/index.ts'
import type { CommandContext } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { oneLine } from './output.ts'

export const DIR_WORDS = 'directory of the store, which another process may hold'
/** The longest time that a command can be told: a hundred years. */
export const SECONDS_MAX = 3_155_760_000

/** Runs with the store, and closes it whatever happens; what went wrong first is what is told. */
export async function withStore(
  context: CommandContext,
  directory: string,
  options: Omit<AccessOptions, 'onWait' | 'signal'>,
  run: (store: StoreAccess, signal: AbortSignal) => Promise<ExitCode>,
): Promise<ExitCode> {
  const signal = context.interruption()
  const onWait = ({ pid, host }: OwnerName): void => {
    context.output.words(
      `waiting for process ${pid} on ${oneLine(host)}, which holds the store ...`,
    )
  }
  const store = await context.openStore(directory, { ...options, onWait, signal })
  let exitCode: ExitCode
  try {
    exitCode = await run(store, signal)
    await context.output.flush()
  } catch (error) {
    await store.close().catch(() => undefined)
    throw error
  }
  await store.close()
  return signal.aborted ? EXIT.interrupted : exitCode
}

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A body as JSON can hold it. */
export function bodyFields(
  body: Uint8Array,
): { readonly body: string } | { readonly bodyBase64: string } {
  try {
    return { body: DECODER.decode(body) }
  } catch {
    // Not UTF-8: a string could not give these bytes back.
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    return { bodyBase64: bytes.toString('base64') }
  }
}

/** A message as `take` and `peek` print it with --json: what `read` prints, and what the store knows. */
export function messageJson(
  message: Omit<TakenMessage, 'lease'> & { readonly state?: string },
  body: Uint8Array,
): Record<string, unknown> {
  const { id, putMs, queue, group, offset, priority, attempts, key, headers, state } = message
  return {
    id,
    time: new Date(putMs).toISOString(),
    ...bodyFields(body),
    queue,
    group,
    offset,
    priority,
    attempts,
    ...(state !== undefined && { state }),
    ...(key !== undefined && { key }),
    ...(Object.keys(headers).length > 0 && { headers }),
  }
}

/** 1500 -> '1.5 s', 90000 -> '1.5 min', up to days; 0 is '0 s'. */
export function formatSpan(milliseconds: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
  ] as const
  for (const [unitMs, name] of units) {
    if (milliseconds >= unitMs) return `${tenths(milliseconds / unitMs)} ${name}`
  }
  return `${tenths(milliseconds / 1000)} s`
}

function tenths(value: number): string {
  return String(Math.round(value * 10) / 10)
}
