/** Every reply of the binary protocol. */
import { describe, expect, test } from 'vitest'
import { type Server, server } from './peer.ts'

interface Sent {
  readonly op: number
  readonly key?: string
  readonly extras?: Buffer | number[]
  readonly value?: string
  readonly cas?: number
  readonly magic?: number
  /** What the head says, where it lies. */
  readonly bodyBytes?: number
}

interface Received {
  readonly op: number
  readonly status: number
  readonly extras: string
  readonly key: string
  readonly value: string
}

const SET_EXTRAS = [0, 0, 0, 5, 0, 0, 0, 0]
const OPAQUE = 0xdeadbeef
const NOOP = { op: 0x0a }
const NOOP_REPLY = { op: 0x0a, status: 0, extras: '', key: '', value: '' }

function frame({ op, key = '', extras = [], value = '', cas = 0, magic = 0x80, bodyBytes }: Sent) {
  const head = Buffer.alloc(24)
  head[0] = magic
  head[1] = op
  head.writeUInt16BE(key.length, 2)
  head[4] = extras.length
  head.writeUInt32BE(bodyBytes ?? key.length + extras.length + value.length, 8)
  head.writeUInt32BE(OPAQUE, 12)
  head.writeBigUInt64BE(BigInt(cas), 16)
  return Buffer.concat([head, Buffer.from(extras), Buffer.from(key + value, 'latin1')])
}

function received(bytes: Buffer): Received[] {
  const frames: Received[] = []
  for (let at = 0; at < bytes.length; ) {
    expect(bytes[at]).toBe(0x81)
    expect(bytes.readUInt32BE(at + 12)).toBe(OPAQUE)
    const keyAt = at + 24 + (bytes[at + 4] ?? 0)
    const valueAt = keyAt + bytes.readUInt16BE(at + 2)
    const end = at + 24 + bytes.readUInt32BE(at + 8)
    frames.push({
      op: bytes[at + 1] ?? 0,
      status: bytes.readUInt16BE(at + 6),
      extras: bytes.toString('hex', at + 24, keyAt),
      key: bytes.toString('latin1', keyAt, valueAt),
      value: bytes.toString('latin1', valueAt, end),
    })
    at = end
  }
  return frames
}

/** What comes back; the second is whether the server hung up. A no-operation follows, which is left out. */
async function ask(here: Server, sent: readonly Sent[]): Promise<[Received[], boolean]> {
  const { wire } = here.peer()
  wire.send(Buffer.concat([...sent, NOOP].map(frame)))
  const chunks: Uint8Array[] = []
  const isDone = (): boolean => received(Buffer.concat(chunks)).at(-1)?.op === NOOP.op
  while (!wire.hasEnded && !isDone()) {
    await new Promise<void>((resolve) => setImmediate(resolve))
    chunks.push(wire.takeBytes())
  }
  chunks.push(wire.takeBytes())
  expect(wire.errors).toEqual([])
  const frames = received(Buffer.concat(chunks))
  if (frames.at(-1)?.op === NOOP.op) frames.pop()
  return [frames, wire.hasEnded]
}

const reply = (op: number, status = 0, value = '', key = '', extras = ''): Received => ({
  op,
  status,
  extras,
  key,
  value,
})
const set = (key: string, value: string): Sent => ({ op: 1, key, extras: SET_EXTRAS, value })
const INVALID = 'Invalid arguments'
const NO = 'Not supported'
const FLAGS = '00000005'

