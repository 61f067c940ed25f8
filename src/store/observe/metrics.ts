/**
 * Every metric of a store, once: its name and help, its labels, and how it is read from `stats()`. Names
 * and units follow Prometheus. `docs/observability.md` holds the same table. Pure.
 */
import { FLUSH_BUCKETS_MS } from '../../log/flush-times.ts'
import type { GroupStats, QueueStats } from '../types/stats.ts'
import { labelledOf } from './labelled.ts'
import type { MetricStats } from './metric-source.ts'

export type MetricLabels = Readonly<Record<string, string | number>>

export interface MetricSample {
  /** Added to the name of the metric; nothing but for the parts of a histogram. */
  readonly suffix?: '_bucket' | '_sum' | '_count'
  readonly labels: MetricLabels
  readonly value: number
}

export interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  /** Samples as of these figures; none where there is nothing to tell. */
  readonly read: (stats: MetricStats) => readonly MetricSample[]
}

const QUEUE_LABELS = ['queue'] as const
const GROUP_LABELS = ['queue', 'group'] as const
const STATES = ['ready', 'delayed', 'leased', 'buried'] as const

export const METRICS: readonly Metric[] = [
  ofQueues('put_total', 'Messages put.', ({ totals }) => totals.put),
  ofQueues('deleted_total', 'Messages taken out by delete.', ({ totals }) => totals.deleted),
  ofQueues('expired_total', 'Messages gone by their time to live.', ({ totals }) => totals.expired),
  ofQueues('messages', 'Messages that are not finished.', ({ messages }) => messages),
  ofQueues('retained_messages', 'Finished messages that stay.', ({ retained }) => retained),
  ofQueues('paused_seconds', 'What is left of a pause.', ({ pausedMs }) => pausedMs / 1000),
  ofGroups('delivered_total', 'Leases that began.', ({ totals }) => totals.delivered),
  ofGroups('acked_total', 'Messages finished by ack.', ({ totals }) => totals.acked),
  ofGroups('released_total', 'Messages given back by release.', ({ totals }) => totals.released),
  ofGroups('retried_total', 'Messages given back by retry.', ({ totals }) => totals.retried),
  ofGroups('timed_out_total', 'Leases whose time passed.', ({ totals }) => totals.timedOut),
  ofGroups('buried_total', 'Burials.', ({ totals }) => totals.buried),
  ofGroups('kicked_total', 'Messages kicked.', ({ totals }) => totals.kicked),
  {
    name: 'qlog_group_messages',
    help: 'Messages that the group has not finished, by state.',
    type: 'gauge',
    labels: [...GROUP_LABELS, 'state'],
    read: (stats) =>
      labelledOf(stats).groups.flatMap((one) =>
        STATES.map((state) => ({ labels: { ...labelsOf(one), state }, value: one[state] })),
      ),
  },
  ofGroups('oldest_seconds', 'Age of the oldest ready message.', ({ oldestMs }) =>
    oldestMs === undefined ? undefined : oldestMs / 1000,
  ),
  ofGroups('waiting_sessions', 'Sessions that wait for a message.', ({ waiting }) => waiting),
  ofStore('queues_omitted', 'Queues that have no metrics of their own here.', (stats) => {
    return labelledOf(stats).queuesOmitted
  }),
  ofStore('queues_omitted_messages', 'Messages of these queues that are not finished.', (stats) => {
    return labelledOf(stats).messagesOmitted
  }),
  ofStore('groups_omitted', 'Groups that have no metrics of their own here.', (stats) => {
    return labelledOf(stats).groupsOmitted
  }),
  ofStore('open', '1 while the store is open, 0 once it is closed or has failed.', (stats) =>
    stats.status === 'open' ? 1 : 0,
  ),
  ofStore('disk_full', '1 while puts are refused for want of space.', ({ space }) =>
    space === 'full' ? 1 : 0,
  ),
  ofStore('damaged_messages', 'Messages that cannot be read.', ({ damaged }) => damaged.length),
  {
    name: 'qlog_pinned_bytes',
    help: 'Bytes that only this group keeps from being given back: of the group that keeps most.',
    type: 'gauge',
    labels: GROUP_LABELS,
    read: ({ pinning }) => (pinning ? [{ labels: labelsOf(pinning), value: pinning.bytes }] : []),
  },
  ofStore('appended_bytes_total', 'Bytes appended to the log.', (stats) => stats.appendedBytes),
  ofStore('state_bytes', 'Bytes of the state as it was saved last.', (stats) => stats.stateBytes),
  ofStore('snapshots_total', 'Times the state was saved.', ({ snapshots }) => snapshots),
  ofStore(
    'snapshot_bytes_total',
    'Bytes of state that were saved.',
    (stats) => stats.snapshotBytes,
  ),
  ofStore('snapshot_age_seconds', 'Time since the state was saved.', ({ snapshotAgeMs }) =>
    snapshotAgeMs === undefined ? undefined : snapshotAgeMs / 1000,
  ),
  {
    name: 'qlog_flush_seconds',
    help: 'Time that groups took to become durable.',
    type: 'histogram',
    labels: [],
    read: flushSamples,
  },
  ofStore('in_flight_bytes', 'Bytes that wait for their flush.', ({ log }) => log.inFlightBytes),
  ofStore('segments', 'Segments of the log.', ({ log }) => log.segments),
  ofStore('disk_bytes', 'Bytes of the files of segments.', ({ log }) => log.diskBytes),
  ofStore('live_bytes', 'Bytes of messages that are not gone.', ({ log }) => log.liveBytes),
  ofStore('dead_bytes', 'Bytes that merging can give back.', ({ log }) => log.deadBytes),
  ofStore('scrub_passes_total', 'Passes of scrubbing that ended.', ({ log }) => log.scrub?.passes),
  ofStore('scrub_bytes_total', 'Bytes that scrubbing has checked.', ({ log }) => log.scrub?.bytes),
  ofStore(
    'scrub_damages',
    'Places with damage that the last pass of scrubbing found.',
    ({ log }) => (log.scrub?.ageMs === undefined ? undefined : log.scrub.damages),
  ),
  ofStore(
    'scrub_mended_blocks_total',
    'Blocks that scrubbing has mended.',
    ({ log }) => log.scrub?.mendedBlocks,
  ),
  ofStore('scrub_age_seconds', 'Time since a pass of scrubbing ended.', ({ log }) =>
    log.scrub?.ageMs === undefined ? undefined : log.scrub.ageMs / 1000,
  ),
]

