/**
 * The bytes of the store's records and slices: the worked example of docs/format.md, section 8, golden
 * bytes of every kind of record, and what both decoders refuse.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { PLAIN_PUT, Put } from '../../src/store/commit/put.ts'
import type { ControlOp } from '../../src/store/records/control-ops.ts'
import { decodeControl, encodeControl } from '../../src/store/records/control-record.ts'
import {
  type DecodedMessage,
  decodeMessage,
  encodeMessageHead,
  NO_HEADERS,
} from '../../src/store/records/message-record.ts'
import { rangesOf } from '../../src/store/records/offset-ranges.ts'
import { loadSlices } from '../../src/store/state/load-slices.ts'
import { slicesOf } from '../../src/store/state/slices.ts'
import { StoreState } from '../../src/store/state/store-state.ts'
import { bytesOf, GOLDEN_CONTROLS, GOLDEN_MESSAGES, PLAIN, TIME_MS } from './record-samples.ts'

const encoder = new TextEncoder()
const NEWER = expect.objectContaining({ code: 'QLOG_NEWER_FORMAT' })

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

function encodeMessage({ headers, body, ...facts }: DecodedMessage): Uint8Array {
  return new Uint8Array([...encodeMessageHead(facts, headers), ...body])
}

describe('the worked example of docs/format.md, section 8', () => {
  /** A line of bytes: pairs of digits, then words that are skipped. */
  const LINE = /^([0-9a-f]{2}(?: [0-9a-f]{2})*)(?: {2,}.*)?$/

  /** Bytes by their title, in order. */
  const example = new Map<string, Uint8Array>()
  const page = readFileSync(new URL('../../docs/format.md', import.meta.url), 'utf8')
  const code = page.split('## 8. What the store writes')[1]?.split('```')[1]
  if (code === undefined) throw new Error('section 8 of docs/format.md has no code')
  for (const block of code.trim().split('\n\n')) {
    const [title = '', ...lines] = block.split('\n')
    const pairs = lines.map((line) => {
      const match = LINE.exec(line)
      if (match?.[1] === undefined) throw new Error(`not a line of bytes: ${line}`)
      return match[1]
    })
    example.set(title, bytesOf(pairs.join(' ')))
  }

  function entry(number: number, kind: 'control' | 'message'): Uint8Array[] {
    const prefix = kind === 'control' ? `entry ${number}, control:` : `entry ${number}, message `
    return [...example].flatMap(([title, bytes]) => (title.startsWith(prefix) ? [bytes] : []))
  }

  function replayed(): StoreState {
    const state = new StoreState()
    for (const number of [1, 2, 3]) {
      const messages = entry(number, 'message')
      const ids = messages.length > 0 ? [number] : []
      const control = entry(number, 'control')
      state.applyEntry({ timeMs: TIME_MS + number - 1, ids, messages, control })
    }
    return state
  }

  test('has the control records that its words tell of, and they come back byte for byte', () => {
    const of = { queue: 1, group: 1 }
    const ops: ControlOp[] = [
      {
        kind: 'open',
        bootId: '00112233445566778899aabbccddeeff',
        sinceBootMs: 60_000,
        elapsedMs: 1,
        wallMs: TIME_MS,
        uncleanBelowId: 0,
      },
      { kind: 'queue', queue: 1, name: 'orders' },
      { kind: 'group', ...of, name: 'default', from: 0 },
      { kind: 'settings', ...of, leasedMax: 0, promoteAfterMs: 0 },
      { kind: 'lease', ...of, ranges: [0, 2] },
      { kind: 'finish', ...of, ranges: [0, 1] },
      {
        ...{ kind: 'return', ...of, offset: 1, id: 2, how: 'retried', priority: 5 },
        ...{ dueKind: 1, dueMs: 2000, error: 'no' },
      } as ControlOp,
    ]
    const records = [1, 2, 3].flatMap((number) => entry(number, 'control'))
    expect(records.map(decodeControl)).toEqual(ops)
    expect(ops.map((op) => hexOf(encodeControl(op)))).toEqual(records.map(hexOf))
  })

  test('has the messages that its words tell of, and they come back byte for byte', () => {
    const records = [...entry(1, 'message'), ...entry(2, 'message')]
    const messages: DecodedMessage[] = [
      { ...PLAIN, headers: {}, body: encoder.encode('hello') },
      {
        ...PLAIN,
        offset: 1,
        priority: 5,
        expiresMs: 60_002,
        key: 'k17',
        keyWindowMs: 600_000,
        keyUntilMs: 600_002,
        headers: { lang: 'en' },
        body: encoder.encode('hi'),
      },
    ]
    expect(records.map(decodeMessage)).toEqual(messages)
    expect(messages.map((message) => hexOf(encodeMessage(message)))).toEqual(records.map(hexOf))
  })

  test('has the slices of the state after its entries, all of them', () => {
    const slices = slicesOf(replayed()).map(({ name, encode }) => [`slice ${name}`, encode()])
    const expected = [...example].filter(([title]) => title.startsWith('slice '))
    expect(new Map(slices as [string, Uint8Array][])).toEqual(new Map(expected))
  })

  test('gives the same state from its slices as from its entries (rule 19)', () => {
    const slices = new Map<string, Uint8Array>()
    for (const [title, bytes] of example) {
      if (title.startsWith('slice ')) slices.set(title.slice('slice '.length), bytes)
    }
    expect(loadSlices(slices).hash()).toBe(replayed().hash())
  })
})

