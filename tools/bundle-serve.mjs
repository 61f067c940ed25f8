/**
 * Makes one file of `dist/cli/serve/begin.js` and all that it imports, in its place: a server of three hundred
 * files would be ready after its first clients gave up. Run by the build with the folder that was written.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { bundleOf } from './bundle.mjs'

const ENTRY = 'cli/serve/begin.js'

/**
 * @param {string} output the folder of the build
 * @returns {void}
 */
export function bundleServe(output) {
  writeFileSync(join(output, ENTRY), bundleOf(output, ENTRY, 'native-free/index.js'))
  // It would point into the file that stood here before.
  rmSync(join(output, `${ENTRY}.map`), { force: true })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const root = resolve(fileURLToPath(new URL('..', import.meta.url)))
  bundleServe(join(root, process.argv[2] ?? 'dist'))
}
