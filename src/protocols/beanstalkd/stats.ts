/** What stats, stats-tube and stats-job tell, in the order in which beanstalkd tells it. Changes nothing. */
import { hostname, machine, version as osVersion } from 'node:os'
import { GROUP_DEFAULT, type MessageInfo, type QueueStats, type StoreStats } from '../../index.ts'
import { COUNTED } from './counters.ts'
import { URGENT_BELOW } from './limits.ts'
import type { Shared } from './shared.ts'
import type { Tube } from './tubes.ts'
import { document, type Field, quoted } from './yaml.ts'

const SECOND_MS = 1_000
/** Where a put said nothing of it, which was none of this protocol. */
const TTR_MS_DEFAULT = 30_000

export async function serverStats(shared: Shared): Promise<string> {
  const { store, tubes, counters, jobBytesMax } = shared
  const all = tubes.all()
  let urgent = 0
  for (const tube of all) urgent += await urgentOf(tube)
  const stats = store.stats()
  const sums = sumsOf(stats)
  const puts = stats.queues.reduce((sum, { nextOffset }) => sum + nextOffset, 0)
  const totalJobs = puts + tubes.putsOfRemoved
  const { userCPUTime, systemCPUTime } = process.resourceUsage()
  const commands = COUNTED.map((name): Field => [`cmd-${name}`, counters.commands[name]])
  return document([
    ['current-jobs-urgent', urgent],
    ['current-jobs-ready', sums.ready],
    ['current-jobs-reserved', sums.leased],
    ['current-jobs-delayed', sums.delayed],
    ['current-jobs-buried', sums.buried],
    ...commands,
    ['job-timeouts', stats.totals.timedOut],
    ['total-jobs', totalJobs],
    ['max-job-size', jobBytesMax],
    ['current-tubes', all.length],
    ['current-connections', counters.connections],
    ['current-producers', counters.producers],
    ['current-workers', counters.workers],
    ['current-waiting', counters.waiting],
    ['total-connections', counters.connectionsTotal],
    ['pid', process.pid],
    ['version', quoted(shared.version)],
    ['rusage-utime', secondsOf(userCPUTime)],
    ['rusage-stime', secondsOf(systemCPUTime)],
    ['uptime', Math.floor((performance.now() - shared.startedMs) / SECOND_MS)],
    // There is no numbered file: the oldest is what has not been given back, the newest the last one.
    ['binlog-oldest-index', 0],
    ['binlog-current-index', stats.log.segments],
    ['binlog-records-migrated', 0],
    ['binlog-records-written', totalJobs],
    ['binlog-max-size', stats.log.diskBytes],
    ['draining', `${shared.isDraining}`],
    ['id', shared.id],
    ['hostname', quoted(hostname())],
    ['os', quoted(osVersion())],
    ['platform', quoted(machine())],
  ])
}

export async function tubeStats(tube: Tube): Promise<string> {
  const urgent = await urgentOf(tube)
  const stats = tube.queue.stats()
  const counts = countsOf(tube, stats)
  const leftSeconds = Math.ceil(stats.pausedMs / SECOND_MS)
  return document([
    ['name', quoted(tube.name)],
    ['current-jobs-urgent', urgent],
    ['current-jobs-ready', counts.ready],
    ['current-jobs-reserved', counts.leased],
    ['current-jobs-delayed', counts.delayed],
    ['current-jobs-buried', counts.buried],
    ['total-jobs', tube.totalJobs(stats)],
    ['current-using', tube.using],
    ['current-watching', tube.watching],
    ['current-waiting', tube.waiting],
    ['cmd-delete', tube.deletes],
    ['cmd-pause-tube', tube.pauses],
    // After a restart what the pause was told is not known any more, only what is left of it.
    ['pause', leftSeconds === 0 ? 0 : Math.max(tube.pauseSeconds, leftSeconds)],
    ['pause-time-left', Math.floor(stats.pausedMs / SECOND_MS)],
  ])
}

/** `nowMs` is the wall clock's time. */
export function jobStats(job: MessageInfo, nowMs: number): string {
  const ageMs = Math.max(0, nowMs - job.putMs)
  const { counters } = job
  return document([
    ['id', job.id],
    ['tube', quoted(job.queue)],
    ['state', job.state === 'leased' ? 'reserved' : job.state],
    ['pri', job.priority],
    ['age', Math.floor(ageMs / SECOND_MS)],
    ['delay', delayOf(job, ageMs)],
    ['ttr', Math.ceil((job.leaseMs ?? TTR_MS_DEFAULT) / SECOND_MS)],
    ['time-left', Math.floor((job.leaseLeftMs + job.dueInMs) / SECOND_MS)],
    ['file', 0],
    ['reserves', counters.leases],
    ['timeouts', counters.timeouts],
    ['releases', counters.releases],
    ['buries', counters.buries],
    ['kicks', counters.kicks],
  ])
}

/**
 * What a delayed job was told, as far as it can be known: exactly, where it waits since its put; else
 * what is left, rounded up. 0 once it has become ready.
 */
function delayOf({ state, dueInMs, counters }: MessageInfo, ageMs: number): number {
  if (state !== 'delayed') return 0
  const isAsPut = counters.releases + counters.leases === 0
  return isAsPut ? Math.round((ageMs + dueInMs) / SECOND_MS) : Math.ceil(dueInMs / SECOND_MS)
}

/** Of the group that jobs are in, in all queues. */
function sumsOf({ queues }: StoreStats) {
  const sums = { ready: 0, leased: 0, delayed: 0, buried: 0 }
  for (const { groups } of queues) {
    for (const { group, ready, leased, delayed, buried } of groups) {
      if (group !== GROUP_DEFAULT) continue
      sums.ready += ready
      sums.leased += leased
      sums.delayed += delayed
      sums.buried += buried
    }
  }
  return sums
}

function countsOf(tube: Tube, { groups }: QueueStats) {
  const group = groups.find((one) => one.group === tube.group.name)
  return group ?? { ready: 0, leased: 0, delayed: 0, buried: 0 }
}

async function urgentOf(tube: Tube): Promise<number> {
  return (await tube.look())?.countReady(URGENT_BELOW) ?? 0
}

function secondsOf(micros: number): string {
  const fraction = `${micros % 1_000_000}`.padStart(6, '0')
  return `${Math.floor(micros / 1_000_000)}.${fraction}`
}
