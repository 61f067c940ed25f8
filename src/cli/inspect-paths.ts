/** Tells a log's directory from one of its files, for commands that take either. Reads only. */
import { stat } from 'node:fs/promises'
import { QlogError, systemErrorCode } from '../errors.ts'

export async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new QlogError('QLOG_NOT_A_LOG', `${path} does not exist`, { cause: error })
    }
    throw new QlogError('QLOG_IO', `cannot look at ${path} (${code})`, { cause: error })
  }
}
