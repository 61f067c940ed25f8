/** Calls that wait for each other, where a client's state allows one take at a time. */
export function oneAtATime<A extends readonly unknown[], T>(
  call: (...what: A) => Promise<T>,
): (...what: A) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (...what) => {
    const next = last.then(
      () => call(...what),
      () => call(...what),
    )
    // Its own caller is told of a failure.
    last = next
    return next
  }
}
