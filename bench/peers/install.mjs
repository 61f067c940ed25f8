/**
 * Installs what qlog is compared with, at the versions of the package.json beside this file:
 * `node bench/peers/install.mjs`. The project itself never depends on any of it. Does nothing where it is
 * there already, and touches bench/peers/node_modules/ alone.
 *
 * Several of these need a compiler or a binary from the net. So each stands in a folder of its own, below
 * node_modules/.apart/, with a link beside it: one that cannot be installed is left out aloud and takes no other
 * along. It is tried again the next time.
 */

import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { npmCommand, root, runMain, say } from '../../tools/bootstrap.mjs'

const here = join(root, 'bench/peers')
const modules = join(here, 'node_modules')
const apart = join(modules, '.apart')

/** Packages that hand objects to each other, and so have to share what they are made of. */
const TOGETHER = [
  ['@nats-io/jetstream', '@nats-io/transport-node'],
  ['bullmq', 'ioredis'],
]
/** How a package is known to work, where it loads its addon later than by `require`. */
const PROBES = new Map([['better-sqlite3', "new (require('better-sqlite3'))(':memory:').close()"]])

/** A compilation on a slow machine. */
const INSTALL_SECONDS = 600
const PROBE_SECONDS = 30
/** From the request to end to the order. */
const END_SECONDS = 5
/** What is kept of what npm says. */
const OUTPUT_CHARS = 1024 * 1024

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()

async function main() {
  endWithThisProcess()
  /** @type {{ dependencies: Record<string, string> }} */
  const { dependencies } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))
  let leftOut = 0
  for (const names of groupsOf(Object.keys(dependencies))) {
    const specs = names.map((name) => `${name}@${dependencies[name]}`)
    const reason = await provide(names, specs)
    if (reason === undefined) continue
    leftOut++
    say(`LEFT OUT: ${specs.join(' and ')}: ${reason}`)
  }
  say(`packages of contenders: ${leftOut === 0 ? 'all are' : `all but ${leftOut} are`} there`)
  return 0
}

/** @param {readonly string[]} names */
function groupsOf(names) {
  const alone = names.filter((name) => !TOGETHER.flat().includes(name))
  const together = TOGETHER.map((group) => group.filter((name) => names.includes(name)))
  return [...alone.map((name) => [name]), ...together.filter((group) => group.length > 0)]
}

/**
 * Makes a group of packages be there; why it is not otherwise.
 * @param {readonly string[]} names
 * @param {readonly string[]} specs
 * @returns {Promise<string | undefined>}
 */
