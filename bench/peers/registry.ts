/** Every contender, in the order of tables. */

import { CLASSIC_LEVEL } from './contenders/classic-level.ts'
import { LMDB } from './contenders/lmdb.ts'
import { PLAINJOB } from './contenders/plainjob.ts'
import { QLOG_LOG } from './contenders/qlog-log.ts'
import { QLOG_STORE } from './contenders/qlog-store.ts'
import { QLOG_SYNC } from './contenders/qlog-sync.ts'
import { SQLITE_FULL, SQLITE_NORMAL } from './contenders/sqlite.ts'
import { SQLITE_GROUPED } from './contenders/sqlite-grouped.ts'
import type { Contender } from './contract.ts'

export const CONTENDERS: readonly Contender[] = [
  QLOG_LOG,
  QLOG_SYNC,
  QLOG_STORE,
  SQLITE_FULL,
  SQLITE_GROUPED,
  SQLITE_NORMAL,
  LMDB,
  CLASSIC_LEVEL,
  PLAINJOB,
]
