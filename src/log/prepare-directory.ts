/**
 * The directory that a log is opened in: made where it is missing, durably and with those above it, and
 * refused where other files show that it is no log's. Touches directories alone.
 */
import { QlogError, systemErrorCode } from '../errors.ts'
import { parseSegmentFileName } from '../format/layout.ts'
import type { System } from '../system/system.ts'
import { ioError } from './io-errors.ts'
import { listDirectory } from './survey.ts'

/** Missing is made, empty and known are taken, anything else is refused before a byte is written. */
export async function prepareDirectory(system: System, directory: string): Promise<void> {
  let names: string[]
  try {
    names = await listDirectory(system, directory)
  } catch (error) {
    if (!(error instanceof QlogError) || systemErrorCode(error.cause) !== 'ENOENT') throw error
    const made = await makeDirectories(system, directory)
    try {
      await flushAncestors(system, directory)
    } catch (flushError) {
      // After a failed flush a second one may succeed without the names: they have to be made anew.
      for (const path of made.reverse()) {
        await system.files.removeDirectory(path).catch(() => undefined)
      }
      throw flushError
    }
    return
  }
  const hasSegment = names.some((name) => parseSegmentFileName(name) !== undefined)
  const isLog = hasSegment || names.includes('LOCK')
  const foreign = names.filter((name) => !isOurs(name))
  if (!isLog && foreign.length > 0) {
    throw new QlogError(
      'QLOG_NOT_A_LOG',
      `${directory} holds other files (${foreign.sort().slice(0, 3).join(', ')}) and no log`,
    )
  }
  if (!hasSegment) await flushAncestors(system, directory)
}

function isOurs(name: string): boolean {
  return (
    name.startsWith('.') ||
    name === 'lost+found' ||
    name === 'quarantine' ||
    /^(LOCK.*|lock-.*|index\.[ab]|.*\.tmp|spare-.*|reserve-.*|pin-.*)$/.test(name) ||
    parseSegmentFileName(name) !== undefined
  )
}

/** Makes the directory and those above it that are missing; returns what it made, outermost first. */
async function makeDirectories(
  system: System,
  directory: string,
  hasParent = false,
): Promise<string[]> {
  const parent = directory.slice(0, Math.max(0, directory.lastIndexOf('/')))
  try {
    await system.files.makeDirectory(directory)
    return [directory]
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'EEXIST') return []
    // Made a moment ago, and not there: a link that leads nowhere, or no place for directories.
    if (code !== 'ENOENT' || parent === '' || hasParent) {
      throw ioError(`make the directory ${directory}`, error)
    }
    const made = await makeDirectories(system, parent)
    return [...made, ...(await makeDirectories(system, directory, true))]
  }
}

/**
 * Makes the way to the directory durable, by every opening until there is a segment: an earlier one
 * may have made directories and died, or failed, before it flushed those above them.
 */
async function flushAncestors(system: System, directory: string): Promise<void> {
  for (let path = directory; path !== '' && path !== '/' && path !== '.'; ) {
    const slash = path.lastIndexOf('/')
    path = slash > 0 ? path.slice(0, slash) : slash === 0 ? '/' : '.'
    try {
      await system.files.flushDirectory(path)
    } catch (error) {
      // A directory that may not even be opened was not made by this user.
      if (['EACCES', 'EPERM', 'EROFS'].includes(systemErrorCode(error))) continue
      throw ioError(`flush the directory ${path}`, error)
    }
  }
}
