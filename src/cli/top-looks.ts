/**
 * One look at a store after the other, for `qlog top`. Nothing is held in between: who opens the store
 * meanwhile finds it free, and an owner that goes and comes back is met again. Touches no stream.
 */
import { QlogError, type QueueStats } from '../index.ts'
import { type AccessOptions, addRow, type OwnerName, type StoreAccess } from '../server/index.ts'
import type { TopFigures, TopView } from './top-figures.ts'

/** Queues that are kept of a look; those behind them are counted. */
const QUEUES_MAX = 10_000

/** An owner that is gone or going may come back: the figures stay until then. */
const ABSENT = new Set(['QLOG_NO_DOOR', 'QLOG_DISCONNECTED', 'QLOG_CLOSED'])

type OpenStore = (directory: string, options?: AccessOptions) => Promise<StoreAccess>

export class TopLooks {
  readonly #openStore: OpenStore
  readonly #directory: string
  readonly #onWait: (owner: OwnerName) => void
  #last: TopFigures | undefined
  #lastTime = ''

  /** `onWait` hears of an owner that lets the first look wait: then no screen is painted yet. */
  constructor(openStore: OpenStore, directory: string, onWait: (owner: OwnerName) => void) {
    this.#onWait = onWait
    this.#openStore = openStore
    this.#directory = directory
  }

  /**
   * The first look opens the store where nobody holds it, those behind it do not: this is no owner, and
   * nothing changes while there is none. Rejects like the opening of a store.
   */
  async next(signal: AbortSignal): Promise<TopView> {
    const before = this.#last
    const onlyOwned = before !== undefined
    try {
      const first = before === undefined ? { onWait: this.#onWait } : {}
      this.#last = await this.#look({ onlyOwned, signal, ...first })
      this.#lastTime = new Date().toTimeString().slice(0, 'hh:mm:ss'.length)
    } catch (error) {
      if (before === undefined || !(error instanceof QlogError) || !ABSENT.has(error.code)) {
        throw error
      }
      const isMissed = before.pid !== undefined || error.code !== 'QLOG_NO_DOOR'
      const trouble = isMissed ? `as of ${this.#lastTime}: ${error.message}` : undefined
      return this.#view(before, undefined, trouble)
    }
    return this.#view(this.#last, before, undefined)
  }

  #view(figures: TopFigures, before: TopFigures | undefined, trouble: string | undefined): TopView {
    const timeOfDay = this.#lastTime
    return { directory: this.#directory, timeOfDay, figures, before, trouble }
  }

  async #look(options: AccessOptions): Promise<TopFigures> {
    const store = await this.#openStore(this.#directory, options)
    try {
      const queues: QueueStats[] = []
      let moreQueues = 0
      let lastQueue = ''
      const onItem = (row: QueueStats): void => {
        const isOfLast = row.queue === lastQueue
        lastQueue = row.queue
        if (queues.length < QUEUES_MAX || queues.at(-1)?.queue === row.queue) addRow(queues, row)
        else if (!isOfLast) moreQueues += 1
      }
      const { signal } = options
      const stats = await store.call('stats', {}, { onItem, signal })
      return { pid: store.owner?.pid, stats, queues, moreQueues }
    } finally {
      await store.close()
    }
  }
}
