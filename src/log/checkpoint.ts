/** Writes the index files in turn: temporary file, flush, rename, flush of the directory. */
import { encodeIndex, type IndexFile } from '../format/index-file.ts'
import type { System } from '../system/system.ts'
import { writeWhole } from './segment-file.ts'
import { removeQuietly, unlinkIfThere } from './tidy.ts'

export type IndexName = 'index.a' | 'index.b'

export function otherIndex(name: IndexName | undefined): IndexName {
  return name === 'index.a' ? 'index.b' : 'index.a'
}

export async function writeIndexFile(
  system: System,
  directory: string,
  name: IndexName,
  index: IndexFile,
): Promise<void> {
  const temporary = `${directory}/${name}.tmp`
  await unlinkIfThere(system, temporary)
  const handle = await system.files.open(temporary, { mode: 'create' })
  try {
    await writeWhole(handle, encodeIndex(index, system.crc32), 0)
    await handle.flush()
  } catch (error) {
    await handle.close()
    // On a full disk what is left of it would stand in the way of what goes on.
    await removeQuietly(system, temporary)
    throw error
  }
  await handle.close()
  await system.files.rename(temporary, `${directory}/${name}`)
  await system.files.flushDirectory(directory)
}