describe('control records', () => {
  test.each(GOLDEN_CONTROLS)('%o', (op, hex) => {
    expect(hexOf(encodeControl(op))).toBe(hex)
    expect(decodeControl(bytesOf(hex))).toEqual(op)
  })

  test('no shorter and no longer record is taken', () => {
    for (const [, hex] of GOLDEN_CONTROLS) {
      const bytes = bytesOf(hex)
      for (let length = 0; length < bytes.length; length++) {
        expect(() => decodeControl(bytes.subarray(0, length)), hex).toThrow(NEWER)
      }
      expect(() => decodeControl(new Uint8Array([...bytes, 0])), hex).toThrow(NEWER)
    }
  })

  test.each([
    ['kind 0', '00'],
    ['a kind that is not known', '7f 01'],
    ['a way to make room that is not known', '13 01 03 00 05 02'],
    ['more settings than are known', `13 01 20 ${'01 '.repeat(32)}`],
    ['a number that is longer than it need be', '0f 01 80 00'],
    ['a number of 54 bits', '0f 01 ff ff ff ff ff ff ff 1f'],
    ['a number of nine bytes', '0f 01 80 80 80 80 80 80 80 80 01'],
    ['a text that is no UTF-8', '03 01 01 ff'],
    ['a text beyond the end', '03 01 05 61'],
    ['a range of nothing', '0e 01 01 07 00'],
    ['a range longer than any list', '0e 01 01 07 81 80 80 80 10'],
    ['a range beyond the last number', '0e 01 01 ff ff ff ff ff ff ff 0f 01'],
    ['a queue behind which none can come', '0f ff ff ff ff ff ff ff 0f 00'],
    [
      'a place among the buried behind which none can come',
      '0b 01 01 00 01 00 ff ff ff ff ff ff ff 0f 00 00',
    ],
    ['more ranges than there are', '0e 01 02 07 01'],
    ['a number of ranges that no memory would hold', '0e 01 ff ff ff ff ff ff ff 0f'],
    ['a way to return that is not known', '0a 01 01 00 01 00 04 00 00 00'],
    ['a due kind that is not known', '0a 01 01 00 01 00 00 03 00 00'],
  ])('%s is refused', (_what, hex) => {
    expect(() => decodeControl(bytesOf(hex))).toThrow(NEWER)
  })

  test('ranges that do not rise, or hold nothing, are never written', () => {
    for (const ranges of [
      [4, 5, 3, 6],
      [2, 2],
    ]) {
      expect(() => encodeControl({ kind: 'delete', queue: 1, ranges })).toThrow('ranges must rise')
    }
  })

  test('offsets in any order, some twice, become ranges', () => {
    expect(rangesOf([])).toEqual([])
    expect(rangesOf([0])).toEqual([0, 1])
    expect(rangesOf([5, 3, 4, 9, 3])).toEqual([3, 6, 9, 10])
    expect(rangesOf([1, 2, 2, 3, 7])).toEqual([1, 4, 7, 8])
  })
})

describe('message records', () => {
  const body = encoder.encode('b')
  test.each(GOLDEN_MESSAGES)('%o', (message, hex) => {
    expect(hexOf(encodeMessage(message))).toBe(hex)
    expect(decodeMessage(bytesOf(hex))).toEqual(message)
  })

  test('a put that says numbers alone writes the same bytes without making them first', () => {
    const short = GOLDEN_MESSAGES.filter(([{ key, producer, headers }]) => {
      return key === undefined && producer === undefined && Object.keys(headers).length === 0
    })
    expect(short.length).toBeGreaterThan(5)
    for (const [message, hex] of short) {
      const plan = { ...PLAIN_PUT, ...message, headers: NO_HEADERS }
      const put = new Put(message.queue, message.body, plan)
      put.place(message.offset)
      const bytes = new Uint8Array(put.byteLength)
      put.encodeInto(bytes, 0)
      expect(hexOf(bytes)).toBe(hex)
    }
  })

  test('a header of any name is a header and nothing else', () => {
    const headers = Object.defineProperty({}, '__proto__', { value: 'x', enumerable: true })
    const decoded = decodeMessage(encodeMessage({ ...PLAIN, headers, body }))
    expect(Object.entries(decoded.headers)).toEqual([['__proto__', 'x']])
    expect(Object.getPrototypeOf(decoded.headers)).toBe(Object.prototype)
  })

  test('no record that ends within its head is taken', () => {
    for (const [message, hex] of GOLDEN_MESSAGES) {
      const headBytes = bytesOf(hex).length - message.body.length
      for (let length = 0; length < headBytes; length++) {
        expect(() => decodeMessage(bytesOf(hex).subarray(0, length)), hex).toThrow(NEWER)
      }
    }
  })

  test.each([
    ['a producer beyond the end', '40 01 00 62'],
    ['flags beyond the last that is known', '80 04 01 00 62'],
    ['flags of three bytes', '80 80 01 01 00 62'],
    ['a number that is longer than it need be', '00 81 00 00 62'],
    ['a key that is no UTF-8', '10 01 00 02 05 01 ff 62'],
    ['a header beyond the end', '20 01 00 01 01 61 05 62'],
    ['a header that comes twice', '20 01 00 02 01 61 00 01 61 00 62'],
    ['a priority behind which none can come', '01 01 00 ff ff ff ff ff ff ff 0f 62'],
    ['an offset behind which none can come', '00 01 ff ff ff ff ff ff ff 0f 62'],
    ['more headers than there are', '20 01 00 7f 01 61 01 62'],
  ])('%s is refused', (_what, hex) => {
    expect(() => decodeMessage(bytesOf(hex))).toThrow(NEWER)
  })
})
