/**
 * Proves from outside that an id is printed only once its message is durable: runs
 * `qlog append --ids` under strace, and looks in the system calls for the write that holds the
 * message's bytes and the flush that covers it; both must have returned before the id was printed.
 *
 *   node tools/run.mjs tools/trace-durable.ts [--messages N] [--sync MODE]
 *
 * Exit code 0 where every id is proven, 1 where one is not, 2 where strace is missing. Writes into a
 * temporary directory only.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const MESSAGES_DEFAULT = 500
const CALLS = 'openat,pwrite64,pwritev,pwritev2,write,writev,fdatasync,fsync,close'
/** Longer than any write of this run, so that strace shows all of its bytes. */
const STRING_BYTES = 8 * 1024 * 1024

export interface TraceOptions {
  /** The repository, whose `dist/` is run. */
  readonly root: string
  readonly messages: number
  /** As `qlog append --sync` takes it. */
  readonly sync: string
}

export interface TraceResult {
  /** Ids that were printed, in order. */
  readonly printed: readonly number[]
  readonly proven: number
  /** Ids whose write or flush had not returned when they were printed, and why they are unproven. */
  readonly unproven: readonly { readonly id: number; readonly why: string }[]
  /** How many ids rest on a durable descriptor, and how many on a flush behind the write. */
  readonly byDurableWrite: number
  readonly byFlush: number
}

export function hasStrace(): boolean {
  return process.platform === 'linux' && spawnSync('strace', ['-f', 'true']).status === 0
}

