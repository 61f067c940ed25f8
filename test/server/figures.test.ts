/** Metrics and health over HTTP. */
import { expect, onTestFinished, test } from 'vitest'
import {
  type FiguresOptions,
  type FiguresServer,
  type Health,
  serveFigures,
} from '../../src/server/figures.ts'
import { Peer } from './listen/peer.ts'

async function serve(options: Partial<FiguresOptions>): Promise<FiguresServer> {
  const figures = await serveFigures({
    address: '127.0.0.1:0',
    metrics: () => '',
    health: () => ({ isHealthy: true, status: 'ok' }),
    onError: (error) => {
      throw error
    },
    ...options,
  })
  onTestFinished(() => figures.close())
  return figures
}

test.each([
  ['ok', true, 200, 200],
  ['draining', true, 200, 200],
  ['starting', false, 503, 200],
  ['full', false, 503, 200],
  ['stopping', false, 503, 200],
  ['failed', false, 503, 503],
])('%s: of use %s; /healthz %s, /livez %s', async (status, isHealthy, ready, live) => {
  const health: Health = { isHealthy, status }
  const figures = await serve({ health: () => health })
  const codes = await Promise.all(
    ['/healthz', '/livez'].map(async (path) => {
      const response = await fetch(`http://${figures.address}${path}`)
      expect(await response.json()).toEqual({ status })
      return response.status
    }),
  )
  expect(codes).toEqual([ready, live])
})

test.each(['1.0', '1.1'])('of many requests of HTTP/%s at once one counts', async (version) => {
  let asked = 0
  const metrics = (): string => {
    asked += 1
    return 'figures\n'
  }
  const figures = await serve({ metrics })
  const peer = await Peer.connect(figures.address)
  peer.send(`GET /metrics HTTP/${version}\r\nHost: x\r\nConnection: keep-alive\r\n\r\n`.repeat(100))
  const text = await peer.rest()
  expect(asked).toBe(1)
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  expect(text.split('figures\n')).toHaveLength(2)
})

test('a reader that takes nothing is ended, also where it goes on sending', async () => {
  // More than the buffers of two sockets hold.
  const bytes = 64 * 1024 * 1024
  const text = 'x'.repeat(bytes)
  let isAsked = false
  const metrics = (): string => {
    isAsked = true
    return text
  }
  const figures = await serve({ metrics, connectionTimeoutMs: 200 })
  const peer = await Peer.connect(figures.address)
  peer.socket.pause()
  peer.send('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
  // One wait could come to its end in the turn that made the answer, before any time-out was looked at.
  for (let waits = 0; waits < 20; waits += isAsked ? 1 : 0) {
    await new Promise<void>((resolve) => setTimeout(resolve, 50))
    if (peer.socket.writable) peer.send('\r\n')
  }
  peer.socket.resume()
  expect((await peer.rest()).length).toBeLessThan(bytes)
})

test('an expectation that nobody knows is refused, and ends the connection', async () => {
  const figures = await serve({})
  const peer = await Peer.connect(figures.address)
  peer.send('GET /livez HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n')
  const refusal = await peer.text()
  expect(refusal).toMatch(/^HTTP\/1\.1 417 /)
  if (peer.socket.writable) peer.send('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
  expect(await peer.rest()).not.toContain('HTTP/1.1')
})

test.each([0, -1, Number.NaN])(
  'a connection cannot be given %s ms',
  async (connectionTimeoutMs) => {
    await expect(serve({ connectionTimeoutMs })).rejects.toMatchObject({
      code: 'QLOG_INVALID_ARGUMENT',
    })
  },
)

test('a connection can be given all the time there is', async () => {
  const figures = await serve({ connectionTimeoutMs: Number.POSITIVE_INFINITY })
  expect((await fetch(`http://${figures.address}/livez`)).status).toBe(200)
})
