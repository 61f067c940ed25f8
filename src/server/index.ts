/**
 * `qlog/server`: using a store that another process holds, through its door; and serving protocols to
 * others over sockets.
 */
import { realSystem } from '../system/real/real-system.ts'
import type { AccessOptions, StoreAccess } from './access.ts'
import { listenOn } from './listen/listen.ts'
import type { Listener, ListenOptions } from './listen/types.ts'

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

export {
  type FiguresOptions,
  type FiguresServer,
  type Health,
  serveFigures,
} from './figures.ts'
export { type Address, addressText, parseAddress } from './listen/address.ts'
export { LateProtocol } from './listen/late-protocol.ts'
export { CONNECTIONS_MAX, LISTEN_LIMITS, type ListenLimits } from './listen/limits.ts'
export { type TokenCheck, tokenCheck } from './listen/tokens.ts'
export type {
  Client,
  Conversation,
  EndReason,
  Intake,
  Listener,
  ListenerTotals,
  ListenOptions,
  Protocol,
  RefusalReason,
  ServerErrorListener,
  TlsOptions,
} from './listen/types.ts'
export { LISTENER_METRICS, listenerMetricsText } from './listener-metrics.ts'
export { addRow } from './queue-rows.ts'

/**
 * The store in `directory`, by its verbs: through the door of the process that holds it, or opened here
 * where nobody does. Rejects with QLOG_NOT_A_LOG, QLOG_NO_DOOR, QLOG_LOCK_UNCLEAR, QLOG_DAMAGED,
 * QLOG_NEWER_FORMAT, QLOG_UNSUPPORTED, QLOG_DISK_FULL, QLOG_IO, QLOG_ABORTED.
 */
export async function openStoreThrough(
  directory: string,
  options: AccessOptions = {},
): Promise<StoreAccess> {
  // A server that binds its ports has no time for a store yet: what that is made of is loaded here.
  const [{ openStore }, { openAccess }] = await Promise.all([
    import('../index.ts'),
    import('./access.ts'),
  ])
  return openAccess(realSystem(), openStore, directory, options)
}

/**
 * Serves a protocol at an address. Rejects with QLOG_ADDRESS where that cannot be listened at, with
 * QLOG_INVALID_ARGUMENT and QLOG_ABORTED.
 */
export function listen(options: ListenOptions): Promise<Listener> {
  return listenOn(realSystem(), options)
}
