/**
 * What one opening brings along: its random name, the socket it listens on, and its lock file under
 * a temporary name. Others may act on this opening's death, so whatever ends it closes the socket
 * last: a refused connection says that no call of this opening is under way or will follow.
 * Touches only files that carry its own random.
 */
import { systemErrorCode } from '../../errors.ts'
import type { Connection, SocketListener, System } from '../../system/system.ts'
import { allOf, ioError, runAll } from '../io-errors.ts'
import { forbiddenError, isForbidden, isUnsupported, unsupportedError } from './lock-errors.ts'
import {
  type LockOwner,
  newbornSocketPath,
  socketPath,
  temporaryPath,
  unlinkIfThere,
  type WrittenLockFile,
  writeLockFile,
} from './lock-file.ts'
import { ownOpenings } from './own-openings.ts'

/** How often a socket that a cleaner took for a dead one's is made anew. */
const DOOR_ATTEMPTS_MAX = 8

export class Opener {
  /** LOCK was missing or unreadable: the epochs of earlier owners are not known from it. */
  followsUnknown = false
  readonly system: System
  readonly directory: string
  readonly random: string
  /**
   * Whether LOCK or a LOCK-after-* may name this opening. While it may, the socket's file must
   * outlive the listener: refused is proof of death, a missing one proves nothing.
   */
  mayBeNamed = false
  readonly #withoutSocket: boolean
  readonly #onConnection: ((connection: Connection) => void) | undefined
  readonly #sinceMs: number
  #door: SocketListener | undefined
  #written: WrittenLockFile | undefined

  /** `withoutSocket`: go on where there are no sockets; the next opener will have to break the lock. */
  constructor(
    system: System,
    directory: string,
    withoutSocket: boolean,
    onConnection?: (connection: Connection) => void,
  ) {
    this.system = system
    this.directory = directory
    this.#withoutSocket = withoutSocket
    this.#onConnection = onConnection
    this.#sinceMs = Math.trunc(system.clock.nowMs())
    const bytes = new Uint8Array(16)
    system.random(bytes)
    this.random = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
    ownOpenings(system).add(this.random)
  }

  get temporaryPath(): string {
    return temporaryPath(this.directory, this.random)
  }

  owner(epoch: number, state: LockOwner['state']): LockOwner {
    const { pid, host, bootId } = this.system.identity
    return { random: this.random, epoch, pid, host, bootId, sinceMs: this.#sinceMs, state }
  }

  /** Listens, then has the lock file with this epoch ready under its temporary name. */
  async prepare(epoch: number): Promise<void> {
    if (!Number.isSafeInteger(epoch)) throw new Error('the epoch has left the safe integers')
    if (this.#door === undefined) await this.#openDoor()
    if (this.#written?.owner.epoch === epoch) return
    await this.#discardWritten()
    this.#written = await writeLockFile(this.system, this.directory, this.owner(epoch, 'held'))
  }

  /** The prepared file, whose name is LOCK now; from here on the caller closes it. */
  handOver(): WrittenLockFile {
    const written = this.#written
    if (written === undefined) throw new Error('no lock file was prepared')
    this.#written = undefined
    return written
  }

  /** Ends this opening: its temporary file, then its socket. Returns what failed. */
  async end(): Promise<unknown[]> {
    return runAll([() => this.#discardWritten(), () => this.closeDoor()])
  }

  async closeDoor(): Promise<void> {
    ownOpenings(this.system).delete(this.random)
    const door = this.#door
    if (door === undefined) return
    this.#door = undefined
    const path = socketPath(this.directory, this.random)
    try {
      await door.close()
    } catch (error) {
      throw ioError(`close ${path}`, error)
    }
    if (!this.mayBeNamed) await unlinkIfThere(this.system, path)
  }

  async #discardWritten(): Promise<void> {
    const written = this.#written
    if (written === undefined) return
    this.#written = undefined
    const errors = await runAll([
      () => written.handle.close(),
      () => unlinkIfThere(this.system, this.temporaryPath),
    ])
    if (errors.length > 0) {
      throw ioError(`discard ${this.temporaryPath}`, errors[0], errors.slice(1))
    }
  }

  /**
   * Between bind() and listen() a living socket refuses connections like a dead one. So it is born
   * under another name: under its final one it listens, and refusing is proof of death. A newborn
   * that an owner cleaned away meanwhile shows in the rename, and another one is made.
   */
  async #openDoor(): Promise<void> {
    const newborn = newbornSocketPath(this.directory, this.random)
    const path = socketPath(this.directory, this.random)
    for (let attempt = 1; ; attempt += 1) {
      let listener: SocketListener | undefined
      try {
        listener = await this.system.sockets.listen(newborn, this.#onConnection)
        await this.system.files.rename(newborn, path)
        this.#door = listener
        return
      } catch (error) {
        const later = listener === undefined ? [] : await runAll([closing(listener)])
        const cause = allOf(error, later)
        if (isUnsupported(error)) {
          await unlinkIfThere(this.system, newborn)
          if (this.#withoutSocket) return
          throw unsupportedError(`listen on ${path}`, cause)
        }
        const cleanedAway = systemErrorCode(error) === 'ENOENT' && later.length === 0
        if (cleanedAway && attempt < DOOR_ATTEMPTS_MAX) continue
        await unlinkIfThere(this.system, newborn)
        if (isForbidden(error)) throw forbiddenError(this.directory, cause)
        throw ioError(`listen on ${path}`, error, later)
      }
    }
  }
}

function closing(listener: SocketListener): () => Promise<void> {
  return () => listener.close()
}
