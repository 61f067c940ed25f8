/**
 * The named differences: what may differ between the replies of the two servers, each with its reason.
 * Everything else has to be the same, byte for byte. Pure.
 */

export interface Difference {
  readonly name: string
  readonly commands: readonly string[]
  readonly reason: string
  /** Both replies with what may differ made the same. */
  readonly levelled: (left: string, right: string) => readonly [left: string, right: string]
}

/** Whole seconds that a figure may be off where it was asked for at slightly different times. */
const SECONDS_OFF_MAX = 1

/** Lines of `stats` that tell of the process and not of the queues. */
const OF_THE_PROCESS = [
  'pid',
  'version',
  'rusage-utime',
  'rusage-stime',
  'uptime',
  'id',
  'hostname',
  'os',
  'platform',
  'binlog-oldest-index',
  'binlog-current-index',
  'binlog-records-migrated',
  'binlog-records-written',
  'binlog-max-size',
]

export const DIFFERENCES: readonly Difference[] = [
  {
    name: 'process fields',
    commands: ['stats'],
    reason: 'they tell of the process, the machine and the log, not of the queues',
    levelled: (left, right) => [masked(left, OF_THE_PROCESS), masked(right, OF_THE_PROCESS)],
  },
  {
    name: 'when who waits gets a job',
    commands: [],
    reason:
      'at once, or a moment after its put is answered: the two get half a second to agree (pair.ts)',
    levelled: (left, right) => [left, right],
  },
  {
    name: 'which job of a connection that ends goes to who waits',
    commands: [],
    reason:
      'beanstalkd puts them back one by one, and the first that was reserved goes; qlog puts all back, and ' +
      'the first by priority goes. The script ends there (pair.ts)',
    levelled: (left, right) => [left, right],
  },
  {
    name: 'which of several who wait is served first',
    commands: [],
    reason:
      'qlog serves the oldest; beanstalkd takes turns over a list whose gaps its last one fills. In random ' +
      'scripts one waits at a time (pair.ts)',
    levelled: (left, right) => [left, right],
  },
  {
    name: 'a pause of 0',
    commands: [],
    reason:
      'ends a pause at the next turn of the loop of beanstalkd, at once in qlog: not in random scripts',
    levelled: (left, right) => [left, right],
  },
  {
    name: 'delays that end in the same millisecond',
    commands: [],
    reason:
      'the job that was put first is first in qlog; beanstalkd goes by the nanosecond. In random scripts ' +
      'every delay is another (generate.ts)',
    levelled: (left, right) => [left, right],
  },
  {
    name: 'the end of a time to run',
    commands: [],
    reason:
      'where it falls into the microsecond in which beanstalkd looks, the job stays reserved until its ' +
      'holder sends something: scripts that wait for it are tried again (differential.test.ts)',
    levelled: (left, right) => [left, right],
  },
  {
    name: 'cmd-stats',
    commands: [],
    reason:
      'the test asks for statistics itself: compared without those, where it is known how many (pair.ts)',
    levelled: (left, right) => [left, right],
  },
  {
    name: 'job ids',
    commands: [],
    reason:
      'compared as the number of the job in the script (pair.ts); the table tells how many differ',
    levelled: (left, right) => [left, right],
  },
  {
    name: '1.13 quoting',
    commands: ['stats-tube', 'stats-job'],
    reason: '1.13 puts names of tubes in quotes, without which some are no YAML; Debian has 1.12',
    levelled: (left, right) => [unquoted(left), unquoted(right)],
  },
  {
    name: 'log file number',
    commands: ['stats-job'],
    reason:
      '`file` tells which binlog file holds the job: qlog has no binlog, and the other none here',
    levelled: (left, right) => [masked(left, ['file']), masked(right, ['file'])],
  },
  {
    name: 'seconds',
    commands: ['stats-job', 'stats-tube'],
    reason: 'the two are asked a moment apart, which can be the turn of a second',
    levelled: (left, right) => [
      left,
      ['age', 'time-left', 'pause-time-left'].reduce(
        (text, name) => nearer(left, text, name),
        right,
      ),
    ],
  },
  {
    name: 'a delay that is over',
    commands: ['stats-job'],
    reason:
      'beanstalkd remembers what delay a job was last told; qlog keeps it only while it lasts',
    levelled: (left, right) => [
      left,
      /^state: delayed$/m.test(right)
        ? nearer(left, right, 'delay')
        : right.replace(/^delay: 0$/m, /^delay: .*$/m.exec(left)?.[0] ?? ''),
    ],
  },
  {
    name: 'length of statistics',
    commands: ['stats', 'stats-job', 'stats-tube'],
    reason:
      'follows from the fields above; the length given is checked against the bytes that come',
    levelled: (left, right) => [withoutLength(left), withoutLength(right)],
  },
]

/** The two replies of a command, levelled by every difference that it may have. */
export function levelled(
  command: string,
  left: string,
  right: string,
): readonly [left: string, right: string] {
  let pair: readonly [string, string] = [left, right]
  for (const one of DIFFERENCES) {
    if (one.commands.includes(command)) pair = one.levelled(...pair)
  }
  return pair
}

function masked(text: string, names: readonly string[]): string {
  return names.reduce(
    (masking, name) => masking.replace(new RegExp(`^${name}: .*$`, 'm'), `${name}: *`),
    text,
  )
}

function unquoted(text: string): string {
  return text.replace(/^(tube|name): "(.*)"$/m, '$1: $2')
}

/** The right text with the left figure of that name, where the two are close. */
function nearer(left: string, right: string, name: string): string {
  const line = new RegExp(`^${name}: (\\d+)$`, 'm')
  const [wanted, got] = [left, right].map((text) => line.exec(text)?.[1])
  if (wanted === undefined || got === undefined) return right
  const isNear = Math.abs(Number(wanted) - Number(got)) <= SECONDS_OFF_MAX
  return isNear ? right.replace(line, `${name}: ${wanted}`) : right
}

function withoutLength(text: string): string {
  return text.replace(/^OK \d+\r\n/, 'OK *\r\n')
}
