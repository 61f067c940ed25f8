/**
 * A server of the platform at an address. Touches `node:net`, and the file of a unix socket that a process
 * which died has left.
 */
import { lstat, unlink } from 'node:fs/promises'
import * as net from 'node:net'
import { QlogError, systemErrorCode } from '../../errors.ts'
import { type Address, addressText } from './address.ts'
import { BACKLOG } from './limits.ts'

/** Listens, and tells the address with the port that it really is. Rejects with QLOG_ADDRESS. */
export async function bind(server: net.Server, address: Address): Promise<string> {
  try {
    await listening(server, address)
  } catch (error) {
    if (address.kind !== 'unix' || !(await removeLeftSocket(address.path, error))) {
      throw cannotListen(address, error)
    }
    try {
      await listening(server, address)
    } catch (second) {
      throw cannotListen(address, second)
    }
  }
  const bound = server.address()
  if (address.kind === 'unix' || bound === null) return addressText(address)
  if (typeof bound === 'string') return `unix:${bound}`
  const host = address.kind === 'tcp' ? address.host : bound.address
  return addressText({ kind: 'tcp', host, port: bound.port })
}

function listening(server: net.Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error): void => reject(error)
    server.once('error', refuse)
    server.listen(platformAddress(address), () => {
      server.off('error', refuse)
      resolve()
    })
  })
}

function platformAddress(address: Address): net.ListenOptions {
  // Exclusive: in a cluster's worker the socket would otherwise belong to the primary process.
  const common = { backlog: BACKLOG, exclusive: true }
  if (address.kind === 'unix') return { ...common, path: address.path }
  if (address.kind === 'inherited')
    return { ...common, fd: address.descriptor } as net.ListenOptions
  const { host, port } = address
  return host === undefined ? { ...common, port } : { ...common, port, host }
}

/** True where the address is taken by nothing but the file of a socket at which nobody listens. */
async function removeLeftSocket(path: string, error: unknown): Promise<boolean> {
  if (systemErrorCode(error) !== 'EADDRINUSE') return false
  try {
    const found = await lstat(path)
    if (!found.isSocket() || (await somebodyListens(path))) return false
    await unlink(path)
    return true
  } catch (second) {
    return systemErrorCode(second) === 'ENOENT'
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
