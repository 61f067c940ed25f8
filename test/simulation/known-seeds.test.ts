/**
 * Schedules of the lab in which the oracle was once too strict, and what it lets pass in them. Two boots are alive
 * at once: a writer that had stopped was woken, took the living owner for one of an earlier boot, and took over.
 */
import { expect, test } from 'vitest'
import { Report } from '../../src/system/simulated/report.ts'
import type { Allowance } from './oracle.ts'
import { Schedule } from './schedule.ts'
import { runSchedule } from './schedules.ts'

// One that has come to be about something else, since calls were added, is to be found anew by the lab.
const SEEDS: readonly (readonly [number, Allowance])[] = [
  [318, 'a reader could not see that an owner of another boot lives'],
  [619, 'a writer that ended while another opened may still show'],
  // What the reader saw is cut off before it is compared.
  [191308, 'a reader could not see that an owner of another boot lives'],
]

test.each(SEEDS)('seed %d: %s', async (seed, allowance) => {
  const report = new Report()
  const schedule = new Schedule(seed, report)
  await runSchedule(seed, report, schedule)
  expect([...schedule.machine.oracle.allowances]).toContain(allowance)
})
