/**
 * `npm start`: makes the clone ready and runs the main job, `qlog prove`, in a fresh directory of
 * its own on this disk (the system's temporary directory is often memory, which proves nothing).
 * Arguments go to the command: `npm start -- --seconds 10`. Where that went well, a short program
 * shows the queues that stand on the log. The exit code is that of whatever failed first.
 */

import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { compile, install, packageBuild, root, run, runMain } from './bootstrap.mjs'

/** Whoever asks for these wants one answer and nothing behind it. */
const ALONE = ['--json', '--help', '-h']

async function main() {
  await install()
  await compile(packageBuild)
  const parent = join(root, '.qlog-prove')
  mkdirSync(parent, { recursive: true })
  const directory = mkdtempSync(join(parent, 'run-'))
  const command = join(root, 'dist', 'cli', 'main.js')
  const words = process.argv.slice(2)
  try {
    const code = await run(process.execPath, [command, 'prove', directory, ...words])
    if (code !== 0 || words.some((word) => ALONE.includes(word))) return code
    process.stdout.write('\nThe queues on such a log (docs/examples/01-store.mjs):\n\n')
    mkdirSync(directory, { recursive: true })
    return await run(process.execPath, [join(root, 'docs', 'examples', '01-store.mjs'), directory])
  } finally {
    rmSync(directory, { recursive: true, force: true })
    removeIfEmpty(parent)
  }
}

/**
 * Another run may still work beside this one: then the parent stays.
 * @param {string} directory
 */
function removeIfEmpty(directory) {
  try {
    rmdirSync(directory)
  } catch (error) {
    const code = /** @type {NodeJS.ErrnoException} */ (error).code
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT') throw error
  }
}

await runMain(main)
