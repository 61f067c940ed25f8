/**
 * What a group has done with the messages of its queue, as the log records it: finished and leased
 * offsets, and the exceptions. Whom messages go to next is the dispatch's business. Pure memory.
 */
import { OffsetSet } from '../containers/offset-set.ts'
import type { BuryOp, KickOp, ReturnOp } from '../records/control-ops.ts'
import type { OffsetRanges } from '../records/offset-ranges.ts'
import { Exception } from './exception.ts'
import { ExceptionChunk } from './exception-chunk.ts'
import { chunkOf, smallChunkOf } from './offset-chunks.ts'
import { forEachRange } from './ranges.ts'
import { GroupCounts } from './totals.ts'

/** What an op says of the message that it is about. */
type MessageName = Pick<KickOp, 'offset' | 'id' | 'priority'>

/** What a group tells of its changes while the store is open. */
export interface GroupEvents {
  /** An exception is new or changed, and leased by nobody. */
  changed(exception: Exception): void
  /** An exception is none any more. */
  dropped(exception: Exception): void
  /** Nobody has these leased any more; those that are not finished and no exceptions wait again. */
  unleased(first: number, end: number): void
  settingsChanged(): void
}

export class GroupState {
  readonly number: number
  readonly name: string
  /** Most leased at once; 0 = no limit. */
  leasedMax = 0
  /** 0 = never. */
  promoteAfterMs = 0
  /** Above every place among the buried that was given. */
  sequenceNext = 0
  /** Replaced where the group begins anew. */
  finished: OffsetSet
  /** Leased, as far as the log tells: a lease that merely ended is in it too. */
  readonly leased = new OffsetSet()
  readonly chunks = new Map<number, ExceptionChunk>()
  /** How often the members of a chunk changed: finished or leased. */
  readonly versions = new Map<number, number>()
  /** Exceptions in all chunks, and how many of them are buried. */
  exceptionCount = 0
  buriedCount = 0
  /** What happened since the store was opened. */
  counts = new GroupCounts()
  events: GroupEvents | undefined
  /** Of all chunks of exceptions: one that comes back shall not have a version that it had before. */
  #exceptionVersion = 0

  constructor(number: number, name: string, finished: OffsetSet) {
    this.number = number
    this.name = name
    this.finished = finished
  }

  exception(offset: number): Exception | undefined {
    if (this.exceptionCount === 0) return undefined
    return this.chunks.get(smallChunkOf(offset))?.byOffset.get(offset)
  }

  /** Deliveries of the message that count so far, as far as the log tells. */
  attempts(offset: number): number {
    const exception = this.exception(offset)
    if (exception) return exception.attempts
    return this.leased.has(offset) ? 1 : 0
  }

  *exceptions(): Iterable<Exception> {
    for (const { byOffset } of this.chunks.values()) yield* byOffset.values()
  }

  lease(ranges: OffsetRanges): void {
    forEachRange(ranges, (first, end) => {
      if (this.finished.nextPresent(first, end) < 0) {
        this.#lease(first, end)
        return
      }
      // A message that was deleted while its delivery was on its way is nobody's any more.
      for (let from = this.finished.nextAbsent(first); from < end; ) {
        const present = this.finished.nextPresent(from, end)
        const to = present < 0 ? end : present
        this.#lease(from, to)
        from = this.finished.nextAbsent(to)
      }
    })
  }

