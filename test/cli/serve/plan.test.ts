/** The words of `qlog serve`, in its own form and in beanstalkd's. */
import { describe, expect, test } from 'vitest'
import { readServeWords, type ServePlan, ServeUsageError } from '../../../src/cli/serve/plan.ts'

function plan(line: string, environment: Record<string, string> = {}): ServePlan {
  const wish = readServeWords(line.split(' '), environment, 100)
  if (wish.kind !== 'serve') throw new Error(`it is ${wish.kind}`)
  return wish.plan
}

describe('the form of qlog', () => {
  test('serves this machine alone unless it is told', () => {
    expect(plan('./data --beanstalkd --memcache --metrics')).toMatchObject({
      isDropIn: false,
      directory: './data',
      beanstalkd: ['127.0.0.1:11300'],
      memcache: ['127.0.0.1:22133'],
      metrics: ['127.0.0.1:9464'],
      sync: 'always',
      stopTimeoutMs: 10_000,
    })
  })

  test.each([
    ['--beanstalkd :11300 ./data', [':11300']],
    ['--beanstalkd ./data', ['127.0.0.1:11300']],
    ['./data --beanstalkd=unix:/run/q --beanstalkd [::1]:5', ['unix:/run/q', '[::1]:5']],
    ['./data --beanstalkd=10.0.0.1', ['10.0.0.1:11300']],
    ['./data --beanstalkd -p 12000', ['127.0.0.1:12000']],
    ['./data --beanstalkd fd:5', ['fd:5']],
  ])('%s', (line, addresses) => {
    expect(plan(line)).toMatchObject({ directory: './data', beanstalkd: addresses })
  })

  test('takes times, limits and files', () => {
    const line =
      'd --memcache --sync interval:20 --connections-max 7 --idle-timeout 1.5 --stop-timeout=3 --token-file t --tls-cert c --tls-key k'
    expect(plan(line)).toMatchObject({
      sync: { intervalMs: 20 },
      connectionsMax: 7,
      idleTimeoutMs: 1_500,
      stopTimeoutMs: 3_000,
      tokenFile: 't',
      tlsCert: 'c',
      tlsKey: 'k',
    })
  })
})

describe('the form of beanstalkd', () => {
  test('is on every interface, and keeps nothing without -b, as beanstalkd is', () => {
    expect(plan('--beanstalkd -p 11300')).toMatchObject({
      isDropIn: true,
      directory: ':memory:',
      beanstalkd: [':11300'],
      sync: 'always',
      jobBytesMax: undefined,
    })
  })

  test.each([
    ['-b /var/q -l 127.0.0.1 -p 11301', { directory: '/var/q', beanstalkd: ['127.0.0.1:11301'] }],
    ['-b/var/q -l127.0.0.1 -p11301', { directory: '/var/q', beanstalkd: ['127.0.0.1:11301'] }],
    ['-l [::1]', { beanstalkd: ['[::1]:11300'] }],
    ['-l ::1', { beanstalkd: ['[::1]:11300'] }],
    ['-l unix:/run/b.sock -p 5', { beanstalkd: ['unix:/run/b.sock'] }],
    ['-f50', { sync: { intervalMs: 50 } }],
    ['-f 50', { sync: { intervalMs: 50 } }],
    ['-f0', { sync: 'always' }],
    ['-F', { sync: 'never' }],
    ['-F -f0', { sync: 'always' }],
    ['-F -f 20', { sync: { intervalMs: 20 } }],
    ['-f0 -F', { sync: 'never' }],
    ['-f0 -F -f9', { sync: { intervalMs: 9 } }],
    ['--sync never -f0', { sync: 'always' }],
    ['-f20 --sync always', { sync: 'always' }],
    ['--sync always -F', { sync: 'never' }],
    ['-VFcn', { sync: 'never', isVerbose: true }],
    ['-VVf 20', { sync: { intervalMs: 20 }, isVerbose: true }],
    [
      '-z 100000 -s 10485760 -u queue',
      { jobBytesMax: 100_000, segmentBytesMax: 10_485_760, user: 'queue' },
    ],
    ['-z 1073741824', { jobBytesMax: 33_488_896, notes: [expect.stringContaining('-z')] }],
    ['-s 8192', { segmentBytesMax: 65_536, notes: [expect.stringContaining('-s')] }],
    ['-b /q --memcache', { memcache: ['127.0.0.1:22133'], beanstalkd: [':11300'] }],
  ])('--beanstalkd %s', (flags, expected) => {
    expect(plan(`--beanstalkd -p 11300 ${flags}`)).toMatchObject({ isDropIn: true, ...expected })
  })

  test('takes the socket that a service manager handed down to this process', () => {
    const handed = { LISTEN_FDS: '1', LISTEN_PID: '100' }
    expect(plan('--beanstalkd -l 127.0.0.1', handed).beanstalkd).toEqual(['fd:3'])
    const other = { LISTEN_FDS: '1', LISTEN_PID: '101' }
    expect(plan('--beanstalkd -l 127.0.0.1', other).beanstalkd).toEqual(['127.0.0.1:11300'])
    expect(plan('--beanstalkd', { LISTEN_FDS: '2', LISTEN_PID: '100' })).toMatchObject({
      beanstalkd: ['fd:3'],
      notes: [expect.stringContaining('more than one')],
    })
  })

  test.each(['-h', '-b /q -h', '--help'])('%s asks for help', (line) => {
    expect(readServeWords(line.split(' '), {}, 1).kind).toBe('help')
  })

  test('-v asks for the version', () => {
    expect(readServeWords(['--beanstalkd', '-v'], {}, 1).kind).toBe('version')
  })
})

