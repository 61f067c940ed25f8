/**
 * An order that nobody chose, by random numbers that a seed repeats: who comes behind whom changes from round to round,
 * so that what one leaves to the disk or to the caches does not always fall upon the same one. Pure.
 */

/** The same items in another order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const rest = [...items]
  const order: T[] = []
  while (rest.length > 0) order.push(...rest.splice(Math.floor(random() * rest.length), 1))
  return order
}
