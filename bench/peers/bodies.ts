/** The bodies of a run, one after the other and again from the first. Pure. */
export function bodyAt(bodies: readonly Uint8Array[], row: number): Uint8Array {
  const body = bodies[row % bodies.length]
  if (body === undefined) throw new Error('there is always a body')
  return body
}
