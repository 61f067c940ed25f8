/**
 * The settings of a queue as a record and a snapshot hold them: numbers in a fixed order, 0 = none, those
 * at the end that are 0 left out, so that a setting that is added later changes no record. Pure memory.
 */
import type { ByteReader, ByteWriter } from '../containers/varint.ts'

export interface SettingValues {
  /** Most messages that are not done; 0 = no limit. */
  readonly messagesMax: number
  /** Most bytes of their records; 0 = no limit. */
  readonly bytesMax: number
  /** What a put does where there is no room: 0 = is refused, 1 = takes the oldest out. */
  readonly whenFull: number
  /** Time to live of puts that name none; 0 = for ever. */
  readonly ttlMs: number
  /** Number of the queue that gets dead letters; 0 = none. */
  readonly deadLetter: number
  /** A group that nobody has used for so many milliseconds is removed; 0 = never. */
  readonly groupIdleMs: number
  /** 1 = messages stay once every group has finished them, within what follows; 0 = they go. */
  readonly retains: number
  /** So long after they were put; 0 = no limit. */
  readonly retainMs: number
  /** So many of them; 0 = no limit. */
  readonly retainMessages: number
  /** So many bytes of their records; 0 = no limit. */
  readonly retainBytes: number
  /** Deliveries of a message at most that count, before it is buried; 0 = no limit. */
  readonly attemptsMax: number
}

/** In the order in which they stand in a record. */
const FIELDS = [
  'messagesMax',
  'bytesMax',
  'whenFull',
  'ttlMs',
  'deadLetter',
  'groupIdleMs',
  'retains',
  'retainMs',
  'retainMessages',
  'retainBytes',
  'attemptsMax',
] as const satisfies readonly (keyof SettingValues)[]

export const NO_SETTINGS: SettingValues = Object.freeze({
  messagesMax: 0,
  bytesMax: 0,
  whenFull: 0,
  ttlMs: 0,
  deadLetter: 0,
  groupIdleMs: 0,
  retains: 0,
  retainMs: 0,
  retainMessages: 0,
  retainBytes: 0,
  attemptsMax: 0,
})

export const DROP_OLDEST = 1

export function isSameSettings(one: SettingValues, other: SettingValues): boolean {
  return FIELDS.every((field) => one[field] === other[field])
}

/** Every value, in order: for the hash of the state. */
export function valuesOf(settings: SettingValues): number[] {
  return FIELDS.map((field) => settings[field])
}

export function writeSettings(writer: ByteWriter, settings: SettingValues): void {
  const values = valuesOf(settings)
  const count = values.findLastIndex((value) => value !== 0) + 1
  writer.varint(count)
  for (const value of values.slice(0, count)) writer.varint(value)
}

/** Marks the bytes malformed where they hold a setting that this version does not know. */
export function readSettings(reader: ByteReader): SettingValues {
  const count = reader.varint()
  reader.require(count <= FIELDS.length)
  const values: { -readonly [Field in keyof SettingValues]: number } = { ...NO_SETTINGS }
  for (const field of FIELDS.slice(0, count)) values[field] = reader.varint()
  reader.require(values.whenFull <= DROP_OLDEST && values.retains <= 1)
  return values
}
