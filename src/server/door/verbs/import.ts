/** The verbs that `import` is made of: messages, then each group, then what the groups had made of them. */
import { QlogTypeError } from '../../../errors.ts'
import { checkInteger, checkName } from '../../../store/check.ts'
import type { ImportedMessage } from '../../../store/commit/importing.ts'
import type { Delivery } from '../../../store/types/deliveries.ts'
import type { Session } from '../../../store/types/sessions.ts'
import { queueHandle } from './export.ts'
import type { ImportState, Verb, VerbTypes } from './types.ts'

/** Rows of one call. */
const ROWS_MAX = 4_096
/** Messages that are acknowledged together. */
const ACKED_AT_ONCE = 256

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
    let finished: Delivery[] = []
    for (const state of states) {
      const delivery = await deliveryOf(session, group, state)
      if (delivery === undefined) continue
      if (state.state === 'finished') finished.push(delivery)
      else await bring(delivery, state)
      // The group may bound how many are leased at once.
      if (finished.length < ACKED_AT_ONCE) continue
      await session.ack(finished)
      finished = []
    }
    await session.ack(finished)
  } finally {
    await session.close()
  }
  return {}
}

/** Undefined where it is gone, or somebody else has taken it meanwhile. */
function deliveryOf(
  session: Session,
  group: string,
  state: ImportState,
): Promise<Delivery | undefined> {
  if (typeof state !== 'object' || state === null) throw new QlogTypeError('a state is an object')
  return session.reserveById(state.id, { group })
}

async function bring(delivery: Delivery, { state, reason, priority, delayMs, at }: ImportState) {
  const how = priority === undefined ? {} : { priority }
  if (state === 'buried') {
    await delivery.bury({ ...how, ...(reason !== undefined && { reason }) })
    return
  }
  if (state !== 'ready' && state !== 'delayed') {
    throw new QlogTypeError('a state is ready, delayed, buried or finished')
  }
  const due = { ...(delayMs !== undefined && { delayMs }), ...(at !== undefined && { at }) }
  await delivery.release({ ...how, ...due })
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
