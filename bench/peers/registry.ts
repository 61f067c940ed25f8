/** Every contender, in the order of tables. */

import { BEANSTALKD, BEANSTALKD_F0 } from './contenders/beanstalkd.ts'
import { BULLMQ_ALWAYS, BULLMQ_EVERYSEC } from './contenders/bullmq.ts'
import { CLASSIC_LEVEL } from './contenders/classic-level.ts'
import { CLASSIC_LEVEL_GROUPED } from './contenders/classic-level-grouped.ts'
import { LMDB } from './contenders/lmdb.ts'
import { NATS_JETSTREAM } from './contenders/nats-jetstream.ts'
import { NO_OP } from './contenders/no-op.ts'
import { PLAINJOB } from './contenders/plainjob.ts'
import { QLOG_LOG } from './contenders/qlog-log.ts'
import { QLOG_SERVE } from './contenders/qlog-serve.ts'
import { QLOG_STORE } from './contenders/qlog-store.ts'
import { QLOG_SYNC } from './contenders/qlog-sync.ts'
import { RABBITMQ_CLASSIC, RABBITMQ_QUORUM } from './contenders/rabbitmq.ts'
import { REDIS_STREAM_ALWAYS, REDIS_STREAM_EVERYSEC } from './contenders/redis-stream.ts'
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
  CLASSIC_LEVEL_GROUPED,
  PLAINJOB,
  QLOG_SERVE,
  BEANSTALKD_F0,
  BEANSTALKD,
  REDIS_STREAM_ALWAYS,
  REDIS_STREAM_EVERYSEC,
  BULLMQ_ALWAYS,
  BULLMQ_EVERYSEC,
  NATS_JETSTREAM,
  RABBITMQ_CLASSIC,
  RABBITMQ_QUORUM,
]

/** Of the field, or the one that keeps nothing. Throws where there is none of that name. */
export function contenderOf(id: string): Contender {
  const contender = [...CONTENDERS, NO_OP].find((one) => one.id === id)
  if (contender === undefined) throw new Error(`there is no contender ${id}`)
  return contender
}
