/**
 * The state from its slices. Bytes that passed their checksum and do not decode were written by another
 * version: nothing is guessed. Pure memory.
 */
import { QlogError } from '../../errors.ts'
import { OffsetSet } from '../containers/offset-set.ts'
import { ByteReader } from '../containers/varint.ts'
import { decodeControl } from '../records/control-record.ts'
import { readSettings } from '../records/queue-settings.ts'
import { Exception } from './exception.ts'
import type { QueueState } from './queue-state.ts'
import { SizeTable } from './size-table.ts'
import { EXCEPTION_STATES } from './slices.ts'
import { StoreState } from './store-state.ts'

/** Throws QLOG_NEWER_FORMAT where a slice is none that this version writes. */
export function loadSlices(slices: ReadonlyMap<string, Uint8Array>): StoreState {
  const state = new StoreState()
  const store = slices.get('store')
  if (!store) throw unreadable('store')
  loadStore(state, store)
  for (const queue of state.queues.values()) {
    loadQueue(queue, required(slices, `q${queue.number}`))
    const settings = slices.get(`q${queue.number}.s`)
    if (settings && !loadSettings(queue, settings)) throw unreadable(`q${queue.number}.s`)
    const retained = slices.get(`q${queue.number}.h`)
    if (retained && !loadRetained(queue, retained)) throw unreadable(`q${queue.number}.h`)
    const producers = slices.get(`q${queue.number}.p`)
    if (producers && !queue.producers.load(producers)) throw unreadable(`q${queue.number}.p`)
    const trailing = slices.get(`q${queue.number}.t`)
    if (trailing && !queue.trailing.load(trailing)) throw unreadable(`q${queue.number}.t`)
  }
  for (const { name, queue, kind, number, chunk } of chunksOf(slices)) {
    const of = state.queues.get(queue)
    const bytes = required(slices, name)
    if (!of || !loadChunk(of, kind, number, chunk, bytes)) throw unreadable(name)
  }
  for (const queue of state.queues.values()) {
    // A run of entries says in a few bytes how many there are: more than the queue had would be gone through, too.
    const ahead = queue.lanes.all.find(({ postings }) => postings.lastOffset >= queue.nextOffset)
    if (ahead) throw unreadable(`q${queue.number}.l${ahead.slot}.*`)
    queue.lanes.countEntries()
    queue.countRetained()
  }
  return state
}

interface ChunkName {
  readonly name: string
  readonly queue: number
  readonly kind: string
  readonly number: number
  readonly chunk: number
}

/** What the names of slices say, in order of the chunks: lanes are put together front to end. */
function chunksOf(slices: ReadonlyMap<string, Uint8Array>): ChunkName[] {
  const chunks: ChunkName[] = []
  for (const name of slices.keys()) {
    const [, queue, kind, number, chunk] = /^q(\d+)\.([rkbhlgx])(\d*)\.(\d+)$/.exec(name) ?? []
    if (kind === undefined) continue
    chunks.push({ name, queue: Number(queue), kind, number: Number(number), chunk: Number(chunk) })
  }
  return chunks.sort((a, b) => a.chunk - b.chunk)
}

function loadStore(state: StoreState, bytes: Uint8Array): void {
  const reader = new ByteReader(bytes)
  const nextQueue = reader.varint()
  state.timeMs = reader.varint()
  state.openedEntryMs = state.timeMs
  state.elapsedMs = reader.varint()
  state.uncleanBelowId = reader.varint()
  const isClosed = reader.varint() === 1
  const opened = reader.bytes(reader.varint())
  const op = opened.length > 0 ? decodeControl(opened) : undefined
  if (op?.kind === 'open') state.opened = op
  state.isClosed = isClosed
  const count = reader.varint()
  for (let i = 0; i < count && !reader.failed; i++) {
    const number = reader.ordinal()
    state.addQueue(number, reader.text(reader.varint()))
  }
  state.nextQueue = nextQueue
  if (!reader.complete) throw unreadable('store')
}

