/** The end of a server, where some of what it is made of cannot be closed. */
import { expect, test } from 'vitest'
import { closeInSteps } from '../../../src/cli/serve/close-in-steps.ts'

test('the store and the figures are closed whatever a listener says, then the first error is told', async () => {
  const done: string[] = []
  const more: unknown[] = []
  const closes = (name: string) => async (): Promise<void> => {
    // Whoever did not wait for the step in front would come first.
    await new Promise<void>((resolve) => setImmediate(resolve))
    done.push(name)
  }
  const fails = (name: string) => async (): Promise<void> => {
    await closes(name)()
    throw new Error(name)
  }
  const throws = (): never => {
    throw new Error('at once')
  }
  const steps = [
    [throws, fails('listener'), closes('other')],
    [fails('store')],
    [closes('figures')],
  ]
  await expect(closeInSteps(steps, (error) => more.push(error))).rejects.toThrow('at once')
  expect(done).toEqual(['listener', 'other', 'store', 'figures'])
  expect(more).toEqual([new Error('listener'), new Error('store')])
})

test('what closes well is no error', async () => {
  const nothing = (error: unknown): never => {
    throw error
  }
  await closeInSteps([[async () => 1], [], [async () => 2]], nothing)
})
