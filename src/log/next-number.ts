/** Which number the next segment of a log gets: one that stands above all that were ever used. Pure. */
import { QlogError } from '../errors.ts'
import type { Assessment } from './assess.ts'

/** No log comes that far: whoever named a file so left no room for those to come. */
const NUMBER_MAX = 2 ** 52

/**
 * Above every number that any file, map or index has named, and above `usedMax`. Throws QLOG_NOT_A_LOG where
 * that is no number.
 */
export function nextNumber({ survey, map }: Assessment, usedMax = 0): number {
  let highest = Math.max(usedMax, survey.index?.current.number ?? 0)
  for (const { number } of survey.heads) highest = Math.max(highest, number)
  for (const { coversTo } of map) highest = Math.max(highest, coversTo)
  if (highest < NUMBER_MAX) return highest + 1
  throw new QlogError(
    'QLOG_NOT_A_LOG',
    `${survey.directory} has a segment of number ${highest}, behind which none can come: no log made it; take its file away`,
  )
}
