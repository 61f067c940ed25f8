/**
 * The control records of the store: every change of its state that is not a message. What the writer
 * decided stands in them, so that replay asks no clock and no option. Pure memory.
 *
 *     kind | fields of that kind, in the order of the tables below
 *
 * All numbers are varints, texts have their length in front.
 */
import { QlogError } from '../../errors.ts'
import { ByteReader, ByteWriter } from '../containers/varint.ts'
import type { DueKind } from './message-record.ts'
import { readSettings, type SettingValues, writeSettings } from './queue-settings.ts'

/** Pairs [first, end) in one flat array, rising and apart. */
export type OffsetRanges = readonly number[]

/** A new opening: from where the store's own time goes on, and which messages may have been started. */
export interface OpenOp {
  readonly kind: 'open'
  /** 32 hexadecimal digits. */
  readonly bootId: string
  readonly sinceBootMs: number
  readonly elapsedMs: number
  readonly wallMs: number
  /** The opening before did not close: ids below may have been started without a word of it. */
  readonly uncleanBelowId: number
}

export interface CloseOp {
  readonly kind: 'close'
}

export interface QueueOp {
  readonly kind: 'queue'
  readonly queue: number
  readonly name: string
}

/** A group begins: what stands below `from` is none of its business. */
export interface GroupOp {
  readonly kind: 'group'
  readonly queue: number
  readonly group: number
  readonly name: string
  readonly from: number
}

export interface GroupRemovedOp {
  readonly kind: 'group-removed'
  readonly queue: number
  readonly group: number
}

/** 0 = none. */
export interface SettingsOp {
  readonly kind: 'settings'
  readonly queue: number
  readonly group: number
  readonly leasedMax: number
  readonly promoteAfterMs: number
}

/**
 * lease: the first one of plain messages; finish: done for the group; give-back: as if it had never been
 * leased; redrive: those of them that are buried are ready, as if each had been kicked.
 */
export interface RangesOp {
  readonly kind: 'lease' | 'finish' | 'give-back' | 'redrive'
  readonly queue: number
  readonly group: number
  readonly ranges: OffsetRanges
}

/** A message comes back, changed. */
export interface ReturnOp {
  readonly kind: 'return'
  readonly queue: number
  readonly group: number
  readonly offset: number
  readonly id: number
  readonly how: 'released' | 'retried' | 'timed-out'
  readonly priority: number
  readonly dueKind: DueKind
  readonly dueMs: number
  readonly error: string
}

export interface BuryOp {
  readonly kind: 'bury'
  readonly queue: number
  readonly group: number
  readonly offset: number
  readonly id: number
  /** Its place among the buried of the group. */
  readonly sequence: number
  readonly priority: number
  readonly reason: string
  readonly error: string
}

/** kick: a buried or delayed message is ready. lease-again: a message that is no plain one is leased. */
export interface KickOp {
  readonly kind: 'kick' | 'lease-again'
  readonly queue: number
  readonly group: number
  readonly offset: number
  readonly id: number
  readonly priority: number
}

/** Messages leave the queue, for every group. */
export interface DeleteOp {
  readonly kind: 'delete'
  readonly queue: number
  readonly ranges: OffsetRanges
}

export interface PauseOp {
  readonly kind: 'pause'
  readonly queue: number
  /** In the store's own time; 0 = not paused. */
  readonly untilMs: number
}

/** Everything that is in the queue when this takes effect leaves it, for every group. */
export interface PurgeOp {
  readonly kind: 'purge'
  readonly queue: number
}

/** The group begins anew: what stands below `from` is finished, everything else that is not gone comes. */
export interface SeekOp {
  readonly kind: 'seek'
  readonly queue: number
  readonly group: number
  readonly from: number
}

export interface QueueSettingsOp {
  readonly kind: 'queue-settings'
  readonly queue: number
  /** All of them, also those that did not change. */
  readonly settings: SettingValues
}

/** What the queue retains below this offset is gone. */
export interface ForgetOp {
  readonly kind: 'forget'
  readonly queue: number
  readonly below: number
}

