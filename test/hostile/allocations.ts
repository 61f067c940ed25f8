/**
 * Watches how much memory is asked for at once, and in all, while something runs: a length that was read
 * and not checked shows there long before the machine has no memory left. Replaces the constructors that
 * are global, and puts them back.
 */

export interface Allocated {
  /** The largest array that was made: elements of an Array, bytes of any other. */
  largest: number
  /** All of them together. */
  total: number
}

const WATCHED = [
  'Array',
  'ArrayBuffer',
  'Uint8Array',
  'Uint16Array',
  'Uint32Array',
  'Int32Array',
  'BigUint64Array',
  'Float64Array',
] as const

/** Runs `act`, and tells what it has asked for, also where it throws: then the error is the outcome. */
export async function watchAllocations<T>(
  act: () => T | Promise<T>,
): Promise<{ readonly allocated: Allocated; readonly outcome: PromiseSettledResult<Awaited<T>> }> {
  const allocated: Allocated = { largest: 0, total: 0 }
  const restore = replaceAll(allocated)
  try {
    const value = await act()
    return { allocated, outcome: { status: 'fulfilled', value } }
  } catch (reason) {
    return { allocated, outcome: { status: 'rejected', reason } }
  } finally {
    restore()
  }
}

function replaceAll(allocated: Allocated): () => void {
  const note = (bytes: number): void => {
    allocated.largest = Math.max(allocated.largest, bytes)
    allocated.total += bytes
  }
  const restores = [watchBuffers(note), ...WATCHED.map((name) => watchConstructor(name, note))]
  return () => {
    for (const restore of restores) restore()
  }
}

function watchConstructor(name: (typeof WATCHED)[number], note: (bytes: number) => void) {
  const original: unknown = Reflect.get(globalThis, name)
  if (typeof original !== 'function') throw new Error(`there is no ${name}`)
  const bytesEach: unknown = Reflect.get(original, 'BYTES_PER_ELEMENT')
  const elementBytes = typeof bytesEach === 'number' ? bytesEach : 1
  const watched: object = new Proxy(original, {
    construct: (target, parameters: unknown[], newTarget): object => {
      const [length] = parameters
      if (typeof length === 'number') note(length * elementBytes)
      const made: unknown = Reflect.construct(
        target,
        parameters,
        newTarget === watched ? target : newTarget,
      )
      return Object(made)
    },
  })
  Reflect.set(globalThis, name, watched)
  return () => void Reflect.set(globalThis, name, original)
}

/** Its memory does not come from a constructor that can be watched. */
function watchBuffers(note: (bytes: number) => void): () => void {
  const names = ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const
  const originals = names.map((name) => Buffer[name])
  for (const name of names) {
    const original = Buffer[name]
    Reflect.set(Buffer, name, (bytes: number, ...more: unknown[]): unknown => {
      note(bytes)
      return Reflect.apply(original, Buffer, [bytes, ...more])
    })
  }
  return () => {
    names.forEach((name, row) => void Reflect.set(Buffer, name, originals[row]))
  }
}
