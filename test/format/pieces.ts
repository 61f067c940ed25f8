/** Bytes put together by hand, by other means than the code under test. */

/** A record of `kind` with this body. */
export function record(kind: number, body: Uint8Array | string): Uint8Array {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  const result = new Uint8Array(4 + bytes.length)
  new DataView(result.buffer).setUint32(0, kind * 2 ** 28 + bytes.length, true)
  result.set(bytes, 4)
  return result
}

export function u64(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * values.length))
  for (const [i, value] of values.entries()) view.setBigUint64(8 * i, BigInt(value), true)
  return new Uint8Array(view.buffer)
}

export function u32(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length))
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value, true)
  return new Uint8Array(view.buffer)
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    result.set(part, at)
    at += part.length
  }
  return result
}

/** One LZ4 block of literals alone: legal, and easy to write by hand. */
export function packLiterals(bytes: Uint8Array): Uint8Array {
  const head = [bytes.length < 15 ? bytes.length << 4 : 0xf0]
  for (let rest = bytes.length - 15; rest >= 0; rest -= 255) head.push(Math.min(rest, 255))
  return concat(Uint8Array.from(head), bytes)
}

/** The other way; throws for anything but literals. */
export function unpackLiterals(stored: Uint8Array, uncompressedLength: number): Uint8Array {
  const literals = stored.subarray(stored.length - uncompressedLength)
  const packed = packLiterals(literals)
  if (packed.length !== stored.length || packed.some((byte, i) => byte !== stored[i])) {
    throw new RangeError('this is not one run of literals')
  }
  return literals.slice()
}

/** Payload of a COMPRESSED block. */
export function compressed(payload: Uint8Array): Uint8Array {
  const stored = packLiterals(payload)
  return concat(u32(payload.length, stored.length), stored)
}