describe('the binary protocol answers', () => {
  const replies: readonly (readonly [what: string, sent: Sent[], Received[], hangsUp?: boolean])[] =
    [
      ['SET', [set('q', 'x')], [reply(1)]],
      ['SETQ', [{ ...set('q', 'x'), op: 0x11 }], []],
      [
        'SET and GET',
        [set('q', 'x'), { op: 0, key: 'q' }],
        [reply(1), reply(0, 0, 'x', '', FLAGS)],
      ],
      [
        'SET of nothing',
        [set('q', ''), { op: 0, key: 'q' }],
        [reply(1), reply(0, 0, '', '', FLAGS)],
      ],
      [
        'GETK',
        [set('q', 'x'), { op: 0x0c, key: 'q' }],
        [reply(1), reply(0x0c, 0, 'x', 'q', FLAGS)],
      ],
      ['GETQ', [set('q', 'x'), { op: 9, key: 'q' }], [reply(1), reply(9, 0, 'x', '', FLAGS)]],
      [
        'GETKQ',
        [set('q', 'x'), { op: 0x0d, key: 'q' }],
        [reply(1), reply(0x0d, 0, 'x', 'q', FLAGS)],
      ],
      ['GET of nothing', [{ op: 0, key: 'q' }], [reply(0, 1, 'Not found')]],
      ['GETK of nothing', [{ op: 0x0c, key: 'q' }], [reply(0x0c, 1, '', 'q')]],
      [
        'GETQ and GETKQ of nothing',
        [
          { op: 9, key: 'q' },
          { op: 0x0d, key: 'q' },
        ],
        [],
      ],
      [
        'GETK of an open read, and its close',
        [set('q', 'x'), { op: 0x0c, key: 'q/open' }, { op: 0, key: 'q/close' }],
        [reply(1), reply(0x0c, 0, 'x', 'q/open', FLAGS), reply(0, 1, 'Not found')],
      ],
      [
        'a plain read beside an open one',
        [set('q', 'x'), { op: 0, key: 'q/open' }, { op: 0, key: 'q' }],
        [reply(1), reply(0, 0, 'x', '', FLAGS), reply(0, 4, INVALID)],
        true,
      ],
      ['DELETE', [set('q', 'x'), { op: 4, key: 'q' }], [reply(1), reply(4)]],
      ['DELETE of nothing', [{ op: 4, key: 'q' }], [reply(4, 1, 'Not found')]],
      ['DELETEQ', [set('q', 'x'), { op: 0x14, key: 'q' }], [reply(1)]],
      ['DELETEQ of nothing', [{ op: 0x14, key: 'q' }], [reply(0x14, 1, 'Not found')]],
      [
        'FLUSH',
        [set('q', 'x'), { op: 8 }, { op: 0, key: 'q' }],
        [reply(1), reply(8), reply(0, 1, 'Not found')],
      ],
      ['FLUSHQ', [{ op: 0x18 }], []],
      ['FLUSH with no delay', [{ op: 8, extras: [0, 0, 0, 0] }], [reply(8)]],
      ['FLUSH with a delay', [{ op: 8, extras: [0, 0, 0, 1] }], [reply(8, 0x83, NO)]],
      ['VERSION', [{ op: 0x0b }], [reply(0x0b, 0, '1.6.18')]],
      ['STAT reset', [{ op: 0x10, key: 'reset' }], [reply(0x10)]],
      ['STAT of what is none', [{ op: 0x10, key: 'foo' }], [reply(0x10, 1, 'Not found')]],
      ['QUIT', [{ op: 7 }], [reply(7)], true],
      ['QUITQ', [{ op: 0x17 }], [], true],
      ['ADD', [{ op: 2, key: 'q', extras: SET_EXTRAS, value: 'x' }], [reply(2, 0x83, NO)]],
      ['REPLACEQ', [{ op: 0x13, key: 'q', extras: SET_EXTRAS }], [reply(0x13, 0x83, NO)]],
      ['APPEND', [{ op: 0x0e, key: 'q', value: 'x' }], [reply(0x0e, 0x83, NO)]],
      ['INCREMENT', [{ op: 5, key: 'q', extras: Buffer.alloc(20) }], [reply(5, 0x83, NO)]],
      ['SET of one version', [{ ...set('q', 'x'), cas: 9 }], [reply(1, 0x83, NO)]],
      [
        'an unknown command',
        [{ op: 0x50, key: 'q', value: 'xx' }],
        [reply(0x50, 0x81, 'Unknown command')],
      ],
      ['SASL where no token is asked for', [{ op: 0x20 }], [reply(0x20, 0x81, 'Unknown command')]],
      ['SET without extras', [{ op: 1, key: 'q', value: 'x' }], [reply(1, 4, INVALID)], true],
      ['SET without a key', [set('', 'x')], [reply(1, 4, INVALID)], true],
      ['SET of a fan-out', [set('q+a', 'x')], [reply(1, 4, INVALID)]],
      ['GET without a key', [{ op: 0 }], [reply(0, 4, INVALID)], true],
      ['GET with extras', [{ op: 0, key: 'q', extras: [1] }], [reply(0, 4, INVALID)], true],
      ['GET of a long key', [{ op: 0, key: 'k'.repeat(251) }], [reply(0, 4, INVALID)], true],
      ['GET of a bad name', [{ op: 0, key: 'a\nb' }], [reply(0, 4, INVALID)]],
      ['GET of bad options', [{ op: 0, key: 'a/b' }], [reply(0, 4, INVALID)], true],
      ['SET of a long key', [set('k'.repeat(251), 'x')], [reply(1, 4, INVALID)], true],
      ['VERSION with a key', [{ op: 0x0b, key: 'q' }], [reply(0x0b, 4, INVALID)], true],
      ['DELETE with extras', [{ op: 4, key: 'q', extras: [1] }], [reply(4, 4, INVALID)], true],
      ['QUIT with a body', [{ op: 7, value: 'x' }], [reply(7, 4, INVALID)], true],
      [
        'a key longer than the body',
        [{ op: 0, key: 'aaaa', bodyBytes: 1 }],
        [reply(0, 0x81, 'Unknown command')],
        true,
      ],
      ['a large value', [set('q', 'x'.repeat(1_048_577))], [reply(1, 3, 'Too large.')]],
      [
        'a large quiet value',
        [{ ...set('q', 'x'.repeat(1_048_577)), op: 0x11 }],
        [reply(0x11, 3, 'Too large.')],
      ],
      [
        'a body that no command has',
        [{ op: 0x0b, bodyBytes: 2 ** 31 }],
        [reply(0x0b, 4, INVALID)],
        true,
      ],
      ['another magic byte', [NOOP, { op: 0x0a, magic: 0x42 }], [], true],
    ]

  test.each(
    replies.map(([what, sent, frames, hangsUp = false]) => ({ what, sent, frames, hangsUp })),
  )('$what', async ({ sent, frames, hangsUp }) => {
    expect(await ask(await server(), sent)).toEqual([frames, hangsUp])
  })

  test('NOOP, and the number of a message as cas', async () => {
    const here = await server()
    const { wire } = here.peer()
    wire.send(Buffer.concat([frame(NOOP), frame(set('q', 'x'))]))
    const bytes = Buffer.from(await wire.text(48), 'latin1')
    expect(received(bytes)).toEqual([NOOP_REPLY, reply(1)])
    const [message] = await here.store.queue('q').read()
    expect(bytes.readBigUInt64BE(24 + 16)).toBe(BigInt(message?.id ?? 0))
  })

  test('the same where the bytes come one by one', async () => {
    const here = await server()
    const { wire } = here.peer()
    const sent = [set('q', 'x'), { op: 0x0c, key: 'q/open' }, { op: 7 }]
    for (const byte of Buffer.concat(sent.map(frame))) wire.send(Buffer.of(byte))
    await wire.ended()
    expect(received(Buffer.from(wire.takeBytes()))).toEqual([
      reply(1),
      reply(0x0c, 0, 'x', 'q/open', FLAGS),
      reply(7),
    ])
  })

  test('STAT with a frame a figure and an empty one at the end', async () => {
    const here = await server()
    await ask(here, [set('q', 'x')])
    const [frames] = await ask(here, [{ op: 0x10 }])
    const figures = new Map(frames.map(({ key, value }) => [key, value]))
    expect(figures.get('curr_items')).toBe('1')
    expect(figures.get('queue_q_items')).toBe('1')
    expect(frames.at(-1)).toEqual(reply(0x10))
  })
})

