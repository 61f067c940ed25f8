/**
 * What can be asked of an open store through its door, or of one that is open here: for each verb what it
 * takes, what it gives piece by piece, and what it says at its end. Types only.
 */

import type { ExportedMessage, ExportedPut, ExportedState } from '../../../store/look/exporting.ts'
import type { GroupSettings, GroupStart, SeekPlace } from '../../../store/types/groups.ts'
import type { MessageInfo, MessageState } from '../../../store/types/messages.ts'
import type { PutOptions, PutResult } from '../../../store/types/puts.ts'
import type { QueueSettings, QueueSettingsChange } from '../../../store/types/settings.ts'
import type { GroupStats, QueueStats, StoreStats } from '../../../store/types/stats.ts'
import type { Store } from '../../../store/types/store.ts'
import type { Holder } from '../holder.ts'

/** Which group of which queue; `default` where none is named. */
export interface Place {
  readonly queue: string
  readonly group?: string
}

/** What a put asks for, as it crosses the door. */
export type PutRowOptions = Omit<PutOptions, 'at'> & { readonly at?: number }
/** A message to put; its body is the next `bytes` of the tail. */
export type PutRow = PutRowOptions & { readonly bytes: number }

/** A delivery as it crosses the door; its body is the tail. */
export interface TakenMessage {
  /** Names the delivery for `settle`, as long as the caller is connected. */
  readonly lease: number
  readonly queue: string
  readonly group: string
  readonly id: number
  readonly offset: number
  readonly priority: number
  readonly putMs: number
  /** 1 at the first delivery that counts. */
  readonly attempts: number
  readonly key?: string | undefined
  readonly headers: Readonly<Record<string, string>>
}

export interface TakeArgs extends Place {
  readonly count?: number
  readonly bytesMax?: number
  /** 0 unless told: what is there now. `null` waits for ever. */
  readonly timeoutMs?: number | null
  readonly leaseMs?: number
  /** Makes the queue and the group where they are missing; else only the first group, `default`. */
  readonly createGroup?: boolean
}

export interface SettleArgs {
  readonly how: 'ack' | 'release' | 'retry' | 'bury'
  readonly leases: readonly number[]
}

export interface ListArgs extends Place {
  readonly state?: MessageState
  /** First offset. */
  readonly from?: number
  /** 100 unless told; no more than that many, however large it is. */
  readonly limit?: number
}

export type KickArgs = Place & ({ readonly count: number } | { readonly ids: readonly number[] })

/** One line of an export. A message's body is the tail. */
export type ExportItem =
  | { readonly kind: 'queue'; readonly queue: string; readonly pausedMs: number }
  | {
      readonly kind: 'group'
      readonly queue: string
      readonly group: string
      /** Every message of a lower offset is finished for it. */
      readonly floor: number
      readonly leasedMax?: number
      readonly promoteAfterMs?: number
    }
  | ({ readonly kind: 'message'; readonly queue: string } & Omit<ExportedMessage, 'body'>)

/** What is to be made of a message that was imported, for a group. */
export interface ImportState extends Omit<ExportedState, 'sequence'> {
  readonly id: number
}

/** Queues come one by one, and there may be more damaged ids than a frame holds. */
export type StatsDone = Omit<StoreStats, 'queues' | 'damaged'> & { readonly damaged: number }

interface VerbShape {
  readonly args: object
  readonly item: object
  readonly done: object
}

