/**
 * Files of a log's directory that hold no messages and take space all the same: spares, which wait to
 * become segments, and the reserve for a full disk. Reads only.
 */
import { systemErrorCode } from '../errors.ts'
import { listDirectory } from '../log/survey.ts'
import type { System } from '../system/system.ts'

export interface SpaceFile {
  readonly file: string
  /** `spare`: of a retired segment, to be used again. `reserve`: kept for the case of a full disk. */
  readonly kind: 'spare' | 'reserve'
  readonly bytes: number
}

const NAMED = /^(spare|reserve)-[0-9a-f]{16}$/

/** Lists them by name. Rejects with QLOG_NOT_A_LOG where there is no directory, QLOG_IO. */
export async function listSpaceFiles(
  system: System,
  directory: string,
): Promise<readonly SpaceFile[]> {
  const found: SpaceFile[] = []
  for (const file of (await listDirectory(system, directory)).sort()) {
    const prefix = NAMED.exec(file)?.[1]
    if (prefix === undefined) continue
    const bytes = await sizeOf(system, `${directory}/${file}`)
    if (bytes === undefined) continue
    found.push({ file, kind: prefix === 'spare' ? 'spare' : 'reserve', bytes })
  }
  return found
}

/** Undefined where the writer took the file meanwhile. */
async function sizeOf(system: System, path: string): Promise<number | undefined> {
  try {
    return (await system.files.stat(path)).size
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
