/** Message bodies that tell which append they belong to, so that no two appends can be mixed up. */

const NOISE_BYTES = 1 << 16
const noise = new Uint8Array(NOISE_BYTES)
for (let at = 0, state = 0x2545_f491; at < NOISE_BYTES; at += 1) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  noise[at] = state >>> 24
}

/** Every second body repeats itself after so many bytes, so that packing has something to find. */
const PERIOD_BYTES = 24

/** `byteCount` bytes that are the same for the same serial and differ for any other. */
export function bodyOf(serial: number, byteCount: number): Uint8Array {
  const from = (serial * 131) % (NOISE_BYTES / 2)
  const body = new Uint8Array(byteCount)
  const stepBytes = serial % 2 === 0 ? NOISE_BYTES / 2 : PERIOD_BYTES
  for (let at = 0; at < byteCount; at += stepBytes) {
    const part = Math.min(byteCount - at, stepBytes)
    body.set(noise.subarray(from, from + part), at)
  }
  for (let at = 0; at < Math.min(4, byteCount); at += 1) body[at] = (serial >>> (8 * at)) & 0xff
  return body
}

export function isSameBody(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}
