/**
 * Which generation a merged or mended file gets. Not simply the next one: an owner that was taken over may still
 * delete a file that its opening had found unnamed, and must not meet one that a later owner made. So no two
 * openings give the same name, but by a chance of 1 in 65,536 where both make a file of the same segment.
 */
import type { System } from '../system/system.ts'

const STEP_MAX = 2 ** 16
/** The field is a u32; at the end of it steps of one have to do. */
const GENERATION_MAX = 2 ** 32 - 1

/** A generation above this one. */
export function nextGeneration(system: Pick<System, 'random'>, above: number): number {
  if (above > GENERATION_MAX - 2 * STEP_MAX) return above + 1
  const bytes = new Uint8Array(2)
  system.random(bytes)
  return above + 1 + new DataView(bytes.buffer).getUint16(0)
}
