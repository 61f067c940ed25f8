/** Runs loads against a server, in a process of its own; what was put is read back and compared. */

import { quantile } from '../../src/measure/measures.ts'
import { bodyOf, GeneratorConnection, PUTS, type Reserved } from './connection.ts'
import { BODIES, type Load, type LoadResult, PIPELINED } from './load.ts'

/** Pipelined puts are sent in blocks, so that the window is never empty. */
const BLOCK = 250
const BLOCKS: readonly Buffer[] = Array.from({ length: BODIES / BLOCK }, (_, i) =>
  Buffer.concat(PUTS.slice(i * BLOCK, (i + 1) * BLOCK)),
)
const RESERVES = Buffer.from('reserve\r\n'.repeat(BLOCK))
const LATENCIES_MAX = 2_000_000

/** The parent sends a load at a time and is told how it went. */
export function serveGenerator(): void {
  process.on('message', (load: Load) => {
    run(load).then(
      (result) => process.send?.({ result }),
      (error: unknown) => process.send?.({ error: String(error) }),
    )
  })
}

export async function run(load: Load): Promise<LoadResult> {
  const open = Array.from({ length: load.connections }, () => GeneratorConnection.open(load.port))
  const connections = await Promise.all(open)
  /** How often each body has been put and not been taken. */
  const expected = new Uint32Array(BODIES)
  const cpuBefore = process.cpuUsage()
  const started = performance.now()
  const latenciesMs: number[] = []
  const count = await drive(load, connections, expected, latenciesMs)
  const seconds = (performance.now() - started) / 1000
  const cpu = process.cpuUsage(cpuBefore)
  for (const connection of connections) connection.close()
  if (load.isReadBack && load.kind !== 'cycle') await readBack(load.port, expected)
  const cpuShare = (cpu.user + cpu.system) / 1e6 / seconds
  const [p50Ms, p99Ms] = [0.5, 0.99].map((share) =>
    latenciesMs.length === 0 ? 0 : quantile(latenciesMs, share),
  )
  return { count, seconds, cpuShare, p50Ms: p50Ms ?? 0, p99Ms: p99Ms ?? 0 }
}

function drive(
  load: Load,
  connections: readonly GeneratorConnection[],
  expected: Uint32Array,
  latenciesMs: number[],
): Promise<number> {
  if (load.kind === 'cycle') return cycles(load, connections)
  if (load.kind === 'paced') return paced(load, connections, expected, latenciesMs)
  return load.isPipelined
    ? pipelinedPuts(load, connections, expected)
    : puts(load, connections, expected)
}

/** One put at a time on each connection. */
function puts(
  { seconds }: Load,
  connections: readonly GeneratorConnection[],
  expected: Uint32Array,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const end = performance.now() + seconds * 1000
    let next = 0
    let done = 0
    let running = connections.length
    for (const connection of connections) {
      const send = (): void => {
        const index = next++ % BODIES
        expected[index] = (expected[index] ?? 0) + 1
        connection.send(PUTS[index] ?? '')
      }
      connection.listen((inserted) => {
        done += inserted
        if (performance.now() < end) send()
        else if (--running === 0) resolve(done)
      }, reject)
      send()
    }
  })
}

function pipelinedPuts(
  { kind, seconds, puts: wanted }: Load,
  connections: readonly GeneratorConnection[],
  expected: Uint32Array,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const end = performance.now() + seconds * 1000
    let blocks = 0
    let done = 0
    let running = connections.length
    const isOver = (): boolean =>
      kind === 'fill' ? blocks * BLOCK >= wanted : performance.now() >= end
    for (const connection of connections) {
      let inFlight = 0
      const fill = (): void => {
        while (inFlight <= PIPELINED - BLOCK && !isOver()) {
          const block = blocks++ % BLOCKS.length
          for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) {
            expected[i] = (expected[i] ?? 0) + 1
          }
          connection.send(BLOCKS[block] ?? '')
          inFlight += BLOCK
        }
        if (inFlight === 0 && --running === 0) resolve(done)
      }
      connection.listen((inserted) => {
        done += inserted
        inFlight -= inserted
        fill()
      }, reject)
      fill()
    }
  })
}

