/** A file that is open for as long as somebody works with it, and no longer. */
import type { FileHandle, System } from '../system/system.ts'

/** Runs `work` with the file open for reading. */
export async function withFile<T>(
  system: System,
  path: string,
  work: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  const handle = await system.files.open(path, { mode: 'read' })
  try {
    return await work(handle)
  } finally {
    await handle.close()
  }
}
