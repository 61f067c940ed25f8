/**
 * The state in slices, as it is saved: each has a name and a version, so that one that did not change is
 * not encoded again. Pure memory.
 *
 *     store          openings, queues by number
 *     q7             a queue: its counters, its lanes, its groups with their settings
 *     q7.r.3         offsets taken out of the queue, by chunk
 *     q7.k.3         its keys, by small chunk
 *     q7.p           its producers, where it has any
 *     q7.s           its settings, where it ever had any, and whether bytes are counted
 *     q7.b.3         bytes of its messages, where they are, by chunk of 1,024 offsets
 *     q7.t           messages that come after others of their key, where there are any
 *     q7.h           where what it retains begins, where it retains anything
 *     q7.h.3         what it retains, by chunk
 *     q7.l2.0        a lane's messages, in parts
 *     q7.g1.3        a group's offsets, by chunk
 *     q7.x1.3        its exceptions, by small chunk
 */
import { CHUNK_OFFSETS } from '../containers/chunk-size.ts'
import { ByteWriter } from '../containers/varint.ts'
import { encodeControl } from '../records/control-record.ts'
import { writeSettings } from '../records/queue-settings.ts'
import type { Exception, ExceptionState } from './exception.ts'
import type { ExceptionChunk } from './exception-chunk.ts'
import type { GroupState } from './group-state.ts'
import type { QueueState } from './queue-state.ts'
import type { StoreState } from './store-state.ts'

export const EXCEPTION_STATES = ['ready', 'delayed', 'buried'] as const satisfies ExceptionState[]

export interface Slice {
  readonly name: string
  /** Grows with changes of the slice, and perhaps of others. */
  readonly version: number
  /** False where it has the bytes that it had when `version` was this. */
  isChangedSince(version: number): boolean
  encode(): Uint8Array
  /** Where encoding takes long: what `encode` gives until `thaw` is what it would give now. */
  readonly freezable?: { freeze(): void; thaw(): void }
}

/** Every slice there is now. Each encodes what the state is when it is asked to. */
export function slicesOf(state: StoreState): Slice[] {
  const slices: Slice[] = [
    // It is small, and changes with every entry.
    { name: 'store', version: 0, isChangedSince: () => true, encode: () => encodeStore(state) },
  ]
  for (const queue of state.queues.values()) {
    slices.push(slice(`q${queue.number}`, queue.version, () => encodeQueue(queue)))
    addQueueChunks(slices, queue, state)
    for (const group of queue.groups.values()) addGroupChunks(slices, queue, group)
  }
  return slices
}

function slice(name: string, version: number, encode: () => Uint8Array): Slice {
  return { name, version, isChangedSince: (saved) => saved !== version, encode }
}

function addQueueChunks(slices: Slice[], queue: QueueState, state: StoreState): void {
  const { number, done, keys, producers, sizes, trailing, retained } = queue
  for (const chunk of done.removed.chunkNumbers()) {
    const name = `q${number}.r.${chunk}`
    slices.push(slice(name, queue.version, () => done.removed.encodeChunk(chunk)))
  }
  if (retained.count > 0) {
    slices.push(slice(`q${number}.h`, retained.version, () => encodeNumber(retained.floor)))
  }
  for (const chunk of retained.chunkNumbers()) {
    const name = `q${number}.h.${chunk}`
    slices.push(slice(name, retained.versionOf(chunk), () => retained.encodeChunk(chunk)))
  }
  for (const chunk of keys.chunkNumbers()) {
    const name = `q${number}.k.${chunk}`
    slices.push(slice(name, keys.versionOf(chunk), () => encodeKeys(queue, chunk, state.elapsedMs)))
  }
  if (producers.size > 0) {
    slices.push(slice(`q${number}.p`, producers.version, () => producers.encode()))
  }
  if (queue.settingsVersion > 0) {
    slices.push(slice(`q${number}.s`, queue.settingsVersion, () => encodeSettings(queue)))
  }
  for (const chunk of sizes?.chunkNumbers() ?? []) {
    const encode = () => sizes?.encodeChunk(chunk) ?? new Uint8Array(0)
    slices.push(slice(`q${number}.b.${chunk}`, sizes?.versionOf(chunk) ?? 0, encode))
  }
  if (trailing.size > 0) {
    slices.push(slice(`q${number}.t`, trailing.version, () => trailing.encode()))
  }
  for (const { slot, postings } of queue.lanes.all) {
    for (const part of postings.partNumbers()) {
      slices.push({
        name: `q${number}.l${slot}.${part}`,
        version: postings.version,
        isChangedSince: (version) => postings.isPartChanged(part, version),
        encode: () => postings.encodePart(part),
      })
    }
  }
}

