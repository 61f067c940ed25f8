/**
 * Tubes: queues of the store as this protocol sees them. A tube is there while it holds a job or a
 * connection uses or watches it, and `default` always; its queue goes a little later, where nothing else
 * needs it. Nothing here has to survive.
 */
import type {
  Group,
  PutOptions,
  PutResult,
  Queue,
  QueueStats,
  Store,
  StoreStats,
} from '../../index.ts'
import { PROTOCOL_RETRY, queueOf } from '../queue-of.ts'
import { EndedTubes, type Later } from './ended-tubes.ts'
import { isTubeName, TUBE_DEFAULT } from './names.ts'
import { removeRow } from './unordered.ts'

export class Tube {
  readonly name: string
  readonly queue: Queue
  readonly group: Group
  /** Connections that use it, watch it, wait for a job of it. */
  using = 0
  watching = 0
  waiting = 0
  /** Jobs that are put and not durable yet. */
  putsUnderWay = 0
  /** Commands, since it is there. */
  deletes = 0
  pauses = 0
  /** What the last pause was told. */
  pauseSeconds = 0
  /** What the last put without a delay asked for. */
  #plain: Readonly<{ priority: number; leaseMs: number }> | undefined
  /** Jobs that were put in front of its time. */
  #putBefore: number
  /** Names the queue, and how its jobs are tried again. */
  readonly #name: () => Queue
  /** The group is being made. */
  #isBeginning = false

  constructor(store: Store, name: string, report: (error: Error) => void) {
    this.name = name
    this.#name = () => queueOf(store, name, PROTOCOL_RETRY, report)
    this.queue = this.#name()
    this.group = this.queue.group()
    const { messages, nextOffset } = this.queue.stats()
    this.#putBefore = messages > 0 || name === TUBE_DEFAULT ? 0 : nextOffset
  }

  /** Whatever is put is read by the group: without it a job that is deleted would stay. */
  put(body: Uint8Array, options: PutOptions): Promise<PutResult> {
    if (!this.group.exists && !this.#isBeginning) this.#begin()
    return this.queue.put(body, options)
  }

  /** Most puts ask for the same, on whatever connection: frozen, and the same object, it is checked once. */
  plainOptions(priority: number, leaseMs: number): PutOptions {
    if (this.#plain?.priority !== priority || this.#plain.leaseMs !== leaseMs) {
      this.#plain = Object.freeze({ priority, leaseMs })
    }
    return this.#plain
  }

  /** Jobs that were ever put, as far as `stats` of its queue tell. */
  totalJobs({ nextOffset }: QueueStats): number {
    return nextOffset - this.#putBefore
  }

  /** Its queue was removed, and what is put from now on counts from 0. */
  queueRemoved(): void {
    this.#putBefore = 0
    this.#name()
  }

  get hasJobs(): boolean {
    return this.queue.stats().messages > 0
  }

  /**
   * The group, to look at jobs; undefined where there is none, nor any job: looking makes no record then.
   * Jobs that were put by others than this protocol may have none yet.
   */
  async look(): Promise<Group | undefined> {
    if (!this.group.exists) {
      const { messages, groups } = this.queue.stats()
      if (messages + groups.length === 0) return undefined
      await this.queue.createGroup(this.group.name)
    }
    return this.group
  }

  /** What this protocol paused, and it is not over. */
  get isPausedHere(): boolean {
    return this.pauseSeconds > 0 && this.queue.stats().pausedMs > 0
  }

  get isReferred(): boolean {
    return this.using + this.watching + this.putsUnderWay > 0 || this.name === TUBE_DEFAULT
  }

  #begin(): void {
    this.#isBeginning = true
    const begun = (): void => {
      this.#isBeginning = false
    }
    // The records of the queue and its group stand in front of the message's: nobody has to wait. Where
    // that fails, what is put behind it fails for the same reason, and tells its client.
    this.queue.createGroup(this.group.name).then(begun, begun)
  }
}