export interface VerbTypes {
  /** Each message by itself, or all or none. */
  readonly put: {
    readonly args: {
      readonly queue: string
      /** A number is a message that asks for what `all` says, and has so many bytes. */
      readonly messages: readonly (PutRow | number)[]
      readonly all?: PutRowOptions
      readonly atomic?: boolean
    }
    readonly item: PutResult
    readonly done: object
  }
  readonly take: { readonly args: TakeArgs; readonly item: TakenMessage; readonly done: object }
  readonly settle: { readonly args: SettleArgs; readonly item: object; readonly done: object }
  /** Of a queue with many groups several items, each with some: `addRow` joins them; so too of stats. */
  readonly queues: { readonly args: object; readonly item: QueueStats; readonly done: object }
  readonly groups: {
    readonly args: { readonly queue?: string }
    readonly item: GroupStats
    readonly done: object
  }
  /** At most one item, with its body. */
  readonly peek: {
    readonly args: Place & { readonly state?: 'ready' | 'delayed' | 'buried' }
    readonly item: MessageInfo
    readonly done: object
  }
  readonly list: { readonly args: ListArgs; readonly item: MessageInfo; readonly done: object }
  readonly kick: {
    readonly args: KickArgs
    readonly item: object
    readonly done: { readonly kicked: number }
  }
  /** Buried messages come back; all of the group unless told. */
  readonly redrive: {
    readonly args: Place & { readonly count?: number; readonly reason?: string }
    readonly item: object
    readonly done: { readonly redriven: number }
  }
  /** All that are ready unless told. Where the caller goes away it stops between two pieces. */
  readonly move: {
    readonly args: Place & {
      readonly target: string
      readonly state?: 'ready' | 'delayed' | 'buried'
      readonly count?: number
    }
    readonly item: object
    /** `isNew`: the other queue began with them. */
    readonly done: { readonly moved: number; readonly isNew: boolean }
  }
  readonly purge: {
    readonly args: { readonly queue: string }
    readonly item: object
    readonly done: { readonly purged: number }
  }
  /** The group has to be there. */
  readonly seek: {
    readonly args: Place & { readonly from: SeekPlace }
    readonly item: object
    /** Messages that the group has not finished now. */
    readonly done: { readonly left: number }
  }
  readonly pause: {
    readonly args: { readonly queue: string; readonly pauseMs: number }
    readonly item: object
    readonly done: object
  }
  /** Changes what is told, and tells what the queue keeps to then. */
  readonly configure: {
    readonly args: {
      readonly queue: string
      readonly settings?: QueueSettingsChange
      /** Makes the queue where it is missing; else that is QLOG_NOT_FOUND. */
      readonly createQueue?: boolean
    }
    readonly item: object
    readonly done: { readonly settings: QueueSettings }
  }
  /** Changes what is told, and tells of the group. The queue has to be there. */
  readonly group: {
    readonly args: {
      readonly queue: string
      readonly group: string
      readonly settings?: GroupSettings
      /** Makes the group, which begins there and must not exist; else it has to be there. */
      readonly from?: GroupStart
    }
    readonly item: object
    readonly done: { readonly stats: GroupStats }
  }
  /** The group has to be there. */
  readonly removeGroup: {
    readonly args: { readonly queue: string; readonly group: string }
    readonly item: object
    /** Messages that it had not finished. */
    readonly done: { readonly left: number }
  }
  /** The queue has to be there; QLOG_QUEUE_IN_USE where somebody may miss it. */
  readonly removeQueue: {
    readonly args: { readonly queue: string; readonly forgetKeys?: boolean }
    readonly item: object
    readonly done: { readonly removed: boolean }
  }
  readonly delete: {
    readonly args: { readonly queue: string; readonly ids: readonly number[] }
    readonly item: object
    readonly done: { readonly deleted: number }
  }
  /** The queue, its groups, its messages by offset; then the next queue. */
  readonly export: {
    readonly args: { readonly queue?: string }
    readonly item: ExportItem
    readonly done: object
  }
  /** Puts what was exported, all or none; the bodies are the tail. */
  readonly import: {
    readonly args: {
      readonly queue: string
      readonly messages: readonly { readonly bytes: number; readonly put: ExportedPut }[]
    }
    readonly item: PutResult
    readonly done: object
  }
  /** Makes a group that begins at a message of this id, or behind all there are where it is `null`. */
  readonly importGroup: {
    readonly args: {
      readonly queue: string
      readonly group: string
      readonly fromId: number | null
      readonly leasedMax?: number
      readonly promoteAfterMs?: number
    }
    readonly item: object
    readonly done: object
  }
  /** Brings messages to where they stood for a group, in this order. */
  readonly importStates: {
    readonly args: {
      readonly queue: string
      readonly group: string
      readonly states: readonly ImportState[]
    }
    readonly item: object
    readonly done: object
  }
  readonly compact: { readonly args: object; readonly item: object; readonly done: object }
  readonly stats: { readonly args: object; readonly item: QueueStats; readonly done: StatsDone }
}

export type VerbName = keyof VerbTypes

/** One call of a verb, whoever makes it. */
export interface VerbCall<V extends VerbShape> {
  readonly store: Store
  readonly holder: Holder
  /** As the caller sent it: whatever is used of it is checked, by the store or by the verb. */
  readonly args: V['args']
  readonly tail: Uint8Array
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal
  /** Gives one piece; resolves when the caller may get the next. */
  item(item: V['item'], tail?: Uint8Array): Promise<void>
}

export type Verb<V extends VerbShape> = (call: VerbCall<V>) => Promise<V['done']>
export type VerbTable = { readonly [V in VerbName]: Verb<VerbTypes[V]> }
