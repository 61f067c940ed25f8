/**
 * The lock: one owner a log, proven by a listening socket, and fenced by LOCK's inode. This file is
 * what the log uses; `lock/` holds how it is taken. Touches LOCK, LOCK-after-* and lock-* in the
 * log's directory, nothing else.
 */
import { systemErrorCode } from '../errors.ts'
import type { Connection, FileStat, System } from '../system/system.ts'
import { ioError, runAll } from './io-errors.ts'
import { livenessOf } from './lock/liveness.ts'
import { fencedError } from './lock/lock-errors.ts'
import {
  isSameLockFile,
  type LockOwner,
  lockPath,
  readLockFile,
  socketPath,
  unlinkIfThere,
  type WrittenLockFile,
  writeLockFile,
} from './lock/lock-file.ts'
import { Opener } from './lock/opener.ts'
import { removeStaleFiles } from './lock/stale-files.ts'
import { ROUNDS_MAX, takeLock } from './lock/takeover.ts'

export type { LockOwner } from './lock/lock-file.ts'

export interface AcquireOptions {
  /** Take over an owner that cannot be proven dead, or go on where there are no sockets. */
  readonly breakLock?: boolean
  readonly signal?: AbortSignal
  /** Gets whoever connects to the owner's socket, from before LOCK names it; see {@link doorPath}. */
  readonly onConnection?: ((connection: Connection) => void) | undefined
}

/** What a reader learns from LOCK without changing anything. */
export type LockState =
  | { readonly state: 'none' }
  | { readonly state: 'released' | 'dead' | 'alive'; readonly owner: LockOwner }
  | { readonly state: 'unclear'; readonly owner?: LockOwner; readonly why: string }

export interface Lock {
  /** Above that of every owner LOCK knew of. */
  readonly epoch: number
  /** LOCK was missing or unreadable, so an earlier owner may have had an epoch above the one known. */
  readonly followsUnknown: boolean
  /** 32 hex digits, new with every opening. */
  readonly random: string
  /**
   * True iff LOCK is this owner's own file: asked after each flush, before anything resolves.
   * False for good once another has taken over or LOCK is gone. Rejects with QLOG_IO.
   */
  isHeld(): Promise<boolean>
  /** The same at once, for appends that block. Throws QLOG_IO. */
  isHeldSync(): boolean
  /**
   * Puts a higher epoch, found in the log itself, into LOCK; a lower one changes nothing. Durable
   * when it resolves. Rejects with QLOG_FENCED where the lock is lost.
   */
  raiseEpoch(epoch: number): Promise<void>
  /** Gives the lock up so that the next opener needs no proof. Fenced: touches only the own socket. */
  release(): Promise<void>
}

/**
 * Takes the lock of the existing directory. Rejects with QLOG_LOCKED where its owner lives,
 * QLOG_LOCK_UNCLEAR where nothing is proven, QLOG_UNSUPPORTED where sockets or links do not work,
 * QLOG_ABORTED, QLOG_IO. Whatever fails, the next opener can take the lock.
 */
export async function acquireLock(
  system: System,
  directory: string,
  options: AcquireOptions = {},
): Promise<Lock> {
  const breakLock = options.breakLock === true
  const opener = new Opener(system, directory, breakLock, options.onConnection)
  let lock: OwnedLock | undefined
  try {
    const followed = await takeLock(opener, { breakLock, signal: options.signal })
    lock = new OwnedLock(opener, opener.handOver())
    await removeStaleFiles(system, directory, opener.random, followed)
    return lock
  } catch (error) {
    const held = lock
    const later = held === undefined ? await opener.end() : await runAll([() => held.release()])
    throw ioError(`lock ${directory}`, error, later)
  }
}

/** Where a living owner listens: its proof of life, and the door for what others ask of it. */
export function doorPath(directory: string, owner: LockOwner): string {
  return socketPath(directory, owner.random)
}

/** Tells who owns the log. Changes nothing. Rejects with QLOG_IO. */
export async function readLock(system: System, directory: string): Promise<LockState> {
  const path = lockPath(directory)
  let file = await readLockFile(system, path)
  for (let round = 0; ; round += 1) {
    if (file.kind === 'missing') return { state: 'none' }
    const liveness = await livenessOf(system, directory, file)
    if (liveness.state !== 'unclear') {
      if (file.kind !== 'owner') throw new Error('an unreadable lock file proves nothing')
      return { state: liveness.state, owner: file.owner }
    }
    // An owner that released removes its socket behind itself: look whether this was one.
    const again = await readLockFile(system, path)
    if (isSameLockFile(again, file) || round >= ROUNDS_MAX) {
      const owner = file.kind === 'owner' ? { owner: file.owner } : {}
      return { state: 'unclear', ...owner, why: liveness.why }
    }
    file = again
  }
}

