/** What contenders are called in pictures. Pure. */

import { type ContenderFacts, durabilityOf } from '../result.ts'

/** 'lmdb · flushed'. No label goes without what an answer of this contender is worth, of a put or of a take. */
export function labelOf(facts: ContenderFacts, isOfTakes = false): string {
  return `${facts.id} · ${durabilityOf(facts, isOfTakes)}`
}
