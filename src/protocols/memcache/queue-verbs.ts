/** What concerns queues and not one reader's messages: putting, flushing, deleting. */
import { GROUP_DEFAULT, type PutResult } from '../../index.ts'
import { putOptions } from './flags.ts'
import type { Address } from './key.ts'
import type { Reader, Readers } from './readers.ts'

/** Durable when it resolves. The bytes are taken before this returns. Rejects as the store's put does. */
export function put(
  readers: Readers,
  reader: Reader,
  body: Uint8Array,
  flags: number,
  exptime: number,
): Promise<PutResult> {
  readers.tally.cmdSet++
  // The record of the group stands in front of the message: where that is durable, so is the group.
  const made = reader.ready()
  const stored = reader.queue.put(body, putOptions(flags, exptime, readers.plan.honourExpiry))
  return made === undefined ? stored : Promise.all([stored, made]).then(([result]) => result)
}

/** Everything that was put before is done with, for this reader. */
export async function flush(readers: Readers, address: Address): Promise<void> {
  const reader = readers.of(address)
  if (!reader.exists) return
  await reader.queue.group(reader.group).seek('next')
  reader.flushes++
}

/** Everything in all queues is gone, for every reader, as one entry. */
export async function flushAll(readers: Readers): Promise<void> {
  const { store } = readers
  const names = store.queues()
  await store.transaction((transaction) => {
    for (const name of names) transaction.purge(name)
  })
}

/**
 * What this reader kept is gone; false where there was nothing to take away. The queue's own group stays,
 * and so does a fan-out that a connection reads or somebody waits on: they go on with what is put next.
 */
export async function remove(readers: Readers, { queue: name, group }: Address): Promise<boolean> {
  const queue = readers.store.queue(name)
  const { groups, messages } = queue.stats()
  const known = groups.find((one) => one.group === group)
  const isOwn = group === GROUP_DEFAULT
  const isThere = isOwn ? hasMessages(known?.lag, groups.length, messages) : known !== undefined
  if (readers.store.status === 'open' && !isThere) return false
  // A queue without any group would keep what its last one has not finished.
  if (groups.length <= 1) await queue.purge()
  if (known !== undefined) {
    const reader = readers.known({ queue: name, group })
    if (isOwn || known.waiting > 0 || reader?.isUsed) await queue.group(group).seek('next')
    else await queue.group(group).remove()
    // What whoever asked for this had open is over, and nobody else may use it.
    reader?.letGo()
  }
  readers.tally.queueDeletes++
  return true
}

/** The queue's own reader has something left; before its first use, all that nobody reads yet. */
function hasMessages(lag: number | undefined, groups: number, messages: number): boolean {
  return lag === undefined ? groups === 0 && messages > 0 : lag > 0
}