/** Runs the command under strace and judges its trace. Throws where the run itself fails. */
export function traceDurable({ root, messages, sync }: TraceOptions): TraceResult {
  const directory = mkdtempSync(join(tmpdir(), 'qlog-trace-'))
  try {
    const input = join(directory, 'input')
    const trace = join(directory, 'trace')
    const bodies = Array.from({ length: messages }, (_, row) => bodyOf(row + 1))
    writeFileSync(input, bodies.map((body) => `${body}\n`).join(''))
    const strace = [
      '-f',
      '-y',
      '-ttt',
      '-s',
      String(STRING_BYTES),
      '-e',
      `trace=${CALLS}`,
      '-o',
      trace,
    ]
    const command = [
      process.execPath,
      join(root, 'dist/cli/main.js'),
      'append',
      join(directory, 'log'),
    ]
    const options = ['--ids', '--quiet', '--sync', sync, '--input', input]
    const ran = spawnSync('strace', [...strace, '--', ...command, ...options], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
    if (ran.status !== 0) throw new Error(`the traced command failed: ${ran.stderr}`)
    const printed = ran.stdout.trim().split('\n').map(Number)
    if (printed.length !== messages)
      throw new Error(`${printed.length} ids for ${messages} messages`)
    return judgeTrace(readFileSync(trace, 'latin1').split('\n'), join(directory, 'log'))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** A message that can be found again in any write. */
function bodyOf(id: number): string {
  return `{message ${id} ends}`.padEnd(20 + ((id * 37) % 300), '.')
}

interface Call {
  readonly name: string
  readonly descriptor: number
  readonly arguments: string
  readonly result: number
  /** Places in the trace: a call that another thread's interrupted has two lines. */
  readonly begins: number
  readonly returns: number
}

interface Place {
  readonly descriptor: number
  readonly writtenAt: number
  durableAt: number
  byFlush: boolean
}

/** Judges the lines of a trace of a log in `directory`. */
export function judgeTrace(lines: readonly string[], directory: string): TraceResult {
  const calls = parseCalls(lines)
  const places = placesOf(calls, directory)
  const printed: number[] = []
  const unproven: { id: number; why: string }[] = []
  let byDurableWrite = 0
  let byFlush = 0
  for (const call of calls) {
    if (call.descriptor !== 1 || !call.name.startsWith('write')) continue
    for (const id of textOf(call.arguments).trim().split('\n').map(Number)) {
      printed.push(id)
      const found = places.get(id) ?? []
      const proof = found.find((place) => place.durableAt < call.begins)
      if (proof?.byFlush === true) byFlush++
      else if (proof) byDurableWrite++
      else unproven.push({ id, why: whyNot(found, call) })
    }
  }
  return { printed, proven: byDurableWrite + byFlush, unproven, byDurableWrite, byFlush }
}

function whyNot(found: readonly Place[], print: Call): string {
  if (found.length === 0) return 'no write holds its bytes'
  if (found.every((place) => place.writtenAt > print.begins)) return 'its write had not returned'
  return 'no flush that covers its write had returned'
}

/** Where each message's bytes were written, and when a flush of the same file made them durable. */
function placesOf(calls: readonly Call[], directory: string): Map<number, Place[]> {
  const places = new Map<number, Place[]>()
  const durable = new Set<number>()
  const waiting = new Map<number, Place[]>()
  for (const call of calls) {
    const { name, descriptor, result, begins, returns } = call
    if (result < 0) continue
    if (name === 'openat') {
      if (/\bO_D?SYNC\b/.test(call.arguments)) durable.add(result)
      else durable.delete(result)
      waiting.delete(result)
    } else if (name === 'fdatasync' || name === 'fsync') {
      const pending = waiting.get(descriptor) ?? []
      for (const place of pending) {
        // A flush that began before the write returned need not cover it.
        if (place.writtenAt >= begins || place.durableAt !== Number.POSITIVE_INFINITY) continue
        place.durableAt = returns
        place.byFlush = true
      }
    } else if (name !== 'close' && call.arguments.includes(directory)) {
      const isDurable = durable.has(descriptor)
      // A short write may have left the last message out; the log writes the rest again by itself.
      const taken = textOf(call.arguments).slice(0, result)
      for (const [, id] of taken.matchAll(/\{message (\d+) ends\}/g)) {
        const durableAt = isDurable ? returns : Number.POSITIVE_INFINITY
        const place = { descriptor, writtenAt: returns, durableAt, byFlush: false }
        append(places, Number(id), place)
        if (!isDurable) append(waiting, descriptor, place)
      }
    }
  }
  return places
}

function append<K>(lists: Map<K, Place[]>, key: K, place: Place): void {
  const list = lists.get(key)
  if (list) list.push(place)
  else lists.set(key, [place])
}

/** Whole calls in the order in which they returned. */
function parseCalls(lines: readonly string[]): Call[] {
  const calls: Call[] = []
  const unfinished = new Map<string, { readonly text: string; readonly line: number }>()
  lines.forEach((line, at) => {
    const [, thread = '', rest = ''] = /^(\d+)\s+\d+\.\d+ (.*)$/.exec(line) ?? []
    if (rest.endsWith(' <unfinished ...>')) {
      unfinished.set(thread, { text: rest.slice(0, -' <unfinished ...>'.length), line: at })
      return
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)
    const begun = resumed ? unfinished.get(thread) : undefined
    const call = parseCall(begun ? begun.text + (resumed?.[1] ?? '') : rest, begun?.line ?? at, at)
    if (call) calls.push(call)
  })
  return calls
}

function parseCall(text: string, begins: number, returns: number): Call | undefined {
  const name = /^(\w+)\(/.exec(text)?.[1]
  const result = /\) += (-?\d+)(?:<[^=]*>| E[A-Z]+ .*)?$/.exec(text)?.[1]
  if (name === undefined || result === undefined) return undefined
  const descriptor = Number(/^\w+\((\d+)/.exec(text)?.[1] ?? -1)
  return { name, descriptor, arguments: text, result: Number(result), begins, returns }
}

/** The bytes of all strings of a call, as latin1. */
function textOf(call: string): string {
  let text = ''
  for (const [, quoted = ''] of call.matchAll(/"((?:[^"\\]|\\.)*)"/g)) text += unescaped(quoted)
  return text
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  f: '\f',
  v: '\v',
  '"': '"',
  '\\': '\\',
}

function unescaped(quoted: string): string {
  return quoted.replaceAll(/\\([0-7]{1,3}|.)/g, (_whole, code: string) =>
    /^[0-7]/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPES[code] ?? code),
  )
}

function main(): void {
  const { values } = parseArgs({
    options: { messages: { type: 'string' }, sync: { type: 'string' } },
  })
  if (!hasStrace()) {
    console.error('SKIPPED: strace is not here, or may not trace')
    process.exitCode = 2
    return
  }
  const result = traceDurable({
    root: process.cwd(),
    messages: Number(values.messages ?? MESSAGES_DEFAULT),
    sync: values.sync ?? 'always',
  })
  for (const { id, why } of result.unproven.slice(0, 10)) console.error(`id ${id}: ${why}`)
  console.log(
    `${result.proven} of ${result.printed.length} ids proven durable before they were printed ` +
      `(${result.byDurableWrite} by a durable write, ${result.byFlush} by a flush behind it)`,
  )
  process.exitCode = result.unproven.length === 0 ? 0 : 1
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main()
