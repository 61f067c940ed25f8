/**
 * Commands on hostile directories, inside this process. Whatever stands there, a command ends in time and in
 * bounded memory, with an exit code and a typed error; those that look change nothing, and what `recover`
 * saves opens and holds nothing that was never written. Touches the directory it is given.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { ERROR_CODES, QlogError } from '../../src/errors.ts'
import { openLog, openReader, openStore } from '../../src/index.ts'
import { openPublicReader } from '../../src/log/open-reader.ts'
import { type InProcessResult, runInProcess } from '../cli/in-process.ts'
import { memorySystem } from '../damage/memory-system.ts'
import { watchAllocations } from './allocations.ts'
import { type HostileDirectory, hostileDirectory, hostileImages } from './directories.ts'
import { layOut } from './lay-out.ts'
import { listingOf } from './listing.ts'
import { below, pick, type Random } from './mutate.ts'

const MIB = 1024 * 1024
/** Of one command. Most take milliseconds. */
const COMMAND_MS_MAX = 30_000
/** At once: what one packed message may unpack to, or an index as large as the largest that is believed. */
const LARGEST_BYTES_MAX = 257 * MIB
/** In all, while one command runs. */
const TOTAL_BYTES_MAX = 1_024 * MIB
const OUTPUT_BYTES_MAX = 64 * MIB
const LOOKS = 5

/** How often what was done; for whoever counts. */
export type Counted = (what: string, times?: number) => void

/** One hostile directory in `parent`, which has to be there and empty, and commands on it. */
export async function tryCommands(random: Random, parent: string, count: Counted): Promise<void> {
  const hostile = hostileDirectory(random, await hostileImages())
  try {
    await look(random, hostile, parent, count)
    await work(random, hostile, parent, count)
  } catch (error) {
    const done = `${hostile.image}: ${hostile.done.join(', ')}`
    throw new Error(`${error instanceof Error ? error.message : String(error)} (${done})`, {
      cause: error,
    })
  } finally {
    for (const name of readdirSync(parent)) rmSync(join(parent, name), { recursive: true })
  }
}

/** Those that only look: not a byte of the directory may change. */
async function look(
  random: Random,
  hostile: HostileDirectory,
  parent: string,
  count: Counted,
): Promise<void> {
  const directory = join(parent, 'd')
  const letGo = await layOut(directory, hostile.things)
  try {
    const before = listingOf(directory)
    for (let i = 0; i < LOOKS; i += 1) {
      const words = lookWords(random, directory, hostile)
      await run(words)
      count('commands that look')
      expectSameListing(before, listingOf(directory), words)
    }
    const isSaved = await recover(hostile, directory, join(parent, 'saved'))
    if (isSaved) count('recoveries that saved something')
    expectSameListing(before, listingOf(directory), ['recover'])
    await backup(directory, join(parent, 'copy'))
    // A backup pins what it copies by a socket, which comes and goes.
    expectSameListing(before.slice(1), listingOf(directory).slice(1), ['backup'])
    count('recoveries and backups')
  } finally {
    await letGo()
  }
}

/** Those that open it: they may change what they are given, and nothing else is asked of them. */
async function work(
  random: Random,
  hostile: HostileDirectory,
  parent: string,
  count: Counted,
): Promise<void> {
  const directory = join(parent, 'w')
  const letGo = await layOut(directory, hostile.things)
  try {
    const words = pick(random, [
      ['export', directory],
      ['queues', directory],
      ['recover', directory, '--in-place', '--yes'],
      ['put', directory, 'mail', 'hello'],
      ['append', directory],
    ])
    await run(words)
    count('commands that open')
  } finally {
    await letGo()
  }
}

function lookWords(random: Random, directory: string, { things }: HostileDirectory): string[] {
  const file = join(directory, pick(random, [...things.keys()]) ?? '')
  const offset = pick(random, [0, 40, 4096, 8192, below(random, 20_480), below(random, 2 ** 33)])
  const json = random() < 0.5 ? ['--json'] : []
  const from = random() < 0.3 ? ['--from', String(Math.min(offset, 2 ** 32))] : []
  return pick(random, [
    ['verify', directory, ...json],
    ['verify', file, ...json],
    ['dump', directory, ...json, '--bodies', ...from],
    ['dump', file, ...json, ...from],
    ['explain', `${file}:${offset}`, ...json],
    ['explain', `${file}:${offset}`, ...json],
    ['segments', directory, ...json],
    ['stats', directory, ...json],
    ['scrub', directory, '--rate', 'none', ...json],
    ['read', directory, ...json],
    ['recover', directory, '--in-place', ...json],
  ])
}

