/** The owner's state in memory: parts are gathered as they come, and count only when all are there. */
import { QlogError } from '../../errors.ts'
import { copyOf } from '../../format/bytes.ts'
import { tooLarge } from '../batch-sizes.ts'
import type { Lsn, PartToSave, SavedPart, Snapshot } from '../seam.ts'
import type { KeptPart } from './medium.ts'

/** Rejects with QLOG_TOO_LARGE, QLOG_INVALID_ARGUMENT, or what `parts` throws: nothing is saved then. */
export async function collectParts(
  parts: AsyncIterable<PartToSave>,
  last: ReadonlyMap<string, KeptPart> | undefined,
  partBytesMax: number,
  durableLsn: () => Lsn,
): Promise<ReadonlyMap<string, KeptPart>> {
  const saved = new Map<string, KeptPart>()
  for await (const [name, at, bytes] of parts) {
    if (saved.has(name)) throw invalid(`the part "${name}" comes twice`)
    if (at > durableLsn()) {
      throw invalid(`the part "${name}" stands for ${at}, durable is ${durableLsn()}`)
    }
    if (bytes === 'unchanged') {
      const kept = last?.get(name)
      if (!kept) throw invalid(`the last snapshot has no part "${name}"`)
      saved.set(name, { at, bytes: kept.bytes })
      continue
    }
    if (bytes.length > partBytesMax)
      throw tooLarge(`the part "${name}"`, bytes.length, partBytesMax)
    saved.set(name, { at, bytes: copyOf(bytes) })
  }
  if (saved.size === 0) throw invalid('a state has one part at least')
  return saved
}

export function snapshotOf(kept: ReadonlyMap<string, KeptPart>): Snapshot {
  const parts = new Map<string, SavedPart>()
  for (const [name, { at, bytes }] of kept) {
    // A copy for each reader: what is kept must stay what it is.
    parts.set(name, { at, read: async () => copyOf(bytes) })
  }
  return { parts }
}

function invalid(message: string): QlogError {
  return new QlogError('QLOG_INVALID_ARGUMENT', message)
}
