/**
 * Makes a clone ready to run: packages installed, TypeScript compiled, each only when it is out of
 * date. Plain JavaScript with no dependency, because it runs before anything is installed.
 *
 *   node tools/bootstrap.mjs COMMAND [ARG...]   get ready, then run a program of node_modules/.bin
 *
 * Touches node_modules/ and dist/ (or the output directory it is told) and nothing else. Both
 * stamps stand inside node_modules/, so that a new installation also compiles anew.
 */

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = resolve(fileURLToPath(new URL('..', import.meta.url)))

const modules = join(root, 'node_modules')
const installStamp = join(modules, '.qlog-installed')

/**
 * One compilation: a tsconfig, the directories it reads and the one it writes; how the compiler is
 * told, and where the source of an output may stand.
 * @typedef {{
 *   readonly config: string,
 *   readonly sources: readonly string[],
 *   readonly output: string,
 *   readonly options: readonly string[],
 *   readonly sourceRoots: readonly string[],
 * }} Build
 */

/**
 * What is published: `native-free/` first, since `src/` uses it under its public name. The stamp tells
 * what is out of date, so the compiler need not judge by times (`--force`).
 * @type {Build}
 */
export const packageBuild = {
  config: 'tsconfig.build.json',
  sources: ['src', 'native-free'],
  output: 'dist',
  options: ['-b', '--force'],
  sourceRoots: ['src', '.'],
}

/** @type {Build} */
export const toolsBuild = {
  config: 'tsconfig.tools.json',
  sources: ['src', 'native-free', 'bench', 'tools', 'test'],
  output: '.build',
  options: ['-p'],
  sourceRoots: ['.'],
}

/**
 * Runs `npm ci` unless the installed packages belong to this very lock file.
 * @returns {Promise<void>}
 */
export async function install() {
  const wanted = digest([readFileSync(join(root, 'package-lock.json'))])
  if (readStamp(installStamp) === wanted) return
  say('installing packages (npm ci) ...')
  // Development packages hold the compiler, so they are wanted even under NODE_ENV=production.
  const { command, leading } = npmCommand()
  const options = ['ci', '--no-audit', '--no-fund', '--include=dev']
  await mustSucceed(command, [...leading, ...options], 'npm ci')
  writeFileSync(installStamp, wanted)
}

/**
 * Compiles unless names, sizes and times of all sources are those of the last compilation.
 * @param {Build} build
 * @returns {Promise<void>}
 */
export async function compile(build) {
  const stamp = join(modules, `.qlog-built-${build.output.replace('.', '')}`)
  const wanted = digest(sourceStates(build))
  const output = join(root, build.output)
  if (existsSync(output) && readStamp(stamp) === wanted) return
  say(`compiling into ${build.output}/ ...`)
  const compiler = join(modules, 'typescript', 'bin', 'tsc')
  await mustSucceed(process.execPath, [compiler, ...build.options, join(root, build.config)], 'tsc')
  removeOrphans(build)
  if (build === packageBuild && existsSync(join(output, 'cli/serve/begin.js'))) {
    // It needs the compiler, which may have been installed just now.
    const { bundleServe } = await import('./bundle-serve.mjs')
    bundleServe(output)
  }
  mkdirSync(output, { recursive: true })
  writeFileSync(stamp, wanted)
}

/**
 * Runs a program with the terminal of this one, hands it the signals that this one gets, and tells
 * how it ended: its exit code, or 128 + signal number as shells count.
 * @param {string} command
 * @param {readonly string[]} commandArguments
 * @param {{ readonly env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<number>}
 */
export function run(command, commandArguments, options = {}) {
  return new Promise((resolveRun, rejectRun) => {
    const child = spawn(command, commandArguments, {
      cwd: root,
      stdio: 'inherit',
      env: options.env ?? process.env,
    })
    const releaseSignals = forwardSignals(child)
    child.once('error', (error) => {
      releaseSignals()
      rejectRun(error)
    })
    child.once('exit', (code, signal) => {
      releaseSignals()
      resolveRun(signal === null ? (code ?? 1) : 128 + constants.signals[signal])
    })
  })
}

/**
 * A short line on stderr, so that a long silence has an explanation and stdout stays data.
 * @param {string} words
 */
export function say(words) {
  process.stderr.write(`qlog: ${words}\n`)
}

/**
 * Runs the main function of a script: an error ends it with one line and exit code 1.
 * @param {() => Promise<number>} main
 */
export async function runMain(main) {
  try {
    process.exitCode = await main()
  } catch (error) {
    say(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
}

/** @param {import('node:child_process').ChildProcess} child */
function forwardSignals(child) {
  /** @type {readonly NodeJS.Signals[]} */
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  /** @param {NodeJS.Signals} signal */
  const forward = (signal) => {
    // A terminal sends Ctrl-C to the whole process group: the child has it already.
    if (signal === 'SIGINT' && process.stdin.isTTY) return
    child.kill(signal)
  }
  for (const signal of signals) process.on(signal, forward)
  return () => {
    for (const signal of signals) process.off(signal, forward)
  }
}

/**
 * @param {string} command
 * @param {readonly string[]} commandArguments
 * @param {string} name
 */
async function mustSucceed(command, commandArguments, name) {
  const code = await run(command, commandArguments)
  if (code !== 0) throw new Error(`${name} failed with exit code ${code}`)
}

/** The npm that started this script, or the one on the path. */
export function npmCommand() {
  const script = process.env['npm_execpath']
  if (script?.endsWith('npm-cli.js')) return { command: process.execPath, leading: [script] }
  return { command: 'npm', leading: [] }
}

/** @param {Build} build */
function sourceStates(build) {
  const files = [join(root, 'tsconfig.json'), join(root, build.config)]
  for (const source of build.sources) files.push(...filesUnder(join(root, source)))
  return files.sort().map((file) => {
    const { size, mtimeMs } = statSync(file)
    return `${relative(root, file)} ${size} ${mtimeMs}\n`
  })
}

/**
 * Removes outputs whose source is gone: a deleted module must not be published or run.
 * @param {Build} build
 */
function removeOrphans(build) {
  const compiled = /(\.d\.ts|\.js)(\.map)?$/
  const output = join(root, build.output)
  for (const file of filesUnder(output)) {
    if (!compiled.test(file)) continue
    const source = relative(output, file).replace(compiled, '.ts')
    if (!build.sourceRoots.some((from) => existsSync(join(root, from, source)))) rmSync(file)
  }
}

/**
 * @param {string} directory
 * @returns {string[]}
 */
function filesUnder(directory) {
  if (!existsSync(directory)) return []
  return (
    readdirSync(directory, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      // The clients that tests run against servers stand in a folder of theirs below test/.
      .filter((file) => !relative(directory, file).split(sep).includes('node_modules'))
  )
}

/** @param {readonly (string | Uint8Array)[]} parts */
function digest(parts) {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** @param {string} path */
function readStamp(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

async function main() {
  const [program, ...programArguments] = process.argv.slice(2)
  if (program === undefined) throw new Error('usage: node tools/bootstrap.mjs COMMAND [ARG...]')
  await install()
  await compile(packageBuild)
  const path = `${join(modules, '.bin')}${delimiter}${process.env['PATH'] ?? ''}`
  return run(program, programArguments, { env: { ...process.env, PATH: path } })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runMain(main)
