/** Metrics and health over HTTP. */
import { expect, onTestFinished, test } from 'vitest'
import { type Health, serveFigures } from '../../src/server/figures.ts'

test.each([
  ['ok', true, 200, 200],
  ['draining', true, 200, 200],
  ['starting', false, 503, 200],
  ['full', false, 503, 200],
  ['stopping', false, 503, 200],
  ['failed', false, 503, 503],
])('%s: of use %s; /healthz %s, /livez %s', async (status, isHealthy, ready, live) => {
  const health: Health = { isHealthy, status }
  const onError = (error: Error): never => {
    throw error
  }
  const figures = await serveFigures({
    address: '127.0.0.1:0',
    metrics: () => '',
    health: () => health,
    onError,
  })
  onTestFinished(() => figures.close())
  const codes = await Promise.all(
    ['/healthz', '/livez'].map(async (path) => {
      const response = await fetch(`http://${figures.address}${path}`)
      expect(await response.json()).toEqual({ status })
      return response.status
    }),
  )
  expect(codes).toEqual([ready, live])
})
