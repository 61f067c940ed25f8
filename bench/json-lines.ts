/** Lines like those that a service logs: the sample of everything that measures compression. Pure. */

const WORDS = ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', 'golf', 'hotel'] as const
const LEVELS = ['debug', 'info', 'info', 'info', 'warn', 'error'] as const
const STATUSES = [200, 200, 200, 201, 304, 404, 500] as const

/** One object a line, the same ones for the same `seed`; at least `byteLength` bytes of them. */
export function jsonLines(byteLength: number, seed = 1): Buffer {
  const random = makeRandom(seed)
  const lines: string[] = []
  let bytes = 0
  for (let i = 0; bytes < byteLength; i++) {
    const line = `${JSON.stringify(record(random, i))}\n`
    lines.push(line)
    bytes += line.length
  }
  return Buffer.from(lines.join(''))
}

/** Bodies of exactly `messageBytes` bytes each, cut from such lines. */
export function jsonBodies(count: number, messageBytes: number): Buffer[] {
  const bytes = jsonLines(count * messageBytes)
  return Array.from({ length: count }, (_, i) =>
    bytes.subarray(i * messageBytes, (i + 1) * messageBytes),
  )
}

function record(random: (below: number) => number, index: number): Record<string, unknown> {
  const pick = <T>(items: readonly T[]): T | undefined => items[random(items.length)]
  return {
    time: 1_700_000_000_000 + index * 37 + random(30),
    level: pick(LEVELS),
    request: `${random(2 ** 30).toString(16)}-${random(2 ** 30).toString(16)}`,
    service: `${pick(WORDS)}-${random(20)}`,
    user: { id: random(100_000), name: `${pick(WORDS)} ${pick(WORDS)}` },
    path: `/api/v1/${pick(WORDS)}/${random(10_000)}`,
    status: pick(STATUSES),
    durationMs: random(10_000) / 100,
  }
}

function makeRandom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
