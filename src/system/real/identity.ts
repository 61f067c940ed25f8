/** Who this process is: pid, host and the kernel's boot. Reads /proc, changes nothing. */
import * as fs from 'node:fs'
import * as os from 'node:os'
import type { Identity } from '../system.ts'

/**
 * Stands for "this platform tells no boot id". A boot id that differs proves an owner dead, so one
 * guessed from the wall clock could call a living owner dead after the clock was set. A constant
 * never differs: then the socket alone decides, which is right everywhere.
 */
export const UNKNOWN_BOOT_ID = '0'.repeat(32)

export function readIdentity(): Identity {
  return {
    pid: process.pid,
    host: os.hostname(),
    bootId: parseBootId(readText('/proc/sys/kernel/random/boot_id')),
    bootTimeMs: parseBootTimeMs(readText('/proc/stat')) ?? bootTimeFromUptimeMs(),
  }
}

/** 32 hex digits, or the constant for "unknown" where `text` is no boot id. */
export function parseBootId(text: string): string {
  const digits = text.trim().replaceAll('-', '').toLowerCase()
  return /^[0-9a-f]{32}$/.test(digits) ? digits : UNKNOWN_BOOT_ID
}

/** The btime line of /proc/stat, in milliseconds. */
export function parseBootTimeMs(text: string): number | undefined {
  const seconds = /^btime (\d+)$/m.exec(text)?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1000
}

/** Within a second or two; for people to read, nothing is decided by it. */
function bootTimeFromUptimeMs(): number {
  return Math.round(Date.now() / 1000 - os.uptime()) * 1000
}

/**
 * No such file (not Linux, or no /proc) is an answer here: the callers have one for ''. By a descriptor of our own:
 * `readFileSync` of a path, in Node 20, ends the process where it reads UTF-8 and cannot close the file, and leaves the
 * file open where it reads anything else and fstat fails.
 */
function readText(path: string): string {
  let descriptor: number | undefined
  try {
    descriptor = fs.openSync(path, 'r')
    return fs.readFileSync(descriptor, 'utf8')
  } catch {
    return ''
  } finally {
    if (descriptor !== undefined) closeRead(descriptor)
  }
}

/** What was read is whole, whatever closing says; Linux frees the descriptor in any case. */
function closeRead(descriptor: number): void {
  try {
    fs.closeSync(descriptor)
  } catch {
    return
  }
}
