/**
 * Known mistakes, each as an exact replacement in a source file. The text must stand there exactly once:
 * a fault that no longer fits the source is an error, not a fault that was caught.
 */

export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface PlantedFault {
  readonly name: string
  readonly edits: readonly Edit[]
  /** Tests that are tried first, in this order; the whole proof follows where they catch nothing. */
  readonly tests?: readonly string[]
}

export function edit(file: string, find: string, replace: string): Edit {
  return { file, find, replace }
}

/** In a file of the store. */
export function store(file: string, find: string, replace: string): Edit {
  return edit(`src/store/${file}`, find, replace)
}