export type ControlOp =
  | OpenOp
  | CloseOp
  | QueueOp
  | GroupOp
  | GroupRemovedOp
  | SettingsOp
  | RangesOp
  | ReturnOp
  | BuryOp
  | KickOp
  | DeleteOp
  | PauseOp
  | PurgeOp
  | SeekOp
  | QueueSettingsOp
  | ForgetOp

/** In the order of their numbers on disk, from 1. */
const KINDS = [
  'open',
  'close',
  'queue',
  'group',
  'group-removed',
  'settings',
  'lease',
  'finish',
  'give-back',
  'return',
  'bury',
  'kick',
  'lease-again',
  'delete',
  'pause',
  'purge',
  'redrive',
  'seek',
  'queue-settings',
  'forget',
] as const satisfies readonly ControlOp['kind'][]

/** In the order of their numbers on disk. */
const RETURNS = ['released', 'retried', 'timed-out'] as const

export function encodeControl(op: ControlOp): Uint8Array {
  const writer = new ByteWriter()
  writer.varint(KINDS.indexOf(op.kind) + 1)
  switch (op.kind) {
    case 'open':
      writer.text(op.bootId)
      for (const ms of [op.sinceBootMs, op.elapsedMs, op.wallMs]) writer.varint(Math.floor(ms))
      writer.varint(op.uncleanBelowId)
      break
    case 'close':
      break
    case 'queue':
      writer.varint(op.queue)
      writer.text(op.name)
      break
    case 'delete':
      writer.varint(op.queue)
      writeRanges(writer, op.ranges)
      break
    case 'pause':
      writer.varint(op.queue)
      writer.varint(op.untilMs)
      break
    case 'queue-settings':
      writer.varint(op.queue)
      writeSettings(writer, op.settings)
      break
    case 'purge':
      writer.varint(op.queue)
      break
    case 'forget':
      writer.varint(op.queue)
      writer.varint(op.below)
      break
    default:
      writer.varint(op.queue)
      writer.varint(op.group)
      writeGroupOp(writer, op)
  }
  return writer.finish()
}

type OpOfGroup = Extract<ControlOp, { readonly group: number }>

function writeGroupOp(writer: ByteWriter, op: OpOfGroup): void {
  switch (op.kind) {
    case 'group':
      writer.text(op.name)
      writer.varint(op.from)
      break
    case 'seek':
      writer.varint(op.from)
      break
    case 'group-removed':
      break
    case 'settings':
      writer.varint(op.leasedMax)
      writer.varint(op.promoteAfterMs)
      break
    case 'lease':
    case 'finish':
    case 'give-back':
    case 'redrive':
      writeRanges(writer, op.ranges)
      break
    default:
      writer.varint(op.offset)
      writer.varint(op.id)
      writer.varint(op.priority)
      if (op.kind === 'return') {
        writer.varint(RETURNS.indexOf(op.how))
        writer.varint(op.dueKind)
        writer.varint(op.dueMs)
        writer.text(op.error)
      } else if (op.kind === 'bury') {
        writer.varint(op.sequence)
        writer.text(op.reason)
        writer.text(op.error)
      }
  }
}

/** Throws QLOG_NEWER_FORMAT for a record that this version does not write. */
export function decodeControl(record: Uint8Array): ControlOp {
  const reader = new ByteReader(record)
  const kind = KINDS[reader.varint() - 1]
  const op = kind && readOp(reader, kind)
  if (op === undefined || !reader.complete) {
    throw new QlogError(
      'QLOG_NEWER_FORMAT',
      'the log holds changes that this version of the store cannot read: a newer one or none wrote them',
    )
  }
  return op
}