async function run(words: readonly string[]): Promise<InProcessResult> {
  const functions = { openLog, openReader }
  const { allocated, outcome } = await watchAllocations(() =>
    inTime(runInProcess(words, { functions, input: ['a line\n'] }), words),
  )
  if (outcome.status === 'rejected') throw outcome.reason
  const { exitCode, stdout, stderr } = outcome.value
  const { largest, total } = allocated
  if (largest > LARGEST_BYTES_MAX) throw wrong(words, `asks for ${largest} bytes at once`)
  if (total > TOTAL_BYTES_MAX) throw wrong(words, `asks for ${total} bytes in all`)
  if (stdout.length > OUTPUT_BYTES_MAX) throw wrong(words, `says ${stdout.length} bytes`)
  if (!EXITS.has(exitCode)) throw wrong(words, `ends with ${exitCode}: ${stderr}`)
  if (exitCode === EXIT.unexpected && !isTyped(stderr)) throw wrong(words, `says ${stderr}`)
  return outcome.value
}

const EXITS: ReadonlySet<number> = new Set(Object.values(EXIT))

function isTyped(stderr: string): boolean {
  const code = /\((QLOG_[A-Z_]+)\)/.exec(stderr)?.[1]
  return code !== undefined && Object.hasOwn(ERROR_CODES, code)
}

/** What it saves opens, whole, and is nothing but what was written; false where it saves nothing. */
async function recover(hostile: HostileDirectory, from: string, target: string): Promise<boolean> {
  const words = ['recover', from, '--out', target]
  const { exitCode } = await run(words)
  if (exitCode !== EXIT.fine && exitCode !== EXIT.rot) {
    if (existsSync(target)) throw wrong(words, `ends with ${exitCode} and leaves ${target}`)
    if (existsSync(`${target}.partial`)) throw wrong(words, 'leaves a part of a copy')
    return false
  }
  const verified = await run(['verify', target])
  if (verified.exitCode !== EXIT.fine) throw wrong(words, `saves ${verified.stdout.toString()}`)
  await expectReads(hostile, target, words)
  await inTime(expectOpens(hostile, target, words), words)
  return true
}

/** Every message of it, none of which is strange to the logs that the directory was made of. */
async function expectReads(
  { isMended }: HostileDirectory,
  directory: string,
  words: readonly string[],
): Promise<void> {
  const written = await everWritten()
  const reader = await openReader(directory)
  try {
    for await (const { id, body } of reader.read({ onGap: () => undefined })) {
      if (!isMended && !written.has(Buffer.from(body).toString('latin1'))) {
        throw wrong(words, `saves a message ${id} that nobody wrote`)
      }
    }
  } finally {
    await reader.close()
  }
}

async function expectOpens(
  { isMended, isStore }: HostileDirectory,
  directory: string,
  words: readonly string[],
): Promise<void> {
  try {
    const opened = await openLog(directory).catch((error: unknown) => {
      if (error instanceof QlogError && error.code === 'QLOG_IS_A_STORE')
        return openStore(directory)
      throw error
    })
    await opened.close()
  } catch (error) {
    const code = error instanceof QlogError ? error.code : undefined
    // Records that nobody wrote may be none of a store, and not every log with control records is one.
    if (isMended && code === 'QLOG_NEWER_FORMAT') return
    if ((isMended || !isStore) && code === 'QLOG_NOT_A_STORE') return
    throw wrong(words, `saves what does not open: ${String(error)}`)
  }
}

async function backup(from: string, target: string): Promise<void> {
  const words = ['backup', from, '--out', target]
  const { exitCode } = await run(words)
  const isThere = existsSync(target)
  if ((exitCode === EXIT.fine || exitCode === EXIT.rot) && isThere) await run(['verify', target])
  else if (isThere) throw wrong(words, `ends with ${exitCode} and leaves ${target}`)
  if (existsSync(`${target}.partial`)) throw wrong(words, 'leaves a part of a copy')
}

let bodies: Promise<ReadonlySet<string>> | undefined

/** The bodies of all messages of all images. */
function everWritten(): Promise<ReadonlySet<string>> {
  bodies ??= readAll()
  return bodies
}

async function readAll(): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (const { files, appended } of await hostileImages()) {
    for (const body of appended.values()) found.add(Buffer.from(body).toString('latin1'))
    const reader = await openPublicReader(memorySystem(files, '0'.repeat(32)), '/log')
    for await (const { body } of reader.read({ onGap: () => undefined }))
      found.add(Buffer.from(body).toString('latin1'))
    await reader.close()
  }
  return found
}

async function inTime<T>(work: Promise<T>, words: readonly string[]): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const why = `has not ended after ${COMMAND_MS_MAX} ms`
    timer = setTimeout(() => reject(wrong(words, why)), COMMAND_MS_MAX)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function expectSameListing(
  before: readonly string[],
  after: readonly string[],
  words: readonly string[],
): void {
  const changed = after.filter((line, row) => line !== before[row])
  if (changed.length === 0 && after.length === before.length) return
  throw wrong(words, `changes the directory:\n${before.join('\n')}\nis now\n${after.join('\n')}`)
}

function wrong(words: readonly string[], what: string): Error {
  return new Error(`qlog ${words.join(' ')}: ${what}`)
}
