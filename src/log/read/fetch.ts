/**
 * Bodies by id, as many as are asked for: ids that follow each other are read together, and the file
 * that is open serves the next ones too. Reads only.
 */
import type { ReadOptions } from '../types.ts'
import { type MessageReader, throwIfAborted } from './message-reader.ts'

/** The bodies in the order of `ids`; undefined for those that are not there. Rejects on damage. */
export async function fetchBodies(
  open: (range: ReadOptions) => MessageReader,
  isThere: (id: number) => boolean,
  ids: ArrayLike<number>,
  signal: AbortSignal | undefined,
): Promise<readonly (Uint8Array | undefined)[]> {
  const bodies = new Array<Uint8Array | undefined>(ids.length).fill(undefined)
  const reader = open({ ...(signal && { signal }) })
  try {
    for (let row = 0; row < ids.length; ) {
      throwIfAborted(signal)
      const first = ids[row] ?? 0
      let end = row
      while (end < ids.length && ids[end] === first + end - row && isThere(first + end - row)) end++
      if (end > row) {
        await readRun(reader, first, row, end, bodies)
        row = end
      } else row++
    }
  } finally {
    await reader.close()
  }
  return bodies
}

/** Fills rows `row` to `end - 1`, whose ids follow each other from `first` on. */
async function readRun(
  reader: MessageReader,
  first: number,
  row: number,
  end: number,
  bodies: (Uint8Array | undefined)[],
): Promise<void> {
  reader.seek(first, first + end - row)
  for (;;) {
    const batch = await reader.nextBatch()
    if (!batch) return
    for (const { id, body } of batch) bodies[row + id - first] = body
  }
}