describe('where a token is asked for, the binary protocol', () => {
  const AUTH = 'Auth failure.'
  const tokens = ['a-secret-token']
  const plain = (value: string): Sent => ({ op: 0x21, key: 'PLAIN', value })

  test.each([
    ['lists how it may be shown', [{ op: 0x20 }], [reply(0x20, 0, 'PLAIN')]],
    ['tells its version', [{ op: 0x0b }], [reply(0x0b, 0, '1.6.18')]],
    ['refuses the rest', [{ op: 0, key: 'q' }], [reply(0, 0x20, AUTH)]],
    ['refuses a quiet one', [{ ...set('q', 'x'), op: 0x11 }], [reply(0x11, 0x20, AUTH)]],
    ['refuses a wrong token', [plain('\0me\0a-secret-tokem')], [reply(0x21, 0x20, AUTH)]],
    ['refuses what is no PLAIN', [plain('a-secret-token')], [reply(0x21, 0x20, AUTH)]],
    [
      'refuses another way',
      [{ ...plain('\0me\0a-secret-token'), key: 'LOGIN' }],
      [reply(0x21, 0x20, AUTH)],
    ],
    ['refuses a second step', [{ op: 0x22, key: 'PLAIN' }], [reply(0x22, 0x20, AUTH)]],
  ])('%s', async (_, sent, frames) => {
    const [got] = await ask(await server({ tokens }), sent)
    expect(got.slice(0, frames.length)).toEqual(frames)
  })

  test.each([
    ['a wrong token', plain('\0me\0a-secret-tokem')],
    ['another way', { ...plain('\0me\0a-secret-token'), key: 'LOGIN' }],
  ])('ends the connection behind %s', async (_, wrong) => {
    const right = plain('\0me\0a-secret-token')
    expect(await ask(await server({ tokens }), [wrong, right])).toEqual([
      [reply(0x21, 0x20, AUTH)],
      true,
    ])
  })

  test.each([
    ['SASL_LIST', { op: 0x20 }],
    ['SASL_STEP', { op: 0x22, key: 'PLAIN' }],
    ['VERSION', { op: 0x0b }],
  ])('answers %s 16 times without a token, then ends the connection', async (_, sent) => {
    const here = await server({ tokens })
    const { wire } = here.peer()
    const count = (): number => received(Buffer.from(wire.takeBytes())).length
    wire.send(Buffer.concat(Array.from({ length: 15 }, () => frame(sent))))
    await wire.settled()
    expect([count(), wire.hasEnded]).toEqual([15, false])
    wire.send(Buffer.concat(Array.from({ length: 1_000 }, () => frame(sent))))
    await wire.settled()
    expect(count()).toBe(1)
    expect(wire.endedBy).toBe('unauthorized')
  })

  test('makes no memory for a large body in front of the token', async () => {
    const here = await server({ tokens })
    const { wire } = here.peer()
    wire.send(frame({ ...plain(''), bodyBytes: 1_025 }))
    await wire.settled()
    expect(received(Buffer.from(wire.takeBytes()))).toEqual([reply(0x21, 0x20, AUTH)])
    expect(wire.endedBy).toBe('unauthorized')
  })

  test.each([
    ['VERSION with a body', frame({ op: 0x0b, value: 'x' })],
    ['a key that is longer than the body', frame({ op: 0x0b, key: 'x', bodyBytes: 0 })],
    ['what is no request', Buffer.alloc(24, 0x80).fill(0x79, 0, 1)],
  ])('ends whoever sends %s in front of the token for want of one', async (_, sent) => {
    const here = await server({ tokens })
    const { wire } = here.peer()
    wire.send(frame({ op: 0x0b }))
    await wire.settled()
    expect(wire.endedBy).toBe(undefined)
    wire.send(sent)
    await wire.settled()
    expect(wire.endedBy).toBe('unauthorized')
  })

  test('takes any number of frames behind the token', async () => {
    const versions = Array.from({ length: 40 }, () => ({ op: 0x0b }))
    const [frames, hasEnded] = await ask(await server({ tokens }), [
      plain('\0me\0a-secret-token'),
      ...versions,
    ])
    expect([frames.length, hasEnded]).toEqual([41, false])
  })

  test('takes the token as the password of anybody', async () => {
    const here = await server({ tokens })
    expect(await ask(here, [plain('\0me\0a-secret-token'), set('q', 'x')])).toEqual([
      [reply(0x21, 0, 'Authenticated'), reply(1)],
      false,
    ])
  })
})
