/**
 * What the records of a binlog come to, file by file in the order of their numbers: the jobs that there are at
 * its end, each with the place of its body. Holds no bodies. Pure.
 */
import type { BinlogRecord } from './binlog-record.ts'
import type { ImportedJob } from './job.ts'

/** Changes of jobs that were not put, by id; beyond them it is only counted. */
const LOST_MAX = 100_000
/** The longest that the protocol can say. */
const DELAY_MS_MAX = 0xffff_ffff * 1_000

/** Places that are told. */
const GAPS_MAX = 100
/** Ids that are looked at one by one. */
const GAP_IDS_MAX = 1_000_000

/** Ids that no record names, though ids are given one by one: their jobs stood in between, or were never put. */
export interface IdGap {
  /** The file with the job in front of them, and the one with the job behind them. */
  readonly behind: string
  readonly before: string
  readonly firstId: number
  readonly endId: number
  /** How many of them no record names. */
  readonly count: number
}

/** A job that is there at the end. */
export interface BinlogJob {
  readonly id: number
  readonly tube: string
  readonly createdNs: bigint
  readonly priority: number
  readonly ttrMs: number
  readonly state: 'ready' | 'buried' | 'delayed'
  readonly deadlineMs: number
  /** Its place among the buried ones, in the order in which they were. */
  readonly buriedAt: number
  /** Which file holds the body, as it was named to the replay. */
  readonly file: string
  readonly bodyAt: number
  readonly bodyBytes: number
}

export class BinlogReplay {
  readonly #jobs = new Map<number, BinlogJob>()
  /** Jobs that were changed, and neither put nor deleted. */
  readonly #lost = new Set<number>()
  #lostBeyond = 0
  #file = ''
  #buried = 0
  /** The highest id that was put, and where. */
  #highest = 0
  #highestFile = ''
  readonly #gaps: Omit<IdGap, 'count'>[] = []
  /** Ids that are named though no put of them was read when it was their turn. */
  readonly #named = new Set<number>()

  /** What is taken from now on stands in this file. */
  enter(file: string): void {
    this.#file = file
  }

  /** A change has to name the job as it was put: an id alone may be a damaged one. */
  judge({ id, tube, createdNs, bodyBytes }: BinlogRecord): 'fits' | 'unknown' | 'contradicts' {
    const known = this.#jobs.get(id)
    if (known === undefined) return tube === undefined ? 'unknown' : 'fits'
    const isSame = known.createdNs === createdNs && known.bodyBytes === bodyBytes
    if (isSame) return tube === undefined || tube === known.tube ? 'fits' : 'contradicts'
    // Ids begin anew once the log was empty: what is whole is another job.
    return tube !== undefined && known.createdNs !== createdNs ? 'fits' : 'contradicts'
  }

  take(record: BinlogRecord): void {
    const { id, tube, state, createdNs } = record
    const known = this.#jobs.get(id)
    if (known === undefined) this.#notePlace(id, tube !== undefined)
    if (state === 'deleted') {
      this.#jobs.delete(id)
      this.#lost.delete(id)
      return
    }
    const name = tube ?? known?.tube
    if (name === undefined) {
      this.#loses(id)
      return
    }
    this.#lost.delete(id)
    const before = known?.createdNs === createdNs ? known : undefined
    // A log that is compacted writes a buried job again, which does not bury it.
    const isNewlyBuried = state === 'buried' && before?.state !== 'buried'
    if (isNewlyBuried) this.#buried += 1
    this.#jobs.set(id, {
      id,
      tube: name,
      createdNs,
      priority: record.priority,
      ttrMs: record.ttrMs,
      // Whoever had reserved it is gone.
      state: state === 'reserved' ? 'ready' : state,
      deadlineMs: record.deadlineMs,
      buriedAt: isNewlyBuried ? this.#buried : (before?.buriedAt ?? 0),
      file: tube === undefined ? (known?.file ?? this.#file) : this.#file,
      bodyAt: tube === undefined ? (known?.bodyAt ?? 0) : record.bodyAt,
      bodyBytes: record.bodyBytes,
    })
  }

  /** By tubes in the order of their names, and by id. */
  jobsByTube(): ReadonlyMap<string, readonly BinlogJob[]> {
    const byTube = new Map<string, BinlogJob[]>()
    for (const job of this.#jobs.values()) {
      const some = byTube.get(job.tube)
      if (some === undefined) byTube.set(job.tube, [job])
      else some.push(job)
    }
    for (const some of byTube.values()) some.sort((a, b) => a.id - b.id)
    return new Map([...byTube].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** Ids of jobs that were changed and not deleted, and of which no file has more. */
  get lostIds(): readonly number[] {
    return [...this.#lost].sort((a, b) => a - b)
  }

  /** More than are known by their ids. */
  get lostBeyond(): number {
    return this.#lostBeyond
  }

  /** Where the end of a file is gone the ids jump from it to the next. */
  get gaps(): readonly IdGap[] {
    return this.#gaps.flatMap((gap) => {
      let count = gap.endId - gap.firstId
      for (let id = gap.firstId; count <= GAP_IDS_MAX && id < gap.endId; id += 1) {
        if (this.#named.has(id)) count -= 1
      }
      return count > 0 ? [{ ...gap, count }] : []
    })
  }

  /** A job that is moved from file to file keeps its id: those that are lower say nothing. */
  #notePlace(id: number, isPut: boolean): void {
    if (!isPut || id < this.#highest) {
      if (this.#named.size < LOST_MAX) this.#named.add(id)
      return
    }
    const [firstId, behind, before] = [this.#highest + 1, this.#highestFile, this.#file]
    this.#highest = id
    this.#highestFile = before
    // Within a file they are those of puts that failed; of what was in front of the first file nothing is known.
    if (behind === '' || behind === before || firstId >= id) return
    if (this.#gaps.length < GAPS_MAX) this.#gaps.push({ behind, before, firstId, endId: id })
  }

  #loses(id: number): void {
    if (this.#lost.size < LOST_MAX) this.#lost.add(id)
    else if (!this.#lost.has(id)) this.#lostBeyond += 1
  }
}

/** The job as it is put at that time of the wall clock. */
export function importedJob(job: BinlogJob, body: Uint8Array, nowMs: number): ImportedJob {
  const { id, createdNs, priority, ttrMs, state, deadlineMs } = job
  const leftMs =
    state === 'delayed' ? Math.min(DELAY_MS_MAX, Math.max(0, Math.ceil(deadlineMs - nowMs))) : 0
  return {
    sourceId: id,
    // The time to the nanosecond: an id may be given again.
    key: `beanstalkd:${createdNs}:${id}`,
    priority,
    ttrMs: Math.max(1, ttrMs),
    delayMs: leftMs,
    isBuried: state === 'buried',
    body,
  }
}
