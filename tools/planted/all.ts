/** All planted faults, by what they are about, and in which order they are tried where time is short. */
import type { PlantedFault } from './fault.ts'
import { COMMIT_FAULTS } from './faults/commit.ts'
import { FORMAT_FAULTS } from './faults/format.ts'
import { INSPECT_FAULTS } from './faults/inspect.ts'
import { OPENING_FAULTS } from './faults/opening.ts'
import { PROTOCOLS_FAULTS } from './faults/protocols.ts'
import { READING_FAULTS } from './faults/reading.ts'
import { SCRUB_FAULTS } from './faults/scrub.ts'
import { SERVER_FAULTS } from './faults/server.ts'
import { SNAPSHOTS_FAULTS } from './faults/snapshots.ts'
import { SPACE_FAULTS } from './faults/space.ts'
import { STORE_DELIVERY_FAULTS } from './faults/store-delivery.ts'
import { STORE_SETTLING_FAULTS } from './faults/store-settling.ts'
import { STORE_STATE_FAULTS } from './faults/store-state.ts'

const AREAS: readonly (readonly PlantedFault[])[] = [
  COMMIT_FAULTS,
  OPENING_FAULTS,
  FORMAT_FAULTS,
  READING_FAULTS,
  SPACE_FAULTS,
  SNAPSHOTS_FAULTS,
  SCRUB_FAULTS,
  INSPECT_FAULTS,
  SERVER_FAULTS,
  PROTOCOLS_FAULTS,
  STORE_SETTLING_FAULTS,
  STORE_DELIVERY_FAULTS,
  STORE_STATE_FAULTS,
]

export const ALL_FAULTS: readonly PlantedFault[] = AREAS.flat()

/** In each area the newest stands last. Where time is short they come first, one of each area in turn. */
export function newestFirst(faults: readonly PlantedFault[]): PlantedFault[] {
  const ages = new Map(AREAS.flatMap((area) => area.map((fault, at) => [fault, area.length - at])))
  return faults.toSorted((a, b) => (ages.get(a) ?? 0) - (ages.get(b) ?? 0))
}
