/**
 * What hostile clients say in each protocol: commands as they should be, and some that never were. None of
 * them names a tube, a queue or a job of anybody else. Pure.
 */
import { encodeFrame } from '../../src/server/door/frame.ts'
import { VERBS } from '../../src/server/door/verbs/table.ts'
import { generateScript } from '../protocols/differential/generate.ts'
import { withIds } from '../protocols/differential/script.ts'
import { WRONG_LINES } from '../protocols/differential/wrong-lines.ts'
import { below, mutate, noise, pick, type Random } from './mutate.ts'

/** What a client of beanstalkd's protocol may say; none of it names a job or a tube of anybody else. */
export const COMMANDS = [
  'put 0 0 10 5\r\nhello\r\n',
  'put 0 1000 10 70000\r\n',
  'put 4294967295 4294967295 4294967295 0\r\n\r\n',
  'use hostile\r\n',
  'watch hostile\r\n',
  'ignore default\r\n',
  'reserve-with-timeout 0\r\n',
  'reserve\r\n',
  'peek-ready\r\n',
  'kick 10\r\n',
  'stats\r\n',
  'stats-tube hostile\r\n',
  'list-tubes\r\n',
  'pause-tube hostile 1\r\n',
  'touch 18446744073709551615\r\n',
] as const

/** The same of memcache's. */
export const TEXT_COMMANDS = [
  'set hostile 0 0 5\r\nhello\r\n',
  'set hostile 4294967295 0 5 noreply\r\nhello\r\n',
  'get hostile\r\n',
  'get hostile/open\r\n',
  'get hostile/close/open/t=10\r\n',
  'gets hostile hostile2\r\n',
  'monitor hostile 1 5\r\n',
  'confirm hostile 1\r\n',
  'incr hostile 1\r\n',
  'cas hostile 0 0 3 1\r\nabc\r\n',
  'stats\r\n',
  'version\r\n',
  'verbosity 1\r\n',
] as const

/** Jobs that hostile clients name: nobody has put so many. */
const STRANGE_IDS = ['4000000', '0', '18446744073709551615', '99999999999999999999'] as const

/** A stretch of beanstalkd's protocol; some of it mutated. */
export function beanstalkdBytes(random: Random): Uint8Array {
  const kind = random()
  if (kind < 0.2) return mutated(random, Buffer.from(pick(random, COMMANDS), 'latin1'))
  if (kind < 0.3) return Buffer.from(`${pick(random, WRONG_LINES)}\r\n`, 'latin1')
  if (kind < 0.4) return noise(random, below(random, 3_000))
  const sends = generateScript(below(random, 2 ** 31)).flatMap((step) =>
    step.kind === 'send' ? step.commands : [],
  )
  const text = sends.map((command) => withIds(command, STRANGE_IDS)).join('')
  return mutated(random, Buffer.from(text, 'latin1'))
}

/** A stretch of memcache's protocol, as text or binary. */
export function memcacheBytes(random: Random): Uint8Array {
  const kind = random()
  if (kind < 0.5) return mutated(random, Buffer.from(pick(random, TEXT_COMMANDS), 'latin1'))
  if (kind < 0.8) return binaryFrame(random)
  return noise(random, below(random, 3_000))
}

/** A frame of the binary protocol: the first byte is right, the lengths are what they like. */
export function binaryFrame(random: Random): Uint8Array {
  const header = Buffer.alloc(24)
  header[0] = 0x80
  header[1] = below(random, 64)
  header.writeUInt16BE(below(random, random() < 0.5 ? 20 : 65_536), 2)
  header[4] = below(random, random() < 0.5 ? 9 : 256)
  header.writeUInt32BE(random() < 0.7 ? below(random, 300) : below(random, 2 ** 32), 8)
  return Buffer.concat([header, Buffer.alloc(below(random, 400), below(random, 256))])
}

export const HELLO = encodeFrame({ qlog: 'door', version: 1 })

/** A request of the door, with arguments that fit and that do not. */
export function doorBytes(random: Random): Uint8Array {
  if (random() < 0.05) return noise(random, below(random, 300))
  const verb = random() < 0.95 ? pick(random, Object.keys(VERBS)) : strangeValue(random)
  const names = ARGUMENT_NAMES.filter(() => random() < 0.25)
  const args = Object.fromEntries(names.map((name) => [name, argumentOf(random, name)]))
  const tail = noise(random, random() < 0.3 ? below(random, 40) : 5)
  const frame = encodeFrame({ verb, args: { queue: 'hostile', ...args } }, tail)
  return random() < 0.1 ? mutate(random, frame) : frame
}

const ARGUMENT_NAMES = [
  ...['queue', 'group', 'messages', 'all', 'atomic', 'count', 'bytesMax', 'timeoutMs', 'leaseMs'],
  ...['createGroup', 'how', 'leases', 'state', 'from', 'limit', 'ids', 'reason', 'target'],
  ...['pauseMs', 'settings', 'createQueue', 'forgetKeys', 'fromId', 'leasedMax', 'states'],
  ...['promoteAfterMs', 'bytes', 'kind', '__proto__'],
] as const

/** What fits some verb. */
const FITTING: Readonly<Record<string, readonly unknown[]>> = {
  queue: ['hostile', 'other', 'hostile'],
  group: ['default', 'g'],
  messages: [[5], [{ bytes: 5, key: 'k' }], [2, 3], [{ bytes: 5, put: { timeMs: 1 } }]],
  all: [{ priority: 3 }, { delayMs: 1 }],
  how: ['ack', 'release', 'retry', 'bury'],
  leases: [[1], [1, 2], []],
  state: ['ready', 'delayed', 'buried', 'leased'],
  from: ['first', 'next', { offset: 1 }, { id: 3 }, { timeMs: 0 }],
  ids: [[4_000_000], []],
  target: ['other'],
  timeoutMs: [0],
  settings: [{ messagesMax: 100 }, { retention: 'all' }, { deadLetter: { queue: 'dead' } }],
  states: [[{ id: 4_000_000, state: 'buried' }], [{ id: 1_000_000 }]],
}

function argumentOf(random: Random, name: string): unknown {
  const fitting = Object.hasOwn(FITTING, name) ? FITTING[name] : undefined
  if (fitting !== undefined && random() < 0.7) return pick(random, fitting)
  return random() < 0.5 ? below(random, 100) : strangeValue(random)
}

function strangeValue(random: Random): unknown {
  return pick<unknown>(random, [
    ...[null, true, false, -1, 1.5, 2 ** 53, 1e308, '', 'x', 'constructor', 'x'.repeat(300)],
    ...['\ud800', [], [null], [[]], [null], [-1], {}, { bytes: -1 }, { id: 'x' }, { offset: -1 }],
    ...[{ length: 3 }, { constructor: 1 }, Array.from({ length: 5_000 }, () => 0), [{ id: null }]],
  ])
}

function mutated(random: Random, bytes: Uint8Array): Uint8Array {
  return random() < 0.4 ? mutate(random, bytes) : bytes
}
