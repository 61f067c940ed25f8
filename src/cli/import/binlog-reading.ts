/**
 * Reads the files of a binlog in their order and tells what is wrong with them: each by itself, and what one
 * says of another. Only the last file with records can end in the middle of one; of those in front of it
 * beanstalkd has closed each, cut to what was used, or was started anew behind it. Reads alone.
 */
import {
  type BinlogFault,
  type BinlogFileVerdict,
  readBinlogFile,
} from '../../protocols/beanstalkd/import/binlog-file.ts'
import { BinlogReplay, type IdGap } from '../../protocols/beanstalkd/import/binlog-replay.ts'
import { JSON_VERSION } from '../inspect-words.ts'
import { type Output, oneLine } from '../output.ts'
import { formatBytes, plural } from '../text.ts'
import { UsageError } from '../usage-error.ts'
import { BINLOG_BYTES_MAX, listBinlog, readBinlog } from './binlog-directory.ts'

/** Ids that a line names. */
const IDS_MAX = 20
/** A change, and so a delete, of a job: beanstalkd keeps the room for one beside each put. */
const CHANGE_BYTES = 84

/** What was wrong with the files, the worst of it. */
export type Verdict = 'fine' | 'torn' | 'rot'
type Level = 'note' | 'torn' | 'rot'

/** What is kept of a file that was read. */
interface FileRead extends BinlogFileVerdict {
  readonly name: string
  readonly bytes: number
}

export class BinlogReading {
  readonly replay = new BinlogReplay()
  verdict: Verdict = 'fine'
  readonly #output: Output
  readonly #isJson: boolean
  readonly #files: FileRead[] = []
  /** Ends that are torn, unless a file with records follows. */
  #ends: { readonly name: string; readonly fault: BinlogFault }[] = []

  constructor(output: Output, isJson: boolean) {
    this.#output = output
    this.#isJson = isJson
  }

  async run(source: string, signal: AbortSignal): Promise<void> {
    const { names, missing } = await listBinlog(source)
    if (names.length === 0) {
      throw new UsageError(
        `${source} holds no binlog of a beanstalkd`,
        'Name its directory, that of -b.',
      )
    }
    for (const number of missing) {
      const why = 'it is missing between others, with whatever it held'
      this.#tell('rot', `binlog.${number}`, { why }, `: ${why}`)
    }
    for (const [row, name] of names.entries()) {
      if (signal.aborted) return
      this.#output.progress(`reading ${name}, ${row + 1} of ${names.length}`)
      await this.#readFile(source, name)
    }
    this.#output.progress(undefined)
    for (const { name, fault } of this.#ends) this.#tellOfFault(name, fault)
    this.#tellOfGaps()
    this.#tellOfLost()
  }

  async #readFile(source: string, name: string): Promise<void> {
    const bytes = await readBinlog(source, name)
    if (bytes === undefined) {
      const why = `it is larger than ${formatBytes(BINLOG_BYTES_MAX)}: nothing of it was read`
      this.#tell('rot', name, { why }, `: ${why}`)
      return
    }
    this.replay.enter(name)
    const verdict = readBinlogFile(bytes, this.replay)
    this.#files.push({ ...verdict, name, bytes: bytes.length })
    if (verdict.records > 0) this.#tellOfEnds(name)
    for (const fault of verdict.faults) {
      if (fault.level === 'torn') this.#ends.push({ name, fault })
      else this.#tellOfFault(name, fault)
    }
    if (verdict.faultsBeyond > 0) {
      const why = `${plural(verdict.faultsBeyond, 'more place')} that could not be read`
      this.#tell('rot', name, { why }, `: ${why}`)
    }
  }

  /** What was written behind them shows that they had an end. */
  #tellOfEnds(behind: string): void {
    for (const { name, fault } of this.#ends) {
      const why = `${fault.why}, and ${behind} was written after it`
      this.#tellOfFault(name, { ...fault, level: 'rot', why })
    }
    this.#ends = []
  }

  #tellOfFault(name: string, { level, ...fault }: BinlogFault): void {
    const behind = fault.behindId === undefined ? '' : ` (behind a record of job ${fault.behindId})`
    const place = ` at ${fault.offset}, ${plural(fault.bytes, 'byte')} not read`
    this.#tell(level, name, fault, `${place}: ${fault.why}${behind}`)
  }

  /**
   * A file that was cut between two records reads well. Ids that jump from one file to the next may be those
   * of puts that failed; a file that is shorter than beanstalkd leaves one may have been made with another
   * -s: each is worth a word, and both together are rot.
   */
  #tellOfGaps(): void {
    const short = new Set(this.#shortFiles())
    for (const gap of this.replay.gaps) {
      const cut = this.#between(gap).filter((name) => short.has(name))
      for (const name of cut) short.delete(name)
      const { behind, before, firstId, endId, count } = gap
      const ids = `${plural(count, 'id')} of ${firstId} to ${endId - 1}`
      const why =
        cut.length > 0
          ? `it is shorter than beanstalkd leaves a file, and ${ids} between ${behind} and ${before} are put nowhere: its end is gone`
          : `${ids} are put nowhere, in front of the first job of ${before}: puts that failed, or an end that is gone`
      const level = cut.length > 0 ? 'rot' : 'note'
      this.#tell(level, cut[0] ?? behind, { why, firstId, endId, ids: count }, `: ${why}`)
    }
    for (const name of short) {
      const why =
        'it is shorter than beanstalkd leaves a file: another -s, or changes at its end are gone'
      this.#tell('note', name, { why }, `: ${why}`)
    }
  }

  #between({ behind, before }: IdGap): string[] {
    const names = this.#files.map(({ name }) => name)
    return names.slice(names.indexOf(behind), names.indexOf(before))
  }

  /**
   * A file is closed when a put, and a delete of it, no longer fit: what was kept for deletes is less than
   * that again. Only those that had room for what the next file begins with.
   */
  #shortFiles(): string[] {
    const files = this.#files
    return files.flatMap(({ name, version, bytes, isPadded, faults }, row) => {
      const next = files.slice(row + 1).find(({ records }) => records > 0)
      if (next === undefined || version !== 7 || isPadded || faults.length > 0) return []
      // The limit may have changed when it was started anew: the lower one of both sides is certain.
      const before = files.slice(0, row).map((file) => file.bytes)
      const after = Math.max(...files.slice(row + 1).map((file) => file.bytes))
      const limit = before.length === 0 ? after : Math.min(after, Math.max(...before))
      return limit - bytes > 2 * (next.firstBytes + CHANGE_BYTES) ? [name] : []
    })
  }

  #tellOfLost(): void {
    const { lostIds, lostBeyond } = this.replay
    const count = lostIds.length + lostBeyond
    if (count === 0) return
    const ids = lostIds.slice(0, IDS_MAX)
    const why = `${plural(count, 'job')} changed in these files, and neither put nor deleted in them`
    const more = count > ids.length ? ' and more' : ''
    this.#tell('rot', 'binlog', { why, ids, jobs: count }, `: ${why}: ${ids.join(', ')}${more}`)
  }

  #tell(level: Level, file: string, fault: object, words: string): void {
    if (level === 'rot' || (level === 'torn' && this.verdict === 'fine')) this.verdict = level
    const line = { v: JSON_VERSION, kind: 'fault', level, file, ...fault }
    if (this.#isJson) this.#output.json(line)
    this.#output.words(`${level.padEnd(6)}${oneLine(`${file}${words}`)}`)
  }
}
