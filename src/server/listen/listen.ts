/**
 * A protocol at an address: accepts connections up to a limit, looks after their time-outs, and stops
 * gracefully. Touches `node:net` and `node:tls`; everything of one connection is in `served-client.ts`.
 */
import * as net from 'node:net'
import { abortError, QlogTypeError, throwIfAborted } from '../../errors.ts'
import { parseAddress } from './address.ts'
import { type Bound, bind } from './bind.ts'
import { BodyRoom } from './body-room.ts'
import {
  CLOSE_TIMEOUT_MS,
  CONNECTIONS_MAX,
  HANDSHAKE_TIMEOUT_MS,
  KEEP_ALIVE_MS,
  LISTEN_LIMITS,
  type ListenLimits,
  SWEEP_MS_MAX,
} from './limits.ts'
import { LoopTurns } from './loop-share.ts'
import { type ClientHost, ServedClient } from './served-client.ts'
import { SocketWire } from './socket-wire.ts'
import type {
  EndReason,
  Listener,
  ListenerTotals,
  ListenOptions,
  ListenSystem,
  TlsOptions,
} from './types.ts'

/**
 * Serves the protocol at the address. Rejects with QLOG_ADDRESS, QLOG_INVALID_ARGUMENT, QLOG_ABORTED.
 */
export async function listenOn(system: ListenSystem, options: ListenOptions): Promise<Listener> {
  const { signal } = options
  throwIfAborted(signal)
  const address = parseAddress(options.address)
  const listener = new SocketListener(system, options)
  const server = await makeServer(options.tls, (socket, isTls) => listener.accept(socket, isTls))
  const bound = await bind(server, address)
  listener.begin(server, bound)
  if (signal === undefined) return listener
  const stop = (): void => {
    // Nobody waits for it: what goes wrong in it is told like what goes wrong beside every call.
    listener.close({ timeoutMs: 0 }).catch((error: unknown) => listener.failed(error))
  }
  signal.addEventListener('abort', stop, { once: true })
  listener.onClosed = () => signal.removeEventListener('abort', stop)
  if (!signal.aborted) return listener
  await listener.close({ timeoutMs: 0 })
  throw abortError(signal)
}

async function makeServer(
  options: TlsOptions | undefined,
  accept: (socket: net.Socket, isTls: boolean) => void,
): Promise<net.Server> {
  const common = {
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  }
  if (options === undefined) return net.createServer(common, (socket) => accept(socket, false))
  // Loading it takes longer than all the rest of a start.
  const tls = await import('node:tls')
  const { cert, key } = options
  try {
    const secrets = { cert: asPem(cert), key: asPem(key), handshakeTimeout: HANDSHAKE_TIMEOUT_MS }
    const server = tls.createServer({ ...common, ...secrets }, (socket) => accept(socket, true))
    // A peer that does not speak TLS concerns nobody else.
    server.on('tlsClientError', (_, socket) => socket.destroy())
    return server
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new QlogTypeError(`the certificate and its key are of no use: ${why}`, { cause: error })
  }
}

function asPem(value: string | Uint8Array): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value)
}

