/**
 * Calls a contender as a workload asks, and takes the time. The same loops drive all of them, so what they
 * cost is on every side. Nothing of a contender but its contract.
 */

import { makeBodies } from '../../src/measure/driver.ts'
import { quantilesOf } from '../store/clocked.ts'
import { Acks } from '../store/loads.ts'
import type { Opened } from './contract.ts'
import type { Lateness, Timing } from './verbs.ts'

/** A run ends here however fast it is: what nobody takes has to fit into memory and onto the disk. */
const RUN_BYTES_MAX = 256 * 1024 * 1024
/** Batches under way: one is made while others are written. */
const BATCHES_IN_FLIGHT = 4
const FILL_BATCH = 1000
/** Bytes of a batch while filling, so that large messages do not make huge ones. */
const FILL_BATCH_BYTES = 1024 * 1024
/** Messages a take while puts go on beside it. */
const STEADY_TAKE = 100
/** How often a taker looks again where nothing is there, and a producer for what is due. */
const TICK_MS = 1
/** After the last put, for what is still to be taken or answered. */
const GRACE_SECONDS = 30

export async function putFor(
  opened: Opened,
  { bytes, inFlight, seconds }: { bytes: number; inFlight: number; seconds: number },
): Promise<Timing> {
  const bodies = makeBodies({ batch: 1, messageBytes: bytes })
  return timed(async () => {
    const endMs = performance.now() + seconds * 1000
    return putUntil(opened, bodies, inFlight, () => performance.now() >= endMs)
  })
}

async function putUntil(
  opened: Opened,
  bodies: readonly Uint8Array[],
  inFlight: number,
  isOver: () => boolean,
): Promise<number> {
  const puts = new Acks(inFlight - 1)
  const messagesMax = Math.max(1, Math.floor(RUN_BYTES_MAX / (bodies[0]?.length ?? 1)))
  let messages = 0
  while (messages < messagesMax && !isOver()) {
    puts.add(opened.put(bodyAt(bodies, messages++)))
    if (puts.isFull) await puts.room()
  }
  await puts.all()
  return messages
}

export async function batchFor(
  opened: Opened,
  { bytes, batch, seconds }: { bytes: number; batch: number; seconds: number },
): Promise<Timing> {
  const bodies = makeBodies({ batch, messageBytes: bytes }).slice(0, batch)
  return timed(async () => {
    const endMs = performance.now() + seconds * 1000
    const puts = new Acks(BATCHES_IN_FLIGHT - 1)
    let messages = 0
    while (performance.now() < endMs && messages * bytes < RUN_BYTES_MAX) {
      puts.add(opened.putMany(bodies))
      messages += batch
      if (puts.isFull) await puts.room()
    }
    await puts.all()
    return messages
  })
}

export async function fill(
  opened: Opened,
  { bytes, messages, secondsMax }: { bytes: number; messages: number; secondsMax: number },
): Promise<number> {
  const batch = Math.max(1, Math.min(FILL_BATCH, Math.floor(FILL_BATCH_BYTES / bytes)))
  const bodies = makeBodies({ batch, messageBytes: bytes })
  const endMs = performance.now() + secondsMax * 1000
  const puts = new Acks(BATCHES_IN_FLIGHT - 1)
  let done = 0
  while (done < messages && performance.now() < endMs) {
    const count = Math.min(batch, messages - done)
    puts.add(opened.putMany(bodies.slice(0, count)))
    done += count
    if (puts.isFull) await puts.room()
  }
  await puts.all()
  return done
}

export async function drain(
  opened: Opened,
  {
    batch,
    messages,
    secondsMax,
    takers: most,
  }: { batch: number; messages: number; secondsMax: number; takers?: number },
): Promise<Timing> {
  return timed(async () => {
    const endMs = performance.now() + secondsMax * 1000
    let wanted = messages
    let taken = 0
    const work = async (take: Take): Promise<void> => {
      while (wanted > 0 && performance.now() < endMs) {
        const count = Math.min(batch, wanted)
        wanted -= count
        const came = await take(count)
        taken += came
        if (came === 0) return
        wanted += count - came
      }
    }
    await takers(opened, work, most)
    return taken
  })
}

