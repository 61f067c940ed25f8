/** What contenders' own people publish, beside the cell of this run that is most like it. Pure. */

import { type ContenderFacts, keyOf, type PeersResults } from './result.ts'
import { cellText } from './tables.ts'
import { figureText } from './words.ts'

/** A contender this many times slower than its published figure is looked into: perhaps it is used badly. */
const LOOKED_INTO = 3

/** By contender: what `keyOf` says of the cell, behind its name. */
const LIKE: Readonly<Record<string, string>> = {
  lmdb: 'put 100 B in flight 10000',
  'sqlite-normal': 'put 100 B in flight 1',
  plainjob: 'drain 100 B batch 1000',
}

export function publishedNote(
  { rates }: PeersResults,
  { id, published }: ContenderFacts,
): string[] {
  const like = rates.find((line) => keyOf(line) === `${id} ${LIKE[id]}`)
  if (published === undefined || like === undefined) return []
  const slower = published.rate / like.rate
  const far = slower > LOOKED_INTO ? `, **${figureText(slower)} times slower**` : ''
  return [
    `* \`${id}\`, published: ${cellText(published.what)}, ${figureText(published.rate)}/s (${cellText(published.source)}); the cell here that is most like it, ${LIKE[id]}: ${figureText(like.rate)}/s${far}.`,
  ]
}
