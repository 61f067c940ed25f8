/**
 * The exceptions of one small chunk of offsets. A save freezes it for as long as it takes: what changes
 * meanwhile is kept as it was, so that the save sees one moment and nothing waits for it. Pure memory.
 */
import type { Exception } from './exception.ts'

export class ExceptionChunk {
  version = 0
  readonly byOffset = new Map<number, Exception>()
  /** What stood at the offsets that changed since it was frozen; undefined for nothing. */
  #before: Map<number, Exception | undefined> | undefined

  /** Called in front of every change at that offset. */
  changing(offset: number): void {
    if (this.#before === undefined || this.#before.has(offset)) return
    this.#before.set(offset, this.byOffset.get(offset)?.copy())
  }

  /** From here on `inOrder` tells what there is now, whatever changes, until `thaw`. */
  freeze(): void {
    if (this.#before !== undefined) throw new Error('the chunk is frozen already')
    this.#before = new Map()
  }

  thaw(): void {
    this.#before = undefined
  }

  /** All of them by offset. */
  inOrder(): Exception[] {
    const before = this.#before
    const all: Exception[] = []
    for (const exception of this.byOffset.values()) {
      if (!before?.has(exception.offset)) all.push(exception)
    }
    for (const exception of before?.values() ?? []) if (exception) all.push(exception)
    return all.sort((a, b) => a.offset - b.offset)
  }
}
