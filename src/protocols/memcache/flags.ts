/**
 * The 32 bits that a client puts beside a value, and gets back: a header of the message where they are
 * not 0. What another protocol has put has none, which is 0. And the time that a client gives it. Pure.
 */
import type { PutOptions } from '../../index.ts'

const FLAGS_MAX = 0xffff_ffff
/** Kestrel takes a larger number as seconds since 1970, a smaller one as seconds from now. */
const RELATIVE_SECONDS_MAX = 1_000_000

/** Clients use few different flags: one object serves them all. */
let last = { flags: 0, options: undefined as PutOptions | undefined }

/** Options of a put; undefined where there is nothing to say. */
export function putOptions(
  flags: number,
  exptime: number,
  honourExpiry: boolean,
): PutOptions | undefined {
  if (last.flags !== flags) {
    last = { flags, options: flags === 0 ? undefined : { headers: { flags: String(flags) } } }
  }
  if (!honourExpiry || exptime === 0) return last.options
  return { ...last.options, ttlMs: ttlMs(exptime) }
}

export function flagsOf(headers: Readonly<Record<string, string>>): number {
  const { flags } = headers
  if (flags === undefined || !/^\d{1,10}$/.test(flags)) return 0
  const number = Number(flags)
  return number <= FLAGS_MAX ? number : 0
}

/** What has expired already goes with the next look. */
function ttlMs(exptime: number): number {
  if (exptime < RELATIVE_SECONDS_MAX) return Math.max(1, exptime * 1_000)
  return Math.max(1, exptime * 1_000 - Date.now())
}
