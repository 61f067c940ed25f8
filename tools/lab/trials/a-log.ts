/**
 * Crash states of a log (A): every trace of test/simulation is killed, robbed of power and stopped at every
 * call it makes, and left with every state of the disk that ALICE knows; then random schedules of crashes,
 * seed by seed.
 */
import { Report } from '../../../src/system/simulated/report.ts'
import { type DurableWrites, Exhaustive } from '../../../test/simulation/exhaustive.ts'
import { modeTraces } from '../../../test/simulation/mode-traces.ts'
import { Schedule } from '../../../test/simulation/schedule.ts'
import { runSchedule } from '../../../test/simulation/schedules.ts'
import { TRACES, type Trace } from '../../../test/simulation/traces.ts'
import { type Lab, LOG_PARTS, type Stretch, type Trial } from '../trial.ts'

/** Ways in which chance leaves the disk, beside the states that are worked off. */
const CRASH_SEEDS = 4

export const LOG_CRASHES: Trial = {
  letter: 'A',
  name: 'log-crashes',
  promise: '1, 2, 3, 7, 8, 9, 11: after any crash',
  restsOn: '1, 2, 4, 6',
  shownBy:
    'every call of every trace killed, robbed of power (prefixes, one change left out, torn at each sector) and paused beside a new owner; random schedules; `test/simulation`',
  covers: LOG_PARTS,
  list: traces,
  seed: async (lab, seed) => {
    const report = new Report()
    const schedule = new Schedule(seed, report)
    await runSchedule(seed, report, schedule)
    lab.count('random schedules')
    // Each has a schedule of its own in `known-seeds.test.ts`, which is found here when calls were added.
    for (const allowance of schedule.machine.oracle.allowances) {
      lab.count('schedules that end as section 6 tells')
      lab.say(`seed ${seed} passes: ${allowance}`)
    }
    const crashes = [...report.crashes].filter(([what]) => !what.includes('call'))
    for (const [what, times] of crashes) lab.count(NAMES[what] ?? what, times)
  },
}

const NAMES: Readonly<Record<string, string>> = {
  kill: 'simulated kills',
  'power-cut': 'simulated power cuts',
  pause: 'writers that were paused',
}

async function* traces(lab: Lab): AsyncGenerator<Stretch> {
  for (const trace of [...TRACES, ...modeTraces()]) {
    for (const durableWrites of ['dsync', 'flush'] as const) {
      yield* callsOf(lab, trace, durableWrites)
    }
  }
}

/** One unit for each call of the trace. */
async function* callsOf(
  lab: Lab,
  trace: Trace,
  durableWrites: DurableWrites,
): AsyncGenerator<Stretch> {
  const exhaustive = new Exhaustive(trace, durableWrites, CRASH_SEEDS)
  await exhaustive.prepare()
  const { first, last } = await exhaustive.calls()
  const { pauses = 1 } = trace
  yield {
    name: `${trace.name} (${durableWrites})`,
    units: last - first + 1,
    run: async (unit) => {
      const at = first + unit
      const before = exhaustive.runs
      await exhaustive.crash(at, unit === 0)
      lab.count('crashes of a trace', exhaustive.runs - before)
      lab.count('states after a power cut', await exhaustive.states(at))
      for (let crashSeed = 1; crashSeed <= pauses; crashSeed += 1) {
        await exhaustive.pause(at, crashSeed)
      }
      lab.count('takeovers from a paused writer', pauses)
    },
  }
}
