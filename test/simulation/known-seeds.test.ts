/**
 * Schedules in which two boots of one kernel were alive at once: a writer that stopped was woken, took the living
 * owner for one of an earlier boot, and took over. The oracle was too strict with each of them once.
 */
import { test } from 'vitest'
import { Report } from '../../src/system/simulated/report.ts'
import { runSchedule } from './schedules.ts'

test.each([
  [
    107478,
    'an append shows after its writer was taken over by one that looked before it was written',
  ],
  [127785, 'a reader of the old boot, beside a living owner of the new one, judges nothing'],
  [131800, 'an opener whose lock file was cleared away as that of a dead one is told so'],
])('seed %d: %s', async (seed) => {
  await runSchedule(seed, new Report())
})
