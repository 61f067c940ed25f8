/**
 * System calls that fail (G): the nth of each kind with each error, or without having taken a byte, in a real
 * process that opens, uses and closes a log and a store. Needs Linux and strace.
 */
import { ANSWERS, LIVES, Sweep, THREADS, type Unit } from '../../../test/real/failing-calls.ts'
import { whyNoTracer } from '../../../test/real/tracer.ts'
import { type Lab, REAL_PARTS, type Stretch, type Trial } from '../trial.ts'

export const CALLS: Trial = {
  letter: 'G',
  name: 'calls',
  promise:
    '1, 3, 12, 13: whatever system call fails, it is told with a code, nothing acknowledged is lost, nothing refused is there, and the next opening works',
  restsOn: '1',
  shownBy:
    'real processes that open, append, roll, discard, merge, save their state, read, copy and close, each system call of theirs failing once with each error, by strace; `test/real/failing-system-calls.test.ts`',
  covers: [...REAL_PARTS, 'inspect'],
  whySkipped: whyNoTracer,
  list: listOf,
}

/** A stretch for each call and answer; its units are the calls in order, of each life and thread. */
async function* listOf(lab: Lab): AsyncIterable<Stretch> {
  const sweep = new Sweep()
  try {
    for (const [call, answers] of Object.entries(ANSWERS)) {
      for (const answer of answers) {
        const units = await unitsOf(sweep, call, answer)
        yield {
          name: `${answer} for ${call}`,
          units: units.length,
          run: (index) => runUnit(lab, sweep, units[index]),
        }
      }
    }
  } finally {
    await sweep.dispose()
  }
}

async function unitsOf(sweep: Sweep, call: string, answer: string): Promise<Unit[]> {
  const units: Unit[] = []
  for (const life of LIVES) {
    for (const thread of THREADS) {
      const times = (await sweep.count(life, thread)).get(call) ?? 0
      for (let nth = 1; nth <= times; nth += 1) units.push({ life, thread, call, answer, nth })
    }
  }
  return units
}

async function runUnit(lab: Lab, sweep: Sweep, unit: Unit | undefined): Promise<void> {
  if (unit === undefined) throw new Error('the list has no such unit')
  const { hit, failures, acknowledged } = await sweep.run(unit)
  if (hit === undefined && unit.nth === 1) throw new Error('the first call did not fail at all')
  lab.count(hit === undefined ? 'lives that ended before the call' : 'system calls that failed')
  lab.count('refused with a typed error', failures.length)
  lab.count('acknowledged beside failing calls', acknowledged)
}
