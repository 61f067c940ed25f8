/** Hostile clients of every protocol (K) on one store, in memory and on simulated time, beside ordinary ones. */
import { seededRandom } from '../../../src/cli/prove-random.ts'
import { tryFigures } from '../../../test/hostile/figures.ts'
import { tryStreams } from '../../../test/hostile/streams.ts'
import { REAL_PARTS, type Trial } from '../trial.ts'
import { withWatchdog } from '../watchdog.ts'

export const STREAMS: Trial = {
  letter: 'K',
  name: 'streams',
  promise:
    'no stream of bytes makes a protocol throw or take memory without bound; other clients are served, and the store verifies and opens behind it',
  restsOn: '',
  shownBy:
    'commands, wrong lines, binary frames and requests of the door, mutated, cut into pieces and mixed with noise, on several connections at once; requests to the metrics; `test/hostile`, `test/server/door/hostile.test.ts`',
  covers: [...REAL_PARTS, 'inspect', 'server', 'protocols'],
  seed: async (lab, seed) => {
    await withWatchdog(`streams --seed ${seed}`, async () => {
      await tryStreams(seededRandom(seed), lab.count)
      await tryFigures(seededRandom(seed), lab.count)
    })
  },
}
