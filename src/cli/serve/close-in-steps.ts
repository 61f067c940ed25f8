/**
 * Closes what a server is made of, one step behind the other: what cannot be closed keeps nothing else open,
 * or a socket that gives trouble would leave the store without its end. Pure.
 */

export type Close = () => Promise<unknown>

/**
 * Calls all of a step at once, and waits for them before the next step. Rejects behind the last step with
 * the first error; `onMore` is told of the others.
 */
export async function closeInSteps(
  steps: readonly (readonly Close[])[],
  onMore: (error: unknown) => void,
): Promise<void> {
  const errors: unknown[] = []
  for (const step of steps) {
    // What throws instead of rejecting is no reason to leave the others out.
    const ends = await Promise.allSettled(step.map(async (close) => close()))
    for (const end of ends) if (end.status === 'rejected') errors.push(end.reason)
  }
  if (errors.length === 0) return
  const [first, ...more] = errors
  for (const error of more) onMore(error)
  throw first
}