class SocketListener implements Listener, ClientHost {
  readonly protocol: string
  address = ''
  readonly clock: ListenSystem['clock']
  readonly limits: ListenLimits
  readonly idleTimeoutMs: number
  readonly bodyRoom: BodyRoom
  readonly behindWaits = { bytes: 0 }
  readonly loopTurns: LoopTurns
  onClosed: () => void = () => undefined
  readonly #system: ListenSystem
  readonly #options: ListenOptions
  readonly #clients = new Set<ServedClient>()
  /** Every socket, also one that is still in its handshake. */
  readonly #sockets = new Set<net.Socket>()
  readonly #endedBy: Record<EndReason, number> = {
    unauthorized: 0,
    idle: 0,
    'half-command': 0,
    'takes-nothing': 0,
    failed: 0,
    stopped: 0,
  }
  #server: net.Server | undefined
  #bound: Bound | undefined
  #accepted = 0
  #refused = 0
  #goneBytesRead = 0
  #goneBytesWritten = 0
  #cancelSweep: () => void = () => undefined
  #isSweeping = false
  #closing: Promise<void> | undefined
  #onAllGone: () => void = () => undefined

  constructor(system: ListenSystem, options: ListenOptions) {
    this.#system = system
    this.#options = options
    this.protocol = options.protocol.name
    this.clock = system.clock
    this.loopTurns = new LoopTurns(system.clock)
    this.limits = checkLimits({ ...LISTEN_LIMITS, ...options.limits })
    this.idleTimeoutMs = options.idleTimeoutMs ?? Number.POSITIVE_INFINITY
    if (!(this.idleTimeoutMs > 0)) throw new QlogTypeError('idleTimeoutMs must be over 0')
    this.bodyRoom = new BodyRoom(this.limits.largeBodiesBytesMax)
  }

  get connections(): number {
    return this.#clients.size
  }

  begin(server: net.Server, bound: Bound): void {
    this.#server = server
    this.#bound = bound
    this.address = bound.address
    server.maxConnections = this.#options.connectionsMax ?? CONNECTIONS_MAX
    server.on('drop', () => {
      this.#refused += 1
    })
    // A failing accept, for want of descriptors, ends nothing: whoever was not accepted waits in the kernel.
    server.on('error', (error) => this.#report(error, undefined))
    server.on('connection', (socket: net.Socket) => this.#track(socket))
  }

  accept(socket: net.Socket, isTls: boolean): void {
    // What breaks a connection concerns its peer, who knows: the end of the socket follows.
    socket.on('error', () => undefined)
    if (this.#closing !== undefined) {
      socket.destroy()
      return
    }
    this.#accepted += 1
    const wire = new SocketWire(socket, isTls)
    const client = new ServedClient(this, wire, this.#accepted)
    this.#clients.add(client)
    wire.attach(client, () => {
      this.#clients.delete(client)
      this.#goneBytesRead += client.bytesRead
      this.#goneBytesWritten += client.bytesWritten
      if (this.#clients.size === 0) this.#onAllGone()
    })
    client.begin(this.#options.protocol)
    this.#sweepSoon()
  }

  onEnded(client: number, why: EndReason): void {
    this.#endedBy[why] += 1
    try {
      this.#options.onEnded?.(client, why)
    } catch (error) {
      // Whoever listens must not keep other connections from being ended.
      this.failed(error, client)
    }
  }

  onError(error: Error, client: number): void {
    this.#report(error, client)
  }

  /** Something went wrong that no call can reject with; `client` is absent where that concerns no connection. */
  failed(error: unknown, client?: number): void {
    this.#report(error instanceof Error ? error : new Error(String(error)), client)
  }

  totals(): ListenerTotals {
    let bytesRead = this.#goneBytesRead
    let bytesWritten = this.#goneBytesWritten
    for (const client of this.#clients) {
      bytesRead += client.bytesRead
      bytesWritten += client.bytesWritten
    }
    const { size: open } = this.#clients
    const endedBy = { ...this.#endedBy }
    return {
      connections: this.#accepted,
      open,
      refused: this.#refused,
      endedBy,
      bytesRead,
      bytesWritten,
    }
  }

  close({ timeoutMs = CLOSE_TIMEOUT_MS }: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  async #close(timeoutMs: number): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#bound?.unlink()
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    // The server closes before the last connection has told its conversation.
    const allGone = new Promise<void>((resolve) => {
      this.#onAllGone = resolve
      if (this.#clients.size === 0) resolve()
    })
    const late = (): void => this.#breakOff()
    const cancel = timeoutMs > 0 ? this.clock.after(timeoutMs, late, true) : () => undefined
    for (const client of [...this.#clients]) client.stop()
    if (timeoutMs <= 0) late()
    try {
      await closed
      await allGone
    } finally {
      cancel()
      this.#cancelSweep()
      this.onClosed()
    }
  }

  #breakOff(): void {
    for (const client of [...this.#clients]) client.drop('stopped')
    for (const socket of [...this.#sockets]) socket.destroy()
  }

  #track(socket: net.Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }

  #sweepSoon(): void {
    if (this.#isSweeping) return
    this.#isSweeping = true
    const { commandTimeoutMs, crowdedTimeoutMs, outputTimeoutMs } = this.limits
    const { authTimeoutMs, lingerMs } = this.limits
    const timeoutsMs = [commandTimeoutMs, crowdedTimeoutMs, outputTimeoutMs]
    const shortestMs = Math.min(...timeoutsMs, authTimeoutMs, lingerMs, this.idleTimeoutMs)
    const everyMs = Math.min(SWEEP_MS_MAX, Math.max(1, shortestMs / 4))
    let lastMs = this.clock.monotonicMs()
    const sweep = (): void => {
      const nowMs = this.clock.monotonicMs()
      // A process that was stopped for long comes back to peers that did nothing wrong.
      const passedMs = Math.min(nowMs - lastMs, 2 * everyMs)
      lastMs = nowMs
      for (const client of [...this.#clients]) client.tick(passedMs)
      if (this.#clients.size > 0) this.#cancelSweep = this.clock.after(everyMs, sweep)
      else this.#isSweeping = false
    }
    this.#cancelSweep = this.clock.after(everyMs, sweep)
  }

  #report(error: Error, client: number | undefined): void {
    if (this.#options.onError !== undefined) {
      this.#options.onError(error, client)
      return
    }
    const who = client === undefined ? '' : `connection ${client}: `
    this.#system.warn('QLOG_SERVER', `${this.protocol} at ${this.address}: ${who}${error.message}`)
  }
}

function checkLimits(limits: ListenLimits): ListenLimits {
  for (const [name, value] of Object.entries(limits)) {
    if (!(value > 0)) throw new QlogTypeError(`limits.${name} must be over 0, not ${String(value)}`)
  }
  return limits
}
