/**
 * Puts messages that were exported: their keys are as they were, taken or free again, and so none of them
 * counts as a duplicate of another.
 */
import { QlogTypeError } from '../../errors.ts'
import { checkBody, checkMs, checkPut } from '../check.ts'
import type { ExportedPut } from '../look/exporting.ts'
import type { StoreCore } from '../store-core.ts'
import type { PutResult } from '../types/puts.ts'
import { Put } from './put.ts'
import { PutMany } from './puts.ts'

export interface ImportedMessage {
  readonly put: ExportedPut
  readonly body: Uint8Array
}

/** All or none. Rejects like `putMany`. */
export async function importMessages(
  core: StoreCore,
  queue: string,
  messages: readonly ImportedMessage[],
): Promise<readonly PutResult[]> {
  if (messages.length === 0) return []
  const checked = messages.map(({ put, body }) => {
    if (typeof put !== 'object' || put === null) throw new QlogTypeError('put must be an object')
    const { keyLeftMs, ...options } = put
    const plan = checkPut(options, core.clock)
    const bytes = checkBody(body, core.log.limits.messageBytesMax)
    if (keyLeftMs === undefined) return { bytes, plan }
    // Replay takes it that a key is taken for its window from its put on, and for no longer.
    const leftMs = Math.min(checkMs('keyLeftMs', keyLeftMs), plan.keyWindowMs)
    const keyUntilMs = core.clock.nowMs() + leftMs
    return { bytes, plan: { ...plan, keyUntilMs } }
  })
  const number = core.registry.queueNumber(queue)
  const puts = checked.map(({ bytes, plan }) => new Put(number, bytes, plan))
  return core.send(new PutMany(puts, core.claims))
}
