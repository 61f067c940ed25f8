/**
 * The fixtures beside a `dist/index.js` that is one file: a process of them begins in half the time, so that twice as
 * many can be killed. Everything stands in `.build/real/`, and is made where it is older than `dist/`. Several processes
 * may make it at once, while fixtures run: a file that is right stays, another one is exchanged whole.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
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
  const folder = join(output, FIXTURES)
  mkdirSync(join(output, 'dist'), { recursive: true })
  mkdirSync(folder, { recursive: true })
  const isFresh = existsSync(bundle) && timeOf(bundle) > timeOf(join(root, BUNDLE))
  if (!isFresh) replace(bundle, bundleOf(join(root, 'dist'), 'index.js', 'native-free/index.js'))
  for (const name of readdirSync(join(root, FIXTURES))) {
    const wanted = readFileSync(join(root, FIXTURES, name), 'utf8')
    const path = join(folder, name)
    if (!existsSync(path) || readFileSync(path, 'utf8') !== wanted) replace(path, wanted)
  }
  return folder
}

/**
 * @param {string} path
 * @param {string} text
 */
function replace(path, text) {
  const made = `${path}.${process.pid}`
  writeFileSync(made, text)
  renameSync(made, path)
}

/**
 * @param {string} path
 * @returns {number}
 */
function timeOf(path) {
  return statSync(path).mtimeMs
}
