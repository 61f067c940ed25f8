/** Commands that are begun and not answered: how much may wait, replies included. */
import { expect, test } from 'vitest'
import { PIPELINED_BYTES_MAX } from '../../../src/protocols/beanstalkd/limits.ts'
import { Pipeline, SlotPool } from '../../../src/protocols/beanstalkd/pipeline.ts'

test('replies that wait for a command in front of them count until they are written', async () => {
  let bytes = 0
  const host = {
    write: (reply: Uint8Array | string): void => {
      bytes += reply.length
    },
    drained: (): void => undefined,
    failed: (): void => undefined,
  }
  const pipeline = new Pipeline(host, new SlotPool())
  const text = 'x'.repeat(PIPELINED_BYTES_MAX / 4)
  const first = pipeline.begin('DELETED\r\n', 0)
  for (let row = 0; row < 4; row++) {
    expect(pipeline.isFull).toBe(false)
    pipeline.say(text)
  }
  expect(pipeline.isFull).toBe(true)
  expect(bytes).toBe(0)
  first.done()
  await Promise.resolve()
  expect(bytes).toBe('DELETED\r\n'.length + PIPELINED_BYTES_MAX)
  expect(pipeline.isFull).toBe(false)
  expect(pipeline.isEmpty).toBe(true)
})
