/** A full disk, a real one, for an owner behind the seam (14): see `full-disk-control.ts`. */
import { describe, expect, test } from 'vitest'
import { controlsOnFullDisk, OPENINGS_MAX, openingsOnFullDisk } from './full-disk-control.ts'
import { disksAvailable, withDisk } from './small-disk.ts'

const CONTROLS = 400

const kinds = disksAvailable()
describe.skipIf(kinds.length === 0)('an owner of control records on a full disk', () => {
  test.each(kinds.length > 0 ? kinds : (['tmpfs'] as const))(
    '%s: control records go on, and all are there afterwards (14)',
    (kind) => withDisk(kind, (disk) => controlsOnFullDisk(disk, CONTROLS)),
  )

  test.each(kinds.length > 0 ? kinds : (['tmpfs'] as const))(
    '%s: some openings in a row that make no room can append control records, all once there is room (14)',
    async (kind) => {
      const openings = await withDisk(kind, openingsOnFullDisk)
      expect(openings).toBeGreaterThanOrEqual(2)
      expect(openings).toBeLessThan(OPENINGS_MAX)
    },
  )
})
