/** A backup is told as done where its copy has its name, and as refused where it has not, also where files do not close. */
import { expect, test } from 'vitest'
import { backupLog } from '../../src/inspect/backup.ts'
import { openPublicLog } from '../../src/log/open.ts'
import { body, LOG, SMALL, simulate } from '../log/space/support.ts'

const TARGET = '/copy'

test('a file that does not close leaves no copy behind a backup that was refused', async () => {
  const outcomes = new Set<string>()
  for (let nth = 1; nth <= 40; nth++) {
    await simulate(1, async (system, simulation) => {
      const log = await openPublicLog(system, LOG, SMALL)
      for (let count = 0; count < 8; count++) await log.append(body(count))
      await log.close()
      const fault = simulation.fault({ call: 'close', error: 'EIO', nth })
      const isDone = await backupLog(system, LOG, TARGET).then(
        () => true,
        () => false,
      )
      if (fault.hits === 0) return
      expect(simulation.disk.exists(TARGET), `close ${nth}`).toBe(isDone)
      outcomes.add(isDone ? 'done' : 'refused')
    })
  }
  expect([...outcomes].sort()).toEqual(['done', 'refused'])
})
