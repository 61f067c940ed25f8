/**
 * How long a server takes from the start of its process until its first client has an answer, on an empty
 * store, beside an empty program of the platform: `npm run bench -- start [--json] [--rounds N]`. Starts the
 * built command, on unix sockets in a directory of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as net from 'node:net'
import * as os from 'node:os'
import * as path from 'node:path'
import { median, rounded } from '../src/measure/measures.ts'
import { readOptions, refuse } from './command-line.ts'

export const START_USAGE = 'start [--json] [--rounds N]'
const ROUNDS = 15
const ROUNDS_MAX = 1_000
const BUILT = path.resolve('dist/cli/main.js')
/** A connection that is refused is tried again after so long: that is as exact as the figures are. */
const RETRY_MS = 3

interface Start {
  /** Somebody could connect. */
  readonly acceptsMs: number
  /** The first put was answered, which is durable. */
  readonly answersMs: number
  /** An empty program from its start to its end. */
  readonly emptyMs: number
}

/** The exit code. */
export async function runStart(words: readonly string[], facts: object): Promise<number> {
  const options = {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: String(ROUNDS) },
  } as const
  const wanted = readOptions(words, options, ({ json, ...counts }) => {
    const rounds = Number(counts.rounds)
    const isOne = Number.isInteger(rounds) && rounds >= 1 && rounds <= ROUNDS_MAX
    return isOne ? { json, rounds } : `rounds are 1 to ${ROUNDS_MAX}`
  })
  if (typeof wanted === 'string') return refuse(wanted, START_USAGE)
  const { json, rounds } = wanted
  const starts: Start[] = []
  for (let round = 0; round < rounds; round += 1) starts.push(await measureStart())
  const result = {
    rounds,
    emptyMs: medianOf(starts, 'emptyMs'),
    acceptsMs: medianOf(starts, 'acceptsMs'),
    answersMs: medianOf(starts, 'answersMs'),
  }
  if (json) {
    console.log(JSON.stringify({ bench: 'start', ...facts }))
    console.log(JSON.stringify({ case: 'serve/start', ...result }))
  } else {
    console.log(JSON.stringify({ bench: 'start', ...facts }, undefined, 2))
    console.log(`an empty program      ${result.emptyMs} ms`)
    console.log(`accepts connections   ${result.acceptsMs} ms after the start of its process`)
    console.log(`first durable answer  ${result.answersMs} ms after it`)
  }
  return 0
}

function medianOf(starts: readonly Start[], name: keyof Start): number {
  return rounded(median(starts.map((start) => start[name])))
}

async function measureStart(): Promise<Start> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'qlog-bench-start-'))
  const socketPath = path.join(directory, 'socket')
  const beganMs = performance.now()
  const flags = ['serve', '--beanstalkd', '-b', path.join(directory, 'store')]
  const child = spawn(process.execPath, [BUILT, ...flags, '-l', `unix:${socketPath}`], {
    stdio: 'ignore',
  })
  const ended = endOf(child)
  try {
    const socket = await connected(socketPath, ended)
    const acceptsMs = performance.now() - beganMs
    socket.write('put 0 0 60 5\r\nhello\r\n')
    const answer = await new Promise<Buffer>((resolve) => socket.once('data', resolve))
    const answersMs = performance.now() - beganMs
    if (answer.toString() !== 'INSERTED 1\r\n') throw new Error(`it answers ${answer.toString()}`)
    socket.destroy()
    return { acceptsMs, answersMs, emptyMs: await measureEmpty() }
  } finally {
    child.kill('SIGTERM')
    await ended
    fs.rmSync(directory, { recursive: true })
  }
}

async function measureEmpty(): Promise<number> {
  const beganMs = performance.now()
  await endOf(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }))
  return performance.now() - beganMs
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => resolve())
  })
}

async function connected(socketPath: string, ended: Promise<void>): Promise<net.Socket> {
  let isOver = false
  void ended.then(() => {
    isOver = true
  })
  for (;;) {
    const socket = await tryConnect(socketPath)
    if (socket !== undefined) return socket
    if (isOver) throw new Error('the server has ended before it could be reached')
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}

function tryConnect(socketPath: string): Promise<net.Socket | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect({ path: socketPath })
    socket.once('connect', () => resolve(socket))
    socket.once('error', () => resolve(undefined))
  })
}
