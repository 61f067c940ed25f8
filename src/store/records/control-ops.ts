/**
 * The kinds of changes that control records stand for, and what each says. A new kind goes to the end of
 * KINDS; how its fields are written stands in control-record.ts. Types and one table.
 */
import type { DueKind } from './message-record.ts'
import type { OffsetRanges } from './offset-ranges.ts'
import type { SettingValues } from './queue-settings.ts'

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
  /** A release gives its attempt back, unless it is one that counts. */
  readonly how: 'released' | 'retried' | 'timed-out' | 'released-counted'
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

/** The queue is gone, with its groups, its settings and all that was known of it. */
export interface QueueRemovedOp {
  readonly kind: 'queue-removed'
  readonly queue: number
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
  | QueueRemovedOp

/** In the order of their numbers on disk, from 1: nothing is taken out or moved. */
export const KINDS = [
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
  'queue-removed',
] as const satisfies readonly ControlOp['kind'][]
