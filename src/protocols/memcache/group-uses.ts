/**
 * Which fan-outs the connections of a server read, whether or not one waits just now: a `delete` by one
 * connection must not take the group of another away, which would miss what is put until it reads again.
 */
import { GROUP_DEFAULT } from '../../index.ts'
import { GROUP_USES_MAX } from './limits.ts'
import type { Reader } from './readers.ts'

/** Connections that read it, by key: of all connections of a server. */
export class GroupUses {
  readonly #counts = new Map<string, number>()

  has(key: string): boolean {
    return this.#counts.has(key)
  }

  enter(key: string): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  leave(key: string): void {
    const count = this.#counts.get(key) ?? 0
    if (count > 1) this.#counts.set(key, count - 1)
    else this.#counts.delete(key)
  }
}

/** Those that one connection has read. */
export class OwnGroups {
  readonly #uses: GroupUses
  /** The one that it read last at the end. */
  readonly #keys = new Set<string>()

  constructor(uses: GroupUses) {
    this.#uses = uses
  }

  /** The one that was read longest ago makes room. */
  note({ group, key }: Reader): void {
    if (group === GROUP_DEFAULT) return
    const isKnown = this.#keys.delete(key)
    this.#keys.add(key)
    if (isKnown) return
    this.#uses.enter(key)
    if (this.#keys.size <= GROUP_USES_MAX) return
    for (const oldest of this.#keys) {
      this.forget(oldest)
      return
    }
  }

  forget(key: string): void {
    if (this.#keys.delete(key)) this.#uses.leave(key)
  }

  forgetAll(): void {
    for (const key of this.#keys) this.#uses.leave(key)
    this.#keys.clear()
  }
}
