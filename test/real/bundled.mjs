/**
 * The fixtures beside a `dist/index.js` that is one file: a process of them begins in half the time, so that twice as
 * many can be killed. Everything stands in `.build/real/`, and is made where it is older than `dist/`.
 */
import { cpSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleOf } from '../../tools/bundle.mjs'

const FIXTURES = 'test/real/fixtures'
const BUNDLE = 'dist/index.js'

/**
 * The folder of these fixtures.
 * @param {string} root the repository, built
 * @returns {string}
 */
export function bundledFixtures(root) {
  const output = join(root, '.build/real')
  const bundle = join(output, BUNDLE)
  const isFresh = existsSync(bundle) && timeOf(bundle) > timeOf(join(root, BUNDLE))
  if (!isFresh) {
    mkdirSync(join(output, 'dist'), { recursive: true })
    writeFileSync(bundle, bundleOf(join(root, 'dist'), 'index.js', 'native-free/index.js'))
  }
  cpSync(join(root, FIXTURES), join(output, FIXTURES), { recursive: true })
  return join(output, FIXTURES)
}

/**
 * @param {string} path
 * @returns {number}
 */
function timeOf(path) {
  return statSync(path).mtimeMs
}
