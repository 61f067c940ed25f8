/**
 * Unix sockets of the real platform: the owner's proof of life. Touches `node:net`, and for long
 * paths one descriptor of the socket's directory.
 */
import * as fs from 'node:fs'
import * as net from 'node:net'
import * as path from 'node:path'
import { QlogError, systemErrorCode } from '../../errors.ts'
import type { Connection, SocketListener, SocketProbe, Sockets } from '../system.ts'
import { RealConnection } from './connection.ts'
import { openDescriptor } from './file-handle.ts'

/** Connecting to a unix socket needs no answer from the other process, so this is ample. */
const PROBE_TIMEOUT_MS = 2_000

/** A path the kernel takes whole, and the way to let go of what it rests on. */
interface SocketAddress {
  readonly path: string
  release(): void
}

export class RealSockets implements Sockets {
  readonly #platform: string

  constructor(platform: string) {
    this.#platform = platform
  }

  async listen(
    socketPath: string,
    onConnection?: (connection: Connection) => void,
  ): Promise<SocketListener> {
    const address = await resolveAddress(socketPath, this.#platform)
    const open = new Set<net.Socket>()
    let isPrivate = false
    const server = net.createServer((socket) =>
      accept(socket, open, isPrivate ? onConnection : undefined),
    )
    try {
      await bind(server, address.path)
      server.unref()
      // The door keeps working in the kernel's backlog, so a failing accept must not end the
      // process; it must not go unseen either.
      server.on('error', (error) => process.emitWarning(error))
      await fs.promises.chmod(address.path, 0o600)
      // Whoever came before may be another user.
      isPrivate = true
    } catch (error) {
      if (server.listening) await closeServer(server)
      address.release()
      throw error
    }
    return {
      // Closing unlinks the socket by the path it was bound with, so the directory's descriptor
      // has to outlive it.
      close: () => {
        // A server is closed only when its last connection is.
        for (const socket of open) socket.destroy()
        return closeServer(server).finally(() => address.release())
      },
    }
  }

  async probe(socketPath: string): Promise<SocketProbe> {
    let address: SocketAddress
    try {
      address = await resolveAddress(socketPath, this.#platform)
    } catch (error) {
      return toProbe(error)
    }
    try {
      return await connectOnce(address.path)
    } finally {
      address.release()
    }
  }

  async connect(socketPath: string): Promise<Connection> {
    const address = await resolveAddress(socketPath, this.#platform)
    try {
      return new RealConnection(await connected(address.path))
    } finally {
      address.release()
    }
  }
}

function accept(
  socket: net.Socket,
  open: Set<net.Socket>,
  onConnection: ((connection: Connection) => void) | undefined,
): void {
  socket.unref()
  // An error of one that is thrown away concerns only the peer; others learn it from their calls.
  socket.on('error', () => {})
  // It has told what a probe asks: that somebody lives.
  if (onConnection === undefined) {
    socket.destroy()
    return
  }
  open.add(socket)
  socket.once('close', () => open.delete(socket))
  onConnection(new RealConnection(socket))
}

function connected(connectPath: string): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ path: connectPath })
    const timer = setTimeout(() => {
      socket.destroy(new Error(`connecting to ${connectPath} took over ${PROBE_TIMEOUT_MS} ms`))
    }, PROBE_TIMEOUT_MS)
    socket.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    socket.once('connect', () => {
      clearTimeout(timer)
      resolve(socket)
    })
  })
}

function bind(server: net.Server, boundPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // Exclusive: in a cluster's worker the socket would otherwise belong to the primary process.
    server.listen({ path: boundPath, exclusive: true }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function closeServer(server: net.Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)))
  })
}

function connectOnce(connectPath: string): Promise<SocketProbe> {
  return new Promise((resolve) => {
    const connection = net.connect({ path: connectPath })
    const finish = (result: SocketProbe): void => {
      clearTimeout(timer)
      connection.destroy()
      resolve(result)
    }
    const timer = setTimeout(() => {
      const cause = new Error(`connecting to ${connectPath} took over ${PROBE_TIMEOUT_MS} ms`)
      finish({ state: 'unclear', cause })
    }, PROBE_TIMEOUT_MS)
    connection.on('error', (error) => finish(toProbe(error)))
    connection.once('connect', () => finish({ state: 'alive' }))
  })
}

/** Only what the kernel says plainly is proof; everything else is neither life nor death. */
function toProbe(error: unknown): SocketProbe {
  const code = systemErrorCode(error)
  if (code === 'ECONNREFUSED') return { state: 'refused' }
  if (code === 'ENOENT') return { state: 'missing' }
  return { state: 'unclear', cause: error instanceof Error ? error : new Error(String(error)) }
}

/** Room for a path in `sun_path` without its final zero; longer ones are cut without a word. */
function pathBytesMax(platform: string): number {
  return platform === 'linux' ? 107 : 103
}

async function resolveAddress(socketPath: string, platform: string): Promise<SocketAddress> {
  if (platform === 'win32') {
    throw new QlogError(
      'QLOG_UNSUPPORTED',
      'Windows has no sockets in directories that Node can use',
    )
  }
  if (Buffer.byteLength(socketPath) <= pathBytesMax(platform)) {
    return { path: socketPath, release: () => {} }
  }
  const name = path.basename(socketPath)
  if (platform !== 'linux' || Buffer.byteLength(name) > 80) {
    throw new QlogError(
      'QLOG_UNSUPPORTED',
      `the path of the socket ${socketPath} is longer than ${pathBytesMax(platform)} bytes`,
    )
  }
  const { O_RDONLY, O_DIRECTORY } = fs.constants
  const descriptor = await openDescriptor(path.dirname(socketPath), O_RDONLY | O_DIRECTORY)
  return {
    path: `/proc/self/fd/${descriptor}/${name}`,
    release: () => fs.closeSync(descriptor),
  }
}
