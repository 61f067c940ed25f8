/** Writes the index files: temporary file, flush, rename, flush of the directory. */
import { encodeIndexEnd, encodeIndexHead, type IndexHead } from '../format/index-file.ts'
import { encodeSnapshotPart, snapshotPartHeadBytes } from '../format/snapshot.ts'
import type { System } from '../system/system.ts'
import { DirectoryNames } from './directory-names.ts'
import type { Lsn } from './seam.ts'
import { writeWhole } from './segment-file.ts'
import type { IndexPlace } from './snapshot/saved-state.ts'
import type { IndexName } from './survey.ts'
import { removeQuietly, unlinkIfThere } from './tidy.ts'

/** A part that is to be written: its bytes are asked for when it is its turn. */
export interface IndexedPart {
  readonly name: string
  readonly at: Lsn
  readonly byteLength: number
  read(): Promise<Uint8Array>
}

export function otherIndex(name: IndexName | undefined): IndexName {
  return name === 'index.a' ? 'index.b' : 'index.a'
}

/** Writes part after part, so that no more than one is in memory; returns where each stands. */
export async function writeIndexFile(
  system: System,
  directory: string,
  name: IndexName,
  head: IndexHead,
  parts: readonly IndexedPart[],
  names = new DirectoryNames(system, directory),
): Promise<ReadonlyMap<string, IndexPlace>> {
  const { files, crc32 } = system
  const temporary = `${directory}/${name}.tmp`
  await unlinkIfThere(system, temporary)
  const places = new Map<string, IndexPlace>()
  const partsBytes = parts.reduce((sum, one) => sum + encodedBytes(one), 0)
  const handle = await files.open(temporary, { mode: 'create' })
  try {
    let at = 0
    let crc = 0
    const write = async (piece: Uint8Array): Promise<void> => {
      crc = crc32(piece, crc)
      await writeWhole(handle, piece, at)
      at += piece.length
    }
    await write(encodeIndexHead(head, parts.length, partsBytes))
    for (const part of parts) {
      const bytes = await part.read()
      if (bytes.length !== part.byteLength) throw new Error(`the part ${part.name} has changed`)
      const offset = at + snapshotPartHeadBytes(part.name)
      places.set(part.name, { name, offset, crc: crc32(bytes, 0) })
      await write(encodeSnapshotPart({ lsn: part.at, name: part.name, bytes }))
    }
    await write(encodeIndexEnd(crc))
    await handle.flush()
  } catch (error) {
    await handle.close().catch(() => undefined)
    // On a full disk what is left of it would stand in the way of what goes on.
    await removeQuietly(system, temporary)
    throw error
  }
  await handle.close()
  await files.rename(temporary, `${directory}/${name}`)
  await names.flush()
  return places
}

function encodedBytes({ name, byteLength }: IndexedPart): number {
  return snapshotPartHeadBytes(name) + byteLength
}
