/** What contenders' own people publish, beside the cell of this run that is most like it. Pure. */

import { type ContenderFacts, isOurs, keyOf, type PeersResults, ranOf } from './result.ts'
import { cellText } from './tables.ts'
import { figureText } from './words.ts'

/** A contender this many times slower than its published figure is looked into: perhaps it is used badly. */
const LOOKED_INTO = 3

/** By contender: what `keyOf` says of the cell, behind its name. */
const LIKE: Readonly<Record<string, string>> = {
  lmdb: 'put 100 B in flight 10000',
  'sqlite-normal': 'put 100 B in flight 1',
  plainjob: 'drain 100 B batch 1000',
  'redis-stream-everysec': 'put 100 B in flight 1000',
}

/** A line for each figure, and one for those of whom none is known: nothing was held against these. */
export function publishedNotes(results: PeersResults): string[] {
  const peers = ranOf(results).filter(({ id }) => !isOurs(id))
  const without = peers.filter(({ published }) => published === undefined)
  const names = without.map(({ id }) => `\`${id}\``).join(', ')
  return [
    ...peers.flatMap((facts) => publishedNote(results, facts)),
    ...(without.length === 0
      ? []
      : [
          `* No published figure that could stand beside a cell was found, in their packages and what Debian ships with them, for ${names}: whether these are used badly here was not checked in this way.`,
        ]),
  ]
}

function publishedNote({ rates }: PeersResults, { id, published }: ContenderFacts): string[] {
  const like = rates.find((line) => keyOf(line) === `${id} ${LIKE[id]}`)
  if (published === undefined || like === undefined) return []
  const slower = published.rate / like.rate
  const far = slower > LOOKED_INTO ? `, **${figureText(slower)} times slower**` : ''
  return [
    `* \`${id}\`, published: ${cellText(published.what)}, ${figureText(published.rate)}/s (${cellText(published.source)}); the cell here that is most like it, ${LIKE[id]}: ${figureText(like.rate)}/s${far}.`,
  ]
}
