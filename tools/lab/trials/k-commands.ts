/**
 * The commands that look into files and save them (K), on directories that nobody leaves so: whatever stands
 * there, they end, say why, take bounded memory, and change nothing that they only look at.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '../../../src/cli/prove-random.ts'
import { tryCommands } from '../../../test/hostile/commands.ts'
import { REAL_PARTS, type Trial } from '../trial.ts'
import { withWatchdog } from '../watchdog.ts'

export const COMMANDS: Trial = {
  letter: 'K',
  name: 'commands',
  promise:
    'whatever a directory holds, a command ends with a typed error or without, in bounded time and memory; what only looks changes nothing; what `recover` saves opens, and was written',
  restsOn: '32-bit CRC',
  shownBy:
    '`verify`, `dump`, `explain`, `segments`, `stats`, `scrub`, `read`, `recover`, `backup` and others on small logs and stores with bits flipped, blocks spliced, lengths and ids made huge behind checksums that fit, files cut, swapped and renamed, and pipes, sockets, links and directories under the names of files; `test/hostile`',
  covers: [...REAL_PARTS, 'inspect', 'cli', 'server', 'protocols'],
  seed: async (lab, seed) => {
    const parent = mkdtempSync(join(tmpdir(), 'qlog-k-'))
    try {
      await withWatchdog(`commands --seed ${seed}`, () =>
        tryCommands(seededRandom(seed), parent, lab.count),
      )
    } finally {
      rmSync(parent, { recursive: true, force: true })
    }
  },
}
