/**
 * Calls a contender as a workload asks, and takes the time. The same loops drive all of them, so what they
 * cost is on every side. Nothing of a contender but its contract.
 */

import { bodyAt, makeBodies } from '../../src/measure/driver.ts'
import type { Opened } from './contract.ts'
import { MANY_IN_FLIGHT, STEADY_AHEAD, STEADY_TAKE } from './scale.ts'
import { Stock, turn } from './stock.ts'
import { TimedMessages, YIELD_MS } from './timed-messages.ts'
import { UnderWay } from './under-way.ts'
import type { Lateness, Timing } from './verbs.ts'

/** A run ends here however fast it is: what nobody takes has to fit into memory and onto the disk. */
export const RUN_BYTES_MAX = 1024 * 1024 * 1024
/** Batches under way where nothing is measured but a store is filled. */
const FILL_BATCHES = 4
const FILL_BATCH = 1000
/** Bytes of a batch while filling, so that large messages do not make huge ones. */
const FILL_BATCH_BYTES = 1024 * 1024
/** After the last put, for what is still to be taken. */
const GRACE_SECONDS = 30

export async function putFor(
  opened: Opened,
  { bytes, inFlight, seconds }: { bytes: number; inFlight: number; seconds: number },
): Promise<Timing> {
  const bodies = makeBodies({ batch: 1, messageBytes: bytes })
  return timing(async () => {
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
  const puts = new UnderWay(inFlight)
  const messagesMax = messagesMaxOf(bodies[0]?.length ?? 1)
  let messages = 0
  while (messages < messagesMax && !isOver()) {
    puts.add(opened.put(bodyAt(bodies, messages++)))
    if (puts.isFull) await puts.room()
  }
  await puts.all()
  return messages
}

function messagesMaxOf(bytes: number): number {
  return Math.max(1, Math.floor(RUN_BYTES_MAX / bytes))
}

export async function batchFor(
  opened: Opened,
  {
    bytes,
    batch,
    batches,
    seconds,
  }: { bytes: number; batch: number; batches: number; seconds: number },
): Promise<Timing> {
  const bodies = makeBodies({ batch, messageBytes: bytes }).slice(0, batch)
  return timing(async () => {
    const endMs = performance.now() + seconds * 1000
    const puts = new UnderWay(batches)
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
  const puts = new UnderWay(FILL_BATCHES)
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
  return timing(async () => {
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

/** A producer that takers keep up with, and takers that wait for its answers and not for a clock. */
export async function steadyFor(
  opened: Opened,
  {
    bytes,
    inFlight,
    seconds,
    takers: most,
    graceSeconds = GRACE_SECONDS,
  }: { bytes: number; inFlight: number; seconds: number; takers?: number; graceSeconds?: number },
): Promise<Timing> {
  const bodies = makeBodies({ batch: 1, messageBytes: bytes })
  return timing(async () => {
    const endMs = performance.now() + seconds * 1000
    const waitingMax = STEADY_AHEAD * inFlight
    const stock = new Stock({ waitingMax, claimMin: Math.min(STEADY_TAKE, waitingMax) })
    let taken = 0
    const consume = consumerOf(stock, endMs + graceSeconds * 1000, (came) => {
      taken += came
    })
    const producing = produce(opened, stock, bodies, { inFlight, endMs })
    const [put] = await Promise.all([producing, takers(opened, consume, most)])
    assertAllCame(put, taken)
    return taken
  })
}

function assertAllCame(put: number, taken: number): void {
  if (taken < put) throw new Error(`of ${put} messages that were put ${put - taken} never came`)
}

/** How many were put. */
async function produce(
  opened: Opened,
  stock: Stock,
  bodies: readonly Uint8Array[],
  { inFlight, endMs }: { inFlight: number; endMs: number },
): Promise<number> {
  const puts = new UnderWay(inFlight)
  const messagesMax = messagesMaxOf(bodies[0]?.length ?? 1)
  const answered = (): void => stock.add(1)
  let row = 0
  try {
    let turnMs = performance.now()
    while (row < messagesMax) {
      const now = performance.now()
      if (now >= endMs) break
      if (now - turnMs >= YIELD_MS) {
        await turn()
        turnMs = performance.now()
      }
      puts.add(opened.put(bodyAt(bodies, row++)).then(answered))
      if (puts.isFull) await puts.room()
      await stock.room()
    }
    await puts.all()
    return row
  } finally {
    stock.close()
  }
}

/** Takes what there is by what was answered; `graceMs`: when it no longer waits for what does not come. */
function consumerOf(
  stock: Stock,
  graceMs: number,
  note: (came: number) => void,
): (take: Take) => Promise<void> {
  return async (take) => {
    for (;;) {
      const wanted = await stock.claim(STEADY_TAKE)
      if (wanted === 0) return
      const came = await take(wanted, true)
      note(came)
      if (came < wanted) stock.add(wanted - came)
      if (came > 0) continue
      if (performance.now() >= graceMs) {
        // Nobody waits any longer, the producer for room neither.
        stock.close()
        return
      }
      await turn()
    }
  }
}

export async function pacedPut(
  opened: Opened,
  { bytes, rate, seconds }: { bytes: number; rate: number; seconds: number },
): Promise<Lateness> {
  const timed = new TimedMessages({ bytes, rate, messagesMax: dueIn(rate, seconds) })
  await timed.byTheClock(putOf(opened), (row) => timed.note(row))
  return timed.lateness()
}

export async function pacedThrough(
  opened: Opened,
  { bytes, rate, seconds }: { bytes: number; rate: number; seconds: number },
): Promise<Lateness> {
  const timed = new TimedMessages({ bytes, rate, messagesMax: dueIn(rate, seconds) })
  const graceMs = performance.now() + (seconds + GRACE_SECONDS) * 1000
  await through(opened, timed, graceMs, (answered) => timed.byTheClock(putOf(opened), answered))
  return timed.lateness()
}

/** As fast as `pacedPut` would go. */
export async function flatOutPut(
  opened: Opened,
  { bytes, inFlight, seconds }: { bytes: number; inFlight: number; seconds: number },
): Promise<Timing> {
  const timed = new TimedMessages(asFastAsItGoes(bytes))
  return timing(async () => {
    await timed.flatOut(putOf(opened), (row) => timed.note(row), { inFlight, seconds })
    return timed.done
  })
}

/** As fast as `pacedThrough` would go, with so many on their way from the put to the end of their take. */
export async function flatOutThrough(
  opened: Opened,
  {
    bytes,
    inFlight,
    seconds,
    graceSeconds = GRACE_SECONDS,
  }: { bytes: number; inFlight: number; seconds: number; graceSeconds?: number },
): Promise<Timing> {
  const timed = new TimedMessages(asFastAsItGoes(bytes))
  const how = { inFlight, seconds }
  return timing(async () => {
    const graceMs = performance.now() + (seconds + graceSeconds) * 1000
    await through(opened, timed, graceMs, (answered) => timed.flatOut(putOf(opened), answered, how))
    assertAllCame(timed.begun, timed.done)
    return timed.done
  })
}

function dueIn(rate: number, seconds: number): number {
  return Math.max(1, Math.round(rate * seconds))
}

function asFastAsItGoes(bytes: number) {
  const rate = Number.POSITIVE_INFINITY
  return { bytes, rate, messagesMax: messagesMaxOf(bytes), timesKept: MANY_IN_FLIGHT }
}

function putOf(opened: Opened): (body: Uint8Array) => Promise<unknown> {
  return opened.put.bind(opened)
}

/** What is put is taken, by one taker, as soon as it has been answered. */
async function through(
  opened: Opened,
  timed: TimedMessages,
  graceMs: number,
  producing: (answered: () => void) => Promise<void>,
): Promise<void> {
  const stock = new Stock()
  let taken = 0
  const consume = consumerOf(stock, graceMs, (came) => {
    // The oldest go first, and nobody takes beside: these are the next ones in their order.
    for (let row = 0; row < came; row++) timed.note(taken++)
  })
  const taking = takers(opened, consume, 1).then(
    () => timed.noMore(),
    (error) => {
      timed.fail(error)
      throw error
    },
  )
  const both = [producing(() => stock.add(1)).finally(() => stock.close()), taking]
  // Neither goes on when the other has failed.
  for (const ended of await Promise.allSettled(both)) {
    if (ended.status === 'rejected') throw ended.reason
  }
}

type Take = (count: number, areThere?: boolean) => Promise<number>

/** As many side by side as the contender says, and no more than `most`. */
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

async function timing(act: () => Promise<number>): Promise<Timing> {
  const before = process.cpuUsage()
  const started = performance.now()
  const messages = await act()
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(before)
  return { messages, seconds, cpuSeconds: (user + system) / 1e6 }
}