function loadQueue(queue: QueueState, bytes: Uint8Array): void {
  const reader = new ByteReader(bytes)
  queue.nextOffset = reader.varint()
  const nextGroup = reader.varint()
  queue.pausedUntilMs = reader.varint()
  queue.pending = reader.varint()
  queue.done.removed.setFloor(reader.varint())
  const lanes = reader.varint()
  for (let i = 0; i < lanes && !reader.failed; i++) {
    const slot = reader.varint()
    const priority = reader.varint() - 1
    queue.lanes.add(slot, priority < 0 ? undefined : priority)
  }
  const groups = reader.varint()
  for (let i = 0; i < groups && !reader.failed; i++) {
    const number = reader.ordinal()
    const group = queue.loadGroup(number, reader.text(reader.varint()), new OffsetSet())
    group.leasedMax = reader.varint()
    group.promoteAfterMs = reader.varint()
    group.sequenceNext = reader.varint()
    group.finished.setFloor(reader.varint())
    group.leased.setFloor(reader.varint())
  }
  queue.nextGroup = nextGroup
  if (!reader.complete) throw unreadable(`q${queue.number}`)
}

function loadChunk(
  queue: QueueState,
  kind: string,
  number: number,
  chunk: number,
  bytes: Uint8Array,
): boolean {
  if (kind === 'r') return queue.done.removed.loadChunk(chunk, bytes)
  if (kind === 'h') return queue.retained.loadChunk(chunk, bytes)
  if (kind === 'k') return loadKeys(queue, bytes)
  if (kind === 'b') return queue.sizes?.loadChunk(chunk, bytes) ?? false
  if (kind === 'l') {
    const lane = queue.lanes.all.find(({ slot }) => slot === number)
    return lane?.postings.loadPart(bytes) ?? false
  }
  if (kind === 'x') return loadExceptions(queue, number, bytes)
  return loadGroupChunk(queue, number, chunk, bytes)
}

function loadSettings(queue: QueueState, bytes: Uint8Array): boolean {
  const reader = new ByteReader(bytes)
  queue.settings = readSettings(reader)
  queue.settingsVersion = 1
  const counted = reader.varint()
  if (counted === 1) queue.sizes = new SizeTable()
  return reader.complete && counted <= 1
}

function loadRetained(queue: QueueState, bytes: Uint8Array): boolean {
  const reader = new ByteReader(bytes)
  queue.retained.setFloor(reader.varint())
  return reader.complete
}

function loadKeys(queue: QueueState, bytes: Uint8Array): boolean {
  const reader = new ByteReader(bytes)
  const count = reader.varint()
  for (let i = 0; i < count && !reader.failed; i++) {
    const key = reader.text(reader.varint())
    const entry = { id: reader.varint(), offset: reader.varint(), untilMs: reader.varint() }
    queue.keys.set(key, entry, 0)
  }
  return reader.complete
}

function loadGroupChunk(
  queue: QueueState,
  number: number,
  chunk: number,
  bytes: Uint8Array,
): boolean {
  const group = queue.groups.get(number)
  if (!group) return false
  const reader = new ByteReader(bytes)
  for (const set of [group.finished, group.leased]) {
    const members = reader.bytes(reader.varint())
    if (members.length > 0 && !set.loadChunk(chunk, members)) return false
  }
  return reader.complete
}

function loadExceptions(queue: QueueState, number: number, bytes: Uint8Array): boolean {
  const group = queue.groups.get(number)
  if (!group) return false
  const reader = new ByteReader(bytes)
  const count = reader.varint()
  for (let i = 0; i < count && !reader.failed; i++) group.adopt(readException(reader))
  return reader.complete
}

function readException(reader: ByteReader): Exception {
  const exception = new Exception(reader.varint(), reader.varint())
  exception.priority = reader.varint()
  const dueKind = reader.varint()
  reader.require(dueKind <= 2)
  exception.dueKind = dueKind === 1 || dueKind === 2 ? dueKind : 0
  exception.dueMs = reader.varint()
  exception.attempts = reader.varint()
  exception.leases = reader.varint()
  exception.timeouts = reader.varint()
  exception.releases = reader.varint()
  exception.buries = reader.varint()
  exception.kicks = reader.varint()
  exception.sequence = reader.varint()
  const state = EXCEPTION_STATES[reader.varint()]
  reader.require(state !== undefined)
  exception.state = state ?? 'ready'
  exception.reason = reader.text(reader.varint())
  exception.error = reader.text(reader.varint())
  return exception
}

function required(slices: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const bytes = slices.get(name)
  if (!bytes) throw unreadable(name)
  return bytes
}

function unreadable(name: string): QlogError {
  return new QlogError(
    'QLOG_NEWER_FORMAT',
    `the saved state of the store has a part "${name}" that this version cannot read`,
  )
}
