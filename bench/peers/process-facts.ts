/**
 * What the operating system knows of a process and of a directory: processor time, memory, disk. And its two
 * orders: write out what is not written, and end a process. Linux, by /proc.
 */

import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Ticks of a processor a second, in /proc: the same on every Linux that Node runs on. */
const TICKS_A_SECOND = 100
const KIB = 1024
const BLOCK_BYTES = 512
/** A process that was killed is gone once its parent has noticed. */
const KILL_LOOK_MS = 10
const KILL_TRIES = 500

const execFileOf = promisify(execFile)

/** User and system time of a process, ended children apart. */
export function cpuSecondsOf(pid: number): number {
  // Behind the name, which may hold blanks: fields 14 and 15 are user and system time.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
}

/** What is not written yet is written: of one file system with Linux and its coreutils, elsewhere of all. */
export async function syncFileSystemOf(directory: string): Promise<void> {
  try {
    await execFileOf('sync', ['-f', directory])
  } catch {
    await execFileOf('sync')
  }
}

/** Without pages of files, which are everybody's cache whether they are mapped or read. */
export function residentBytesOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const [own, shared] = [/^RssAnon:\s+(\d+) kB/m, /^RssShmem:\s+(\d+) kB/m].map((line) =>
    Number(line.exec(status)?.[1] ?? 0),
  )
  return ((own ?? 0) + (shared ?? 0)) * KIB
}

export async function killed(pid: number): Promise<void> {
  const isThere = signal(pid, 'SIGKILL')
  for (let tries = 0; isThere && tries < KILL_TRIES && signal(pid, 0); tries++) {
    await new Promise((resolve) => setTimeout(resolve, KILL_LOOK_MS))
  }
}

/** False where there is no such process any more. */
function signal(pid: number, what: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, what)
    return true
  } catch (error) {
    if (Reflect.get(Object(error), 'code') === 'ESRCH') return false
    throw error
  }
}

export function diskBytesOf(directory: string): number {
  let bytes = 0
  for (const entry of orGone(() => readdirSync(directory, { withFileTypes: true })) ?? []) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) bytes += diskBytesOf(path)
    else bytes += (orGone(() => statSync(path))?.blocks ?? 0) * BLOCK_BYTES
  }
  return bytes
}

/** What it looks at works on: files come and go meanwhile. */
function orGone<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (Reflect.get(Object(error), 'code') === 'ENOENT') return undefined
    throw error
  }
}
