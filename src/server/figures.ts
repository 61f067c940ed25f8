/**
 * Metrics and health over HTTP, for what watches a server: `GET /metrics`, `GET /healthz` (is it of use now)
 * and `GET /livez` (should it be left to run). Touches `node:http`, which is loaded when it is asked for.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { parseAddress } from './listen/address.ts'
import { type Bound, bind } from './listen/bind.ts'

/** Scrapers are few; more connections than this are let go. */
const CONNECTIONS_MAX = 64
/** A request is there whole within this time. */
const REQUEST_TIMEOUT_MS = 10_000
/** Answers can be large, and a reader that takes nothing would keep its own. */
const SILENCE_TIMEOUT_MS = 30_000
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
  /** A connection on which nothing moves for so long is ended; 30 seconds unless told. */
  readonly silenceTimeoutMs?: number
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
  const http = await import('node:http')
  const server = http.createServer({
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: REQUEST_TIMEOUT_MS,
  })
  server.maxConnections = CONNECTIONS_MAX
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX
  server.timeout = options.silenceTimeoutMs ?? SILENCE_TIMEOUT_MS
  const asked = new WeakSet<Socket>()
  server.on('request', (request, response) => {
    // The platform counts those of HTTP/1.1 alone.
    if (asked.has(request.socket)) response.writeHead(503).end()
    else answer(options, request, response)
    asked.add(request.socket)
  })
  const bound = await bind(server, address)
  server.on('error', options.onError)
  return { address: bound.address, close: () => close(server, bound) }
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
    response.writeHead(500).end()
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
