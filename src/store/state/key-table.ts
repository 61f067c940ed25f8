/**
 * Keys that are taken in a queue, until when, and by which message. Kept, and saved, by chunks of
 * offsets, so that a change concerns one of them. Pure memory.
 */
import { smallChunkOf } from './offset-chunks.ts'

export interface KeyEntry {
  readonly id: number
  readonly offset: number
  /** In the store's own time. */
  readonly untilMs: number
}

/** Keys looked at with every message that is put, round and round, to let go of expired ones. */
const PRUNED_A_PUT = 2

class KeyChunk {
  readonly keys = new Set<string>()
  version = 0
}

export class KeyTable {
  readonly #entries = new Map<string, KeyEntry>()
  readonly #chunks = new Map<number, KeyChunk>()
  #walk = this.#entries.entries()
  /** Of all chunks: one that comes back shall not have a version that it had before. */
  #version = 0

  /** Who has the key at that time; undefined where nobody does. */
  get(key: string, elapsedMs: number): KeyEntry | undefined {
    const entry = this.#entries.get(key)
    return entry && entry.untilMs > elapsedMs ? entry : undefined
  }

  /** Any key is taken at that time. */
  isAnyTaken(elapsedMs: number): boolean {
    for (const { untilMs } of this.#entries.values()) if (untilMs > elapsedMs) return true
    return false
  }

  set(key: string, entry: KeyEntry, elapsedMs: number): void {
    this.#delete(key)
    this.#entries.set(key, entry)
    const number = smallChunkOf(entry.offset)
    const chunk = this.#chunks.get(number) ?? new KeyChunk()
    this.#chunks.set(number, chunk)
    chunk.keys.add(key)
    chunk.version = ++this.#version
    this.prune(elapsedMs)
  }

  /** Looks at some of them, and lets go of those whose time is over: nobody can tell the difference. */
  prune(elapsedMs: number, count = PRUNED_A_PUT): void {
    for (let looked = 0; looked < count && this.#entries.size > 0; looked++) {
      const { value } = this.#walk.next()
      if (!value) {
        this.#walk = this.#entries.entries()
        return
      }
      const [key, { untilMs }] = value
      if (untilMs <= elapsedMs) this.#delete(key)
    }
  }

  chunkNumbers(): readonly number[] {
    return [...this.#chunks.keys()].sort((a, b) => a - b)
  }

  /** Grows with every change of the chunk but the end of a key's time. */
  versionOf(chunk: number): number {
    return this.#chunks.get(chunk)?.version ?? 0
  }

  /** Keys of a chunk that are taken at that time, in the order of their messages. */
  alive(chunk: number, elapsedMs: number): [string, KeyEntry][] {
    const alive: [string, KeyEntry][] = []
    for (const key of this.#chunks.get(chunk)?.keys ?? []) {
      const entry = this.get(key, elapsedMs)
      if (entry) alive.push([key, entry])
    }
    return alive.sort(([, a], [, b]) => a.id - b.id)
  }

  #delete(key: string): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    const number = smallChunkOf(entry.offset)
    const chunk = this.#chunks.get(number)
    chunk?.keys.delete(key)
    if (chunk) chunk.version = ++this.#version
    if (chunk?.keys.size === 0) this.#chunks.delete(number)
  }
}
