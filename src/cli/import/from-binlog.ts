/** `qlog import --from-binlog`: every job that the binlog files of a beanstalkd hold. They stay as they are. */
import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { QlogError } from '../../errors.ts'
import { type BinlogJob, importedJob } from '../../protocols/beanstalkd/import/binlog-replay.ts'
import type { ImportedJob } from '../../protocols/beanstalkd/import/job.ts'
import { BODY_BYTES_MAX } from '../../protocols/beanstalkd/import/reply-reader.ts'
import type { CommandContext } from '../context.ts'
import type { ExitCode } from '../exit-codes.ts'
import { EXIT } from '../exit-codes.ts'
import { JSON_VERSION } from '../inspect-words.ts'
import { type Output, oneLine } from '../output.ts'
import { withStore } from '../store-words.ts'
import { formatCount, formatTable, plural } from '../text.ts'
import { UsageError } from '../usage-error.ts'
import { BodyReader, lockHolder } from './binlog-directory.ts'
import { BinlogReading } from './binlog-reading.ts'
import { JobPutter } from './job-putter.ts'
import { tellFull, tellNotBuried, tellTooLarge } from './job-words.ts'

/** Jobs and bytes that are read before they are put. */
const BATCH_COUNT = 256
const BATCH_BYTES = 1024 * 1024
/** The files offer every job again each time, also to whoever has looked into what an earlier run told. */
const KEY_WINDOW_MS = 7 * 24 * 3_600_000

interface Tally {
  readonly tube: string
  ready: number
  delayed: number
  buried: number
  known: number
  left: number
}

export async function importBinlog(
  context: CommandContext,
  directory: string,
  source: string,
  isJson: boolean,
): Promise<ExitCode> {
  if (isSame(directory, source)) {
    throw new UsageError(
      'the store cannot stand in the directory of the binlog',
      'Name another directory, or move the binlog to one of its own first.',
    )
  }
  refuseInUse(context.output, source)
  const signal = context.interruption()
  const reading = new BinlogReading(context.output, isJson)
  await reading.run(source, signal)
  const { replay, verdict } = reading
  if (signal.aborted) {
    context.output.words('interrupted while the files were read: nothing was imported')
    return EXIT.interrupted
  }
  return withStore(context, directory, { create: true }, async (store) => {
    const tallies: Tally[] = []
    const bodies = new BodyReader(source)
    const putter = new JobPutter(store, KEY_WINDOW_MS)
    try {
      let put = 0
      const onPut = (jobs: number): void => {
        put += jobs
        context.output.progress(`${plural(put, 'job')} came over`)
      }
      for (const [tube, jobs] of replay.jobsByTube()) {
        if (signal.aborted) break
        const tally = { tube, ready: 0, delayed: 0, buried: 0, known: 0, left: 0 }
        tallies.push(tally)
        await new TubeImport(context.output, putter, bodies, tally, signal, onPut).run(jobs)
      }
    } finally {
      context.output.progress(undefined)
      await bodies.close()
      showTallies(context.output, tallies, isJson)
      tellFull(context.output, directory, putter.full)
    }
    if (verdict === 'rot') return EXIT.rot
    if (tallies.some(({ left }) => left > 0)) return EXIT.left
    return verdict === 'torn' ? EXIT.tornTail : EXIT.fine
  })
}

function isSame(one: string, other: string): boolean {
  const real = (path: string): string => {
    try {
      return realpathSync(path)
    } catch {
      return resolve(path)
    }
  }
  return real(one) === real(other)
}

/** What is written meanwhile would be missing. */
function refuseInUse(output: Output, source: string): void {
  const holder = lockHolder(source)
  if (typeof holder === 'number') {
    throw new QlogError(
      'QLOG_LOCKED',
      `process ${holder} holds ${source}/lock: a beanstalkd uses this binlog. Stop it, or import with --from`,
    )
  }
  if (holder === 'unknown') {
    output.words('Whether a beanstalkd uses these files cannot be told here: make sure of it.')
  }
}

/** The jobs of one tube, by id: that is their order among those of one priority. */
class TubeImport {
  readonly #output: Output
  readonly #putter: JobPutter
  readonly #bodies: BodyReader
  readonly #tally: Tally
  readonly #signal: AbortSignal
  readonly #onPut: (jobs: number) => void

