/**
 * What `stats` tells, by Kestrel's names, as far as the store really knows it. Figures of a queue's other
 * groups stand under `queue+group`, as Kestrel's fan-out queues do. Reads, changes nothing.
 */
import { GROUP_DEFAULT, type GroupStats, type QueueStats, type StoreStats } from '../../index.ts'
import { keyOf } from './key.ts'
import { PROTOCOL_VERSION } from './options.ts'
import type { Readers } from './readers.ts'

export type Figure = readonly [name: string, value: string | number]

/** Of the server, and of the store as a whole. */
export function serverFigures(readers: Readers, stats: StoreStats): readonly Figure[] {
  const { plan, tally } = readers
  return [
    ['pid', process.pid],
    ['uptime', Math.floor(stats.openMs / 1_000)],
    ['time', Math.floor(Date.now() / 1_000)],
    ['version', PROTOCOL_VERSION],
    ...(plan.version === undefined ? [] : [['qlog_version', plan.version] as const]),
    ['curr_items', stats.messages],
    ['total_items', stats.totals.put],
    ['bytes', stats.log.liveBytes],
    ['curr_connections', tally.connections],
    ['total_connections', tally.totalConnections],
    ['cmd_get', tally.cmdGet],
    ['cmd_set', tally.cmdSet],
    ['cmd_peek', tally.cmdPeek],
    ['get_hits', tally.getHits],
    ['get_misses', tally.getMisses],
    ['bytes_read', tally.bytesRead],
    ['bytes_written', tally.bytesWritten],
    ['queue_creates', tally.queueCreates],
    ['queue_deletes', tally.queueDeletes],
  ]
}

/** Of a queue and its groups; none where no key can name it, and where it was deleted. */
export function queueFigures(readers: Readers, queue: QueueStats): readonly Figure[] {
  if (/[\s/+]/.test(queue.queue)) return []
  if (queue.groups.length === 0 && queue.messages === 0) return []
  const groups = queue.groups.filter(({ group }) => !/[\s/]/.test(group))
  const hasDefault = groups.some(({ group }) => group === GROUP_DEFAULT)
  const figures = groups.flatMap((group) => groupFigures(readers, queue, group))
  return hasDefault ? figures : [...ownFigures(queue), ...figures]
}

/** What a queue has where nobody has begun to read it. */
function ownFigures({ queue, messages, totals }: QueueStats): readonly Figure[] {
  return [
    [`queue_${queue}_items`, messages],
    [`queue_${queue}_total_items`, totals.put],
    [`queue_${queue}_expired_items`, totals.expired],
  ]
}

function groupFigures(
  readers: Readers,
  { queue, bytes, totals: all }: QueueStats,
  { group, ready, delayed, leased, oldestMs, waiting, totals }: GroupStats,
): readonly Figure[] {
  const key = keyOf({ queue, group })
  const own: readonly Figure[] = [
    ['items', ready + delayed],
    ...(bytes === undefined ? [] : [['bytes', bytes] as const]),
    ['total_items', all.put],
    ['expired_items', all.expired],
    ['age', Math.round(oldestMs ?? 0)],
    ['waiters', waiting],
    ['open_transactions', leased],
    ['transactions', totals.delivered],
    ['canceled_transactions', totals.released + totals.retried + totals.timedOut],
    ['total_flushes', readers.known({ queue, group })?.flushes ?? 0],
  ]
  return own.map(([name, value]) => [`queue_${key}_${name}`, value])
}
