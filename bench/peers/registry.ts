/** Every contender, in the order of tables. */

import { QLOG_LOG } from './contenders/qlog-log.ts'
import { QLOG_STORE } from './contenders/qlog-store.ts'
import { QLOG_SYNC } from './contenders/qlog-sync.ts'
import type { Contender } from './contract.ts'

export const CONTENDERS: readonly Contender[] = [QLOG_LOG, QLOG_SYNC, QLOG_STORE]
