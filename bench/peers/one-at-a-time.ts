/** Calls that wait for each other, where a client's state allows one take at a time. */
export function oneAtATime<T>(call: (count: number) => Promise<T>): (count: number) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (count) => {
    const next = last.then(
      () => call(count),
      () => call(count),
    )
    // Its own caller is told of a failure.
    last = next
    return next
  }
}