  constructor(
    output: Output,
    putter: JobPutter,
    bodies: BodyReader,
    tally: Tally,
    signal: AbortSignal,
    onPut: (jobs: number) => void,
  ) {
    this.#output = output
    this.#putter = putter
    this.#bodies = bodies
    this.#tally = tally
    this.#signal = signal
    this.#onPut = onPut
  }

  async run(jobs: readonly BinlogJob[]): Promise<void> {
    // Buried ones come last, in the order in which they were buried.
    const buried = jobs.filter(({ state }) => state === 'buried')
    buried.sort((a, b) => a.buriedAt - b.buriedAt)
    const order = [...jobs.filter(({ state }) => state !== 'buried'), ...buried]
    let batch: BinlogJob[] = []
    let bytes = 0
    for (const job of order) {
      if (this.#signal.aborted) return
      if (this.#putter.full.has(this.#tally.tube)) {
        this.#tally.left += 1
        continue
      }
      if (batch.length >= BATCH_COUNT || bytes + job.bodyBytes > BATCH_BYTES) {
        await this.#put(batch)
        batch = []
        bytes = 0
      }
      batch.push(job)
      bytes += job.bodyBytes
    }
    if (this.#putter.full.has(this.#tally.tube)) this.#tally.left += batch.length
    else await this.#put(batch)
  }

  async #put(jobs: readonly BinlogJob[]): Promise<void> {
    const fitting = jobs.filter(({ bodyBytes }) => bodyBytes <= BODY_BYTES_MAX)
    for (const job of jobs) if (job.bodyBytes > BODY_BYTES_MAX) this.#leaves(job)
    const read: ImportedJob[] = []
    for (const job of fitting) {
      const body = await this.#bodies.read(job.file, job.bodyAt, job.bodyBytes)
      read.push(importedJob(job, body, Date.now()))
    }
    const outcomes = await this.#putter.put(this.#tally.tube, read)
    for (const [row, outcome] of outcomes.entries()) {
      const [job, put] = [fitting[row], read[row]]
      if (job === undefined || put === undefined) continue
      if (outcome === 'too-large') {
        this.#leaves(job)
        continue
      }
      if (outcome === 'full' || outcome === 'not-buried') {
        this.#tally.left += 1
        if (outcome === 'not-buried') tellNotBuried(this.#output, job.id, job.tube, 'a day')
        continue
      }
      if (outcome === 'known') this.#tally.known += 1
      else this.#tally[put.isBuried ? 'buried' : put.delayMs > 0 ? 'delayed' : 'ready'] += 1
    }
    this.#onPut(jobs.length)
  }

  #leaves({ id, tube, bodyBytes }: BinlogJob): void {
    this.#tally.left += 1
    tellTooLarge(this.#output, id, tube, bodyBytes)
  }
}

const HEAD = ['tube', 'ready', 'delayed', 'buried', 'known', 'left']
const FIGURES = new Set(HEAD.slice(1))

function showTallies(output: Output, tallies: readonly Tally[], isJson: boolean): void {
  const counts = ({ ready, delayed, buried, known, left }: Tally): number[] => [
    ...[ready, delayed, buried, known, left],
  ]
  if (isJson) for (const tally of tallies) output.json({ v: JSON_VERSION, kind: 'tube', ...tally })
  else if (tallies.length > 0) {
    const rows = tallies.map((tally) => [oneLine(tally.tube), ...counts(tally).map(formatCount)])
    output.data(formatTable(HEAD, rows, FIGURES))
  }
  const sum = (of: (tally: Tally) => number): number =>
    tallies.reduce((all, tally) => all + of(tally), 0)
  const jobs = sum(({ ready, delayed, buried }) => ready + delayed + buried)
  const words = [`imported ${plural(jobs, 'job')} from ${plural(tallies.length, 'tube')}`]
  const known = sum((tally) => tally.known)
  const left = sum((tally) => tally.left)
  if (known > 0) words.push(`${plural(known, 'job')} known already`)
  if (left > 0) words.push(`${plural(left, 'job')} left`)
  output.words(words.join('; '))
}
