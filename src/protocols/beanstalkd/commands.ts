/**
 * The commands by their beginnings. A command is whichever beginning fits first: the rest of the line is
 * its arguments, or makes it malformed.
 */
import { authorize } from './auth-verb.ts'
import { deleteMany, releaseMs, reserveMany } from './batch-verbs.ts'
import { clearTube, limitTries, limitTube, listJobs, moveJobs } from './extra-verbs.ts'
import { bury, deleteJob, release, touch } from './job-verbs.ts'
import { kick, kickJob } from './kick-verbs.ts'
import {
  listTubes,
  listTubesWatched,
  listTubeUsed,
  stats,
  statsJob,
  statsTube,
} from './look-verbs.ts'
import { peek, peekBuried, peekDelayed, peekReady } from './peek-verbs.ts'
import { reserve, reserveJob, reserveWithTimeout } from './reserve-verbs.ts'
import type { Scanner } from './scanner.ts'
import type { Talk } from './talk.ts'
import { ignore, pauseTube, use, watch } from './tube-verbs.ts'

/** Does what the line asks for; `scanner` stands behind the command's beginning. */
export type Run = (talk: Talk, scanner: Scanner, line: Uint8Array) => void

export interface Command {
  readonly prefix: string
  readonly run: Run
}

const COMMANDS: readonly (readonly [prefix: string, run: Run])[] = [
  ['put ', (talk, scanner) => talk.putting.begin(scanner)],
  ['peek ', peek],
  ['peek-ready', peekReady],
  ['peek-delayed', peekDelayed],
  ['peek-buried', peekBuried],
  ['reserve-with-timeout ', reserveWithTimeout],
  ['reserve-job ', reserveJob],
  // In front of what any line that begins with reserve would be.
  ['reserve-many ', reserveMany],
  ['reserve', reserve],
  ['delete ', deleteJob],
  ['release ', release],
  ['bury ', bury],
  ['kick ', kick],
  ['kick-job ', kickJob],
  ['touch ', touch],
  ['stats-job ', statsJob],
  ['stats-tube ', statsTube],
  ['stats', stats],
  ['use ', use],
  ['watch ', watch],
  ['ignore ', ignore],
  ['list-tubes-watched', listTubesWatched],
  ['list-tube-used', listTubeUsed],
  ['list-tubes', listTubes],
  ['pause-tube', pauseTube],
  ['quit', (talk) => talk.quit()],
  // What beanstalkd has not: docs/beanstalkd.md.
  ['auth ', authorize],
  ['put-with ', (talk, scanner) => talk.putting.beginWith(scanner)],
  ['delete-many ', deleteMany],
  ['release-ms ', releaseMs],
  ['clear-tube ', clearTube],
  ['limit-tube ', limitTube],
  ['limit-tries ', limitTries],
  ['list-jobs ', listJobs],
  ['move-jobs ', moveJobs],
]

/** By the first byte, in the order of the table. */
const byFirst: (readonly Command[] | undefined)[] = []
for (const [prefix, run] of COMMANDS) {
  const first = prefix.charCodeAt(0)
  byFirst[first] = [...(byFirst[first] ?? []), { prefix, run }]
}

/** Undefined where no beginning fits. */
export function commandOf(line: Uint8Array): Command | undefined {
  const candidates = byFirst[line[0] ?? 0]
  if (candidates === undefined) return undefined
  for (const command of candidates) if (begins(line, command.prefix)) return command
  return undefined
}

function begins(line: Uint8Array, prefix: string): boolean {
  if (line.length < prefix.length) return false
  for (let at = 0; at < prefix.length; at++) {
    if (line[at] !== prefix.charCodeAt(at)) return false
  }
  return true
}