function ofQueues(name: string, help: string, value: (queue: QueueStats) => number): Metric {
  return {
    name: `qlog_queue_${name}`,
    help,
    type: typeOf(name),
    labels: QUEUE_LABELS,
    read: (stats) =>
      labelledOf(stats).queues.map((one) => ({
        labels: { queue: one.queue },
        value: value(one),
      })),
  }
}

function ofGroups(
  name: string,
  help: string,
  value: (group: GroupStats) => number | undefined,
): Metric {
  return {
    name: `qlog_group_${name}`,
    help,
    type: typeOf(name),
    labels: GROUP_LABELS,
    read: (stats) =>
      labelledOf(stats).groups.flatMap((one) => sampleOf(labelsOf(one), value(one)) ?? []),
  }
}

function ofStore(
  name: string,
  help: string,
  value: (stats: MetricStats) => number | undefined,
): Metric {
  return {
    name: `qlog_${name}`,
    help,
    type: typeOf(name),
    labels: [],
    read: (stats) => {
      const sample = sampleOf({}, value(stats))
      return sample ? [sample] : []
    },
  }
}

function typeOf(name: string): 'counter' | 'gauge' {
  return name.endsWith('_total') ? 'counter' : 'gauge'
}

function labelsOf({ queue, group }: Pick<GroupStats, 'queue' | 'group'>): MetricLabels {
  return { queue, group }
}

function sampleOf(labels: MetricLabels, value: number | undefined): MetricSample | undefined {
  return value === undefined ? undefined : { labels, value }
}

/** Buckets are cumulative: each counts what took as long as its end or less. */
function flushSamples({ log }: MetricStats): MetricSample[] {
  const samples: MetricSample[] = []
  let count = 0
  for (const [row, ms] of FLUSH_BUCKETS_MS.entries()) {
    count += log.flushCounts[row] ?? 0
    samples.push({ suffix: '_bucket', labels: { le: ms / 1000 }, value: count })
  }
  samples.push(
    { suffix: '_bucket', labels: { le: '+Inf' }, value: log.flushes },
    { suffix: '_sum', labels: {}, value: log.flushSumMs / 1000 },
    { suffix: '_count', labels: {}, value: log.flushes },
  )
  return samples
}