function addGroupChunks(slices: Slice[], queue: QueueState, group: GroupState): void {
  const chunks = new Set([...group.finished.chunkNumbers(), ...group.leased.chunkNumbers()])
  for (const chunk of chunks) {
    const name = `q${queue.number}.g${group.number}.${chunk}`
    slices.push(slice(name, group.versions.get(chunk) ?? 0, () => encodeGroupChunk(group, chunk)))
  }
  for (const [number, chunk] of group.chunks) {
    const name = `q${queue.number}.x${group.number}.${number}`
    slices.push({ ...slice(name, chunk.version, () => encodeExceptions(chunk)), freezable: chunk })
  }
}

function encodeStore(state: StoreState): Uint8Array {
  const writer = new ByteWriter()
  writer.varint(state.nextQueue)
  writer.varint(state.timeMs)
  writer.varint(state.elapsedMs)
  writer.varint(state.uncleanBelowId)
  writer.varint(state.isClosed ? 1 : 0)
  const opened = state.opened ? encodeControl(state.opened) : new Uint8Array(0)
  writer.varint(opened.length)
  writer.bytes(opened)
  writer.varint(state.queues.size)
  for (const { number, name } of state.queues.values()) {
    writer.varint(number)
    writer.text(name)
  }
  return writer.finish()
}

function encodeQueue(queue: QueueState): Uint8Array {
  const writer = new ByteWriter()
  const { nextOffset, nextGroup, pausedUntilMs, pending, done, lanes, groups } = queue
  for (const value of [nextOffset, nextGroup, pausedUntilMs, pending, done.removed.floor]) {
    writer.varint(value)
  }
  writer.varint(lanes.all.length)
  for (const { slot, priority } of lanes.all) {
    writer.varint(slot)
    // The lane that holds several has none of its own.
    writer.varint((priority ?? -1) + 1)
  }
  writer.varint(groups.size)
  for (const group of groups.values()) {
    writer.varint(group.number)
    writer.text(group.name)
    const { leasedMax, promoteAfterMs, sequenceNext, finished, leased } = group
    for (const value of [leasedMax, promoteAfterMs, sequenceNext, finished.floor, leased.floor]) {
      writer.varint(value)
    }
  }
  return writer.finish()
}

function encodeNumber(value: number): Uint8Array {
  const writer = new ByteWriter()
  writer.varint(value)
  return writer.finish()
}

function encodeSettings({ settings, sizes }: QueueState): Uint8Array {
  const writer = new ByteWriter()
  writeSettings(writer, settings)
  writer.varint(sizes ? 1 : 0)
  return writer.finish()
}

function encodeKeys(queue: QueueState, chunk: number, elapsedMs: number): Uint8Array {
  const writer = new ByteWriter()
  const alive = queue.keys.alive(chunk, elapsedMs)
  writer.varint(alive.length)
  for (const [key, { id, offset, untilMs }] of alive) {
    writer.text(key)
    for (const value of [id, offset, untilMs]) writer.varint(value)
  }
  return writer.finish()
}

function encodeGroupChunk(group: GroupState, chunk: number): Uint8Array {
  const writer = new ByteWriter()
  for (const set of [group.finished, group.leased]) {
    const first = Math.max(chunk * CHUNK_OFFSETS, set.floor)
    const hasMembers = set.nextPresent(first, (chunk + 1) * CHUNK_OFFSETS) >= 0
    const bytes = hasMembers ? set.encodeChunk(chunk) : new Uint8Array(0)
    writer.varint(bytes.length)
    writer.bytes(bytes)
  }
  return writer.finish()
}

function encodeExceptions(chunk: ExceptionChunk): Uint8Array {
  const writer = new ByteWriter()
  const exceptions = chunk.inOrder()
  writer.varint(exceptions.length)
  for (const exception of exceptions) writeException(writer, exception)
  return writer.finish()
}

function writeException(writer: ByteWriter, exception: Exception): void {
  const { offset, id, priority, dueKind, dueMs, attempts, leases } = exception
  for (const value of [offset, id, priority, dueKind, dueMs, attempts, leases]) {
    writer.varint(value)
  }
  const { timeouts, releases, buries, kicks, sequence } = exception
  for (const value of [timeouts, releases, buries, kicks, sequence]) writer.varint(value)
  writer.varint(EXCEPTION_STATES.indexOf(exception.state))
  writer.text(exception.reason)
  writer.text(exception.error)
}
