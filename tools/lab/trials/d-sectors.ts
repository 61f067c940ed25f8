/**
 * Truncations and sectors (D): each file cut at every length; each sector zero, stale, of another segment,
 * swapped with or written over every other one of its file. Torn is told from rotten, and no more is lost
 * than was hit.
 */
import { misdirections, sectors, swaps, truncations } from '../../../test/damage/damages.ts'
import { type Lab, LOG_PARTS, type Stretch, type Trial } from '../trial.ts'
import { damagesOf, logImages } from './damage.ts'

export const SECTORS: Trial = {
  letter: 'D',
  name: 'sectors',
  promise: '4, 6, 10: what is cut off, stale, foreign or misplaced is told, and costs what it held',
  restsOn: '32-bit CRC',
  shownBy:
    'every length of every file, every sector zero, stale, foreign, swapped, misdirected; `test/damage/sectors.test.ts`',
  covers: LOG_PARTS,
  list: damaged,
}

const LISTS = {
  'sectors zero, stale or foreign': sectors,
  'pairs of sectors swapped': swaps,
  'sectors misdirected': misdirections,
  truncations,
} as const

async function* damaged(lab: Lab): AsyncGenerator<Stretch> {
  for (const named of await logImages()) {
    for (const [what, list] of Object.entries(LISTS)) {
      yield damagesOf(lab, named, what, list(named.image))
    }
  }
}
