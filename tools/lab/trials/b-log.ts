/**
 * Calls that fail (B): every write and every flush of every trace, one at a time, a flush in each of the three
 * ways that Rebello et al. (ATC 2020) saw file systems fail: the bytes stay to be seen and are gone, the old
 * ones are seen again, or the error is late and the newest bytes are there. Then the power stays or goes.
 */
import { type DurableWrites, Exhaustive } from '../../../test/simulation/exhaustive.ts'
import { modeTraces } from '../../../test/simulation/mode-traces.ts'
import { TRACES } from '../../../test/simulation/traces.ts'
import { type Lab, LOG_PARTS, type Stretch, type Trial } from '../trial.ts'

const WAYS = (['dsync', 'flush'] as const).flatMap((durableWrites) =>
  (['write', 'flush'] as const).map((kind): [DurableWrites, 'write' | 'flush'] => [
    durableWrites,
    kind,
  ]),
)

export const LOG_FAILURES: Trial = {
  letter: 'B',
  name: 'log-failures',
  promise: '13, 1: nothing resolves after a failed write or flush, and what had resolved is there',
  restsOn: '1, 7',
  shownBy:
    'every write and flush of every trace fails, a flush in three ways, with and without a power cut behind it; `test/simulation/failing-calls.test.ts`',
  covers: LOG_PARTS,
  list: traces,
}

/** One unit for each kind of call and way of making writes durable. */
async function* traces(lab: Lab): AsyncGenerator<Stretch> {
  for (const trace of [...TRACES, ...modeTraces()]) {
    yield {
      name: trace.name,
      units: WAYS.length,
      run: async (unit) => {
        const [durableWrites, kind] = WAYS[unit] ?? ['dsync', 'write']
        const exhaustive = new Exhaustive(trace, durableWrites, 1)
        await exhaustive.prepare()
        let nth = 1
        while (await exhaustive.fail(kind, nth)) nth += 1
        lab.count(kind === 'write' ? 'failed writes' : 'failed flushes', exhaustive.runs)
      },
    }
  }
}
