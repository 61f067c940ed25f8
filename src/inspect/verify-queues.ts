/** What damage costs a store: the queues of the lost messages, by name. Reads only. */
import type { System } from '../system/system.ts'
import { IdRanges } from './id-ranges.ts'
import { lookIntoStore } from './store-look.ts'
import { type InspectOptions, type VerifyReport, verifyLog } from './verify.ts'

/** Verifies a log; where messages of a store are lost, tells of which queues they are. */
export async function verifyWithQueues(
  system: System,
  directory: string,
  options: InspectOptions = {},
): Promise<VerifyReport> {
  const report = await verifyLog(system, directory, options)
  if (report.lostMessages === 0) return report
  const store = await lookIntoStore(system, directory, options.signal)
  if (store === undefined) return report
  const lost = new IdRanges()
  for (const { level, firstId, endId } of report.findings) {
    if (level === 'rot') lost.add(firstId, endId)
  }
  const sums = new Map<string, number>()
  for (const { queue, messages } of store.sharesOf(lost.ranges).flat()) {
    sums.set(queue, (sums.get(queue) ?? 0) + messages)
  }
  const lostQueues = [...sums].map(([queue, messages]) => ({ queue, messages }))
  lostQueues.sort((a, b) => b.messages - a.messages || (a.queue < b.queue ? -1 : 1))
  return { ...report, lostQueues }
}
