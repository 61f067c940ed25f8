/**
 * A store by its verbs, wherever it is open: through the door of the process that holds it, or opened
 * here where nobody does. Touches the lock's files through the log, and a socket.
 */
import { QlogError, systemErrorCode, throwIfAborted } from '../errors.ts'
import { doorPath, type LockOwner, readLock } from '../log/lock.ts'
import { checkDirectory } from '../log/options.ts'
import { surveyDirectory } from '../log/survey.ts'
import type { Store, StoreOptions } from '../store/types/store.ts'
import type { Connection, System } from '../system/system.ts'
import { type CallOptions, DoorClient, type OwnerName } from './door/client.ts'
import { Holder } from './door/holder.ts'
import { checkVerb, VERBS } from './door/verbs/table.ts'
import type { Verb, VerbName, VerbTypes } from './door/verbs/types.ts'

export type { CallOptions, OwnerName } from './door/client.ts'

/** An owner that hangs up may be closing, and one that comes may win: so often it is looked again. */
const ROUNDS_MAX = 40
const PAUSE_MS = 50
/** Whoever waits longer wants to know for whom. */
const PATIENCE_MS = 1_000

export interface AccessOptions {
  /** Makes the store where the directory is missing or empty. */
  readonly create?: boolean
  /** Opens nothing here: rejects with QLOG_NO_DOOR where no process holds the store. */
  readonly onlyOwned?: boolean
  /** Called once where the owner has not said hello for a second: it is waited for up to 15. */
  readonly onWait?: (owner: OwnerName) => void
  readonly signal?: AbortSignal | undefined
}

/** A store by its verbs, one call at a time. */
export interface StoreAccess {
  /** The process whose door is used; undefined where the store is open here. */
  readonly owner: OwnerName | undefined
  /**
   * Rejects with the codes of the store's own methods; through a door with QLOG_DISCONNECTED and
   * QLOG_NO_DOOR too.
   */
  call<V extends VerbName>(
    verb: V,
    args: VerbTypes[V]['args'],
    options?: CallOptions<VerbTypes[V]['item']>,
  ): Promise<VerbTypes[V]['done']>
  /** Gives back what `take` left, and closes the store where it is open here. */
  close(): Promise<void>
}

/** What opens a store here. */
export type OpenHere = (directory: string, options: StoreOptions) => Promise<Store>

/**
 * Rejects with QLOG_NOT_A_LOG where there is nothing and `create` is not set, QLOG_NO_DOOR where the owner
 * does not answer, and like the opening of a store.
 */
export async function openAccess(
  system: System,
  openHere: OpenHere,
  path: string,
  { create = false, onlyOwned = false, onWait, signal }: AccessOptions = {},
): Promise<StoreAccess> {
  const directory = checkDirectory(path)
  if (!create && !onlyOwned) await requireLog(system, directory)
  let isTold = false
  const tell = (owner: OwnerName): void => {
    if (!isTold) onWait?.(owner)
    isTold = true
  }
  for (let round = 1; ; round += 1) {
    throwIfAborted(signal)
    const lock = await lockOf(system, directory)
    const isLast = round >= ROUNDS_MAX
    if (lock.state === 'alive') {
      const client = await callAtDoor(system, directory, lock.owner, { onWait: tell, signal })
      if (client !== undefined) return new DoorAccess(client)
      if (isLast) throw hangsUp(lock.owner)
    } else if (onlyOwned) {
      throw new QlogError('QLOG_NO_DOOR', `no process holds the store in ${directory}`)
    } else {
      try {
        return new HereAccess(await openHere(directory, signal === undefined ? {} : { signal }))
      } catch (error) {
        // Somebody else came first: that one has a door.
        if (!(error instanceof QlogError) || error.code !== 'QLOG_LOCKED' || isLast) throw error
      }
    }
    await new Promise<void>((resolve) => system.clock.after(PAUSE_MS, resolve, true))
  }
}

/** The verbs of a store that is open in this process. */
export class HereAccess implements StoreAccess {
  readonly owner = undefined
  readonly #store: Store
  readonly #holder: Holder

  constructor(store: Store) {
    this.#store = store
    this.#holder = new Holder(store)
  }

  async call<V extends VerbName>(
    verb: V,
    args: VerbTypes[V]['args'],
    { tail, onItem, signal }: CallOptions<VerbTypes[V]['item']> = {},
  ): Promise<VerbTypes[V]['done']> {
    const run = VERBS[checkVerb(verb)] as unknown as Verb<VerbTypes[V]>
    return run({
      store: this.#store,
      holder: this.#holder,
      args,
      tail: tail ?? new Uint8Array(0),
      signal: signal ?? new AbortController().signal,
      item: async (item, bytes) => onItem?.(item, bytes ?? new Uint8Array(0)),
    })
  }

  async close(): Promise<void> {
    try {
      await this.#holder.close()
    } finally {
      await this.#store.close()
    }
  }
}

class DoorAccess implements StoreAccess {
  readonly owner: OwnerName
  readonly #client: DoorClient

  constructor(client: DoorClient) {
    this.owner = client.owner
    this.#client = client
  }

  async call<V extends VerbName>(
    verb: V,
    args: VerbTypes[V]['args'],
    options?: CallOptions<VerbTypes[V]['item']>,
  ): Promise<VerbTypes[V]['done']> {
    checkVerb(verb)
    return this.#client.call(verb, args, options)
  }

  async close(): Promise<void> {
    this.#client.close()
  }
}

async function requireLog(system: System, directory: string): Promise<void> {
  const { heads, index, names } = await surveyDirectory(system, directory)
  if (heads.length === 0 && index === undefined && !names.includes('LOCK')) {
    throw new QlogError('QLOG_NOT_A_LOG', `${directory} holds no store`)
  }
}

async function lockOf(system: System, directory: string) {
  try {
    return await readLock(system, directory)
  } catch (error) {
    // What is no directory is told by the opening.
    const cause = error instanceof Error ? error.cause : undefined
    if (systemErrorCode(cause) === 'ENOTDIR') return { state: 'none' } as const
    throw error
  }
}

/** Undefined where the owner has hung up, or is none any more. */
async function callAtDoor(
  system: System,
  directory: string,
  owner: LockOwner,
  { onWait, signal }: Pick<AccessOptions, 'onWait' | 'signal'>,
): Promise<DoorClient | undefined> {
  const path = doorPath(directory, owner)
  let connection: Connection
  try {
    connection = await system.sockets.connect(path)
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'ECONNREFUSED' || code === 'ENOENT') return undefined
    const words = `process ${owner.pid} on ${owner.host} holds the store, and its socket ${path} cannot be used (${code || String(error)})`
    throw new QlogError('QLOG_NO_DOOR', words, { cause: error })
  }
  const name = { pid: owner.pid, host: owner.host }
  const client = new DoorClient(connection, name)
  const cancel = system.clock.after(PATIENCE_MS, () => onWait?.(name), true)
  const stop = (): void => client.close()
  signal?.addEventListener('abort', stop, { once: true })
  if (signal?.aborted) stop()
  let isGreeted = false
  try {
    isGreeted = await client.hello(system.clock)
  } finally {
    cancel()
    signal?.removeEventListener('abort', stop)
    if (!isGreeted) client.close()
  }
  return isGreeted ? client : undefined
}

function hangsUp({ pid, host }: LockOwner): QlogError {
  return new QlogError(
    'QLOG_NO_DOOR',
    `process ${pid} on ${host} holds the store and hangs up: an older version of qlog, or a log that is no store`,
  )
}
