/** Hostile requests to the server of metrics, over sockets of this machine: it answers the next one as it should. */
import { connect } from 'node:net'
import { serveFigures } from '../../src/server/figures.ts'
import type { Counted } from './commands.ts'
import { piecesOf } from './decoders-of-wire.ts'
import { below, mutate, noise, pick, type Random } from './mutate.ts'

const REQUESTS = [
  'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n',
  'GET /healthz?a=b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
  'POST /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 4294967295\r\n\r\nbody',
  'POST /metrics HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\nx',
  'GET /metrics HTTP/1.1\r\nhost: x\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n',
  'CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n',
  `GET /${'m'.repeat(9_000)} HTTP/1.0\r\n\r\n`,
  'OPTIONS * HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\r\n',
] as const
const REQUESTS_MAX = 6
/** It may wait for more of a request: nobody waits for its answer for longer. */
const PATIENCE_MS = 20

export async function tryFigures(random: Random, count: Counted): Promise<void> {
  const errors: Error[] = []
  const figures = await serveFigures({
    address: '127.0.0.1:0',
    metrics: () => 'qlog_up 1\n',
    health: () => ({ isHealthy: true, status: 'ok' }),
    onError: (error) => errors.push(error),
  })
  try {
    const port = Number(figures.address.split(':').at(-1))
    for (let i = below(random, REQUESTS_MAX); i >= 0; i -= 1) {
      await send(port, piecesOf(random, bytesOf(random)))
      count('hostile requests')
    }
    const response = await fetch(`http://${figures.address}/metrics`)
    const text = await response.text()
    if (text !== 'qlog_up 1\n') throw new Error(`the metrics are ${JSON.stringify(text)}`)
    const [error] = errors
    if (error) throw new Error(`the server is told of ${error}`, { cause: error })
  } finally {
    await figures.close()
  }
}

function bytesOf(random: Random): Uint8Array {
  if (random() < 0.2) return noise(random, below(random, 2_000))
  const request = Buffer.from(pick(random, REQUESTS))
  return random() < 0.6 ? mutate(random, request) : request
}

function send(port: number, pieces: readonly Uint8Array[]): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const end = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve()
    }
    const timer = setTimeout(end, PATIENCE_MS)
    socket.on('error', end)
    socket.on('close', end)
    socket.resume()
    for (const piece of pieces) socket.write(piece)
  })
}
