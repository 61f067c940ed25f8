/**
 * What the words of `qlog serve` ask for: an own form, and that of beanstalkd. What the help says of them
 * stands in `options.ts`. Pure.
 */
import { QlogTypeError } from '../../errors.ts'
import type { SyncMode } from '../../index.ts'
import { addressText, parseAddress } from '../../server/index.ts'
import { BEANSTALKD_PORT, MEMCACHE_PORT, METRICS_PORT } from './options.ts'
import { type Found, findWords, WordError } from './words.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** Cannot be written: stands for a port that was not named. */
const NO_PORT = -1

/** The first descriptor that a service manager hands down. */
const INHERITED_FIRST = 3

/** A log takes records of 32 MiB; what a job has besides its body needs some of that. */
export const JOB_BYTES_MAX_MAX = 32 * MIB - 64 * KIB
const SEGMENT_BYTES_MIN = 64 * KIB
const SEGMENT_BYTES_MAX = 1024 * MIB

/** Without any of them a directory was forgotten: nobody else wants every interface, and nothing kept. */
const DROP_IN_FLAGS = ['b', 'l', 'p']

/** What is to be served, where and how. */
export interface ServePlan {
  /** Started by beanstalkd's flags: its exit codes count. */
  readonly isDropIn: boolean
  /** A directory, or `:memory:`. */
  readonly directory: string
  readonly beanstalkd: readonly string[]
  readonly memcache: readonly string[]
  readonly metrics: readonly string[]
  readonly sync: SyncMode
  readonly jobBytesMax: number | undefined
  readonly segmentBytesMax: number | undefined
  readonly user: string | undefined
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  readonly tokenFile: string | undefined
  readonly connectionsMax: number | undefined
  readonly idleTimeoutMs: number | undefined
  readonly stopTimeoutMs: number
  readonly isVerbose: boolean
  /** What was asked for and is done otherwise. */
  readonly notes: readonly string[]
}

/** The words cannot be meant. */
export class ServeUsageError extends Error {
  readonly isDropIn: boolean

  constructor(message: string, isDropIn: boolean) {
    super(message)
    this.name = 'ServeUsageError'
    this.isDropIn = isDropIn
  }
}

export type ServeWish =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'serve'; readonly plan: ServePlan }

/** Throws {@link ServeUsageError}. `environment` and `pid` say whether sockets were handed down. */
export function readServeWords(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): ServeWish {
  const found = new Map<string, string[]>()
  try {
    findWords(words, found)
    if (found.has('h') || found.has('help')) return { kind: 'help' }
    if (found.has('v') || found.has('version')) return { kind: 'version' }
    const inherited = inheritedSockets(environment, pid)
    return { kind: 'serve', plan: planOf(found, inherited) }
  } catch (error) {
    if (error instanceof WordError || error instanceof QlogTypeError) {
      throw new ServeUsageError(error.message, isDropInForm(found))
    }
    throw error
  }
}

/** In beanstalkd's form the directory is one of the flags, or there is none. */
function isDropInForm(found: Found): boolean {
  return found.has('b') || !found.has('directory')
}

/** How many listening sockets a service manager handed down to this very process. */
function inheritedSockets(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): number {
  const count = environment['LISTEN_FDS'] ?? ''
  if (environment['LISTEN_PID'] !== String(pid) || !/^[1-9]\d{0,3}$/.test(count)) return 0
  return Number(count)
}

function planOf(found: Found, inherited: number): ServePlan {
  const isDropIn = isDropInForm(found)
  const notes: string[] = []
  const directory = directoryOf(found)
  const beanstalkd = beanstalkdAddresses(found, isDropIn, inherited, notes)
  const memcache = addresses(found, 'memcache', MEMCACHE_PORT)
  if (beanstalkd.length + memcache.length === 0) {
    throw new WordError('say what to serve: --beanstalkd, --memcache or both')
  }
  if (isDropIn && inherited === 0 && !DROP_IN_FLAGS.some((flag) => found.has(flag))) {
    throw new WordError(
      'say where the store is: `qlog serve DIR ...`, or -b DIR; with -l or -p alone nothing is kept',
    )
  }
  const tlsCert = last(found, 'tls-cert')
  const tlsKey = last(found, 'tls-key')
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new WordError('--tls-cert and --tls-key belong together')
  }
  const idle = last(found, 'idle-timeout')
  return {
    isDropIn,
    directory,
    beanstalkd,
    memcache,
    metrics: addresses(found, 'metrics', METRICS_PORT),
    sync: syncOf(found),
    jobBytesMax: bounded(found, 'z', 0, JOB_BYTES_MAX_MAX, notes),
    segmentBytesMax: bounded(found, 's', SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX, notes),
    user: last(found, 'u'),
    tlsCert,
    tlsKey,
    tokenFile: last(found, 'token-file'),
    connectionsMax: count(found, 'connections-max', 1_000_000),
    idleTimeoutMs: idle === undefined ? undefined : secondsOf('--idle-timeout', idle),
    stopTimeoutMs: secondsOf('--stop-timeout', last(found, 'stop-timeout') ?? '10'),
    isVerbose: found.has('V'),
    notes,
  }
}

