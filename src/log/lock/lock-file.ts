/**
 * The content of LOCK and of the files on their way to become it: one line of JSON that says who
 * owns the log. Reads and writes such files through `System` and decides nothing.
 */
import { nothingTakenError, systemErrorCode } from '../../errors.ts'
import type { FileHandle, System } from '../../system/system.ts'
import { ioError, runAll } from '../io-errors.ts'

/** Longer files are no lock files. The longest that is written has under 2,000 bytes. */
export const LOCK_FILE_BYTES_MAX = 4096
const HOST_CHARACTERS_MAX = 255
/** The last millisecond a `Date` can name. */
const TIME_MS_MAX = 8.64e15
const VERSION = 1
const encoder = new TextEncoder()
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Who holds, or held, the lock. */
export interface LockOwner {
  /** 32 hex digits, new with every opening: names this opening for ever. */
  readonly random: string
  /** Grows with every owner of this log. */
  readonly epoch: number
  readonly pid: number
  readonly host: string
  /** The boot of the kernel it ran under, 32 hex digits. */
  readonly bootId: string
  /** When it took the lock, milliseconds since 1970. */
  readonly sinceMs: number
  /** `released` once its owner gave it up: as good as dead, whoever may listen. */
  readonly state: 'held' | 'released'
}

/** What stands under the name LOCK or LOCK-after-*. */
export type LockFile =
  | { readonly kind: 'missing' }
  | {
      readonly kind: 'owner'
      readonly owner: LockOwner
      /** Names who may follow: the random, or a fingerprint where the file is unreadable. */
      readonly id: string
      readonly bytes: Uint8Array
    }
  | {
      readonly kind: 'unreadable'
      readonly why: string
      readonly id: string
      readonly bytes: Uint8Array
    }

export type PresentLockFile = Exclude<LockFile, { kind: 'missing' }>

export function lockPath(directory: string): string {
  return `${directory}/LOCK`
}

/** One opener wins the right to follow the owner called `id`: the one whose link has this name. */
export function afterPath(directory: string, id: string): string {
  return `${directory}/LOCK-after-${id}`
}

export function temporaryPath(directory: string, random: string): string {
  return `${directory}/lock-${random}.tmp`
}

export function socketName(random: string): string {
  return `lock-${random}.sock`
}

export function socketPath(directory: string, random: string): string {
  return `${directory}/${socketName(random)}`
}

/** A socket stands here from its binding until it is known to listen. */
export function newbornSocketPath(directory: string, random: string): string {
  return `${socketPath(directory, random)}.tmp`
}

export function encodeLockFile(owner: LockOwner): Uint8Array {
  const bytes = encoder.encode(canonicalText(owner))
  if (parseLockFile(bytes).owner === undefined) throw new Error('a lock file must parse back')
  return bytes
}

/** One spelling for each owner, so that a parser can insist on it. */
function canonicalText(owner: LockOwner): string {
  const fields = {
    qlog: 'lock',
    version: VERSION,
    random: owner.random,
    epoch: owner.epoch,
    pid: owner.pid,
    host: owner.host.slice(0, HOST_CHARACTERS_MAX).toWellFormed(),
    bootId: owner.bootId,
    sinceMs: owner.sinceMs,
    socket: socketName(owner.random),
    state: owner.state,
  }
  return `${JSON.stringify(fields)}\n`
}

/** Strict: exactly what `encodeLockFile` writes is a lock file, and nothing else. */
export function parseLockFile(
  bytes: Uint8Array,
): { owner: LockOwner } | { owner: undefined; why: string } {
  if (bytes.byteLength > LOCK_FILE_BYTES_MAX) {
    return { owner: undefined, why: `it has more than ${LOCK_FILE_BYTES_MAX} bytes` }
  }
  let text: string
  let fields: unknown
  try {
    text = strictDecoder.decode(bytes)
    fields = JSON.parse(text)
  } catch {
    return { owner: undefined, why: 'it is not one line of JSON' }
  }
  if (typeof fields !== 'object' || fields === null || !('qlog' in fields)) {
    return { owner: undefined, why: 'it is not a lock file of qlog' }
  }
  if ('version' in fields && fields.version !== VERSION) {
    return { owner: undefined, why: `its version is not ${VERSION}` }
  }
  const owner = toOwner(fields)
  if (owner === undefined || canonicalText(owner) !== text) {
    return { owner: undefined, why: 'its fields are not those of a lock file' }
  }
  return { owner }
}

