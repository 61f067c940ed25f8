/**
 * What a store's log says of its queues, without opening it: the state as its records have it. Needs no
 * lock and changes nothing; what is leased, and what is due by now, only an open store knows.
 */
import { QlogError } from '../errors.ts'
import { UnlockedView } from '../log/open-reader.ts'
import { EntryReader } from '../log/read/entry-reader.ts'
import type { Entry, EntryRange, SavedPart, Snapshot } from '../log/seam.ts'
import { findState } from '../log/snapshot/find-state.ts'
import { PartReader } from '../log/snapshot/part-reader.ts'
import { replay } from '../store/open-store.ts'
import type { ControlOp } from '../store/records/control-ops.ts'
import { decodeControl } from '../store/records/control-record.ts'
import { decodeMessage } from '../store/records/message-record.ts'
import { StoreState } from '../store/state/store-state.ts'
import type { System } from '../system/system.ts'
import { type IdStretch, type QueueShare, sharesOf } from './queue-shares.ts'
import { lookAt } from './source.ts'

export interface GroupLook {
  readonly group: string
  /** Messages that it has not finished, the buried ones among them. */
  readonly unfinished: number
  readonly buried: number
  /** Every offset below it is finished. */
  readonly floor: number
}

export interface QueueLook {
  readonly queue: string
  /** Messages that some group, or nobody yet, has still to finish. */
  readonly messages: number
  /** Finished ones that stay to be read again. */
  readonly retained: number
  /** Messages put so far. */
  readonly nextOffset: number
  readonly groups: readonly GroupLook[]
}

/** A message as its record has it: what was put. What became of it since, records of their own tell. */
export interface RecordedMessage {
  /** By its number where no name is known. */
  readonly queue: string | number
  readonly offset: number
  readonly priority: number
  /** When it is due: by the clock that elapsed time is counted with. */
  readonly dueElapsedMs?: number
  /** When it is due: milliseconds since 1970. */
  readonly dueWallMs?: number
  readonly key?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Names for what stands in a store's records, and the state of its queues. */
export class StoreLook {
  readonly #state: StoreState

  constructor(state: StoreState) {
    this.#state = state
  }

  /** By name. */
  get queues(): readonly QueueLook[] {
    const queues = [...this.#state.queues.values()].map((queue): QueueLook => {
      const { name, pending, retained, nextOffset } = queue
      const groups = [...queue.groups.values()].map(({ name: group, finished, buriedCount }) => ({
        group,
        unfinished: Math.max(0, nextOffset - finished.count),
        buried: buriedCount,
        floor: Math.min(finished.floor, nextOffset),
      }))
      return { queue: name, messages: pending, retained: retained.count, nextOffset, groups }
    })
    return queues.sort((a, b) => (a.queue < b.queue ? -1 : 1))
  }

  /** Of each stretch of ids, rising and disjoint, the queues that have messages there. */
  sharesOf(stretches: readonly IdStretch[]): readonly (readonly QueueShare[])[] {
    return sharesOf(this.#state.queues.values(), stretches)
  }

  /** The fields of a message's record; undefined where it is none of a store's. */
  message(record: Uint8Array): Record<string, unknown> | undefined {
    const message = this.read(record)
    if (message === undefined) return undefined
    const { body, ...fields } = message
    return { ...fields, bodyBytes: body.length }
  }

  /** What a message's record holds; undefined where it is none of a store's. */
  read(record: Uint8Array): RecordedMessage | undefined {
    try {
      const { queue, offset, priority, dueKind, dueMs, key, headers, body } = decodeMessage(record)
      const due = [{}, { dueElapsedMs: dueMs }, { dueWallMs: dueMs }][dueKind]
      const more = {
        ...(key !== undefined && { key }),
        ...(Object.keys(headers).length > 0 && { headers }),
      }
      return { queue: this.#queue(queue), offset, priority, ...due, ...more, body }
    } catch (error) {
      if (error instanceof QlogError) return undefined
      throw error
    }
  }

  /** What a control record says, its queue and group by name; undefined where it is none of a store's. */
  control(record: Uint8Array): Record<string, unknown> | undefined {
    let op: ControlOp
    try {
      op = decodeControl(record)
    } catch (error) {
      if (error instanceof QlogError) return undefined
      throw error
    }
    const named: Record<string, unknown> = { ...op }
    if ('queue' in op) named['queue'] = this.#queue(op.queue)
    if ('queue' in op && 'group' in op) named['group'] = this.#group(op.queue, op.group)
    return named
  }

  /** By its number where the queue is gone from the state. */
  #queue(number: number): string | number {
    return this.#state.queues.get(number)?.name ?? number
  }

  #group(queue: number, group: number): string | number {
    return this.#state.queues.get(queue)?.groups.get(group)?.name ?? group
  }
}

/**
 * Looks into the store of a directory; undefined where the log is no store's, or where its state cannot be
 * read: the tools that name queues tell the rest all the same. Rejects with QLOG_ABORTED.
 */
export async function lookIntoStore(
  system: System,
  directory: string,
  signal?: AbortSignal | undefined,
): Promise<StoreLook | undefined> {
  try {
    const source = await sourceOf(system, directory, signal)
    if (!(await isStore(source))) return undefined
    const { state } = await replay(source, signal)
    return new StoreLook(state)
  } catch (error) {
    // Damage, a newer version, files that retire under the look: each is told by whoever asks for names.
    if (error instanceof QlogError && error.code !== 'QLOG_ABORTED') return undefined
    throw error
  }
}

/**
 * What reads the records of a store; undefined where the log is no store's. Where the state cannot be read
 * queues have numbers in place of names. Rejects with QLOG_ABORTED.
 */
export async function recordsOfStore(
  system: System,
  directory: string,
  signal?: AbortSignal | undefined,
): Promise<StoreLook | undefined> {
  let isOne = false
  try {
    const source = await sourceOf(system, directory, signal)
    isOne = await isStore(source)
    if (!isOne) return undefined
    return new StoreLook((await replay(source, signal)).state)
  } catch (error) {
    if (!(error instanceof QlogError) || error.code === 'QLOG_ABORTED') throw error
    return isOne ? new StoreLook(new StoreState()) : undefined
  }
}

interface Source {
  readonly nextId: number
  read(range: EntryRange): AsyncIterableIterator<readonly Entry[]>
  snapshot(): Promise<Snapshot | undefined>
}

async function sourceOf(
  system: System,
  directory: string,
  signal: AbortSignal | undefined,
): Promise<Source> {
  const found = await findState(system, await lookAt(system, directory, signal))
  const view = new UnlockedView(system, directory)
  await view.look()
  const reader = new PartReader(system, directory, () => view.segments())
  const parts = new Map<string, SavedPart>()
  for (const [name, place] of found.state ?? []) {
    parts.set(name, { at: place.at, read: () => reader.part(name, place) })
  }
  return {
    nextId: view.nextId,
    read: (range) => new EntryReader(system, view, range, view.epoch),
    snapshot: () => Promise.resolve(found.state && { parts }),
  }
}

/** A store begins with a record of its opening, and later has a state; a plain log has neither. */
async function isStore(source: Source): Promise<boolean> {
  if ((await source.snapshot()) !== undefined) return true
  const entries = source.read({ after: 0, bytesMax: 1 })
  try {
    const first = await entries.next()
    const record = first.done === true ? undefined : first.value[0]?.control[0]
    return record !== undefined && decodeControl(record).kind === 'open'
  } finally {
    await entries.return?.()
  }
}
