/** A server's own log: lines of JSON, bounded. */
import { expect, test, vi } from 'vitest'
import { loopDelayLines } from '../../../src/cli/serve/loop-delays.ts'
import { ServeLog } from '../../../src/cli/serve/serve-log.ts'
import { findUser } from '../../../src/cli/serve/user.ts'
import { QlogError } from '../../../src/errors.ts'

function logged(isVerbose = false) {
  const lines: Record<string, unknown>[] = []
  const log = new ServeLog((line) => lines.push(JSON.parse(line)), isVerbose)
  return { log, lines }
}

test('a line says when, how bad, what, in words and in fields', () => {
  const { log, lines } = logged()
  log.say('info', 'listening', 'beanstalkd at :1', { protocol: 'beanstalkd', tls: false })
  expect(lines).toEqual([
    {
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      level: 'info',
      event: 'listening',
      message: 'beanstalkd at :1',
      protocol: 'beanstalkd',
      tls: false,
    },
  ])
})

test('debug is for -V', () => {
  const quiet = logged()
  quiet.log.say('debug', 'segment', 'x')
  expect(quiet.lines).toHaveLength(0)
  const verbose = logged(true)
  verbose.log.say('debug', 'segment', 'x')
  expect(verbose.lines).toHaveLength(1)
})

test('a storm of one event is counted, and hides no other', () => {
  vi.useFakeTimers({ now: 1_700_000_000_000 })
  try {
    const { log, lines } = logged()
    for (let at = 0; at < 1_000; at += 1) log.say('warn', 'connection-ended', `${at}`)
    log.say('info', 'ready', 'x')
    expect(lines).toHaveLength(21)
    vi.advanceTimersByTime(1_000)
    log.say('warn', 'connection-ended', 'next')
    expect(lines.at(-1)).toMatchObject({ message: 'next', suppressed: 980 })
  } finally {
    vi.useRealTimers()
  }
})

test('an error from outside has its code, a mistake of ours the place where it was made', () => {
  const { log, lines } = logged()
  log.failed('store-failed', 'ends', new QlogError('QLOG_IO', 'no disk'))
  log.failed('server-error', 'beanstalkd', new Error('an invariant'))
  const cause = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
  log.failed('store-failed', 'ends', new QlogError('QLOG_IO', 'no disk', { cause }))
  expect(lines[0]).toMatchObject({ level: 'error', code: 'QLOG_IO', message: 'ends: no disk' })
  expect(lines[0]).not.toHaveProperty('stack')
  expect(lines[2]).toMatchObject({ message: 'ends: no disk: EIO: i/o error' })
  expect(lines[1]).toMatchObject({ stack: expect.stringContaining('serve-log.test') })
})

test('a user is found by name or number', () => {
  const passwd =
    'root:x:0:0:root:/root:/bin/sh\nqueue:x:990:991::/var/lib/queue:/bin/false\n#\nbad:x\n'
  const queue = { name: 'queue', userId: 990, groupId: 991 }
  expect(findUser(passwd, 'queue')).toEqual(queue)
  expect(findUser(passwd, '990')).toEqual(queue)
  expect(findUser(passwd, 'bad')).toBe(undefined)
  expect(findUser(passwd, 'nobody')).toBe(undefined)
})

test('delays of the event loop are one line a minute, with the longest and how many', () => {
  const { log, lines } = logged()
  let nowMs = 0
  const say = loopDelayLines(log, () => nowMs)
  say(120.4)
  for (const delayMs of [300, 5_000, 101]) {
    nowMs += 5_000
    say(delayMs)
  }
  nowMs = 59_999
  say(102)
  expect(lines).toEqual([expect.objectContaining({ delayMs: 120, count: 1 })])
  nowMs = 60_000
  say(103)
  expect(lines[1]).toMatchObject({ level: 'warn', event: 'loop-delay', delayMs: 5_000, count: 5 })
  nowMs = 120_000
  say(104)
  expect(lines[2]).toMatchObject({ delayMs: 104, count: 1 })
  expect(lines[2]?.['message']).toBe('was not given the processor, or was busy, for 104 ms')
})
