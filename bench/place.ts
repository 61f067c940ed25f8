/**
 * The directory that benchmarks work in: a fresh one below QLOG_BENCH_DIR, or below .bench/ of the
 * repository. Removed however the process ends.
 */

import { mkdirSync } from 'node:fs'
import { Place } from '../src/measure/place.ts'

export function openPlace(): Place {
  const parent = process.env['QLOG_BENCH_DIR'] ?? '.bench'
  // Made here, so that it stays: it is listed in .gitignore and used again.
  mkdirSync(parent, { recursive: true })
  const place = new Place(parent, 'run-')
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => process.exit(code))
  }
  return place
}
