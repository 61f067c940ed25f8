/** The retry that a protocol wants for a queue gives way to one that was named before. */
import { expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../src/index.ts'
import { PROTOCOL_RETRY, queueOf } from '../../src/protocols/queue-of.ts'

test('whoever names a retry first is kept to, and nobody fails for it but a second program', async () => {
  const store = await openStore(':memory:')
  onTestFinished(() => store.close())
  const told: string[] = []
  const report = ({ message }: Error): void => void told.push(message)
  const forEver = { attemptsMax: Number.POSITIVE_INFINITY }
  store.queue('own', { retry: { attemptsMax: 1 } })
  for (const name of ['own', 'fresh']) {
    expect(queueOf(store, name, PROTOCOL_RETRY, report).name).toBe(name)
    expect(queueOf(store, name, forEver, report).name).toBe(name)
    await store.queue(name).put('a')
    const session = store.session()
    await session.watch(name)
    const [delivery] = await session.reserve()
    expect((await delivery?.retry())?.buried).toBe(name === 'own')
  }
  expect(() => store.queue('fresh', { retry: { attemptsMax: 1 } })).toThrow('Infinity')
  expect(() => queueOf(store, '', forEver, report)).toThrow('the name of a queue')
  // Once for the store, not for each queue.
  expect(told).toEqual([expect.stringContaining('own has { attemptsMax: 1')])
})
