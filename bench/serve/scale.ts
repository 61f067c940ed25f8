/** What `bench -- serve` measures and how much of it. As data. Pure. */

export interface ServeCase {
  readonly kind: 'put' | 'cycle' | 'paced' | 'memory'
  readonly name: string
  readonly connections: number
  readonly isPipelined: boolean
  /** What the issue asks of the ratio to beanstalkd -f0, and to one without a log. */
  readonly bar?: number
  readonly barWithoutLog?: number
}

export const SERVE_CASES: readonly ServeCase[] = [
  { kind: 'put', name: 'put-1', connections: 1, isPipelined: false, bar: 0.6 },
  { kind: 'put', name: 'put-50', connections: 50, isPipelined: false, bar: 5 },
  { kind: 'put', name: 'put-500', connections: 500, isPipelined: false, bar: 5 },
  {
    kind: 'put',
    name: 'put-pipelined-1000',
    connections: 1,
    isPipelined: true,
    bar: 50,
    barWithoutLog: 1,
  },
  { kind: 'cycle', name: 'cycle-1', connections: 1, isPipelined: false },
  { kind: 'cycle', name: 'cycle-50', connections: 50, isPipelined: false },
  { kind: 'cycle', name: 'cycle-500', connections: 500, isPipelined: false },
  { kind: 'cycle', name: 'cycle-pipelined-1000', connections: 1, isPipelined: true },
  { kind: 'paced', name: 'put-half-load', connections: 50, isPipelined: false },
  { kind: 'memory', name: 'memory', connections: 1, isPipelined: true },
]

export interface ServeScale {
  readonly pairs: number
  /** Of one run of one server. */
  readonly runSeconds: number
  readonly pacedSeconds: number
  readonly pacedRuns: number
  /** Jobs that wait while memory is looked at. */
  readonly jobs: number
  /** Before that look, so that garbage is collected. */
  readonly settleSeconds: number
}

export const SERVE_FULL: ServeScale = {
  pairs: 7,
  runSeconds: 1,
  pacedSeconds: 4,
  pacedRuns: 3,
  jobs: 1_000_000,
  settleSeconds: 2,
}

/** As little as still goes through every line: no figure of it means anything. */
export const SERVE_SMOKE: ServeScale = {
  pairs: 1,
  runSeconds: 0.05,
  pacedSeconds: 0.1,
  pacedRuns: 1,
  jobs: 2_000,
  settleSeconds: 0,
}

const SMOKE_NAMES = ['put-50', 'put-pipelined-1000', 'cycle-1', 'cycle-pipelined-1000']

export const SERVE_SMOKE_CASES: readonly ServeCase[] = SERVE_CASES.filter(
  ({ name, kind }) => SMOKE_NAMES.includes(name) || kind === 'paced' || kind === 'memory',
)
