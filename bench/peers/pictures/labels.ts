/** Labels beside a plot: broken where they are too wide, pushed apart where they would lie on each other. Pure. */

import { type ContenderFacts, durabilityOf } from '../result.ts'
import { LINE_HEIGHT, TEXT_SIZE, textWidth } from './canvas.ts'

/** 'lmdb · flushed'. No label goes without what an answer of this contender is worth, of a put or of a take. */
export function labelOf(facts: ContenderFacts, isOfTakes = false): string {
  return `${facts.id} · ${durabilityOf(facts, isOfTakes)}`
}

/** In one line where it fits, else the promise in a line below the name. */
export function labelLines(
  facts: ContenderFacts,
  isOfTakes: boolean,
  { width, isStrong }: { width: number; isStrong: boolean },
): string[] {
  const label = labelOf(facts, isOfTakes)
  if (textWidth(label, TEXT_SIZE, isStrong) <= width) return [label]
  return [facts.id, `· ${durabilityOf(facts, isOfTakes)}`]
}

export interface Wish {
  /** Where its middle should be. */
  readonly y: number
  readonly height: number
}

/**
 * The middles, in the order of the wishes, so that none overlap: as near to where they should be as that
 * allows, and between `top` and `bottom`, which must have room for all.
 */
export function pushedApart(wishes: readonly Wish[], top: number, bottom: number): number[] {
  const order = wishes
    .map((_, i) => i)
    .sort((a, b) => wishAt(wishes, a).y - wishAt(wishes, b).y || a - b)
  let clusters: Cluster[] = []
  for (const index of order) {
    const { y, height } = wishAt(wishes, index)
    let last: Cluster = { members: [index], height, wanted: y - height / 2 }
    let before = clusters.at(-1)
    while (
      before !== undefined &&
      startOf(before, top, bottom) + before.height > startOf(last, top, bottom)
    ) {
      last = joined(before, last)
      clusters = clusters.slice(0, -1)
      before = clusters.at(-1)
    }
    clusters.push(last)
  }
  const middles = wishes.map(() => 0)
  for (const cluster of clusters) {
    let y = startOf(cluster, top, bottom)
    for (const index of cluster.members) {
      const { height } = wishAt(wishes, index)
      middles[index] = y + height / 2
      y += height
    }
  }
  return middles
}

export function heightOf(lines: readonly string[]): number {
  return lines.length * LINE_HEIGHT
}

/** Labels that touch, and the start that would suit them best. */
interface Cluster {
  readonly members: readonly number[]
  readonly height: number
  readonly wanted: number
}

function joined(above: Cluster, below: Cluster): Cluster {
  const [m, n] = [above.members.length, below.members.length]
  const wanted = (above.wanted * m + (below.wanted - above.height) * n) / (m + n)
  const members = [...above.members, ...below.members]
  return { members, height: above.height + below.height, wanted }
}

function startOf({ wanted, height }: Cluster, top: number, bottom: number): number {
  return Math.max(top, Math.min(wanted, bottom - height))
}

function wishAt(wishes: readonly Wish[], index: number): Wish {
  const wish = wishes[index]
  if (wish === undefined) throw new Error(`there is no wish ${index}`)
  return wish
}
