/**
 * A directory for a copy of a log: made beside its name, filled, and renamed once it is whole. Touches that
 * directory, nothing else.
 */
import { QlogError, systemErrorCode } from '../errors.ts'
import type { System } from '../system/system.ts'
import { splitPath } from './segment-source.ts'
import { asIoError } from './source.ts'

/** Without slashes at its end. */
export function trimmed(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path
}

/** An existing log is never written into. */
export async function requireFree(system: System, target: string): Promise<void> {
  let names: readonly string[]
  try {
    names = await system.files.list(target)
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return
    throw asIoError(error, `cannot read ${target}`)
  }
  if (names.length > 0) {
    throw new QlogError('QLOG_NOT_EMPTY', `${target} is not empty: name a new directory`)
  }
}

/** For the files on their way: it gets its name once they are whole. */
export async function makeNewDirectory(system: System, path: string): Promise<void> {
  try {
    await system.files.makeDirectory(path)
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') {
      const why = `${path} is left from an attempt that was cut off: remove it first`
      throw new QlogError('QLOG_INVALID_ARGUMENT', why, { cause: error })
    }
    throw asIoError(error, `cannot make ${path}`)
  }
}

/**
 * Makes the new name of `partial` durable. Where that fails the name is given back, and the files stay: a power
 * cut may still show either name, and below `target` there is a whole copy or nothing.
 */
export async function flushName(system: System, partial: string, target: string): Promise<void> {
  try {
    await system.files.flushDirectory(splitPath(target).directory)
  } catch (cause) {
    await system.files.rename(target, partial).catch(passOver)
    const what = `cannot make the name ${target} durable (${systemErrorCode(cause)})`
    throw new QlogError('QLOG_IO', `${what}: remove ${partial} and try again`, { cause })
  }
}

/** Takes back what was made, as far as that goes. */
export async function removeUnfinished(system: System, partial: string): Promise<void> {
  try {
    for (const name of await system.files.list(partial)) {
      await system.files.unlink(`${partial}/${name}`)
    }
    await system.files.removeDirectory(partial)
  } catch (error) {
    passOver(error)
  }
}

/** The first error is what counts; the next attempt names what is left. */
function passOver(error: unknown): void {
  if (systemErrorCode(error) === '') throw error
}
