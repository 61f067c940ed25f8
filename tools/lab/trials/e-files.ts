/**
 * Whole files (E): each file of small logs, segments, index, LOCK, those made ahead, gone, as it was earlier, or
 * under another number. The directory describes itself: what is missing or does not belong is found.
 */
import { wholeFiles } from '../../../test/damage/damages.ts'
import { type Lab, LOG_PARTS, type Stretch, type Trial } from '../trial.ts'
import { damagesOf, logImages } from './damage.ts'

export const FILES: Trial = {
  letter: 'E',
  name: 'files',
  promise:
    '9, 10: index, lock and spares may vanish; segments that are missing, doubled or old are found',
  restsOn: '',
  shownBy:
    'each file deleted, rolled back, put under every other number; `test/damage/files.test.ts`',
  covers: LOG_PARTS,
  list: damaged,
}

async function* damaged(lab: Lab): AsyncGenerator<Stretch> {
  for (const named of await logImages()) {
    yield damagesOf(lab, named, 'files gone, old or misplaced', wholeFiles(named.image))
  }
}
