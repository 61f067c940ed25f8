/**
 * Child processes that run the built `dist/` (not every supported Node can run TypeScript): what they said
 * and how they ended. For tests and for the lab, which ends those that are left with {@link killChildren}.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import * as readline from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'

/** The repository: tests, tools and benchmarks all run in it. */
export const root = path.resolve('.')
export const qlog = path.join(root, 'dist/cli/main.js')

const SAID_CHARACTERS_MAX = 16 * 1024

type Child = ChildProcessByStdio<Writable, Readable, Readable>

const children = new Set<Child>()

/** Those that are still there. */
export async function killChildren(): Promise<void> {
  await Promise.all([...children].map(kill))
}

let fixtures = path.join(root, 'test/real/fixtures')

/** From here on fixtures begin in half the time, see `bundled.mjs`. For whoever starts thousands. */
export async function bundleFixtures(): Promise<void> {
  needBuild()
  const module = pathToFileURL(path.join(root, 'test/real/bundled.mjs')).href
  const { bundledFixtures } = (await import(module)) as { bundledFixtures(root: string): string }
  fixtures = bundledFixtures(root)
}

export function fixturePath(name: string): string {
  return path.join(fixtures, name)
}

/** Starts a program of the fixtures. */
export function startFixture(name: string, ...args: string[]): Running {
  return start(process.execPath, [fixturePath(name), ...args])
}

/** The same; what it writes to stderr is kept, for a child whose disk fails has much to say. */
export function startHushed(name: string, ...args: string[]): Running {
  return start(process.execPath, [fixturePath(name), ...args], {}, true)
}

export interface Running {
  readonly child: Child
  /** Its output, line by line; the iterator ends with the output. */
  readonly lines: AsyncIterableIterator<string>
  /** Closed, not only ended: then the last process that had the output is gone. */
  readonly ended: Promise<number | null>
  /** The last of its stderr, where that is kept. */
  complaints(): string
}

export function start(
  program: string,
  args: readonly string[],
  env?: NodeJS.ProcessEnv,
  isHushed = false,
): Running {
  needBuild()
  const options = { env: { ...process.env, ...env } }
  const child = spawn(program, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
  // A child that was killed cannot be written to; the tests look at what it said instead.
  child.stdin.on('error', () => undefined)
  let said = ''
  if (isHushed) {
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-SAID_CHARACTERS_MAX)
    })
  } else child.stderr.pipe(process.stderr, { end: false })
  children.add(child)
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      children.delete(child)
      resolve(code)
    })
  })
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return { child, lines, ended, complaints: () => said }
}

export async function lineOf(from: Running): Promise<string> {
  const line = await from.lines.next()
  return line.done === true ? 'it ended without a word' : line.value
}

export async function kill(child: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.kill('SIGKILL')
  await closed
}

/** Waits so long for it to end by itself; where it does not, it is killed and this throws. */
export async function endWithin(running: Running, limitMs: number): Promise<number | null> {
  let isLate = false
  const limit = setTimeout(() => {
    isLate = true
    running.child.kill('SIGKILL')
  }, limitMs)
  const code = await running.ended
  clearTimeout(limit)
  if (isLate) throw new Error(`the process hangs: ${running.complaints()}`)
  return code
}

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end. */
export async function run(
  program: string,
  args: readonly string[],
  options: {
    readonly env?: NodeJS.ProcessEnv
    readonly input?: string
    readonly uid?: number
    readonly cwd?: string
  } = {},
): Promise<Finished> {
  needBuild()
  const { uid, cwd } = options
  const child = spawn(program, args, {
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
    ...(uid !== undefined && { uid }),
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  children.add(child)
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const code = await ended
  children.delete(child)
  return { code, stdout, stderr }
}

/** Runs `qlog` with these words. */
export function runQlog(...words: string[]): Promise<Finished> {
  return run(process.execPath, [qlog, ...words])
}

function needBuild(): void {
  if (!fs.existsSync(qlog)) throw new Error(`${qlog} is missing: run \`npm run build\` first`)
}
