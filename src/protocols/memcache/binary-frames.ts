/**
 * Frames of the binary protocol: a head of 24 bytes, then extras, key and value. All numbers are
 * big-endian. Pure.
 *
 *      0       1        2        3    4           5         6       7
 *     +-------+--------+-----------------+-----------+---------+---------------+
 *     | magic | opcode | bytes of key    | of extras | type    | status        |
 *     +-------+--------+-----------------+-----------+---------+---------------+
 *     | bytes of the three together      | opaque: comes back as it was sent   |
 *     +----------------------------------+-------------------------------------+
 *     | cas                                                                    |
 *     +------------------------------------------------------------------------+
 */

export const FRAME_BYTES = 24
export const MAGIC_REQUEST = 0x80
const MAGIC_RESPONSE = 0x81

export const Op = {
  GET: 0x00,
  SET: 0x01,
  ADD: 0x02,
  REPLACE: 0x03,
  DELETE: 0x04,
  INCREMENT: 0x05,
  DECREMENT: 0x06,
  QUIT: 0x07,
  FLUSH: 0x08,
  GETQ: 0x09,
  NOOP: 0x0a,
  VERSION: 0x0b,
  GETK: 0x0c,
  GETKQ: 0x0d,
  APPEND: 0x0e,
  PREPEND: 0x0f,
  STAT: 0x10,
  SETQ: 0x11,
  ADDQ: 0x12,
  REPLACEQ: 0x13,
  DELETEQ: 0x14,
  INCREMENTQ: 0x15,
  DECREMENTQ: 0x16,
  QUITQ: 0x17,
  FLUSHQ: 0x18,
  APPENDQ: 0x19,
  PREPENDQ: 0x1a,
  SASL_LIST: 0x20,
  SASL_AUTH: 0x21,
  SASL_STEP: 0x22,
} as const

export const Status = {
  OK: 0x00,
  NOT_FOUND: 0x01,
  TOO_LARGE: 0x03,
  INVALID: 0x04,
  NOT_STORED: 0x05,
  AUTH: 0x20,
  UNKNOWN: 0x81,
  OUT_OF_MEMORY: 0x82,
  NOT_SUPPORTED: 0x83,
  INTERNAL: 0x84,
  BUSY: 0x85,
} as const

export interface Frame {
  readonly op: number
  readonly keyBytes: number
  readonly extraBytes: number
  /** Extras, key and value together. */
  readonly bodyBytes: number
  readonly opaque: number
  /** Not 0 where the request is for one very version of an item. */
  readonly hasCas: boolean
}

/** What a response says beside its opcode and opaque. */
export interface Answer {
  readonly status?: number
  readonly extras?: Uint8Array
  /** Latin1: one character a byte. */
  readonly key?: string
  readonly value?: Uint8Array
  /** A whole number up to 2^53. */
  readonly cas?: number
}

const NOTHING = new Uint8Array(0)

/** `head` has FRAME_BYTES. */
export function readFrame(head: Uint8Array): Frame {
  const view = new DataView(head.buffer, head.byteOffset, FRAME_BYTES)
  return {
    op: view.getUint8(1),
    keyBytes: view.getUint16(2),
    extraBytes: view.getUint8(4),
    bodyBytes: view.getUint32(8),
    opaque: view.getUint32(12),
    hasCas: view.getUint32(16) !== 0 || view.getUint32(20) !== 0,
  }
}

/** Head, extras and key; the value is not copied, it follows as a part of its own. */
export function responseParts({ op, opaque }: Frame, answer: Answer): readonly Uint8Array[] {
  const { status = Status.OK, extras = NOTHING, key = '', value = NOTHING, cas = 0 } = answer
  const bytes = Buffer.allocUnsafe(FRAME_BYTES + extras.length + key.length)
  bytes[0] = MAGIC_RESPONSE
  bytes[1] = op
  bytes.writeUInt16BE(key.length, 2)
  bytes[4] = extras.length
  bytes[5] = 0
  bytes.writeUInt16BE(status, 6)
  bytes.writeUInt32BE(extras.length + key.length + value.length, 8)
  bytes.writeUInt32BE(opaque, 12)
  bytes.writeBigUInt64BE(BigInt(cas), 16)
  bytes.set(extras, FRAME_BYTES)
  bytes.write(key, FRAME_BYTES + extras.length, 'latin1')
  return value.length === 0 ? [bytes] : [bytes, value]
}
