/** The verbs `take` and `settle`: messages are leased to the caller, who then says what became of them. */
import { QlogError, QlogTypeError } from '../../../errors.ts'
import { checkInteger } from '../../../store/check.ts'
import { GROUP_DEFAULT } from '../../../store/types/groups.ts'
import { checkReader } from './places.ts'
import type { Verb, VerbTypes } from './types.ts'

/** Bodies of one `take` together, unless told; the first one comes whatever its size. */
const TAKE_BYTES_MAX = 4 * 1024 * 1024
const COUNT_MAX = 4_096

export const take: Verb<VerbTypes['take']> = async ({ store, holder, args, signal, item }) => {
  const { queue, group = GROUP_DEFAULT, count = 1, timeoutMs = 0, leaseMs } = args
  if (args.createGroup !== true) checkReader(store, { queue, group })
  const wanted = Math.min(checkInteger('count', count, 1, COUNT_MAX), holder.room)
  if (wanted === 0) {
    throw new QlogError('QLOG_BUSY', 'so many deliveries are held that no more may be taken')
  }
  const session = await holder.watch(queue, group)
  const deliveries = await session.reserve({
    count: wanted,
    bytesMax: args.bytesMax ?? TAKE_BYTES_MAX,
    signal,
    ...(timeoutMs !== null && { timeoutMs }),
    ...(leaseMs !== undefined && { leaseMs }),
  })
  for (const delivery of deliveries) {
    const { id, offset, priority, putMs, key, headers, attempt } = delivery
    const lease = holder.keep(delivery)
    const taken = { lease, queue, group, id, offset, priority, putMs, attempts: attempt }
    await item({ ...taken, headers, ...(key !== undefined && { key }) }, delivery.body)
  }
  return {}
}

export const settle: Verb<VerbTypes['settle']> = async ({ holder, args }) => {
  const { how, leases } = args
  if (!Array.isArray(leases)) throw new QlogTypeError('leases must be an array')
  if (how !== 'ack' && how !== 'release' && how !== 'retry' && how !== 'bury') {
    throw new QlogTypeError('a delivery ends with ack, release, retry or bury')
  }
  if (leases.length === 0) return {}
  const { session, deliveries } = holder.take(leases)
  await session[how](deliveries)
  return {}
}