describe('what cannot be meant', () => {
  test.each([
    ['--beanstalkd -Q', true, 'unknown flag: -Q'],
    ['--beanstalkd -b', true, 'flag requires an argument: -b'],
    ['--beanstalkd -p many', true, '-p'],
    ['--beanstalkd -p 65536', true, '-p'],
    ['--beanstalkd -b q -z many', true, '-z'],
    ['--beanstalkd -b q -f -1', true, '-f'],
    ['--beanstalkd -l 1:2:x', true, 'no address'],
    ['--beanstalkd -l 127.0.0.1:99', true, '-l is a host alone'],
    ['--beanstalkd -l 127.0.0.1:11300 -p 99', true, '-l is a host alone'],
    ['--beanstalkd -l [::1]:99', true, '-l is a host alone'],
    ['--beanstalkd -l host:0', true, '-l is a host alone'],
    ['--memcache -l 127.0.0.1', true, '-l and -p'],
    ['--beanstalkd', true, 'say where the store is'],
    ['--beanstalkd --memcache', true, 'say where the store is'],
    ['--memcache :22133', true, 'say where the store is'],
    ['--beanstalkd 127.0.0.1:11300 -V -z 9', true, 'say where the store is'],
    ['-b /q', true, 'say what to serve'],
    ['d', false, 'say what to serve'],
    ['d e --beanstalkd', false, 'one directory only'],
    ['d -b e --beanstalkd', true, 'one directory only, not e and d; an address is'],
    ['-b d -f -p 21009 --beanstalkd', true, '-f takes milliseconds, not -p'],
    ['--beanstalkd -b -p 21009', true, '-b takes a directory, not -p'],
    ['d --beanstalkd 21085', false, 'the port 21085 is :21085'],
    ['-b d --beanstalkd --metrics 9100', true, '--metrics takes an address'],
    ['d --beanstalkd --metrics nope', false, 'not d and nope; an address is HOST:PORT'],
    ['--memcache -b d -p 21009', true, '-l and -p are the address of --beanstalkd'],
    ['d --beanstalkd :1 -p 2', false, 'by --beanstalkd ADDR, or by -l and -p'],
    ['d --beanstalkd --loud', false, 'unknown option --loud'],
    ['d --beanstalkd --sync sometimes', false, '--sync'],
    ['d --beanstalkd --tls-cert c', false, 'belong together'],
    ['d --beanstalkd --connections-max 0', false, '--connections-max'],
    ['d --beanstalkd --idle-timeout soon', false, '--idle-timeout'],
    ['d --metrics', false, 'say what to serve'],
  ])('%s', (line, isDropIn, words) => {
    const read = (): unknown => readServeWords(line.split(' '), {}, 1)
    expect(read).toThrow(ServeUsageError)
    expect(read).toThrow(
      expect.objectContaining({ isDropIn, message: expect.stringContaining(words) }),
    )
  })
})
