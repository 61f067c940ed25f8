/** A sample of the lab's trial `commands`; more of it: `npm run lab -- --only commands`. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/cli/prove-random.ts'
import { freshDirectory } from '../cli/support.ts'
import { tryCommands } from './commands.ts'

const SEEDS = [1, 2, 3, 4, 5]

// Pipes are made with mkfifo.
const isPosix = process.platform !== 'win32'
if (!isPosix) console.log('SKIPPED: no pipes; commands are not tried on hostile directories')

test.runIf(isPosix)(
  'commands on hostile directories change nothing that they look at',
  async () => {
    const counts = new Map<string, number>()
    const count = (what: string, times = 1): void => {
      counts.set(what, (counts.get(what) ?? 0) + times)
    }
    const parent = freshDirectory()
    for (const seed of SEEDS) await tryCommands(seededRandom(seed), parent, count)
    expect(counts.get('commands that look')).toBe(5 * SEEDS.length)
    expect(counts.get('recoveries and backups')).toBe(SEEDS.length)
    expect(counts.get('recoveries that saved something')).toBeGreaterThan(1)
  },
)
