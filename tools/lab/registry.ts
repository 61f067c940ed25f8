/**
 * Every trial of the lab, by letter. What a trial is stands in `trial.ts`: a list of units that is worked off
 * over several runs, seeds without end, or both; the runner has the time, the seeds, the failures and what is
 * recorded. A new one is a file in `trials/` and a line here; then `npm run lab -- --write` renews the page.
 *
 *     A  crash states             F  power cuts on real file systems   K  fuzzing of what comes from outside
 *     B  flushes that fail        G  system calls that fail            L  other formats, a second reader
 *     C  every bit                H  SIGKILLs                          M  the museum of others' faults
 *     D  truncations, sectors     I  full disks and other limits       N  a soak with rot
 *     E  whole files              J  compaction, crashes and acks
 */
import type { Trial } from './trial.ts'
import { STORE_CRASHES } from './trials/a-lives.ts'
import { LOG_CRASHES } from './trials/a-log.ts'
import { STORE_FAILURES } from './trials/b-lives.ts'
import { LOG_FAILURES } from './trials/b-log.ts'
import { BITS } from './trials/c-bits.ts'
import { SECTORS } from './trials/d-sectors.ts'
import { FILES } from './trials/e-files.ts'
import { POWER } from './trials/f-power.ts'
import { CALLS } from './trials/g-calls.ts'
import { KILLS } from './trials/h-kills.ts'
import { LIMITS } from './trials/i-limits.ts'
import { SPACE } from './trials/j-space.ts'
import { COMMANDS } from './trials/k-commands.ts'
import { DECODERS } from './trials/k-decoders.ts'
import { SERVER } from './trials/k-server.ts'
import { STREAMS } from './trials/k-streams.ts'
import { SECOND_READER } from './trials/l-second-reader.ts'
import { VERSIONS } from './trials/l-versions.ts'
import { SOAK } from './trials/n-soak.ts'

export const TRIALS: readonly Trial[] = [
  LOG_CRASHES,
  STORE_CRASHES,
  LOG_FAILURES,
  STORE_FAILURES,
  BITS,
  SECTORS,
  FILES,
  POWER,
  CALLS,
  KILLS,
  LIMITS,
  SPACE,
  COMMANDS,
  DECODERS,
  STREAMS,
  SERVER,
  VERSIONS,
  SECOND_READER,
  SOAK,
]

/** All of a letter, or the one of a name; none where there is none. */
export function trialsOf(word: string): readonly Trial[] {
  return TRIALS.filter(({ letter, name }) => word === name || word.toUpperCase() === letter)
}
