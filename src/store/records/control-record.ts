/**
 * The control records of the store: every change of its state that is not a message. What the writer
 * decided stands in them, so that replay asks no clock and no option. Pure memory.
 *
 *     kind | fields of that kind, in the order in which they are written below
 *
 * All numbers are varints, texts have their length in front.
 */
import { ByteReader, ByteWriter } from '../containers/varint.ts'
import { type BuryOp, type ControlOp, KINDS, type KickOp, type ReturnOp } from './control-ops.ts'
import { readRanges, writeRanges } from './offset-ranges.ts'
import { readSettings, writeSettings } from './queue-settings.ts'
import { unreadable } from './unreadable.ts'

/** In the order of their numbers on disk. */
const RETURNS = ['released', 'retried', 'timed-out', 'released-counted'] as const

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
    case 'queue-removed':
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
  if (op === undefined || !reader.complete) throw unreadable('is of no kind or form that it knows')
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
      return { kind, queue: reader.ordinal(), name: readText(reader) }
    case 'delete':
      return { kind, queue: reader.ordinal(), ranges: readRanges(reader) }
    case 'pause':
      return { kind, queue: reader.ordinal(), untilMs: reader.varint() }
    case 'purge':
    case 'queue-removed':
      return { kind, queue: reader.ordinal() }
    case 'forget':
      return { kind, queue: reader.ordinal(), below: reader.varint() }
    case 'queue-settings':
      return { kind, queue: reader.ordinal(), settings: readSettings(reader) }
    default:
      return readGroupOp(reader, kind, reader.ordinal(), reader.ordinal())
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
    offset: reader.ordinal(),
    id: reader.varint(),
    priority: reader.varint(),
  }
  if (kind === 'kick' || kind === 'lease-again') return { kind, ...common }
  if (kind === 'bury') {
    const sequence = reader.ordinal()
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
