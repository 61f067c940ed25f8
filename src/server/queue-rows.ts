/**
 * The figures of a queue as they go through the door: one with very many groups in several rows, each with
 * some of them, since a frame is bounded. Pure.
 */
import type { QueueStats } from '../store/types/stats.ts'

/** Groups of one row: some hundred bytes each. */
const GROUPS_A_ROW = 256

export function rowsOf(queue: QueueStats): QueueStats[] {
  const rows: QueueStats[] = []
  for (let first = 0; first === 0 || first < queue.groups.length; first += GROUPS_A_ROW) {
    rows.push({ ...queue, groups: queue.groups.slice(first, first + GROUPS_A_ROW) })
  }
  return rows
}

/** Adds a row to what came before, or joins it with the one it goes on with. */
export function addRow(queues: QueueStats[], row: QueueStats): void {
  const last = queues.at(-1)
  if (last?.queue !== row.queue) queues.push(row)
  else queues[queues.length - 1] = { ...last, groups: [...last.groups, ...row.groups] }
}
