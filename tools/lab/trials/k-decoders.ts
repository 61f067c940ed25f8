/** Every decoder of bytes from outside (K), fed with noise and with mutated bytes, some behind a checksum that fits. */
import { seededRandom } from '../../../src/cli/prove-random.ts'
import { feed, hostileDecoders } from '../../../test/hostile/decoders.ts'
import { STORE_PARTS, type Trial } from '../trial.ts'
import { withWatchdog } from '../watchdog.ts'

/** Of each decoder, one after the other. */
const FEEDS = 50

export const DECODERS: Trial = {
  letter: 'K',
  name: 'decoders',
  promise:
    'no bytes make a decoder throw what is not typed, take memory that a length merely promises, or take what a checksum tells',
  restsOn: '32-bit CRC',
  shownBy:
    'structures and blocks of the format, records and slices of the store, applied too, LZ4 blocks against a model, LOCK, frames of the door, binlogs and replies of a beanstalkd: noise, and valid ones mutated; `test/hostile`, `test/format`, `test/native-free`',
  covers: [...STORE_PARTS, 'server', 'protocols'],
  seed: async (lab, seed) => {
    const random = seededRandom(seed)
    for (const decoder of await hostileDecoders()) {
      await withWatchdog(`decoders --seed ${seed}`, async () => {
        for (let i = 0; i < FEEDS; i += 1) await feed(decoder, random)
      })
      lab.count('hostile pieces of bytes', FEEDS)
    }
  },
}
