/**
 * Taking the lock: who may put its file under the name LOCK. Nobody waits here and no clock is read.
 *
 * Rules. (1) LOCK is made by link(), which one opener wins. (2) LOCK that names a dead owner x is
 * replaced only by the opener whose link has the name LOCK-after-x; if that winner is dead too, only
 * by the one whose link has the name LOCK-after-<winner>, and so on: the chain. (3) Having won, it
 * looks again: LOCK and every link of the chain must be byte for byte what they were, otherwise it
 * removes its own link and begins again. (4) A link goes away only by its own maker, while that one
 * listens, or by an owner after LOCK has been renamed.
 *
 * Why one wins: let LOCK name x, and let A have looked again. All links of the chain stood after A
 * made its own, and their makers were dead before, so they do nothing any more. Only an owner could
 * remove a link, and to become one takes LOCK's replacement, which takes the chain's end: A's.
 */
import { systemErrorCode } from '../../errors.ts'
import { ioError, runAll } from '../io-errors.ts'
import { livenessOf } from './liveness.ts'
import {
  abortedError,
  isUnsupported,
  lockedError,
  unclearError,
  unsupportedError,
} from './lock-errors.ts'
import {
  afterPath,
  isSameLockFile,
  lockPath,
  type PresentLockFile,
  readLockFile,
  unlinkIfThere,
} from './lock-file.ts'
import type { Opener } from './opener.ts'
import { ownOpenings } from './own-openings.ts'

/** Every further round means that another opener got on; this many at once are not normal. */
export const ROUNDS_MAX = 64
/** Openers that died one after the other between winning a link and renaming LOCK. */
export const CHAIN_LINKS_MAX = 256

export interface TakeOptions {
  readonly breakLock: boolean
  readonly signal: AbortSignal | undefined
}

/** LOCK as it was found first, then who won the right to follow it, each dead. */
type Chain = readonly PresentLockFile[]

/** Puts the opener's file under the name LOCK, durably. Returns the ids of the dead it followed. */
export async function takeLock(opener: Opener, options: TakeOptions): Promise<string[]> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    checkSignal(options)
    const chain = await readChain(opener, options)
    if (chain === undefined) continue
    const taken =
      chain.length === 0
        ? await takeFresh(opener, options)
        : await takeAfter(opener, options, chain)
    if (taken) return chain.map((file) => file.id)
  }
  throw unclearError(lockPath(opener.directory), `it changed ${ROUNDS_MAX} times while looking`)
}

/** Reads LOCK and the links behind it; undefined where something moved meanwhile. */
async function readChain(opener: Opener, options: TakeOptions): Promise<Chain | undefined> {
  const chain: PresentLockFile[] = []
  let path = lockPath(opener.directory)
  while (chain.length <= CHAIN_LINKS_MAX) {
    const file = await readLockFile(opener.system, path)
    if (file.kind === 'missing') return chain
    if (chain.some((earlier) => earlier.id === file.id)) {
      throw unclearError(path, 'it names an owner that comes before itself')
    }
    if (!(await mayFollow(opener, options, path, file))) return undefined
    chain.push(file)
    path = afterPath(opener.directory, file.id)
  }
  throw unclearError(path, `more than ${CHAIN_LINKS_MAX} openers died while taking the lock`)
}

/** True: dead, or the user answers for it. False: it moved, look again. Throws where it lives. */
async function mayFollow(
  opener: Opener,
  options: TakeOptions,
  path: string,
  file: PresentLockFile,
): Promise<boolean> {
  const liveness = await livenessOf(opener.system, opener.directory, file)
  if (liveness.state === 'dead' || liveness.state === 'released') return true
  if (liveness.state === 'alive') {
    const { owner } = liveness
    throw lockedError(opener.directory, owner, ownOpenings(opener.system).has(owner.random))
  }
  // An owner that released, or an opener that gave up, removes its socket behind itself.
  const again = await readLockFile(opener.system, path)
  if (!isSameLockFile(again, file)) return false
  if (options.breakLock) return true
  throw unclearError(path, liveness.why, liveness.cause)
}

async function takeFresh(opener: Opener, options: TakeOptions): Promise<boolean> {
  opener.followsUnknown = true
  await opener.prepare(1)
  checkSignal(options)
  if (!(await linkOwn(opener, lockPath(opener.directory)))) return false
  await unlinkIfThere(opener.system, opener.temporaryPath)
  await flushDirectory(opener)
  return true
}

async function takeAfter(opener: Opener, options: TakeOptions, chain: Chain): Promise<boolean> {
  const { system, directory } = opener
  const last = chain.at(-1)
  if (last === undefined) throw new Error('a chain begins with LOCK')
  opener.followsUnknown = chain.some((file) => file.kind !== 'owner')
  await opener.prepare(1 + Math.max(...chain.map(epochOf)))
  checkSignal(options)
  const ownLink = afterPath(directory, last.id)
  if (!(await linkOwn(opener, ownLink))) return false
  try {
    if (!(await isUnchanged(opener, chain))) {
      await removeOwnLink(opener, ownLink)
      return false
    }
    checkSignal(options)
  } catch (error) {
    throw ioError('take the lock', error, await runAll([() => removeOwnLink(opener, ownLink)]))
  }
  // From here on nothing is undone: if a call fails, LOCK may name this opening either way, and
  // both ways its closed socket lets the next opener follow.
  try {
    await system.files.rename(opener.temporaryPath, lockPath(directory))
  } catch (error) {
    throw ioError(`rename ${opener.temporaryPath} to LOCK`, error)
  }
  await flushDirectory(opener)
  for (const file of chain) await unlinkIfThere(system, afterPath(directory, file.id))
  return true
}

/** False where the name is taken. The link is this opening's own inode under a second name. */
async function linkOwn(opener: Opener, path: string): Promise<boolean> {
  const wasNamed = opener.mayBeNamed
  opener.mayBeNamed = true
  try {
    await opener.system.files.link(opener.temporaryPath, path)
    return true
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') {
      opener.mayBeNamed = wasNamed
      return false
    }
    const action = `link ${opener.temporaryPath} to ${path}`
    throw isUnsupported(error) ? unsupportedError(action, error) : ioError(action, error)
  }
}

async function removeOwnLink(opener: Opener, path: string): Promise<void> {
  await unlinkIfThere(opener.system, path)
  opener.mayBeNamed = false
}

/** The look again, from LOCK to the last link in front of this opening's own. */
async function isUnchanged(opener: Opener, chain: Chain): Promise<boolean> {
  let path = lockPath(opener.directory)
  for (const file of chain) {
    if (!isSameLockFile(await readLockFile(opener.system, path), file)) return false
    path = afterPath(opener.directory, file.id)
  }
  return true
}

async function flushDirectory(opener: Opener): Promise<void> {
  try {
    await opener.system.files.flushDirectory(opener.directory)
  } catch (error) {
    throw ioError(`flush ${opener.directory}`, error)
  }
}

function epochOf(file: PresentLockFile): number {
  return file.kind === 'owner' ? file.owner.epoch : 0
}

function checkSignal(options: TakeOptions): void {
  if (options.signal?.aborted === true) throw abortedError(options.signal)
}
