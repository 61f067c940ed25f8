/**
 * Metrics and health over HTTP, for what watches a server: `GET /metrics`, `GET /healthz` (is it of use now)
 * and `GET /livez` (should it be left to run). Touches `node:http`, which is loaded when it is asked for.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { QlogTypeError } from '../errors.ts'
import { parseAddress } from './listen/address.ts'
import { type Bound, bind } from './listen/bind.ts'

/** Scrapers are few; more connections than this are let go. */
const CONNECTIONS_MAX = 64
/** A request is there whole within this time. */
const REQUEST_TIMEOUT_MS = 10_000
/** How often the platform looks for requests that take longer; every half minute unless told. */
const REQUEST_LOOK_MS = 1000
/** Answers can be large, and a reader that takes nothing, or a byte now and then, would keep its own. */
const CONNECTION_TIMEOUT_MS = 60_000
const TIMER_MS_MAX = 2 ** 31 - 1
/** One who sends many requests at once would gather as many answers. */
const REQUESTS_PER_CONNECTION_MAX = 1

export interface Health {
  readonly isHealthy: boolean
  /** One word; `failed` is what only a new start helps against. */
  readonly status: string
}

export interface FiguresOptions {
  /** As for `listen`. */
  readonly address: string
  /** The text of `/metrics`, in the format of Prometheus. */
  readonly metrics: () => string
  readonly health: () => Health
  readonly onError: (error: Error) => void
  /** A connection is ended after so long, whatever it does; a minute unless told, and `Infinity`: never. */
  readonly connectionTimeoutMs?: number
}

export interface FiguresServer {
  /** With the port that it really is. */
  readonly address: string
  /** Ends every connection too. */
  close(): Promise<void>
}

/** Rejects with QLOG_ADDRESS, QLOG_INVALID_ARGUMENT. */
export async function serveFigures(options: FiguresOptions): Promise<FiguresServer> {
  const address = parseAddress(options.address)
  const { connectionTimeoutMs = CONNECTION_TIMEOUT_MS } = options
  if (!(connectionTimeoutMs > 0)) throw new QlogTypeError('connectionTimeoutMs must be over 0')
  const http = await import('node:http')
  const server = http.createServer({
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: REQUEST_LOOK_MS,
  })
  server.maxConnections = CONNECTIONS_MAX
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX
  server.on('connection', (socket) => endAfter(socket, connectionTimeoutMs))
  const asked = new WeakSet<Socket>()
  server.on('request', (request, response) => {
    // The platform counts those of HTTP/1.1 alone.
    if (asked.has(request.socket)) refuse(response, 503)
    else answer(options, request, response)
    asked.add(request.socket)
  })
  // Its own answer to an expectation that it does not know would leave the connection open.
  server.on('checkExpectation', (_, response) => refuse(response, 417))
  const bound = await bind(server, address)
  server.on('error', options.onError)
  return { address: bound.address, close: () => close(server, bound) }
}

function endAfter(socket: Socket, timeoutMs: number): void {
  if (timeoutMs > TIMER_MS_MAX) return
  const timer = setTimeout(() => socket.destroy(), timeoutMs)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { Connection: 'close' }).end()
}

function answer(options: FiguresOptions, request: IncomingMessage, response: ServerResponse): void {
  // Bodies are of no interest, and must not be waited for.
  request.resume()
  try {
    const { status, type, text } = answerOf(options, request)
    response.writeHead(status, {
      'Content-Type': type,
      'Content-Length': Buffer.byteLength(text),
      'Cache-Control': 'no-store',
      Connection: 'close',
    })
    response.end(request.method === 'HEAD' ? undefined : text)
  } catch (error) {
    options.onError(error instanceof Error ? error : new Error(String(error)))
    refuse(response, 500)
  }
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
}

function answerOf({ metrics, health }: FiguresOptions, request: IncomingMessage): Answer {
  const type = 'text/plain; charset=utf-8'
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, type, text: 'GET only\n' }
  }
  const path = (request.url ?? '').split('?', 1)[0]
  if (path === '/metrics') {
    return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', text: metrics() }
  }
  if (path !== '/healthz' && path !== '/livez') {
    return { status: 404, type, text: '/metrics, /healthz or /livez\n' }
  }
  const { isHealthy, status } = health()
  const isFine = path === '/livez' ? status !== 'failed' : isHealthy
  return {
    status: isFine ? 200 : 503,
    type: 'application/json',
    text: `${JSON.stringify({ status })}\n`,
  }
}

function close(server: Server, bound: Bound): Promise<void> {
  bound.unlink()
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
