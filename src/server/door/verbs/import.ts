/** The verbs that `import` is made of: messages, then each group, then what the groups had made of them. */
import { QlogTypeError } from '../../../errors.ts'
import { checkInteger, checkName } from '../../../store/check.ts'
import type { ImportedMessage } from '../../../store/commit/importing.ts'
import type { Delivery } from '../../../store/types/deliveries.ts'
import type { Session } from '../../../store/types/sessions.ts'
import type { Store } from '../../../store/types/store.ts'
import type { Transaction } from '../../../store/types/transactions.ts'
import { queueHandle } from './export.ts'
import type { ImportState, Verb, VerbTypes } from './types.ts'

/** Rows of one call. */
const ROWS_MAX = 4_096
/** Messages that are brought to where they stood together, as one entry; so many bytes of bodies are held. */
const STATES_AT_ONCE = 256
const BYTES_AT_ONCE = 4 * 1024 * 1024
/** As many are leased one after the other before the first is settled: its own time to run may be a second. */
const LEASE_MS = 600_000

export const importMessages: Verb<VerbTypes['import']> = async ({ store, args, tail, item }) => {
  const messages = messagesOf(args.messages, tail)
  for (const result of await queueHandle(store, args.queue).importMany(messages)) {
    await item(result)
  }
  return {}
}

export const importGroup: Verb<VerbTypes['importGroup']> = async ({ store, args }) => {
  const { queue, group, fromId, leasedMax, promoteAfterMs } = args
  await store.queue(queue).createGroup(group, {
    from: fromId === null ? 'next' : { id: fromId },
    ...(leasedMax !== undefined && { leasedMax }),
    ...(promoteAfterMs !== undefined && { promoteAfterMs }),
  })
  return {}
}

export const importStates: Verb<VerbTypes['importStates']> = async ({ store, args }) => {
  const { queue, group, states } = args
  checkName('the name of a queue', queue)
  if (!Array.isArray(states) || states.length > ROWS_MAX) {
    throw new QlogTypeError(`states must be an array of at most ${ROWS_MAX}`)
  }
  const session = store.session()
  try {
    return { missed: await bringAll(store, session, queue, group, states) }
  } finally {
    await session.close()
  }
}

interface Brought {
  readonly delivery: Delivery
  readonly state: ImportState
}

async function bringAll(
  store: Store,
  session: Session,
  queue: string,
  group: string,
  states: readonly ImportState[],
): Promise<number[]> {
  const missed: number[] = []
  let batch: Brought[] = []
  let bytes = 0
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return
    const together = batch
    batch = []
    bytes = 0
    await store.transaction((transaction) => {
      for (const { delivery, state } of together) bring(transaction, delivery, state)
    })
  }
  for (const state of states) {
    let delivery = await deliveryOf(session, group, state)
    if (delivery === undefined && batch.length > 0) {
      // The group may bound how many are leased at once.
      await flush()
      delivery = await deliveryOf(session, group, state)
    }
    if (delivery === undefined) {
      const found = await store.queue(queue).get(state.id, group)
      if (found?.state === 'ready' || found?.state === 'delayed') missed.push(state.id)
      continue
    }
    batch.push({ delivery, state })
    bytes += delivery.body.length
    if (batch.length >= STATES_AT_ONCE || bytes >= BYTES_AT_ONCE) await flush()
  }
  await flush()
  return missed
}

/** Undefined where it is gone, or somebody else has taken it meanwhile. */
function deliveryOf(
  session: Session,
  group: string,
  state: ImportState,
): Promise<Delivery | undefined> {
  if (typeof state !== 'object' || state === null) throw new QlogTypeError('a state is an object')
  return session.reserveById(state.id, { group, leaseMs: LEASE_MS })
}

function bring(transaction: Transaction, delivery: Delivery, to: ImportState): void {
  const { state, reason, priority, delayMs, at } = to
  const how = priority === undefined ? {} : { priority }
  if (state === 'finished') transaction.ack(delivery)
  else if (state === 'buried') {
    transaction.bury(delivery, { ...how, ...(reason !== undefined && { reason }) })
  } else if (state === 'ready' || state === 'delayed') {
    const due = { ...(delayMs !== undefined && { delayMs }), ...(at !== undefined && { at }) }
    transaction.release(delivery, { ...how, ...due })
  } else throw new QlogTypeError('a state is ready, delayed, buried or finished')
}

function messagesOf(rows: unknown, tail: Uint8Array): ImportedMessage[] {
  if (!Array.isArray(rows) || rows.length > ROWS_MAX) {
    throw new QlogTypeError(`messages must be an array of at most ${ROWS_MAX}`)
  }
  let at = 0
  return rows.map((row: unknown): ImportedMessage => {
    if (typeof row !== 'object' || row === null) throw new QlogTypeError('a message is an object')
    const { bytes, put } = row as Record<string, unknown>
    const length = checkInteger('bytes', bytes, 0, tail.length - at)
    const body = tail.subarray(at, at + length)
    at += length
    // What it says, the store checks.
    return { put: put as ImportedMessage['put'], body }
  })
}
