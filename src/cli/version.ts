/** The version of this package. */
import { createRequire } from 'node:module'

/** By the package's own name, so that it is found from wherever this was compiled or bundled to. */
export function packageVersion(): string {
  const found: unknown = createRequire(import.meta.url)('qlog/package.json')
  if (typeof found === 'object' && found !== null && 'version' in found)
    return String(found.version)
  throw new Error('package.json has no version')
}