function last(found: Found, name: string): string | undefined {
  return found.get(name)?.at(-1)
}

function directoryOf(found: Found): string {
  const named = found.get('directory') ?? []
  const flagged = last(found, 'b')
  const all = flagged === undefined ? named : [flagged, ...named]
  if (all.length > 1) {
    throw new WordError(
      `one directory only, not ${all.join(' and ')}; an address is HOST:PORT, :PORT or unix:PATH`,
    )
  }
  const directory = named[0] ?? flagged ?? ':memory:'
  if (directory === '') throw new WordError('the directory has no name')
  return directory
}

function addresses(found: Found, name: string, port: number): string[] {
  return (found.get(name) ?? []).map((text) =>
    text === '' ? `127.0.0.1:${port}` : addressText(parseAddress(text, port)),
  )
}

function beanstalkdAddresses(
  found: Found,
  isDropIn: boolean,
  inherited: number,
  notes: string[],
): string[] {
  const wished = found.get('beanstalkd') ?? []
  const named = wished.filter((text) => text !== '')
  const host = last(found, 'l')
  const portWord = last(found, 'p')
  if (named.length > 0 && (host !== undefined || portWord !== undefined)) {
    throw new WordError('name the address by --beanstalkd ADDR, or by -l and -p')
  }
  if (wished.length === 0) {
    if (host === undefined && portWord === undefined) return []
    throw new WordError(
      '-l and -p are the address of --beanstalkd, which is not asked for; that of another stands behind it: --memcache ADDR',
    )
  }
  if (named.length === wished.length) return addresses(found, 'beanstalkd', BEANSTALKD_PORT)
  if (inherited > 0) {
    // What a service manager hands down goes before what the words say, as in beanstalkd.
    if (inherited > 1)
      notes.push('more than one socket was handed down: all but the first are ignored')
    return [`fd:${INHERITED_FIRST}`]
  }
  const port = portWord === undefined ? BEANSTALKD_PORT : portOf(portWord)
  if (host === undefined) return isDropIn ? [`:${port}`] : [`127.0.0.1:${port}`]
  if (host.startsWith('unix:')) return [addressText(parseAddress(host))]
  return [addressText({ kind: 'tcp', host: hostOf(host), port })]
}

function hostOf(word: string): string {
  const address = parseAddress(word, NO_PORT)
  if (address.kind !== 'tcp' || address.host === undefined)
    throw new WordError(`-l: no host: ${word}`)
  // A port that was left out is this one: else one was named, and would be lost.
  if (address.port !== NO_PORT) throw new WordError(`-l is a host alone, and -p its port: ${word}`)
  return address.host
}

function portOf(word: string): number {
  const port = /^\d{1,5}$/.test(word) ? Number(word) : -1
  if (port >= 0 && port <= 65_535) return port
  throw new WordError(`-p: no port: ${word}`)
}

const SYNC_FLAGS = ['sync', 'F', 'f']

/** The last word counts, whichever of the three it is. */
function syncOf(found: Found): SyncMode {
  const flag = [...found.keys()].findLast((name) => SYNC_FLAGS.includes(name))
  if (flag === undefined) return 'always'
  if (flag === 'F') return 'never'
  const word = last(found, flag) ?? ''
  if (flag === 'f') return intervalOf('-f', word)
  if (word === 'always' || word === 'never') return word
  const ms = /^interval:(\d{1,7})$/.exec(word)?.[1]
  if (ms === undefined) throw new WordError(`--sync is always, never or interval:MS, not ${word}`)
  return intervalOf('--sync', ms)
}

function intervalOf(name: string, word: string): SyncMode {
  const ms = /^\d{1,7}$/.test(word) ? Number(word) : -1
  if (ms < 0 || ms > 3_600_000)
    throw new WordError(`${name}: no milliseconds from 0 to 3600000: ${word}`)
  return ms === 0 ? 'always' : { intervalMs: ms }
}

function bounded(
  found: Found,
  flag: string,
  least: number,
  most: number,
  notes: string[],
): number | undefined {
  const word = last(found, flag)
  if (word === undefined) return undefined
  if (!/^\d{1,15}$/.test(word)) throw new WordError(`-${flag}: no number of bytes: ${word}`)
  const bytes = Math.min(Math.max(Number(word), least), most)
  if (bytes !== Number(word)) notes.push(`-${flag} ${word} is out of range, ${bytes} is taken`)
  return bytes
}

function count(found: Found, name: string, most: number): number | undefined {
  const word = last(found, name)
  if (word === undefined) return undefined
  const value = /^\d{1,7}$/.test(word) ? Number(word) : 0
  if (value >= 1 && value <= most) return value
  throw new WordError(`--${name} is a whole number from 1 to ${most}, not ${word}`)
}

function secondsOf(name: string, word: string): number {
  const value = /^\d{1,7}(\.\d{1,3})?$/.test(word) ? Math.round(Number(word) * 1_000) : 0
  if (value >= 1) return value
  throw new WordError(`${name} is seconds over 0, not ${word}`)
}