class OwnedLock implements Lock {
  readonly #opener: Opener
  readonly #lockPath: string
  /** The inodes that are LOCK when it is held: one, or two while the epoch is raised. */
  #files: WrittenLockFile[]
  #epoch: number
  #raising: Promise<void> | undefined
  #releasing: Promise<void> | undefined

  constructor(opener: Opener, file: WrittenLockFile) {
    this.#opener = opener
    this.#lockPath = lockPath(opener.directory)
    this.#files = [file]
    this.#epoch = file.owner.epoch
  }

  get epoch(): number {
    return this.#epoch
  }

  get followsUnknown(): boolean {
    return this.#opener.followsUnknown
  }

  get random(): string {
    return this.#opener.random
  }

  async isHeld(): Promise<boolean> {
    // Those of when the look began: the epoch may be raised before its answer is here.
    const before = this.#files
    try {
      const found = await this.#opener.system.files.stat(this.#lockPath)
      return isAmong(before, found) || isAmong(this.#files, found)
    } catch (error) {
      return this.#notHeld(error)
    }
  }

  isHeldSync(): boolean {
    try {
      return isAmong(this.#files, this.#opener.system.files.statSync(this.#lockPath))
    } catch (error) {
      return this.#notHeld(error)
    }
  }

  #notHeld(error: unknown): false {
    if (systemErrorCode(error) === 'ENOENT') return false
    throw ioError(`stat ${this.#lockPath}`, error)
  }

  raiseEpoch(epoch: number): Promise<void> {
    if (this.#releasing !== undefined) throw new Error('the epoch of a released lock is raised')
    if (this.#raising !== undefined) throw new Error('the epoch is being raised already')
    this.#raising = this.#raise(epoch).finally(() => {
      this.#raising = undefined
    })
    return this.#raising
  }

  release(): Promise<void> {
    this.#releasing ??= this.#release()
    return this.#releasing
  }

  async #raise(epoch: number): Promise<void> {
    if (epoch <= this.#epoch) return
    if (!(await this.#replace(this.#opener.owner(epoch, 'held')))) {
      throw fencedError(this.#opener.directory)
    }
    this.#epoch = epoch
  }

  async #release(): Promise<void> {
    // An error of raiseEpoch went to its own caller.
    await this.#raising?.catch(() => {})
    const errors = await runAll([() => this.#giveUpName()])
    const files = this.#files
    this.#files = []
    errors.push(...(await runAll(files.map((file) => () => file.handle.close()))))
    errors.push(...(await this.#opener.end()))
    if (errors.length > 0) throw ioError(`release ${this.#lockPath}`, errors[0], errors.slice(1))
  }

  /** Only after this may the socket's file go: as long as LOCK may say held, it is the evidence. */
  async #giveUpName(): Promise<void> {
    if (await this.isHeld()) await this.#replace(this.#opener.owner(this.#epoch, 'released'))
    this.#opener.mayBeNamed = false
  }

  /** Renames a new version over LOCK, durably. False where the lock is lost. */
  async #replace(owner: LockOwner): Promise<boolean> {
    const { system, directory, temporaryPath } = this.#opener
    const old = this.#files
    const file = await writeLockFile(system, directory, owner)
    // Both are this owner's while it is not known which one LOCK is, also for good if this fails.
    this.#files = [...old, file]
    const action = `rename ${temporaryPath} to LOCK`
    try {
      if (!(await this.isHeld())) {
        await unlinkIfThere(system, temporaryPath)
        return false
      }
      await system.files.rename(temporaryPath, this.#lockPath)
    } catch (error) {
      const later = await runAll([() => unlinkIfThere(system, temporaryPath)])
      throw ioError(action, error, later)
    }
    this.#files = [file]
    const errors = await runAll([
      () => system.files.flushDirectory(directory),
      ...old.map((replaced) => () => replaced.handle.close()),
    ])
    if (errors.length > 0) throw ioError(`flush ${directory}`, errors[0], errors.slice(1))
    return true
  }
}

function isAmong(files: readonly WrittenLockFile[], found: FileStat): boolean {
  for (const file of files) {
    if (file.inode === found.inode && file.device === found.device) return true
  }
  return false
}
