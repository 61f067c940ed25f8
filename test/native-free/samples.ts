/** Inputs for the codecs: lines like those of a log, noise, and blocks spelled out by hand. */

/** Steps a linear congruence; good enough to make inputs, and the same on every machine. */
export function makeRandom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** `length` bytes of lines like those of a log, cut off at the end. */
export function jsonLines(length: number, seed = 1): Uint8Array {
  const random = makeRandom(seed)
  const lines: string[] = []
  for (let bytes = 0; bytes < length; ) {
    const line = `{"id":${random(1e6)},"level":"${random(2) ? 'info' : 'warn'}","ms":${random(999)}}\n`
    lines.push(line)
    bytes += line.length
  }
  return new TextEncoder().encode(lines.join('')).subarray(0, length)
}

export function noise(length: number, seed = 1): Uint8Array {
  const random = makeRandom(seed)
  return Uint8Array.from({ length }, () => random(256))
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}