function toOwner(fields: object): LockOwner | undefined {
  const { random, epoch, pid, host, bootId, sinceMs, state } = fields as Record<string, unknown>
  if (!isHexName(random) || !isHexName(bootId)) return undefined
  if (!isInteger(epoch, 1, Number.MAX_SAFE_INTEGER)) return undefined
  if (!isInteger(pid, 0, Number.MAX_SAFE_INTEGER)) return undefined
  if (!isInteger(sinceMs, -TIME_MS_MAX, TIME_MS_MAX)) return undefined
  if (typeof host !== 'string' || (state !== 'held' && state !== 'released')) return undefined
  return { random, epoch, pid, host, bootId, sinceMs, state }
}

/** 16 bytes in lower-case hex. */
export function isHexName(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value)
}

function isInteger(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max
}

/** Reads at most one byte more than a lock file can have. Rejects with QLOG_IO. */
export async function readLockFile(system: System, path: string): Promise<LockFile> {
  let bytes: Uint8Array
  try {
    const handle = await system.files.open(path, { mode: 'read' })
    bytes = await readBounded(handle).finally(() => handle.close())
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return { kind: 'missing' }
    throw ioError(`read ${path}`, error)
  }
  const parsed = parseLockFile(bytes)
  if (parsed.owner !== undefined) {
    return { kind: 'owner', owner: parsed.owner, id: parsed.owner.random, bytes }
  }
  const crc = system.crc32(bytes, 0).toString(16).padStart(8, '0')
  return { kind: 'unreadable', why: parsed.why, id: `unreadable-${crc}`, bytes }
}

async function readBounded(handle: FileHandle): Promise<Uint8Array> {
  const target = new Uint8Array(LOCK_FILE_BYTES_MAX + 1)
  let byteCount = 0
  while (byteCount < target.byteLength) {
    const taken = await handle.read(target.subarray(byteCount), byteCount)
    if (taken === 0) break
    byteCount += taken
  }
  return target.subarray(0, byteCount)
}

/** Same bytes: nobody has put another file there, raised an epoch or released in between. */
export function isSameLockFile(one: LockFile, other: LockFile): boolean {
  if (one.kind === 'missing' || other.kind === 'missing') return one.kind === other.kind
  if (one.bytes.byteLength !== other.bytes.byteLength) return false
  for (let at = 0; at < one.bytes.byteLength; at += 1) {
    if (one.bytes[at] !== other.bytes[at]) return false
  }
  return true
}

/** A lock file under its temporary name, durable, and open so that its inode stays its own. */
export interface WrittenLockFile {
  readonly owner: LockOwner
  readonly handle: FileHandle
  readonly device: number
  readonly inode: number
}

/** Leaves nothing behind where it fails. Rejects with QLOG_IO. */
export async function writeLockFile(
  system: System,
  directory: string,
  owner: LockOwner,
): Promise<WrittenLockFile> {
  const path = temporaryPath(directory, owner.random)
  const action = `write ${path}`
  let handle: FileHandle
  try {
    handle = await system.files.open(path, { mode: 'create' })
  } catch (error) {
    throw ioError(action, error)
  }
  try {
    await writeAll(handle, encodeLockFile(owner))
    await handle.flush()
    const { device, inode } = await handle.stat()
    return { owner, handle, device, inode }
  } catch (error) {
    const later = await runAll([() => handle.close(), () => system.files.unlink(path)])
    throw ioError(action, error, later)
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let byteCount = 0
  while (byteCount < bytes.byteLength) {
    const taken = await handle.write(bytes.subarray(byteCount), byteCount)
    if (taken <= 0) throw nothingTakenError()
    byteCount += taken
  }
}

/** Unlinks a file that may be gone already. Rejects with QLOG_IO. */
export async function unlinkIfThere(system: System, path: string): Promise<void> {
  try {
    await system.files.unlink(path)
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw ioError(`unlink ${path}`, error)
  }
}
