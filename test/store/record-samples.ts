/** Golden bytes of the store's records: every kind, every field, for tests of them and for fuzzing. Pure. */
import type { ControlOp } from '../../src/store/records/control-ops.ts'
import {
  type DecodedMessage,
  DueKind,
  type MessageFacts,
} from '../../src/store/records/message-record.ts'
import { NO_SETTINGS } from '../../src/store/records/queue-settings.ts'

export const TIME_MS = Date.parse('2024-01-01T00:00:00Z')

export const PLAIN: MessageFacts = {
  queue: 1,
  offset: 0,
  priority: 1024,
  dueKind: DueKind.NONE,
  dueMs: 0,
  expiresMs: 0,
  key: undefined,
  keyWindowMs: 0,
  keyUntilMs: 0,
  producer: undefined,
  sequence: 0,
  after: -1,
  leaseMs: 0,
}

/** The bytes of pairs of hexadecimal digits. */
export function bytesOf(hex: string): Uint8Array {
  const pairs = hex.trim() === '' ? [] : hex.trim().split(/\s+/)
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16))
}

const of = { queue: 300, group: 2 }
const at = { ...of, offset: 65_536, id: 2 ** 53 - 1, priority: 0xffff_ffff }
const atBytes = 'ac 02 02 80 80 04 ff ff ff ff ff ff ff 0f ff ff ff ff 0f'
/** Each with its bytes, as hexadecimal digits. */
export const GOLDEN_CONTROLS: readonly (readonly [ControlOp, string])[] = [
  [{ kind: 'close' }, '02'],
  [{ kind: 'queue', queue: 128, name: 'ä' }, '03 80 01 02 c3 a4'],
  [{ kind: 'group', ...of, name: 'g', from: 127 }, '04 ac 02 02 01 67 7f'],
  [{ kind: 'group-removed', ...of }, '05 ac 02 02'],
  [{ kind: 'settings', ...of, leasedMax: 1, promoteAfterMs: 256 }, '06 ac 02 02 01 80 02'],
  [{ kind: 'lease', ...of, ranges: [3, 4, 10, 210] }, '07 ac 02 02 02 03 01 06 c8 01'],
  [{ kind: 'finish', ...of, ranges: [0, 1] }, '08 ac 02 02 01 00 01'],
  [{ kind: 'give-back', ...of, ranges: [] }, '09 ac 02 02 00'],
  [
    { kind: 'return', ...at, how: 'released', dueKind: 0, dueMs: 0, error: '' },
    `0a ${atBytes} 00 00 00 00`,
  ],
  [
    { kind: 'return', ...at, how: 'timed-out', dueKind: 2, dueMs: 5, error: 'e' },
    `0a ${atBytes} 02 02 05 01 65`,
  ],
  [
    { kind: 'return', ...at, how: 'released-counted', dueKind: 0, dueMs: 0, error: '' },
    `0a ${atBytes} 03 00 00 00`,
  ],
  [{ kind: 'bury', ...at, sequence: 9, reason: 'r', error: '' }, `0b ${atBytes} 09 01 72 00`],
  [{ kind: 'kick', ...at }, `0c ${atBytes}`],
  [{ kind: 'lease-again', ...at }, `0d ${atBytes}`],
  [{ kind: 'delete', queue: 1, ranges: [7, 9] }, '0e 01 01 07 02'],
  [{ kind: 'pause', queue: 1, untilMs: 0 }, '0f 01 00'],
  [{ kind: 'purge', queue: 300 }, '10 ac 02'],
  [{ kind: 'seek', ...of, from: 127 }, '12 ac 02 02 7f'],
  [{ kind: 'redrive', ...of, ranges: [3, 4] }, '11 ac 02 02 01 03 01'],
  [{ kind: 'queue-settings', queue: 1, settings: NO_SETTINGS }, '13 01 00'],
  [
    { kind: 'queue-settings', queue: 1, settings: { ...NO_SETTINGS, messagesMax: 200 } },
    '13 01 01 c8 01',
  ],
  [
    {
      kind: 'queue-settings',
      queue: 1,
      settings: { ...NO_SETTINGS, bytesMax: 5, whenFull: 1, ttlMs: 300 },
    },
    '13 01 04 00 05 01 ac 02',
  ],
  [
    { kind: 'queue-settings', queue: 1, settings: { ...NO_SETTINGS, deadLetter: 2 } },
    '13 01 05 00 00 00 00 02',
  ],
  [{ kind: 'forget', queue: 1, below: 300 }, '14 01 ac 02'],
  [{ kind: 'queue-removed', queue: 300 }, '15 ac 02'],
  [
    {
      kind: 'queue-settings',
      queue: 1,
      settings: { ...NO_SETTINGS, retains: 1, retainMs: 5, retainMessages: 6, retainBytes: 7 },
    },
    '13 01 0a 00 00 00 00 00 00 01 05 06 07',
  ],
  [
    { kind: 'queue-settings', queue: 1, settings: { ...NO_SETTINGS, attemptsMax: 3 } },
    '13 01 0b 00 00 00 00 00 00 00 00 00 00 03',
  ],
  [
    { kind: 'queue-settings', queue: 1, settings: { ...NO_SETTINGS, groupIdleMs: 1_000 } },
    '13 01 06 00 00 00 00 00 e8 07',
  ],
]

const body = new TextEncoder().encode('b')

export const GOLDEN_MESSAGES: readonly (readonly [DecodedMessage, string])[] = [
  [{ ...PLAIN, headers: {}, body: new Uint8Array(0) }, '00 01 00'],
  [{ ...PLAIN, queue: 200, offset: 70_000, headers: {}, body }, '00 c8 01 f0 a2 04 62'],
  [{ ...PLAIN, priority: 0, headers: {}, body }, '01 01 00 00 62'],
  [{ ...PLAIN, dueKind: DueKind.ELAPSED, dueMs: 300, headers: {}, body }, '02 01 00 ac 02 62'],
  [
    { ...PLAIN, dueKind: DueKind.WALL, dueMs: TIME_MS, headers: {}, body },
    '04 01 00 80 e8 c7 92 cc 31 62',
  ],
  [{ ...PLAIN, expiresMs: 1, headers: {}, body }, '08 01 00 01 62'],
  [
    { ...PLAIN, key: 'k', keyWindowMs: 2, keyUntilMs: 5, headers: {}, body },
    '10 01 00 02 05 01 6b 62',
  ],
  [{ ...PLAIN, producer: 'p', sequence: 300, headers: {}, body }, '40 01 00 01 70 ac 02 62'],
  [
    { ...PLAIN, producer: 'p', sequence: 0, headers: { a: '' }, body },
    '60 01 00 01 70 00 01 01 61 00 62',
  ],
  [
    { ...PLAIN, key: 'k', keyWindowMs: 2, keyUntilMs: 5, after: 130, headers: { a: '' }, body },
    'b0 01 01 00 02 05 01 6b 82 01 01 01 61 00 62',
  ],
  [{ ...PLAIN, leaseMs: 300, headers: {}, body }, '80 02 01 00 ac 02 62'],
  [{ ...PLAIN, headers: { a: '', b: 'c' }, body }, '20 01 00 02 01 61 00 01 62 01 63 62'],
]