function readOp(reader: ByteReader, kind: ControlOp['kind']): ControlOp | undefined {
  switch (kind) {
    case 'open':
      return {
        kind,
        bootId: readText(reader),
        sinceBootMs: reader.varint(),
        elapsedMs: reader.varint(),
        wallMs: reader.varint(),
        uncleanBelowId: reader.varint(),
      }
    case 'close':
      return { kind }
    case 'queue':
      return { kind, queue: reader.varint(), name: readText(reader) }
    case 'delete':
      return { kind, queue: reader.varint(), ranges: readRanges(reader) }
    case 'pause':
      return { kind, queue: reader.varint(), untilMs: reader.varint() }
    case 'purge':
      return { kind, queue: reader.varint() }
    case 'forget':
      return { kind, queue: reader.varint(), below: reader.varint() }
    case 'queue-settings':
      return { kind, queue: reader.varint(), settings: readSettings(reader) }
    default:
      return readGroupOp(reader, kind, reader.varint(), reader.varint())
  }
}

function readGroupOp(
  reader: ByteReader,
  kind: OpOfGroup['kind'],
  queue: number,
  group: number,
): OpOfGroup | undefined {
  const of = { queue, group }
  switch (kind) {
    case 'group':
      return { kind, ...of, name: readText(reader), from: reader.varint() }
    case 'seek':
      return { kind, ...of, from: reader.varint() }
    case 'group-removed':
      return { kind, ...of }
    case 'settings':
      return { kind, ...of, leasedMax: reader.varint(), promoteAfterMs: reader.varint() }
    case 'lease':
    case 'finish':
    case 'give-back':
    case 'redrive':
      return { kind, ...of, ranges: readRanges(reader) }
    default:
      return readMessageOp(reader, kind, of)
  }
}

function readMessageOp(
  reader: ByteReader,
  kind: 'return' | 'bury' | 'kick' | 'lease-again',
  of: { readonly queue: number; readonly group: number },
): ReturnOp | BuryOp | KickOp | undefined {
  const common = {
    ...of,
    offset: reader.varint(),
    id: reader.varint(),
    priority: reader.varint(),
  }
  if (kind === 'kick' || kind === 'lease-again') return { kind, ...common }
  if (kind === 'bury') {
    const sequence = reader.varint()
    return { kind, ...common, sequence, reason: readText(reader), error: readText(reader) }
  }
  const how = RETURNS[reader.varint()]
  const dueKind = reader.varint()
  const dueMs = reader.varint()
  const error = readText(reader)
  if (how === undefined || (dueKind !== 0 && dueKind !== 1 && dueKind !== 2)) return undefined
  return { kind, ...common, how, dueKind, dueMs, error }
}

function readText(reader: ByteReader): string {
  return reader.text(reader.varint())
}

function writeRanges(writer: ByteWriter, ranges: OffsetRanges): void {
  writer.varint(ranges.length / 2)
  let before = 0
  for (let i = 0; i < ranges.length; i += 2) {
    const first = ranges[i] ?? 0
    const end = ranges[i + 1] ?? 0
    if (first < before || end <= first) throw new Error('ranges must rise and hold something')
    writer.varint(first - before)
    writer.varint(end - first)
    before = end
  }
}

function readRanges(reader: ByteReader): OffsetRanges {
  const count = reader.varint()
  const ranges: number[] = []
  let before = 0
  for (let i = 0; i < count && !reader.failed; i++) {
    const first = before + reader.varint()
    const length = reader.varint()
    reader.require(length > 0)
    before = first + length
    ranges.push(first, before)
  }
  return ranges
}

/** The ranges that hold these offsets, which need not be in order; an offset may come twice. */
export function rangesOf(offsets: readonly number[]): OffsetRanges {
  let isSorted = true
  for (let i = 1; i < offsets.length && isSorted; i++) {
    isSorted = (offsets[i] ?? 0) >= (offsets[i - 1] ?? 0)
  }
  const sorted = isSorted ? offsets : [...offsets].sort((a, b) => a - b)
  const ranges: number[] = []
  let first = sorted[0] ?? 0
  let end = first
  for (const offset of sorted) {
    if (offset > end) {
      ranges.push(first, end)
      first = offset
    }
    end = offset + 1
  }
  if (end > first) ranges.push(first, end)
  return ranges
}
