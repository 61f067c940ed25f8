/** Directories that are named by a URL, as `new URL('./data', import.meta.url)` does. Touches no file. */
import { fileURLToPath } from 'node:url'
import { QlogTypeError } from '../../errors.ts'

/** The path of a `file:` URL; whatever else it is comes back as it is. Throws QlogTypeError. */
export function pathOf<T>(target: T | URL): T | string {
  if (!(target instanceof URL)) return target
  try {
    return fileURLToPath(target)
  } catch (error) {
    throw new QlogTypeError(`${target} names no directory here`, { cause: error })
  }
}
