/** `qlog import --from-binlog`: every job that the binlog files of a beanstalkd hold. They stay as they are. */
import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { QlogError } from '../../errors.ts'
import { readBinlogFile } from '../../protocols/beanstalkd/import/binlog-file.ts'
import {
  type BinlogJob,
  BinlogReplay,
  importedJob,
} from '../../protocols/beanstalkd/import/binlog-replay.ts'
import type { ImportedJob } from '../../protocols/beanstalkd/import/job.ts'
import { BODY_BYTES_MAX } from '../../protocols/beanstalkd/import/reply-reader.ts'
import type { CommandContext } from '../context.ts'
import type { ExitCode } from '../exit-codes.ts'
import { EXIT } from '../exit-codes.ts'
import { JSON_VERSION } from '../inspect-words.ts'
import { type Output, oneLine } from '../output.ts'
import { withStore } from '../store-words.ts'
import { formatBytes, formatCount, formatTable, plural } from '../text.ts'
import { UsageError } from '../usage-error.ts'
import {
  BINLOG_BYTES_MAX,
  BodyReader,
  listBinlog,
  lockHolder,
  readBinlog,
} from './binlog-directory.ts'
import { JobPutter } from './job-putter.ts'

/** Jobs and bytes that are read before they are put. */
const BATCH_COUNT = 256
const BATCH_BYTES = 1024 * 1024
/** Ids that a line names. */
const IDS_MAX = 20

/** What was wrong with the files, the worst of it. */
type Verdict = 'fine' | 'torn' | 'rot'

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
  const { replay, verdict } = await readFiles(context.output, source, signal, isJson)
  if (signal.aborted) return EXIT.interrupted
  return withStore(context, directory, { create: true }, async (store) => {
    const tallies: Tally[] = []
    const bodies = new BodyReader(source)
    try {
      const putter = new JobPutter(store)
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

async function readFiles(
  output: Output,
  source: string,
  signal: AbortSignal,
  isJson: boolean,
): Promise<{ readonly replay: BinlogReplay; readonly verdict: Verdict }> {
  const { names, missing } = await listBinlog(source)
  if (names.length === 0) {
    throw new UsageError(
      `${source} holds no binlog of a beanstalkd`,
      'Name its directory, that of -b.',
    )
  }
  const replay = new BinlogReplay()
  let verdict: Verdict = 'fine'
  const tell = (level: 'torn' | 'rot', file: string, fault: object, words: string): void => {
    if (level === 'rot' || verdict === 'fine') verdict = level
    if (isJson) output.json({ v: JSON_VERSION, kind: 'fault', level, file, ...fault })
    output.words(`${level.padEnd(6)}${oneLine(`${file}${words}`)}`)
  }
  for (const number of missing) {
    const why = 'it is missing between others, with whatever it held'
    tell('rot', `binlog.${number}`, { why }, `: ${why}`)
  }
  for (const [row, name] of names.entries()) {
    if (signal.aborted) break
    output.progress(`reading ${name}, ${row + 1} of ${names.length}`)
    const bytes = await readBinlog(source, name)
    if (bytes === undefined) {
      const why = `it is larger than ${formatBytes(BINLOG_BYTES_MAX)}: nothing of it was read`
      tell('rot', name, { why }, `: ${why}`)
      continue
    }
    replay.enter(name)
    const { faults, faultsBeyond } = readBinlogFile(bytes, replay)
    for (const { level, ...fault } of faults) {
      const behind =
        fault.behindId === undefined ? '' : ` (behind a record of job ${fault.behindId})`
      const place = ` at ${fault.offset}, ${plural(fault.bytes, 'byte')} not read`
      tell(level, name, fault, `${place}: ${fault.why}${behind}`)
    }
    if (faultsBeyond > 0) {
      const why = `${plural(faultsBeyond, 'more place')} that could not be read`
      tell('rot', name, { why }, `: ${why}`)
    }
  }
  output.progress(undefined)
  tellOfLost(tell, replay)
  return { replay, verdict }
}

function tellOfLost(
  tell: (level: 'rot', file: string, fault: object, words: string) => void,
  { lostIds, lostBeyond }: BinlogReplay,
): void {
  const count = lostIds.length + lostBeyond
  if (count === 0) return
  const ids = lostIds.slice(0, IDS_MAX)
  const why = `${plural(count, 'job')} changed in these files, and neither put nor deleted in them`
  const more = count > ids.length ? ' and more' : ''
  tell('rot', 'binlog', { why, ids, jobs: count }, `: ${why}: ${ids.join(', ')}${more}`)
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
      if (batch.length >= BATCH_COUNT || bytes + job.bodyBytes > BATCH_BYTES) {
        await this.#put(batch)
        batch = []
        bytes = 0
      }
      batch.push(job)
      bytes += job.bodyBytes
    }
    await this.#put(batch)
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
      if (outcome === 'known') this.#tally.known += 1
      this.#tally[put.isBuried ? 'buried' : put.delayMs > 0 ? 'delayed' : 'ready'] += 1
    }
    this.#onPut(jobs.length)
  }

  #leaves({ id, tube, bodyBytes }: BinlogJob): void {
    this.#tally.left += 1
    const size = `${plural(bodyBytes, 'byte')} are more than a message of the store may have`
    this.#output.words(`job ${id} of ${oneLine(tube)} stays where it is: ${size}`)
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
  if (known > 0) words.push(`${formatCount(known)} of them were here already`)
  if (left > 0) words.push(`${plural(left, 'job')} left`)
  output.words(words.join('; '))
}