  #lease(first: number, end: number): void {
    this.#touch(first, end)
    const { floor } = this.leased
    this.leased.add(first, end)
    this.#touchFloor(floor, this.leased.floor)
  }

  /** What a chunk holds depends on the floor of its set, too. */
  #touchFloor(before: number, after: number): void {
    if (before !== after) this.#touch(Math.min(before, after), Math.max(before, after) + 1)
  }

  #unlease(first: number, end: number): void {
    const { floor } = this.leased
    this.leased.remove(first, end)
    this.#touchFloor(floor, this.leased.floor)
  }

  leaseAgain(op: KickOp): void {
    const exception = this.#begin(op)
    if (!exception) return
    makeReady(exception)
    exception.attempts++
    exception.leases++
    this.#lease(op.offset, op.offset + 1)
  }

  /** Returns how many of them were not finished before. */
  finish(first: number, end: number): number {
    this.#touch(first, end)
    this.#unlease(first, end)
    if (this.exceptionCount > 0) this.#dropExceptions(first, end)
    const { floor } = this.finished
    const added = this.finished.add(first, end)
    this.#touchFloor(floor, this.finished.floor)
    this.events?.unleased(first, end)
    return added
  }

  /** These are finished, and nothing else was ever done; `end` is the next offset of the queue. */
  restart(finished: OffsetSet, end: number): void {
    for (const chunk of this.chunks.values()) {
      for (const offset of chunk.byOffset.keys()) this.#drop(chunk, offset)
    }
    this.finished = finished
    this.leased.setFloor(0)
    // What a chunk holds depends on the floor, which may stand at the end.
    this.#touch(0, end + 1)
  }

  giveBack(ranges: OffsetRanges): void {
    forEachRange(ranges, (first, end) => {
      this.#touch(first, end)
      for (const exception of this.#exceptionsIn(first, end)) {
        this.#touchException(exception.offset)
        uncount(exception)
        exception.leases = Math.max(0, exception.leases - 1)
      }
      this.#unlease(first, end)
      this.events?.unleased(first, end)
    })
  }

  return(op: ReturnOp): void {
    const exception = this.#begin(op)
    if (!exception) return
    exception.state = op.dueKind === 0 ? 'ready' : 'delayed'
    exception.dueKind = op.dueKind
    exception.dueMs = op.dueMs
    if (op.how === 'released' || op.how === 'released-counted') {
      exception.releases++
      this.counts.released++
      if (op.how === 'released') uncount(exception)
    } else if (op.how === 'timed-out') {
      exception.timeouts++
      this.counts.timedOut++
    } else {
      exception.error = op.error
      this.counts.retried++
    }
    this.#end(exception)
  }

  /** False where the message is finished, and stays so. */
  bury(op: BuryOp): boolean {
    this.sequenceNext = Math.max(this.sequenceNext, op.sequence + 1)
    const exception = this.#begin(op)
    if (!exception) return false
    makeReady(exception)
    exception.state = 'buried'
    exception.sequence = op.sequence
    exception.reason = op.reason
    if (op.error !== '') exception.error = op.error
    exception.buries++
    this.buriedCount++
    this.counts.buried++
    this.#end(exception)
    return true
  }

  /** Kicks those of them that are buried. */
  redrive(ranges: OffsetRanges): void {
    forEachRange(ranges, (first, end) => {
      if (this.buriedCount === 0) return
      for (const exception of this.#exceptionsIn(first, end)) {
        if (exception.state === 'buried') this.kick(exception)
      }
    })
  }

  kick(op: MessageName | KickOp): void {
    const exception = this.#begin(op)
    if (!exception) return
    makeReady(exception)
    // Whoever kicks it wants it delivered, also where its attempts are used up.
    exception.attempts = 0
    exception.kicks++
    this.counts.kicked++
    this.#end(exception)
  }

  /** Takes an exception in, new or loaded. */
  adopt(exception: Exception): void {
    const number = smallChunkOf(exception.offset)
    let chunk = this.chunks.get(number)
    if (!chunk) {
      chunk = new ExceptionChunk()
      this.chunks.set(number, chunk)
    }
    chunk.changing(exception.offset)
    chunk.byOffset.set(exception.offset, exception)
    chunk.version = ++this.#exceptionVersion
    this.exceptionCount++
    if (exception.state === 'buried') this.buriedCount++
  }

  /** Numbers of the small chunks from that of this offset on that hold exceptions, in order. */
  chunksFrom(offset: number): number[] {
    const first = smallChunkOf(offset)
    return [...this.chunks.keys()].filter((number) => number >= first).sort((a, b) => a - b)
  }

  /** In order. What is looked at is the smaller of the two: the offsets, or all exceptions. */
  #exceptionsIn(first: number, end: number): Exception[] {
    const found: Exception[] = []
    if (this.exceptionCount === 0) return found
    if (end - first > this.exceptionCount) {
      for (const exception of this.exceptions()) {
        if (exception.offset >= first && exception.offset < end) found.push(exception)
      }
      return found.sort((a, b) => a.offset - b.offset)
    }
    for (let offset = first; offset < end; offset++) {
      const exception = this.exception(offset)
      if (exception) found.push(exception)
    }
    return found
  }

  /** The exception that an op is about, made where there is none; undefined where it is finished. */
  #begin(op: MessageName): Exception | undefined {
    const { offset } = op
    if (this.finished.has(offset)) return undefined
    this.#touch(offset, offset + 1)
    let exception = this.exception(offset)
    if (exception) {
      this.#touchException(offset)
      this.events?.dropped(exception)
      if (exception.state === 'buried') this.buriedCount--
      exception.state = 'ready'
    } else {
      exception = new Exception(offset, op.id)
      exception.attempts = this.leased.has(offset) ? 1 : 0
      exception.leases = exception.attempts
      this.adopt(exception)
    }
    exception.priority = op.priority
    return exception
  }

  #end(exception: Exception): void {
    const { offset } = exception
    this.#unlease(offset, offset + 1)
    this.events?.unleased(offset, offset + 1)
    this.events?.changed(exception)
  }

  #dropExceptions(first: number, end: number): void {
    const from = smallChunkOf(first)
    const last = smallChunkOf(end - 1)
    if (last - from >= this.chunks.size) {
      for (const [number, chunk] of this.chunks) {
        if (number >= from && number <= last) this.#dropFrom(chunk, first, end)
      }
      return
    }
    for (let number = from; number <= last; number++) {
      const chunk = this.chunks.get(number)
      if (chunk) this.#dropFrom(chunk, first, end)
    }
  }

  #dropFrom(chunk: ExceptionChunk, first: number, end: number): void {
    if (end - first < chunk.byOffset.size) {
      for (let offset = first; offset < end; offset++) this.#drop(chunk, offset)
      return
    }
    for (const offset of chunk.byOffset.keys()) {
      if (offset >= first && offset < end) this.#drop(chunk, offset)
    }
  }

  #drop(chunk: ExceptionChunk, offset: number): void {
    const exception = chunk.byOffset.get(offset)
    if (!exception) return
    chunk.changing(offset)
    chunk.byOffset.delete(offset)
    chunk.version = ++this.#exceptionVersion
    if (chunk.byOffset.size === 0) this.chunks.delete(smallChunkOf(offset))
    this.exceptionCount--
    if (exception.state === 'buried') this.buriedCount--
    this.events?.dropped(exception)
  }

  /** The exception there is about to change. */
  #touchException(offset: number): void {
    const chunk = this.chunks.get(smallChunkOf(offset))
    if (!chunk) return
    chunk.changing(offset)
    chunk.version = ++this.#exceptionVersion
  }

  /** The chunks of these offsets have to be saved anew. */
  #touch(first: number, end: number): void {
    for (let number = chunkOf(first); number <= chunkOf(end - 1); number++) {
      this.versions.set(number, (this.versions.get(number) ?? 0) + 1)
    }
  }
}

function makeReady(exception: Exception): void {
  exception.state = 'ready'
  exception.dueKind = 0
  exception.dueMs = 0
  exception.reason = ''
}

function uncount(exception: Exception): void {
  exception.attempts = Math.max(0, exception.attempts - 1)
}
