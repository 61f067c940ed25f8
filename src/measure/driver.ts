/** Calls a log as a case asks, and takes the time. The same loops drive whatever is measured. */

/** How a log is called. */
export interface Workload {
  readonly name: string
  /** `sync`: appendSync. `one`: append. `many`: appendMany. */
  readonly call: 'sync' | 'one' | 'many'
  /** Messages a call. */
  readonly batch: number
  /**
   * Callers that each wait for their own call before the next. Batches keep the pipe full where one is
   * ready while as many are being written as can be, and then each stays a commit group of its own as
   * far as groups do not return together: four for the engine, which writes three at once.
   */
  readonly callers: number
  readonly messageBytes: number
}

export interface Sink {
  append(body: Uint8Array): Promise<unknown>
  appendMany(bodies: readonly Uint8Array[]): Promise<unknown>
  appendSync(body: Uint8Array): unknown
}

export interface Timing {
  readonly seconds: number
  /** Of calls, or of a sample of them where there are very many. */
  readonly latenciesMs: readonly number[]
}

/** Two clock readings a message would be a tenth of what an append in flight costs. */
const LATENCY_EVERY = 16
const BODIES = 1024

/** Bodies that differ, in one stretch of memory, as many as a call takes or enough to cycle through. */
export function makeBodies({
  batch,
  messageBytes,
}: Pick<Workload, 'batch' | 'messageBytes'>): Uint8Array[] {
  const count = Math.max(batch, BODIES)
  const bytes = new Uint8Array(count * messageBytes)
  let state = 1
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    bytes[i] = state >>> 24
  }
  return Array.from({ length: count }, (_, i) =>
    bytes.subarray(i * messageBytes, (i + 1) * messageBytes),
  )
}

/** What the loops take from a case. */
export type Drive = Pick<Workload, 'call' | 'batch' | 'callers'>

/** Makes `calls` calls and resolves when the last has. */
export async function drive(
  sink: Sink,
  how: Drive,
  bodies: readonly Uint8Array[],
  calls: number,
): Promise<Timing> {
  const latenciesMs: number[] = []
  const started = performance.now()
  if (how.call === 'sync') driveSync(sink, bodies, calls, latenciesMs)
  else await driveCallers(sink, how, bodies, calls, latenciesMs)
  return { seconds: (performance.now() - started) / 1000, latenciesMs }
}

function driveSync(
  sink: Sink,
  bodies: readonly Uint8Array[],
  calls: number,
  latenciesMs: number[],
): void {
  for (let call = 0; call < calls; call++) {
    const begun = performance.now()
    sink.appendSync(bodyAt(bodies, call))
    latenciesMs.push(performance.now() - begun)
  }
}

async function driveCallers(
  sink: Sink,
  how: Drive,
  bodies: readonly Uint8Array[],
  calls: number,
  latenciesMs: number[],
): Promise<void> {
  const { callers, batch } = how
  const samples = callers > LATENCY_EVERY ? LATENCY_EVERY : 1
  const batchBodies = bodies.slice(0, batch)
  let next = 0
  const caller = async (): Promise<void> => {
    while (next < calls) {
      const call = next++
      const timed = call % samples === 0
      const begun = timed ? performance.now() : 0
      if (how.call === 'many') await sink.appendMany(batchBodies)
      else await sink.append(bodyAt(bodies, call))
      if (timed) latenciesMs.push(performance.now() - begun)
    }
  }
  const running: Promise<void>[] = []
  for (let i = 0; i < callers; i++) {
    running.push(caller())
    // Batches of one tick would share a commit group; those that start apart stay apart.
    if (how.call === 'many') await new Promise(setImmediate)
  }
  await Promise.all(running)
}

export function bodyAt(bodies: readonly Uint8Array[], call: number): Uint8Array {
  const body = bodies[call % bodies.length]
  if (body === undefined) throw new Error('there are always bodies to cycle through')
  return body
}
