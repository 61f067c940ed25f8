/**
 * Schedules of the lab that failed once. In all but one of them two boots were alive at once: a writer that had
 * stopped was woken, took the living owner for one of an earlier boot, and took over.
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
  [141489, 'a torn block that looks like rot is set aside, with an id that nobody was promised'],
  [325832, 'the living owner puts a merged segment between the list and the map that is read'],
])('seed %d: %s', async (seed) => {
  await runSchedule(seed, new Report())
})