async function provide(names, specs) {
  const folder = join(apart, names.join('+').replaceAll('/', '+'))
  const stamp = join(folder, '.qlog-installed')
  // An addon fits one ABI of Node.
  const wanted = `${specs.join(' ')}, ABI ${process.versions.modules}\n`
  const linked = names.every((name) => existsSync(join(modules, name)))
  if (linked && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return undefined
  // Installed by hand, all in one.
  if (linked && isPinned(modules, specs) && (await probe(modules, names)) === undefined) {
    return undefined
  }
  say(`installing ${specs.join(' and ')} ...`)
  rmSync(folder, { recursive: true, force: true })
  const reason = (await install(folder, specs)) ?? (await probe(folder, names))
  for (const name of names) rmSync(join(modules, name), { recursive: true, force: true })
  if (reason !== undefined) {
    rmSync(folder, { recursive: true, force: true })
    return reason
  }
  for (const name of names) link(join(folder, 'node_modules', name), join(modules, name))
  writeFileSync(stamp, wanted)
  return undefined
}

/**
 * @param {string} folder
 * @param {readonly string[]} specs
 */
function isPinned(folder, specs) {
  return specs.every((spec) => {
    const name = spec.slice(0, spec.lastIndexOf('@'))
    const described = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8'))
    return spec === `${name}@${described.version}`
  })
}

/**
 * Why npm could not install, in one line; undefined where it could.
 * @param {string} folder
 * @param {readonly string[]} specs
 */
async function install(folder, specs) {
  const log = `${folder}.log`
  rmSync(log, { force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const { command, leading } = npmCommand()
  // Their install scripts fetch or compile what they are made of.
  const options = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts=false']
  const { code, output } = await capture(
    command,
    [...leading, 'install', '--prefix', folder, ...options, ...specs],
    { cwd: folder, env: { ...process.env, ...headersOfNode() }, seconds: INSTALL_SECONDS },
  )
  if (code === 0) return undefined
  writeFileSync(log, output)
  return `${firstReason(output) ?? `npm ended with ${code}`} (all of it: ${log})`
}

/** Headers that stand beside node need not be fetched. */
function headersOfNode() {
  const beside = dirname(dirname(realpathSync(process.execPath)))
  const found = existsSync(join(beside, 'include/node/node.h'))
  return found ? { npm_config_nodedir: beside } : {}
}

/**
 * Why the packages do not load, in one line; undefined where they do.
 * @param {string} folder that their node_modules stands in, or is
 * @param {readonly string[]} names
 */
async function probe(folder, names) {
  const script = names.map((name) => PROBES.get(name) ?? `require('${name}')`).join('\n')
  const { code, output } = await capture(process.execPath, ['-e', `${script}\nprocess.exit(0)`], {
    cwd: folder === modules ? here : folder,
    env: process.env,
    seconds: PROBE_SECONDS,
  })
  return code === 0
    ? undefined
    : (output.match(/^\w*Error: .*$/m)?.[0] ?? `node ended with ${code}`)
}

/**
 * The first line of what npm says that tells more than that there was an error, and where.
 * @param {string} output
 */
function firstReason(output) {
  const lines = output
    .split('\n')
    .map((line) => line.replace(/^npm (error|ERR!) ?/, '').trim())
    .filter((line) => line !== '')
  const telling = [
    /\berror:/i,
    /^gyp ERR! stack \w*Error/,
    /^E\w+ |^\d{3} /,
    /^(notarget|network) /,
  ]
  for (const pattern of telling) {
    const found = lines.find((line) => pattern.test(line))
    if (found !== undefined) return found
  }
  return lines.find((line) => !/^(npm warn|code|path|errno|syscall|command) /.test(line))
}

/**
 * @param {string} target
 * @param {string} path
 */
function link(target, path) {
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(target, path, 'junction')
}

/**
 * Runs a program to its end, or to that of its time, with all that it starts.
 * @param {string} command
 * @param {readonly string[]} commandArguments
 * @param {{ readonly cwd: string, readonly env: NodeJS.ProcessEnv, readonly seconds: number }} options
 * @returns {Promise<{ code: number | string, output: string }>}
 */
function capture(command, commandArguments, { cwd, env, seconds }) {
  return new Promise((resolve, reject) => {
    // A group of its own: a compiler that npm started has to end with it.
    const child = spawn(command, commandArguments, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    running.add(child)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (text) => {
        output = (output + text).slice(0, OUTPUT_CHARS)
      })
    }
    /** @type {NodeJS.Timeout | undefined} */
    let harder
    const overdue = setTimeout(() => {
      output += `error: took longer than ${seconds} s\n`
      end(child, 'SIGTERM')
      harder = setTimeout(() => end(child, 'SIGKILL'), END_SECONDS * 1000)
    }, seconds * 1000)
    const over = () => {
      clearTimeout(overdue)
      clearTimeout(harder)
      running.delete(child)
    }
    child.once('error', (error) => {
      over()
      reject(error)
    })
    child.once('close', (code, signal) => {
      over()
      resolve({ code: code ?? signal ?? 'no code', output })
    })
  })
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
function end(child, signal) {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    // The group is gone, which is what is asked for.
    if (Reflect.get(Object(error), 'code') !== 'ESRCH') throw error
  }
}

function endWithThisProcess() {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.once(signal, () => {
      for (const child of running) end(child, signal)
      process.kill(process.pid, signal)
    })
  }
}

await runMain(main)
