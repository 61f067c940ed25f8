/**
 * `qlog/server`: using a store that another process holds, through its door.
 */
import { openStore } from '../index.ts'
import { realSystem } from '../system/real/real-system.ts'
import { type AccessOptions, openAccess, type StoreAccess } from './access.ts'

export type { AccessOptions, CallOptions, OwnerName, StoreAccess } from './access.ts'
export type {
  ExportItem,
  ImportState,
  KickArgs,
  ListArgs,
  Place,
  PutRow,
  PutRowOptions,
  SettleArgs,
  StatsDone,
  TakeArgs,
  TakenMessage,
  VerbName,
  VerbTypes,
} from './door/verbs/types.ts'

export { addRow } from './queue-rows.ts'

/**
 * The store in `directory`, by its verbs: through the door of the process that holds it, or opened here
 * where nobody does. Rejects with QLOG_NOT_A_LOG, QLOG_NO_DOOR, QLOG_LOCK_UNCLEAR, QLOG_DAMAGED,
 * QLOG_NEWER_FORMAT, QLOG_UNSUPPORTED, QLOG_DISK_FULL, QLOG_IO, QLOG_ABORTED.
 */
export function openStoreThrough(
  directory: string,
  options: AccessOptions = {},
): Promise<StoreAccess> {
  return openAccess(realSystem(), openStore, directory, options)
}
