/** `subscribe`: the events of a channel with their types. */
import { expect, test } from 'vitest'
import { publish, subscribe } from '../src/channels.ts'

const EVENT = { directory: 'd', tookMs: 2_000 }

test('a listener gets each event until it ends that, once for each time it was given', async () => {
  const heard: number[] = []
  const listener = ({ tookMs }: { readonly tookMs: number }) => void heard.push(tookMs)
  const ends = [subscribe('qlog:slow-flush', listener), subscribe('qlog:slow-flush', listener)]
  publish('qlog:slow-flush', EVENT)
  await Promise.resolve()
  expect(heard).toEqual([2_000, 2_000])
  ends[0]?.()
  ends[0]?.()
  publish('qlog:slow-flush', EVENT)
  await Promise.resolve()
  expect(heard).toHaveLength(3)
  ends[1]?.()
  publish('qlog:slow-flush', EVENT)
  await Promise.resolve()
  expect(heard).toHaveLength(3)
})

test('a channel that does not exist, or a listener that is none, is refused', () => {
  // @ts-expect-error no such channel
  expect(() => subscribe('qlog:burried', () => undefined)).toThrow(/qlog:burried.*qlog:buried/)
  // @ts-expect-error no function
  expect(() => subscribe('qlog:buried', 'listener')).toThrow('takes a function')
  // @ts-expect-error no such field
  subscribe('qlog:buried', ({ body }) => body)()
})