export async function steadyFor(
  opened: Opened,
  {
    bytes,
    inFlight,
    seconds,
    takers: most,
  }: { bytes: number; inFlight: number; seconds: number; takers?: number },
): Promise<Timing> {
  const bodies = makeBodies({ batch: 1, messageBytes: bytes })
  return timed(async () => {
    const endMs = performance.now() + seconds * 1000
    let put = Number.POSITIVE_INFINITY
    let taken = 0
    const producing = putUntil(opened, bodies, inFlight, () => performance.now() >= endMs).then(
      (messages) => {
        put = messages
      },
    )
    const graceMs = endMs + GRACE_SECONDS * 1000
    const consume = async (take: Take): Promise<void> => {
      while (taken < put && performance.now() < graceMs) {
        const came = await take(STEADY_TAKE)
        taken += came
        if (came === 0) await pause()
      }
    }
    await Promise.all([producing, takers(opened, consume, most)])
    return taken
  })
}

export async function pacedPut(
  opened: Opened,
  { bytes, rate, seconds }: { bytes: number; rate: number; seconds: number },
): Promise<Lateness> {
  const schedule = new Schedule(rate, seconds)
  await schedule.run((body, row) => opened.put(body).then(() => schedule.note(row)), bytes)
  return schedule.lateness()
}

export async function pacedThrough(
  opened: Opened,
  { bytes, rate, seconds }: { bytes: number; rate: number; seconds: number },
): Promise<Lateness> {
  const schedule = new Schedule(rate, seconds)
  let taken = 0
  const graceMs = performance.now() + (seconds + GRACE_SECONDS) * 1000
  const consume = async (take: Take): Promise<void> => {
    while (taken < schedule.messages && performance.now() < graceMs) {
      const came = await take(STEADY_TAKE)
      // The oldest go first, and nobody takes beside: these are the next ones in their order.
      for (let row = 0; row < came; row++) schedule.note(taken++)
      if (came === 0) await pause()
    }
  }
  await Promise.all([schedule.run((body) => opened.put(body), bytes), takers(opened, consume, 1)])
  return schedule.lateness()
}

/** When messages are due, and how late each was done: no answer is waited for before the next is put. */
class Schedule {
  readonly messages: number
  readonly #rate: number
  readonly #lateMs: Float64Array
  #startMs = 0

  constructor(rate: number, seconds: number) {
    this.#rate = rate
    this.messages = Math.max(1, Math.round(rate * seconds))
    this.#lateMs = new Float64Array(this.messages).fill(Number.NaN)
  }

  async run(put: (body: Uint8Array, row: number) => Promise<void>, bytes: number): Promise<void> {
    const bodies = makeBodies({ batch: 1, messageBytes: bytes })
    const puts = new Acks(0)
    this.#startMs = performance.now() + TICK_MS
    for (let row = 0; row < this.messages; ) {
      const now = performance.now()
      for (; row < this.messages && this.#dueMs(row) <= now; row++) {
        puts.add(put(bodyAt(bodies, row), row))
      }
      await pause()
    }
    await puts.all()
  }

  note(row: number): void {
    if (row >= this.messages) throw new Error('more was taken than was put')
    this.#lateMs[row] = performance.now() - this.#dueMs(row)
  }

  lateness(): Lateness {
    let unfinished = 0
    const now = performance.now()
    for (const [row, lateMs] of this.#lateMs.entries()) {
      if (!Number.isNaN(lateMs)) continue
      unfinished += 1
      this.#lateMs[row] = now - this.#dueMs(row)
    }
    return { ...quantilesOf(this.#lateMs), unfinished }
  }

  #dueMs(row: number): number {
    return this.#startMs + (row * 1000) / this.#rate
  }
}

type Take = (count: number) => Promise<number>

/** So many side by side as get the most out of it, or `most`. */
async function takers(
  opened: Opened,
  work: (take: Take) => Promise<void>,
  most = Number.POSITIVE_INFINITY,
): Promise<void> {
  if (opened.take === undefined) throw new Error('nothing is taken from this contender')
  const take = opened.take.bind(opened)
  const count = Math.min(most, opened.takers ?? 1)
  await Promise.all(Array.from({ length: count }, () => work(take)))
}

async function timed(act: () => Promise<number>): Promise<Timing> {
  const before = process.cpuUsage()
  const started = performance.now()
  const messages = await act()
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(before)
  return { messages, seconds, cpuSeconds: (user + system) / 1e6 }
}

function bodyAt(bodies: readonly Uint8Array[], row: number): Uint8Array {
  const body = bodies[row % bodies.length]
  if (body === undefined) throw new Error('there is always a body')
  return body
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, TICK_MS))
}