/** Put, reserve and delete; pipelined, so many of each at once. */
function cycles(
  { seconds, isPipelined }: Load,
  connections: readonly GeneratorConnection[],
): Promise<number> {
  return new Promise((resolve, reject) => {
    const end = performance.now() + seconds * 1000
    const [first, size] = isPipelined
      ? [Buffer.concat(PUTS), PUTS.length]
      : [PUTS[0] ?? Buffer.alloc(0), 1]
    const reserves = Buffer.from('reserve\r\n'.repeat(size))
    let done = 0
    let running = connections.length
    for (const connection of connections) {
      let [inserted, deleted] = [0, 0]
      let ids: string[] = []
      connection.listen((more, reserved, gone) => {
        inserted += more
        deleted += gone
        for (const { id } of reserved) ids.push(id)
        if (more > 0 && inserted === size) connection.send(reserves)
        if (ids.length === size) {
          connection.send(ids.map((id) => `delete ${id}\r\n`).join(''))
          ids = []
        }
        if (deleted < size) return
        done += size
        ;[inserted, deleted] = [0, 0]
        if (performance.now() < end) connection.send(first)
        else if (--running === 0) resolve(done)
      }, reject)
      connection.send(first)
    }
  })
}

/** Open loop: a put is sent when it is due, and late by as much as its server is. */
function paced(
  { seconds, putsPerSecond }: Load,
  connections: readonly GeneratorConnection[],
  expected: Uint32Array,
  latenciesMs: number[],
): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const total = Math.floor(seconds * putsPerSecond)
    const dueMs = (index: number): number => started + (index * 1000) / putsPerSecond
    const waiting: number[][] = connections.map(() => [])
    let sent = 0
    let done = 0
    for (const [row, connection] of connections.entries()) {
      connection.listen((inserted) => {
        const nowMs = performance.now()
        for (let i = 0; i < inserted; i++) {
          const index = waiting[row]?.shift() ?? 0
          if (latenciesMs.length < LATENCIES_MAX) latenciesMs.push(nowMs - dueMs(index))
        }
        done += inserted
        if (done === total) resolve(done)
      }, reject)
    }
    const send = (): void => {
      const nowMs = performance.now()
      for (; sent < total && dueMs(sent) <= nowMs; sent++) {
        const row = sent % connections.length
        const body = sent % BODIES
        expected[body] = (expected[body] ?? 0) + 1
        waiting[row]?.push(sent)
        connections[row]?.send(PUTS[body] ?? '')
      }
      if (sent < total) setImmediate(send)
    }
    send()
  })
}

/** Takes all that was put, compares every body, and deletes it. */
async function readBack(port: number, expected: Uint32Array): Promise<void> {
  const connection = await GeneratorConnection.open(port)
  const total = expected.reduce((sum, count) => sum + count, 0)
  const bodies = Array.from({ length: BODIES }, (_, i) => bodyOf(i))
  await new Promise<void>((resolve, reject) => {
    let [asked, deleted] = [0, 0]
    const ask = (): void => {
      const count = Math.min(BLOCK, total - asked)
      asked += count
      if (count > 0) connection.send(RESERVES.subarray(0, count * 'reserve\r\n'.length))
    }
    connection.listen((_, reserved: readonly Reserved[], gone) => {
      deleted += gone
      for (const { body } of reserved) {
        const text = body.toString('latin1')
        const index = Number(text.slice(0, 4))
        if (bodies[index] !== text || expected[index] === 0) {
          reject(new Error(`read back what was not put: ${text}`))
          return
        }
        expected[index] = (expected[index] ?? 0) - 1
      }
      if (reserved.length > 0) {
        connection.send(reserved.map(({ id }) => `delete ${id}\r\n`).join(''))
      }
      if (deleted === total) resolve()
      else if (asked - deleted <= PIPELINED - BLOCK) ask()
    }, reject)
    if (total === 0) resolve()
    ask()
  })
  connection.close()
}
