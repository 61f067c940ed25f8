/**
 * A server of the platform at an address. Touches `node:net`, the file of its own unix socket, and one that a
 * process which died has left.
 */
import { randomBytes } from 'node:crypto'
import { linkSync, lstatSync, unlinkSync } from 'node:fs'
import { lstat, unlink } from 'node:fs/promises'
import * as net from 'node:net'
import { dirname, join } from 'node:path'
import { QlogError, systemErrorCode } from '../../errors.ts'
import { type Address, addressText, UNIX_PATH_BYTES_MAX } from './address.ts'
import { BACKLOG } from './limits.ts'

// Exclusive: in a cluster's worker the socket would otherwise belong to the primary process.
const COMMON = { backlog: BACKLOG, exclusive: true }

const TEMPORARY_NAME_BYTES = 6

export interface Bound {
  /** With the port that it really is. */
  readonly address: string
  /** Takes the file of the socket away, where it is still this one. To be called as the server is closed. */
  readonly unlink: () => void
}

/** Listens. Rejects with QLOG_ADDRESS. */
export async function bind(server: net.Server, address: Address): Promise<Bound> {
  try {
    if (address.kind === 'unix') return await bindUnix(server, address.path)
    await listening(server, platformAddress(address))
  } catch (error) {
    throw cannotListen(address, error)
  }
  return { address: boundText(server, address), unlink: () => undefined }
}

function boundText(server: net.Server, address: Address): string {
  const bound = server.address()
  if (bound === null) return addressText(address)
  if (typeof bound === 'string') return `unix:${bound}`
  const host = address.kind === 'tcp' ? address.host : bound.address
  return addressText({ kind: 'tcp', host, port: bound.port })
}

/**
 * The platform takes the file away by its name when it closes, whosever it is by then. So the socket is born
 * with a name of its own, and gets the one that is wished for as a second, which is taken away by hand.
 */
async function bindUnix(server: net.Server, path: string): Promise<Bound> {
  const born = join(dirname(path), `.${randomBytes(TEMPORARY_NAME_BYTES).toString('hex')}`)
  if (Buffer.byteLength(born) > UNIX_PATH_BYTES_MAX) {
    throw new Error(`the name of its directory is too long: ${dirname(path)}`)
  }
  await listening(server, { ...COMMON, path: born })
  let unlink = (): void => undefined
  try {
    const { dev, ino } = lstatSync(born, { bigint: true })
    unlink = () => unlinkOwn(path, dev, ino)
    await linkAs(born, path)
    unlinkSync(born)
    return { address: `unix:${path}`, unlink }
  } catch (error) {
    unlink()
    // Takes the name that it was born with away, too: to look for that would tell of it instead of the error.
    await new Promise<void>((resolve) => server.close(() => resolve()))
    throw error
  }
}

async function linkAs(born: string, path: string): Promise<void> {
  try {
    linkSync(born, path)
  } catch (error) {
    if (!(await removeLeftSocket(path, error))) throw error
    linkSync(born, path)
  }
}

/** Never throws: it is called as a server ends, which must not go on listening for the sake of a name. */
function unlinkOwn(path: string, dev: bigint, ino: bigint): void {
  try {
    const found = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    if (found?.dev === dev && found.ino === ino) unlinkSync(path)
  } catch {
    // Who has become another user may have no right to: the next start finds that nobody listens there.
  }
}

function listening(server: net.Server, options: net.ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error): void => reject(error)
    server.once('error', refuse)
    server.listen(options, () => {
      server.off('error', refuse)
      resolve()
    })
  })
}

function platformAddress(address: Exclude<Address, { kind: 'unix' }>): net.ListenOptions {
  if (address.kind === 'inherited')
    return { ...COMMON, fd: address.descriptor } as net.ListenOptions
  const { host, port } = address
  return host === undefined ? { ...COMMON, port } : { ...COMMON, port, host }
}

/** True where the address is taken by nothing but the file of a socket at which nobody listens. */
async function removeLeftSocket(path: string, error: unknown): Promise<boolean> {
  if (systemErrorCode(error) !== 'EEXIST') return false
  try {
    const found = await lstat(path)
    if (!found.isSocket() || (await somebodyListens(path))) return false
    await unlink(path)
    return true
  } catch (second) {
    // It is gone meanwhile; or it is nobody's, and may not be taken away: that is what has to be told.
    if (systemErrorCode(second) === 'ENOENT') return true
    throw second
  }
}

function somebodyListens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // Only a plain refusal proves that nobody does.
    socket.once('error', (error) => resolve(systemErrorCode(error) !== 'ECONNREFUSED'))
  })
}

function cannotListen(address: Address, cause: unknown): QlogError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const words = `cannot listen at ${addressText(address)}: ${why}`
  return new QlogError('QLOG_ADDRESS', words, { cause })
}
