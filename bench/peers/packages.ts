/** Packages of `bench/peers/package.json`: installed in that folder by whoever wants them, never with the project. */

import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { Missing } from './contract.ts'

/** Below the repository, in which benchmarks run: what is compiled stands elsewhere. */
const FOLDER = 'bench/peers'

/** The package and its version. Throws `Missing` where it does not load. */
export function requirePeer(name: string): { readonly module: unknown; readonly version: string } {
  const folder = resolve(process.cwd(), FOLDER)
  const requireThere = createRequire(join(folder, 'package.json'))
  try {
    const module: unknown = requireThere(name)
    return { module, version: versionOf(name, requireThere) }
  } catch (error) {
    const [reason = ''] = String(error instanceof Error ? error.message : error).split('\n')
    throw new Missing(`${name} does not load: run \`npm install\` in ${FOLDER}/ (${reason})`)
  }
}

/** Read from the file itself: several packages export no package.json. */
function versionOf(name: string, requireThere: NodeJS.Require): string {
  for (const folder of requireThere.resolve.paths(name) ?? []) {
    const file = join(folder, name, 'package.json')
    try {
      return String(Reflect.get(Object(requireThere(file)), 'version'))
    } catch {
      // Not in this folder: the next one up.
    }
  }
  throw new Error(`${name} has no package.json`)
}
