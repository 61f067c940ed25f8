/**
 * Messages of a group that were leased when an earlier opening ended without a close: one of them may be
 * what ended it, so they go out one at a time. Pure memory.
 */
import { IndexedHeap, NOT_IN_HEAP } from '../containers/heap.ts'
import type { GroupDispatch } from './group-dispatch.ts'
import { byPriority, Taken } from './taken.ts'

export class Suspects {
  readonly #heap = new IndexedHeap<Taken>(byPriority)
  readonly #byOffset = new Map<number, Taken>()
  /** The one that went out in its turn, and those that somebody took by name. */
  readonly #out = new Set<Taken>()

  /** Those that wait; what is out is not among them. */
  get size(): number {
    return this.#byOffset.size
  }

  has(offset: number): boolean {
    return this.#byOffset.size > 0 && this.#byOffset.has(offset)
  }

  /** The best one, whether or not it could go out now. */
  peek(): Taken | undefined {
    return this.#heap.peek()
  }

  add(suspect: Taken): void {
    const { id, offset } = suspect
    if (this.#byOffset.has(offset)) throw new Error(`message ${id} is a suspect already`)
    if (this.#out.has(suspect)) throw new Error(`the suspect ${id} is out`)
    suspect.isSuspect = true
    this.#byOffset.set(offset, suspect)
    this.#heap.push(suspect)
  }

  /** The best one that waits for its delivery; undefined where there is none, or one is out. */
  settle(isWaiting: (offset: number, id: number) => boolean): Taken | undefined {
    if (this.#out.size > 0) return undefined
    for (let first = this.#heap.peek(); first; first = this.#heap.peek()) {
      if (isWaiting(first.offset, first.id)) return first
      // What is to take it out may be turned down: it stands aside, a suspect all the same.
      this.#heap.remove(first)
    }
    return undefined
  }

  /** The message may be waiting again; false where it is none of those that wait. */
  offer(offset: number): boolean {
    const suspect = this.#byOffset.get(offset)
    if (suspect === undefined) return false
    if (suspect.heapIndex === NOT_IN_HEAP) this.#heap.push(suspect)
    return true
  }

  /** The best one goes out; `ended` is told when it is not out any more. */
  take(): Taken {
    for (const { id } of this.#out) throw new Error(`the suspect ${id} is out already`)
    const suspect = this.#heap.pop()
    if (!suspect) throw new Error('there is no suspect to take')
    this.#byOffset.delete(suspect.offset)
    this.#out.add(suspect)
    return suspect
  }

  /** This very one goes out, whatever else is; undefined where it is none of those that wait. */
  takeThis(offset: number): Taken | undefined {
    const suspect = this.#byOffset.get(offset)
    if (!suspect) return undefined
    this.drop(offset)
    this.#out.add(suspect)
    return suspect
  }

  /** It is not out any more: where no other one is, the next may go. */
  ended(suspect: Taken): void {
    if (!this.#out.delete(suspect)) throw new Error(`the suspect ${suspect.id} is not out`)
    suspect.isSuspect = false
  }

  /** The message is no suspect any more. */
  drop(offset: number): void {
    const suspect = this.#byOffset.get(offset)
    if (!suspect) return
    this.#byOffset.delete(offset)
    if (suspect.heapIndex !== NOT_IN_HEAP) this.#heap.remove(suspect)
  }

  /** None of those that wait is a suspect any more; returns them. */
  dropAll(): Taken[] {
    const all = [...this.#byOffset.values()]
    for (const suspect of all) {
      this.drop(suspect.offset)
      suspect.isSuspect = false
    }
    return all
  }

  /** The group begins anew: there are none any more. */
  clear(): void {
    this.#heap.clear()
    this.#byOffset.clear()
    this.#out.clear()
  }

  /** Of these, those that are finished are suspects no more. */
  dropFinished(first: number, end: number, isFinished: (offset: number) => boolean): void {
    if (end - first < this.#byOffset.size) {
      for (let offset = first; offset < end; offset++) if (isFinished(offset)) this.drop(offset)
      return
    }
    for (const offset of this.#byOffset.keys()) {
      if (offset >= first && offset < end && isFinished(offset)) this.drop(offset)
    }
  }
}

/** What was leased when the last opening ended, and is not finished, may be what ended it. */
export function suspectsOf(group: GroupDispatch): Taken[] {
  const { leased, finished } = group.state
  const suspects: Taken[] = []
  leased.forEachRange(0, group.queue.state.nextOffset, (first, end) => {
    for (let offset = first; offset < end; offset++) {
      const suspect = finished.has(offset) ? undefined : suspectAt(group, offset)
      if (suspect) suspects.push(suspect)
    }
  })
  return suspects
}

function suspectAt(group: GroupDispatch, offset: number): Taken | undefined {
  const exception = group.state.exception(offset)
  if (exception) {
    // A delay that was given later counts; one that is buried goes nowhere.
    if (exception.state !== 'ready') return undefined
    return new Taken(group, exception.id, offset, exception.priority)
  }
  const facts = group.queue.find(offset)
  return facts && new Taken(group, facts.id, offset, facts.priority)
}
