/** `qlog append` against a log of memory. */
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MessageSplitter } from '../../src/cli/message-splitter.ts'
import { FakeLog } from './fake-log.ts'
import { MemoryStream, runInProcess } from './in-process.ts'

function bodies(log: FakeLog): string[] {
  return log.messages.map((message) => Buffer.from(message.body).toString('latin1'))
}

describe('append', () => {
  it('takes one message a line, empty ones too, the last without newline', async () => {
    const log = new FakeLog()
    const { exitCode, stdout, stderr } = await runInProcess(['append', 'x', '--ids'], {
      log,
      input: ['a\n\nb', 'c\n', '\n', 'last'],
    })
    expect(exitCode).toBe(0)
    expect(bodies(log)).toEqual(['a', '', 'bc', '', 'last'])
    expect(stdout.toString()).toBe('1\n2\n3\n4\n5\n')
    expect(stderr).toMatch(/^appended 5 messages, 7 bytes in .* messages\/s\)\n$/)
    expect(log.closed).toBe(true)
  })

  it('--null lets messages hold newlines', async () => {
    const log = new FakeLog()
    await runInProcess(['append', 'x', '--null', '-q'], { log, input: ['a\nb\0', '\0c'] })
    expect(bodies(log)).toEqual(['a\nb', '', 'c'])
  })

  it('--batch appends atomic batches and the rest at the end', async () => {
    const log = new FakeLog()
    const { stdout } = await runInProcess(['append', 'x', '--batch', '3', '--ids'], {
      log,
      input: ['1\n2\n3\n4\n5\n6\n', '7\n8'],
    })
    expect(log.batchSizes).toEqual([3, 3, 2])
    expect(bodies(log)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8'])
    expect(stdout.toString()).toBe('1\n2\n3\n4\n5\n6\n7\n8\n')
  })

  it.each([
    ['always', 'always'],
    ['never', 'never'],
    ['interval:50', { intervalMs: 50 }],
  ])('--sync %s reaches the log', async (word, expected) => {
    const log = new FakeLog()
    await runInProcess(['append', 'x', '--sync', word], { log, input: [] })
    expect(log.openedWith?.sync).toEqual(expected)
  })

  it('--quiet says nothing', async () => {
    const { stderr } = await runInProcess(['append', 'x', '--quiet'], { input: ['a\n'] })
    expect(stderr).toBe('')
  })

  it('prints no id before it is durable, and keeps a bounded number in flight', async () => {
    const log = new FakeLog()
    log.holdFlushes = true
    const input = Array.from({ length: 40 }, () => 'm\n'.repeat(1_000))
    const stdout = new MemoryStream()
    const running = runInProcess(['append', 'x', '--ids'], { log, input, stdout })
    await untilFull(log)
    expect(log.inFlight).toBe(8_192)
    expect(stdout.text).toBe('')
    log.releaseFlushes()
    expect((await running).exitCode).toBe(0)
    expect(log.inFlightHighest).toBe(8_192)
    const ids = Array.from({ length: 40_000 }, (_, index) => `${index + 1}\n`)
    expect(stdout.text).toBe(ids.join(''))
  })

  it('stops at the first failure, counts what is durable, closes, exits with 1', async () => {
    const log = new FakeLog()
    log.appendsMax = 2
    const { exitCode, stderr, stdout } = await runInProcess(['append', 'x', '--ids'], {
      log,
      input: ['a\nb\nc\nd\n'],
    })
    expect(exitCode).toBe(1)
    expect(stdout.toString()).toBe('1\n2\n')
    expect(stderr).toContain('appended 2 messages')
    expect(stderr).toContain('QLOG_DISK_FULL')
    expect(log.closed).toBe(true)
  })

  it('keeps bounded bytes in flight', async () => {
    const log = new FakeLog()
    log.holdFlushes = true
    const input = Array.from({ length: 60 }, () => `${'x'.repeat(999_999)}\n`)
    const running = runInProcess(['append', 'x', '--quiet'], { log, input })
    await untilFull(log)
    expect(log.inFlight).toBe(34)
    log.releaseFlushes()
    expect((await running).exitCode).toBe(0)
    expect(log.messages.length).toBe(60)
  })

  it('refuses to gather a batch without end', async () => {
    const log = new FakeLog()
    const input = Array.from({ length: 60 }, () => `${'x'.repeat(999_999)}\n`)
    const words = ['append', 'x', '--batch', '50']
    const { exitCode, stderr } = await runInProcess(words, { log, input })
    expect(exitCode).toBe(1)
    expect(stderr).toContain('QLOG_TOO_LARGE')
    expect(log.messages).toEqual([])
  })

  it('an interrupt stops the input, finishes what was taken, exits with 130', async () => {
    const log = new FakeLog()
    const abort = new AbortController()
    const input = new Readable({ read() {} })
    input.push('a\nb\nhalf a li')
    const running = runInProcess(['append', 'x', '--ids'], { log, input, abort })
    while (log.messages.length < 2) await new Promise((resolve) => setImmediate(resolve))
    abort.abort()
    const { exitCode, stdout } = await running
    expect(exitCode).toBe(130)
    expect(stdout.toString()).toBe('1\n2\n')
    expect(bodies(log)).toEqual(['a', 'b'])
    expect(log.closed).toBe(true)
  })
})

/** Waits until nothing more is taken: the number in flight stands still. */
async function untilFull(log: FakeLog): Promise<void> {
  for (let still = 0, last = -1; still < 50; still = log.inFlight === last ? still + 1 : 0) {
    last = log.inFlight
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('MessageSplitter', () => {
  it('cuts the same messages however the chunks fall', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 12 })
    const property = fc.property(pieces, fc.boolean(), (chunks, few) => {
      // With only two different bytes the delimiter is everywhere.
      const inputs = chunks.map((chunk) => chunk.map((byte) => (few ? 9 + (byte % 2) : byte)))
      const splitter = new MessageSplitter(10, 1_000)
      const found = inputs.flatMap((chunk) => splitter.push(chunk)).map((m) => [...m])
      const last = splitter.end()
      if (last !== undefined) found.push([...last])
      const whole = Buffer.concat(inputs).toString('latin1')
      const expected = whole.split('\n')
      if (expected.at(-1) === '') expected.pop()
      expect(found).toEqual(expected.map((text) => [...Buffer.from(text, 'latin1')]))
    })
    fc.assert(property)
  })

  it('tells that a message has grown beyond the limit before it has ended', () => {
    const splitter = new MessageSplitter(10, 4)
    splitter.push(Buffer.from('1234'))
    expect(splitter.overflowed).toBe(false)
    splitter.push(Buffer.from('5'))
    expect(splitter.overflowed).toBe(true)
  })
})
