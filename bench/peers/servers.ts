/**
 * A server of somebody else as a child process: on a loopback port that was free, with its data in one
 * directory, waited for until it answers, stopped by its own id, and gone where this process is gone.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createConnection } from 'node:net'
import { findProgram, keep, steadyPort } from '../../tools/beanstalkd/server-process.ts'
import { Missing, type Opened } from './contract.ts'

/** A backlog of millions is read before a server answers. */
const START_MS_MAX = 600_000
const END_MS_MAX = 60_000
const STDERR_CHARACTERS_MAX = 8 * 1024
const AGAIN_MS = 5

export interface ServerOptions {
  readonly program: string
  readonly args: readonly string[]
  /** Where it has to accept connections before it counts as started. */
  readonly port: number
  /** Its working directory. */
  readonly directory: string
  /** The whole environment, where it is not ours. */
  readonly env?: Readonly<Record<string, string>>
}

export interface Server {
  readonly port: number
  readonly pid: number
  /** As its user ends it, by SIGTERM; by SIGKILL where it does not end. Rejects where it had failed before. */
  stop(): Promise<void>
}

/** The path of a program of Debian. Throws `Missing`, with the package that has it. */
export function needProgram(name: string, debianPackage: string): string {
  const path = findProgram(name)
  if (path === undefined) {
    throw new Missing(`${name} is not installed: \`apt-get install ${debianPackage}\``)
  }
  return path
}

/** The first version number that a program prints of itself. */
export function versionOfProgram(program: string, ...args: readonly string[]): string {
  const printed = execFileSync(program, [...args], { encoding: 'utf8' })
  const version = /\d+(?:\.\d+)+/.exec(printed)?.[0]
  if (version === undefined) throw new Error(`${program} says no version: ${printed}`)
  return version
}

/** A port of the loopback interface that was free a moment ago. */
export function somePort(): Promise<number> {
  return steadyPort(Math.random)
}

export async function startServer(options: ServerOptions): Promise<Server> {
  const child = spawnBound(options)
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-STDERR_CHARACTERS_MAX)
  })
  // Several servers write their reasons to stdout.
  child.stdout?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-STDERR_CHARACTERS_MAX)
  })
  let ending: string | undefined
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      ending ??= error.message
      resolve()
    })
    child.once('close', (code, signal) => {
      ending ??= signal ?? `exit code ${code}`
      resolve()
    })
  })
  const failure = (): Error => new Error(`${options.program} ended: ${ending}: ${stderr}`)
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  const limit = performance.now() + START_MS_MAX
  while (!(await accepts(options.port))) {
    if (ending !== undefined) throw failure()
    if (performance.now() > limit) {
      await kill()
      throw new Error(`${options.program} does not answer within ${START_MS_MAX} ms: ${stderr}`)
    }
    await new Promise((again) => setTimeout(again, AGAIN_MS))
  }
  // Somebody else's server may answer there, where ours could not.
  if (ending !== undefined || child.pid === undefined) throw failure()
  return {
    port: options.port,
    pid: child.pid,
    stop: async () => {
      if (ending !== undefined) throw failure()
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), END_MS_MAX)
      await ended
      clearTimeout(timer)
    },
  }
}

/** What is opened on a server: closed with it, which does not stay where nothing could be opened. */
export async function openOn(
  server: Server,
  connect: (port: number) => Promise<Opened>,
): Promise<Opened> {
  let client: Opened
  try {
    client = await connect(server.port)
  } catch (error) {
    await server.stop()
    throw error
  }
  return {
    ...client,
    serverPid: server.pid,
    close: async () => {
      try {
        await client.close()
      } finally {
        await server.stop()
      }
    },
  }
}

/** Killed where this process ends in order, and by the kernel where it is killed itself. */
function spawnBound(options: ServerOptions): ChildProcess {
  const { program, args, directory, env } = options
  const binder = findProgram('setpriv')
  const [first, ...words] =
    binder === undefined
      ? [program, ...args]
      : [binder, '--pdeathsig', 'KILL', '--', program, ...args]
  const child = spawn(first ?? program, words, {
    cwd: directory,
    env: env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  keep(child)
  return child
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
