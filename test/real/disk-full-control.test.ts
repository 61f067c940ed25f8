/** A full disk, a real one, for an owner behind the seam (14): see `full-disk-control.ts`. */
import { describe, test } from 'vitest'
import { controlsOnFullDisk } from './full-disk-control.ts'
import { disksAvailable, withDisk } from './small-disk.ts'

const CONTROLS = 400

const kinds = disksAvailable()
describe.skipIf(kinds.length === 0)('an owner of control records on a full disk', () => {
  test.each(kinds.length > 0 ? kinds : (['tmpfs'] as const))(
    '%s: control records go on, and all are there afterwards (14)',
    (kind) => withDisk(kind, (disk) => controlsOnFullDisk(disk, CONTROLS)),
  )
})
