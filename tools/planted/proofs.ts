/** The test files that faults name, and those that are tried where these catch nothing. */
export const SCHEDULES = 'test/simulation/schedules-1.test.ts'
export const CRASH_POINTS = 'test/simulation/crash-points.test.ts'
export const CRASH_POINTS_FLUSH = 'test/simulation/crash-points-flush.test.ts'
export const FAILING_CALLS = 'test/simulation/failing-calls.test.ts'
export const DIRECTED = 'test/simulation/directed.test.ts'
export const LOCK_RACES = 'test/log/lock-races.test.ts'
export const FOLLOWING = 'test/log/following.test.ts'
export const READ_AHEAD = 'test/log/read-ahead.test.ts'
export const FLIGHT_QUEUE = 'test/log/flight-queue.test.ts'
export const GOLDEN = 'test/format/golden.test.ts'
export const SNAPSHOTS = 'test/log/snapshots.test.ts'
export const SNAPSHOTS_DAMAGE = 'test/log/snapshots-damage.test.ts'
export const SNAPSHOTS_REFUSED = 'test/log/snapshots-refused.test.ts'
export const SNAPSHOTS_CRASH = 'test/log/snapshots-crash.test.ts'
export const RETIREMENT = 'test/log/space/retirement.test.ts'
export const COMPACTION = 'test/log/space/compaction.test.ts'
export const COMPACTION_BOUND = 'test/log/space/compaction-bound.test.ts'
export const FULL_DISK = 'test/log/space/full-disk.test.ts'
export const SCRUB = 'test/log/scrub/background-scrub.test.ts'
export const SCRUB_AND_VERIFY = 'test/inspect/scrub.test.ts'
export const SCRUB_SOAK = 'test/log/scrub/scrub-soak.test.ts'
export const REPAIR = 'test/log/scrub/repair.test.ts'
export const MENDED = 'test/store/mended.test.ts'
export const SECOND_READ = 'test/log/second-read.test.ts'
export const CUT_OFF = 'test/log/cut-off.test.ts'
export const LOST_MAP = 'test/log/space/lost-map.test.ts'
export const LOST_VICTIMS = 'test/log/space/lost-victims.test.ts'
export const SALVAGE_PARTS = 'test/inspect/salvage-parts.test.ts'
export const BACKUP_CRASH = 'test/inspect/backup-crash.test.ts'
export const FLUSH_NAME = 'test/inspect/flush-name.test.ts'
export const LOST_NEWEST = 'test/inspect/lost-newest.test.ts'
export const FULL_DISK_ENDS = 'test/log/space/full-disk-ends.test.ts'
export const STORE_SUITE = 'test/testing/store-suite.test.ts'
export const STORE_AHEAD = 'test/store/ahead-of-the-log.test.ts'
export const STORE_REGRESSIONS = 'test/store/regressions.test.ts'
export const BACKLOG = 'test/store/commit/backlog.test.ts'
export const STORE_TIMES = 'test/store/dispatch/times.test.ts'
export const STORE_PIECES = 'test/store/dispatch/pieces.test.ts'
export const STORE_READ_FIRST = 'test/store/read-first.test.ts'

export const SCHEDULE_SHARES = [SCHEDULES, 'test/simulation/schedules-2.test.ts'] as const
/** What is tried for a fault of the log that the tests it names do not catch. */
export const LOG_PROOF = [
  SCHEDULES,
  CRASH_POINTS,
  CRASH_POINTS_FLUSH,
  FAILING_CALLS,
  DIRECTED,
] as const
/** The same of the store: everything that shows what it does. */
export const STORE_PROOF = [
  STORE_SUITE,
  STORE_AHEAD,
  STORE_REGRESSIONS,
  'test/store/model/memory-1.test.ts',
  'test/store/model/slow-1.test.ts',
  'test/store/model/segments-1.test.ts',
] as const