export class Tubes {
  readonly #store: Store
  readonly #report: (error: unknown) => void
  readonly #byName = new Map<string, Tube>()
  /** The same, in the order in which they are listed. */
  readonly #listed: Tube[] = []
  /** Pauses that are about to end, since their tubes are gone. */
  readonly #endingPauses = new Map<string, Promise<void>>()
  readonly #ended: EndedTubes

  constructor(store: Store, report: (error: unknown) => void, after: Later) {
    this.#store = store
    this.#report = report
    const host = {
      hasEnded: (name: string) => this.#hasEnded(name),
      queueRemoved: (name: string) => this.#byName.get(name)?.queueRemoved(),
      report,
    }
    this.#ended = new EndedTubes(store, host, after)
    this.get(TUBE_DEFAULT)
  }

  /** The tube of this name, which is there from now on if anybody refers to it. */
  get(name: string): Tube {
    const known = this.#byName.get(name)
    if (known && (known.isReferred || known.hasJobs)) return known
    if (known) this.#forget(known)
    const tube = new Tube(this.#store, name, this.#report)
    this.#byName.set(name, tube)
    this.#listed.push(tube)
    return tube
  }

  /** Undefined where there is none. */
  find(name: string): Tube | undefined {
    const known = this.#byName.get(name)
    if (known?.isReferred) return known
    if (known?.hasJobs) return known
    if (known) {
      this.#forget(known)
      return undefined
    }
    return this.#store.queue(name).stats().messages > 0 ? this.get(name) : undefined
  }

  /** The tube of a job that is there. */
  of(queue: string): Tube {
    const tube = this.get(queue)
    // It may be its last one.
    if (!tube.isReferred) this.#ended.add(queue)
    return tube
  }

  /** Somebody refers to it no more. */
  left(tube: Tube): void {
    if (tube.isReferred) return
    // What takes its last job may be on its way.
    if (tube.hasJobs) this.#ended.add(tube.name)
    else this.#forget(tube)
  }

  #hasEnded(name: string): 'yes' | 'not yet' | 'no' {
    const known = this.#byName.get(name)
    if (known === undefined) return 'yes'
    if (known.isReferred) return 'no'
    if (known.hasJobs) return 'not yet'
    this.#forget(known)
    // It is looked at right now.
    this.#ended.drop(name)
    return 'yes'
  }

  /** It is paused, and nobody refers to it: whether it is there depends on its jobs. */
  mayEndPause(name: string): boolean {
    const known = this.#byName.get(name)
    return known?.isReferred === false && known.isPausedHere
  }

  /** Resolves once no pause of a tube of this name is left that is gone; never rejects. */
  async pauseEnded(name: string): Promise<void> {
    await this.#endingPauses.get(name)
  }

  /** All that are there, in the order of the real server. */
  all(stats: StoreStats = this.#store.stats()): readonly Tube[] {
    const withJobs = new Set<string>()
    for (const { queue, messages } of stats.queues) {
      if (messages === 0 || !isTubeName(queue)) continue
      withJobs.add(queue)
      this.get(queue)
    }
    for (const tube of this.#byName.values()) {
      if (!tube.isReferred && !withJobs.has(tube.name)) this.#forget(tube)
    }
    return [...this.#listed]
  }

  #forget(tube: Tube): void {
    if (this.#byName.get(tube.name) !== tube) return
    this.#byName.delete(tube.name)
    removeRow(this.#listed, this.#listed.indexOf(tube))
    if (tube.isPausedHere) this.#endPause(tube)
    this.#ended.add(tube.name)
  }

  /** What refers to the name from now on is another tube. What is put there stands behind this in the log. */
  #endPause({ name, queue }: Tube): void {
    const ending = queue.pause(0).catch(this.#report)
    const ended = ending.then(() => {
      if (this.#endingPauses.get(name) === ended) this.#endingPauses.delete(name)
    })
    this.#endingPauses.set(name, ended)
  }
}
