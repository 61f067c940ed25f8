/**
 * What one connection uses and watches, and the session that takes jobs for it: made when it reserves for
 * the first time, and told of changes of the watch list when it reserves next.
 */
import type { Delivery, Session } from '../../index.ts'
import { WATCHED_MAX } from './limits.ts'
import { TUBE_DEFAULT } from './names.ts'
import { isOrdinary } from './replies.ts'
import type { Shared } from './shared.ts'
import type { Tube } from './tubes.ts'
import { removeRow } from './unordered.ts'

/** Jobs, and bytes of them, that come back in one entry: dead letters take their bodies along. */
const BACK_COUNT = 256
const BACK_BYTES = 8 * 1024 * 1024

export class Watching {
  readonly #shared: Shared
  #used: Tube
  readonly #watched = new Map<string, Tube>()
  /** The same, in the order in which they are listed. */
  readonly #listed: Tube[] = []
  #session: Session | undefined
  /** The session watches something else than this list. */
  #hasChanged = true
  #isStopping = false

  constructor(shared: Shared) {
    this.#shared = shared
    const tube = shared.tubes.get(TUBE_DEFAULT)
    this.#used = tube
    this.#watched.set(tube.name, tube)
    this.#listed.push(tube)
    tube.using++
    tube.watching++
  }

  get used(): Tube {
    return this.#used
  }

  get watched(): readonly Tube[] {
    return this.#listed
  }

  use(name: string): void {
    const before = this.#used
    const tube = this.#shared.tubes.get(name)
    if (tube === before) return
    tube.using++
    this.#used = tube
    before.using--
    this.#shared.tubes.left(before)
  }

  /** False where there are too many. */
  watch(name: string): boolean {
    if (this.#watched.has(name)) return true
    if (this.#watched.size >= WATCHED_MAX) return false
    const tube = this.#shared.tubes.get(name)
    tube.watching++
    this.#watched.set(name, tube)
    this.#listed.push(tube)
    this.#hasChanged = true
    return true
  }

  /** False where it is the last one. */
  ignore(name: string): boolean {
    const tube = this.#watched.get(name)
    if (tube === undefined) return true
    if (this.#watched.size === 1) return false
    this.#watched.delete(name)
    removeRow(this.#listed, this.#listed.indexOf(tube))
    tube.watching--
    // At once, or a tube that has ended would be kept by who reserves no more.
    this.#session?.ignore(name)
    this.#shared.tubes.left(tube)
    this.#hasChanged = true
    return true
  }

  /** The session, watching what the connection watches. */
  async ready(): Promise<Session> {
    const { session } = this
    if (!this.#hasChanged) return session
    // A group that is removed meanwhile counts as a change, too.
    this.#hasChanged = false
    try {
      const names = new Set(this.#watched.keys())
      for (const { queue } of session.watched) {
        if (!names.delete(queue)) session.ignore(queue)
      }
      await Promise.all([...names].map((name) => session.watch(name)))
    } catch (error) {
      this.#hasChanged = true
      throw error
    }
    return session
  }

  /** For what needs no watch list. */
  get session(): Session {
    this.#session ??= this.#shared.store.session({ onRemoved: this.#removed })
    return this.#session
  }

  /** Jobs that it holds, as far as there is a session. */
  get heldNow(): number {
    return this.#session?.leased ?? 0
  }

  /** A reserve may wait for it: the group begins anew, and the wait goes on in it. */
  readonly #removed = (name: string): void => {
    if (!this.#watched.has(name)) return
    this.#session?.watch(name).catch((error: unknown) => {
      this.#hasChanged = true
      this.#report(error)
    })
  }

  readonly #report = (error: unknown): void => {
    if (!isOrdinary(error)) this.#shared.report(error)
  }

  /** The server stops: what is paused stays so, though the tube loses its last client. */
  stop(): void {
    this.#isStopping = true
  }

  /** The connection is gone. Resolves once what it held is ready again, and its reservation counts; never rejects. */
  async end(held: readonly Delivery[]): Promise<void> {
    for (const tube of this.#listed) {
      tube.watching--
      this.#left(tube)
    }
    this.#used.using--
    this.#left(this.#used)
    const session = this.#session
    if (session === undefined) return
    const retried = batchesOf(held).map((some) => session.retry(some).catch(this.#report))
    // Whatever becomes of that, the session gives back what is left.
    const closed = session.close().catch(this.#report)
    await Promise.all(retried)
    await closed
  }

  #left(tube: Tube): void {
    if (!this.#isStopping) this.#shared.tubes.left(tube)
  }
}

/** No entry takes all that one connection may hold. */
function batchesOf(held: readonly Delivery[]): Delivery[][] {
  const batches: Delivery[][] = []
  let batch: Delivery[] = []
  let bytes = 0
  for (const delivery of held) {
    bytes += delivery.body.length
    const isFull = batch.length >= BACK_COUNT || bytes > BACK_BYTES
    if (batch.length === 0 || isFull) {
      batch = []
      batches.push(batch)
      bytes = delivery.body.length
    }
    batch.push(delivery)
  }
  return batches
}
