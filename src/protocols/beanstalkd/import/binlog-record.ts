/**
 * One record of beanstalkd's binlog, read from bytes that nobody vouches for: no length in it is followed
 * before it was checked. Numbers are little-endian, as x86-64 and arm64 write them.
 *
 * ```text
 * version 7                          version 5
 *  0  length of the name   i32        0  length of the name   u64
 *  4  name of the tube                8  name of the tube
 *
 *     then, where the name ends: the job
 *  0  id           u64    40  created_at   i64, ns (5: us)
 *  8  pri          u32    48  deadline_at  i64, ns (5: us)
 * 12  -                   56  reserves, timeouts, releases, buries, kicks, each u32
 * 16  delay        i64    76  state        u8
 * 24  ttr          i64    77  -            3 bytes (5: none)
 * 32  body_size    i32
 * 36  -
 *
 *     then, where there is a name: the body, with CR LF at its end
 * ```
 *
 * A record without a name changes the job of its id. There is no checksum, so that all that can be asked of
 * a record is whether beanstalkd could have written it. Pure.
 */
import { JOB_BYTES_MAX_MAX, NAME_BYTES_MAX } from '../limits.ts'
import { tubeNameOf } from '../names.ts'

export const BINLOG_VERSIONS = [5, 7] as const
export type BinlogVersion = (typeof BINLOG_VERSIONS)[number]

const CR = 0x0d
const LF = 0x0a
const END_BYTES = 2

const STATES = ['deleted', 'ready', 'reserved', 'buried', 'delayed'] as const
export type BinlogState = (typeof STATES)[number]

/** Where a field stands in the job. */
const PRIORITY_AT = 8
const DELAY_AT = 16
const TTR_AT = 24
const BODY_BYTES_AT = 32
const CREATED_AT = 40
const DEADLINE_AT = 48
const STATE_AT = 76

interface Layout {
  readonly lengthBytes: number
  readonly jobBytes: number
  /** Of one unit of its times. */
  readonly nanoseconds: bigint
}

const LAYOUTS: Readonly<Record<BinlogVersion, Layout>> = {
  5: { lengthBytes: 8, jobBytes: 77, nanoseconds: 1_000n },
  7: { lengthBytes: 4, jobBytes: 80, nanoseconds: 1n },
}

const NANOSECONDS_A_MS = 1_000_000n
/** The longest delay and time to run that the protocol can say. */
const SPAN_NANOSECONDS_MAX = 0xffff_ffffn * 1_000_000_000n
/** 2001 to 2200: no beanstalkd is older, and a clock that is not set is not worth a mistake. */
const CREATED_NANOSECONDS_MIN = 978_307_200_000_000_000n
const CREATED_NANOSECONDS_MAX = 7_258_118_400_000_000_000n
/** A whole number of JavaScript: ids are counted one by one. */
const ID_HIGH_MAX = 0x1f_ffff

export interface BinlogRecord {
  /** Its first byte, and the one behind its last. */
  readonly at: number
  readonly end: number
  /** Undefined where it only changes a job. */
  readonly tube: string | undefined
  readonly id: number
  readonly priority: number
  readonly ttrMs: number
  /** Wall clock, milliseconds since 1970: when a delayed job is due. */
  readonly deadlineMs: number
  /** With the id, what names a job for good. */
  readonly createdNs: bigint
  readonly state: BinlogState
  /** Where the body stands, if it has one here, and its length without CR LF. */
  readonly bodyAt: number
  readonly bodyBytes: number
}

/** Why bytes are no record. */
export interface NoRecord {
  readonly why: string
  /** As far as its lengths can be believed, it goes on beyond what was written. */
  readonly isCut: boolean
}

