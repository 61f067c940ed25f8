/**
 * One file of beanstalkd's binlog: its records in order, and what of it could not be read. Where bytes are no
 * record the next one is looked for behind them, so that what stands there is not lost with them. Pure.
 */
import {
  BINLOG_VERSIONS,
  type BinlogRecord,
  type BinlogVersion,
  isRecord,
  mayBeRecord,
  readRecord,
} from './binlog-record.ts'

const HEADER_BYTES = 4
/** Places that are told of one file; how many there were beyond is counted. */
export const FAULTS_MAX = 100

/**
 * Something that could not be read. `torn`: the last record was begun and not written to its end, as a crash
 * leaves it. `rot`: anything else.
 */
export interface BinlogFault {
  readonly level: 'torn' | 'rot'
  readonly offset: number
  /** Bytes that were not read. */
  readonly bytes: number
  readonly why: string
  /** The job of the record in front of it, as far as there is one: its body may be cut short. */
  readonly behindId: number | undefined
}

export interface BinlogFileVerdict {
  /** Undefined where it is none that can be read. */
  readonly version: BinlogVersion | undefined
  readonly records: number
  /** Of the first record; 0 where there is none. */
  readonly firstBytes: number
  /** Bytes follow what was read, all of them 0: the file was never closed. */
  readonly isPadded: boolean
  readonly faults: readonly BinlogFault[]
  readonly faultsBeyond: number
}

/** What is made of the records. */
export interface RecordTaker {
  /**
   * Whether the record goes with what is known of its job: `unknown` where it changes one that is not.
   */
  judge(record: BinlogRecord): 'fits' | 'unknown' | 'contradicts'
  take(record: BinlogRecord): void
}

export function readBinlogFile(bytes: Uint8Array, taker: RecordTaker): BinlogFileVerdict {
  return new FileReader(bytes, taker).run()
}

class FileReader {
  readonly #bytes: Uint8Array
  readonly #taker: RecordTaker
  /** Behind the last byte that is not 0: the rest was made in advance. */
  readonly #dataEnd: number
  readonly #faults: BinlogFault[] = []
  #faultsBeyond = 0
  #records = 0
  #firstBytes = 0
  #end = HEADER_BYTES
  #lastId: number | undefined

  constructor(bytes: Uint8Array, taker: RecordTaker) {
    this.#bytes = bytes
    this.#taker = taker
    let dataEnd = bytes.length
    while (dataEnd > 0 && bytes[dataEnd - 1] === 0) dataEnd -= 1
    this.#dataEnd = dataEnd
  }

  run(): BinlogFileVerdict {
    const version = this.#version()
    if (version !== undefined) this.#readRecords(version)
    const [records, firstBytes] = [this.#records, this.#firstBytes]
    const isPadded = this.#bytes.length > this.#end
    const [faults, faultsBeyond] = [this.#faults, this.#faultsBeyond]
    return { version, records, firstBytes, isPadded, faults, faultsBeyond }
  }

  #version(): BinlogVersion | undefined {
    const bytes = this.#bytes
    if (this.#dataEnd === 0) {
      const what = bytes.length === 0 ? 'the file is empty' : 'the file holds zeros alone'
      this.#fault('torn', 0, bytes.length, what)
      return undefined
    }
    if (bytes.length < HEADER_BYTES) {
      this.#fault('torn', 0, bytes.length, 'the file is shorter than its header')
      return undefined
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const found = view.getUint32(0, true)
    const version = BINLOG_VERSIONS.find((known) => known === found)
    if (version === undefined) {
      const known = BINLOG_VERSIONS.join(' and ')
      const isTurned = BINLOG_VERSIONS.some((one) => one === view.getUint32(0, false))
      const why = isTurned
        ? 'a machine of the other byte order wrote it'
        : `unknown version ${found}, known are ${known}`
      this.#fault('rot', 0, bytes.length, `${why}: nothing of this file was read`)
    }
    return version
  }

  #readRecords(version: BinlogVersion): void {
    let at = HEADER_BYTES
    while (at < this.#dataEnd) {
      const found = readRecord(this.#bytes, at, this.#dataEnd, version)
      if (isRecord(found)) {
        const judged = this.#taker.judge(found)
        if (judged !== 'contradicts') {
          this.#take(found)
          at = found.end
          continue
        }
      }
      const next = this.#nextRecord(at + 1, version)
      const end = next ?? this.#dataEnd
      const why = isRecord(found) ? `it contradicts what is known of job ${found.id}` : found.why
      const isTorn = next === undefined && !isRecord(found) && found.isCut
      this.#fault(isTorn ? 'torn' : 'rot', at, end - at, why)
      at = end
      this.#end = end
    }
  }

  #take(record: BinlogRecord): void {
    if (this.#records === 0) this.#firstBytes = record.end - record.at
    this.#records += 1
    this.#end = record.end
    this.#lastId = record.id
    this.#taker.take(record)
  }

  /**
   * Where the next record stands that cannot be chance: the whole record of a job has to be followed by
   * another one or by the end, a change has to be one of a job that is known.
   */
  #nextRecord(from: number, version: BinlogVersion): number | undefined {
    for (let at = from; at < this.#dataEnd; at += 1) {
      if (!mayBeRecord(this.#bytes, at, version)) continue
      const found = readRecord(this.#bytes, at, this.#dataEnd, version)
      if (!isRecord(found)) continue
      const judged = this.#taker.judge(found)
      if (judged === 'contradicts') continue
      const isProven = found.tube === undefined ? judged === 'fits' : this.#goesOn(found, version)
      if (isProven) return at
    }
    return undefined
  }

  #goesOn({ end }: BinlogRecord, version: BinlogVersion): boolean {
    return end >= this.#dataEnd || isRecord(readRecord(this.#bytes, end, this.#dataEnd, version))
  }

  #fault(level: BinlogFault['level'], offset: number, bytes: number, why: string): void {
    if (this.#faults.length >= FAULTS_MAX) {
      this.#faultsBeyond += 1
      return
    }
    this.#faults.push({ level, offset, bytes, why, behindId: this.#lastId })
  }
}
