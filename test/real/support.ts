/**
 * Real files and processes for tests: fresh directories, children that run the built `dist/` (not every
 * supported Node can run TypeScript), what they said and how they ended. Every child that is left is
 * killed, and every directory removed, after each test.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import * as readline from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach } from 'vitest'

export const root = path.resolve(import.meta.dirname, '../..')
export const qlog = path.join(root, 'dist/cli/main.js')

type Child = ChildProcessByStdio<Writable, Readable, Readable>

const children = new Set<Child>()
const directories: string[] = []

afterEach(async () => {
  await Promise.all([...children].map(kill))
  for (const directory of directories.splice(0))
    fs.rmSync(directory, { recursive: true, force: true })
})

export function freshDirectory(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'qlog-real-'))
  directories.push(directory)
  return directory
}

/** Starts a program of this directory's fixtures. */
export function startFixture(name: string, ...args: string[]): Running {
  return start(process.execPath, [path.join(import.meta.dirname, 'fixtures', name), ...args])
}

export interface Running {
  readonly child: Child
  /** Its output, line by line; the iterator ends with the output. */
  readonly lines: AsyncIterableIterator<string>
  /** Closed, not only ended: then the last process that had the output is gone. */
  readonly ended: Promise<number | null>
}

export function start(program: string, args: readonly string[], env?: NodeJS.ProcessEnv): Running {
  needBuild()
  const options = { env: { ...process.env, ...env } }
  const child = spawn(program, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
  // A child that was killed cannot be written to; the tests look at what it said instead.
  child.stdin.on('error', () => undefined)
  child.stderr.pipe(process.stderr, { end: false })
  children.add(child)
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      children.delete(child)
      resolve(code)
    })
  })
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return { child, lines, ended }
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

/** Names, sizes and bytes of all files, and the names of everything else. */
export function hashOf(directory: string): string {
  const hash = createHash('sha256')
  const entries = fs.readdirSync(directory, { withFileTypes: true, recursive: true })
  const names = entries.map((entry) => path.join(entry.parentPath, entry.name)).sort()
  for (const name of names) {
    const stat = fs.lstatSync(name)
    hash.update(`${name} ${stat.size} ${stat.mode} ${stat.mtimeMs} ${stat.ino}\n`)
    if (stat.isFile()) hash.update(fs.readFileSync(name))
  }
  return hash.digest('hex')
}

function needBuild(): void {
  if (!fs.existsSync(qlog)) throw new Error(`${qlog} is missing: run \`npm run build\` first`)
}
