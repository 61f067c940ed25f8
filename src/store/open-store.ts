/** Opening a store: the log, the state that was saved in it, and the entries behind that. */
import { QlogError, QlogTypeError } from '../errors.ts'
import { STORE_LOG_OPTIONS } from '../log/options.ts'
import type { Entry, LogOwner, Lsn, OpenLog, OwnedLog, Ticket } from '../log/seam.ts'
import { checkOptionNames } from './check.ts'
import { Journal } from './commit/journal.ts'
import { ElapsedClock } from './elapsed-clock.ts'
import { LogStore } from './log-store.ts'
import { type LoadedState, loadState } from './space/snapshots.ts'
import { StoreState } from './state/store-state.ts'
import { StoreCore, type StoreSystem } from './store-core.ts'
import type { StoreOptions } from './types/store.ts'

/**
 * Rejects like the log's own opening, and with QLOG_NOT_A_STORE, QLOG_NEWER_FORMAT, QLOG_DAMAGED. Events name the store by
 * `directory`.
 */
export async function openStoreOn(
  system: StoreSystem,
  openLog: OpenLog,
  options: StoreOptions = {},
  directory = '',
): Promise<LogStore> {
  checkStoreOptions(options)
  const { signal } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new QlogTypeError('signal must be an AbortSignal')
  }
  // What the log says before the state stands concerns nobody yet: nothing was appended.
  const owner = new LateOwner()
  const log = await openLog(owner, signal ? { signal } : {})
  try {
    const { state, saved, appliedLsn } = await replay(log, signal)
    const journal = new Journal(state)
    journal.appliedLsn = appliedLsn
    const clock = new ElapsedClock(system.clock, system.identity, state)
    const core = new StoreCore(system, log, state, clock, journal, directory)
    const store = new LogStore(core, saved)
    owner.begin(journal)
    return store
  } catch (error) {
    // Why it does not open is what to tell, also where the log cannot be closed properly.
    await log.close().catch(() => undefined)
    throw error
  }
}

function checkStoreOptions(options: StoreOptions): void {
  if (typeof options === 'object' && options !== null) {
    for (const name of Object.keys(options)) {
      if (!STORE_LOG_OPTIONS.includes(name)) continue
      throw new QlogTypeError(
        `"${name}" is an option of the store's log: openStore(directory, { log: { ${name} } })`,
      )
    }
  }
  checkOptionNames('the options of a store', options, ['log', 'signal'])
}

/**
 * The log's owner from the start. What it is told before the state stands is about nothing that was appended, but that
 * the log has stopped, or has no room, holds from then on.
 */
class LateOwner implements LogOwner {
  #journal: Journal | undefined
  #told: ((journal: Journal) => void)[] = []

  begin(journal: Journal): void {
    this.#journal = journal
    for (const tell of this.#told) tell(journal)
    this.#told = []
  }

  committed(upTo: Ticket, lsn: Lsn, timeMs: number): void {
    this.#journal?.committed(upTo, lsn, timeMs)
  }

  failed(from: Ticket, outcome: 'rejected' | 'indeterminate', cause: Error): void {
    this.#tell((journal) => journal.failed(from, outcome, cause))
  }

  refused(from: Ticket, upTo: Ticket, cause: Error): void {
    this.#journal?.refused(from, upTo, cause)
  }

  space(state: 'ok' | 'full'): void {
    this.#tell((journal) => journal.space(state))
  }

  mended(firstId: number, endId: number): void {
    this.#journal?.mended(firstId, endId)
  }

  #tell(tell: (journal: Journal) => void): void {
    if (this.#journal) tell(this.#journal)
    else this.#told.push(tell)
  }
}

/** What is in the log's saved state and behind it, as a state of its own. */
export async function replay(
  log: Pick<OwnedLog, 'snapshot' | 'read' | 'nextId'>,
  signal: AbortSignal | undefined,
): Promise<LoadedState & { readonly appliedLsn: number }> {
  const snapshot = await log.snapshot()
  const { state, saved } = snapshot
    ? await loadState(snapshot.parts)
    : { state: new StoreState(), saved: new Map() }
  let after = 0
  for (const { at } of snapshot?.parts.values() ?? []) after = Math.max(after, at)
  let appliedLsn = after
  for await (const entries of log.read({ after, ...(signal && { signal }) })) {
    for (const entry of entries) {
      applyEntry(state, entry)
      appliedLsn = entry.lsn
    }
  }
  state.nextId = log.nextId
  return { state, saved, appliedLsn }
}

/** Every store says first that it was opened. */
function applyEntry(state: StoreState, entry: Entry): void {
  try {
    state.applyEntry(entry)
  } catch (error) {
    const isUnread = error instanceof QlogError && error.code === 'QLOG_NEWER_FORMAT'
    throw isUnread && state.opened === undefined ? notAStore(error) : error
  }
}

function notAStore(cause: Error): QlogError {
  const words = 'the log holds messages that no store has put: it is a plain log'
  return new QlogError('QLOG_NOT_A_STORE', words, { cause })
}
