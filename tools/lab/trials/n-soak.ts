/** A soak (N): logs that live on while their files rot; what the scrub reports is what has rotted, seed by seed. */
import { soak } from '../../../test/log/scrub/soak.ts'
import { LOG_PARTS, type Trial } from '../trial.ts'

export const SOAK: Trial = {
  letter: 'N',
  name: 'soak',
  promise:
    '4: damage in full segments is found though nobody reads them; nothing else is called so',
  restsOn: '32-bit CRC',
  shownBy:
    'bits rot at random while a log appends, discards, merges, opens anew and scrubs: reported is what has rotted; `test/log/scrub`',
  covers: LOG_PARTS,
  seed: async (lab, seed) => {
    lab.count('rotten places found', await soak(seed))
    lab.count('lives under rot')
  },
}