/** The record at `at`; `dataEnd` is where the last byte stands that is not 0, and one more. */
export function readRecord(
  bytes: Uint8Array,
  at: number,
  dataEnd: number,
  version: BinlogVersion,
): BinlogRecord | NoRecord {
  const { lengthBytes, jobBytes, nanoseconds } = LAYOUTS[version]
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (at + lengthBytes > bytes.length) return cut('it ends within the length of a name')
  const nameBytes = view.getUint32(at, true)
  if (nameBytes > NAME_BYTES_MAX || (lengthBytes === 8 && view.getUint32(at + 4, true) !== 0)) {
    return wrong(`the name of a tube has at most ${NAME_BYTES_MAX} bytes, not ${nameBytes}`)
  }
  const jobAt = at + lengthBytes + nameBytes
  if (jobAt + jobBytes > bytes.length) return cut('it ends within a job')
  const tube = nameBytes === 0 ? undefined : tubeNameOf(bytes, at + lengthBytes, jobAt)
  if (nameBytes > 0 && tube === undefined) {
    return dataEnd <= jobAt
      ? cut('the name of a tube is not whole')
      : wrong('no tube has this name')
  }
  const id = idAt(view, jobAt)
  if (id === 0) {
    return dataEnd <= jobAt ? cut('a job is not whole') : wrong('a job without an id')
  }
  if (id === undefined) return wrong('no job has such an id')
  const state = STATES[bytes[jobAt + STATE_AT] ?? STATES.length]
  const createdNs = view.getBigInt64(jobAt + CREATED_AT, true) * nanoseconds
  const delayNs = view.getBigInt64(jobAt + DELAY_AT, true) * nanoseconds
  const ttrNs = view.getBigInt64(jobAt + TTR_AT, true) * nanoseconds
  const deadlineNs = view.getBigInt64(jobAt + DEADLINE_AT, true) * nanoseconds
  const bodySize = view.getInt32(jobAt + BODY_BYTES_AT, true)
  const isPlausible =
    state !== undefined &&
    createdNs >= CREATED_NANOSECONDS_MIN &&
    createdNs <= CREATED_NANOSECONDS_MAX &&
    isSpan(delayNs) &&
    isSpan(ttrNs) &&
    deadlineNs >= 0n &&
    bodySize >= END_BYTES &&
    bodySize <= JOB_BYTES_MAX_MAX + END_BYTES
  if (!isPlausible) {
    const what = `a job with fields that no job has (id ${id})`
    // A job that was written in part ends in zeros.
    return dataEnd <= jobAt + STATE_AT ? cut(what) : wrong(what)
  }
  const bodyAt = jobAt + jobBytes
  const end = tube === undefined ? bodyAt : bodyAt + bodySize
  if (end > bodyAt) {
    if (end > dataEnd) return cut(`the body of job ${id} (${tube ?? ''}) is not whole`)
    if (bytes[end - 2] !== CR || bytes[end - 1] !== LF) {
      return wrong(`the body of job ${id} (${tube ?? ''}) does not end where its length says`)
    }
  }
  return {
    at,
    end,
    tube,
    id,
    priority: view.getUint32(jobAt + PRIORITY_AT, true),
    ttrMs: Number(ttrNs / NANOSECONDS_A_MS),
    deadlineMs: Number(deadlineNs / NANOSECONDS_A_MS),
    createdNs,
    state,
    bodyAt,
    bodyBytes: bodySize - END_BYTES,
  }
}

export function isRecord(found: BinlogRecord | NoRecord): found is BinlogRecord {
  return 'id' in found
}

/** False where it is certain that no record begins there: most bytes are told apart without a look at more. */
export function mayBeRecord(bytes: Uint8Array, at: number, version: BinlogVersion): boolean {
  const { lengthBytes } = LAYOUTS[version]
  const nameBytes = bytes[at] ?? 0
  if (nameBytes > NAME_BYTES_MAX) return false
  for (let byte = 1; byte < lengthBytes; byte += 1) if (bytes[at + byte] !== 0) return false
  const jobAt = at + lengthBytes + nameBytes
  // The highest byte of an id, and the state.
  return bytes[jobAt + 7] === 0 && (bytes[jobAt + STATE_AT] ?? STATES.length) < STATES.length
}

/** Undefined where it is larger than any that was given. */
function idAt(view: DataView, at: number): number | undefined {
  const high = view.getUint32(at + 4, true)
  return high > ID_HIGH_MAX ? undefined : high * 0x1_0000_0000 + view.getUint32(at, true)
}

function isSpan(nanoseconds: bigint): boolean {
  return nanoseconds >= 0n && nanoseconds <= SPAN_NANOSECONDS_MAX
}

function cut(why: string): NoRecord {
  return { why, isCut: true }
}

function wrong(why: string): NoRecord {
  return { why, isCut: false }
}
