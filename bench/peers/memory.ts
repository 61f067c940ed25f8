/**
 * The memory of the machine before a run. A virtual machine is given pages by its host when it first touches them,
 * which costs several times what writing to them does: whoever came first to a page would pay for all that come later.
 */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { freemem } from 'node:os'

/** The rest is for whoever else needs some meanwhile. */
const SHARE = 0.75
/** Linux gives blocks of free pages back from this order on; no block is of a higher one than the most. */
const REPORTING_ORDER = '/sys/module/page_reporting/parameters/page_reporting_order'
const ORDER_MAX = 10

/** Said before the run, and on the page. */
export const GIVEN_BACK =
  'this machine gives free memory back to its host, and whoever writes much in little time pays for getting it again; `echo 11 > /sys/module/page_reporting/parameters/page_reporting_order` stops that until it is restarted'

export interface MemoryFacts {
  /** Bytes that were touched before. */
  readonly touchedBytes: number
  /** The machine gives pages that are free back to its host, and touches them for the first time again and again. */
  readonly isGivenBack: boolean
}

export function touchMemory(): MemoryFacts {
  const bytes = Math.floor(freemem() * SHARE)
  const touching = ['bench/peers/touch-memory.mjs', String(bytes)]
  const { status } = spawnSync(process.execPath, touching, { stdio: 'ignore' })
  return { touchedBytes: status === 0 ? bytes : 0, isGivenBack: isGivenBack() }
}

function isGivenBack(): boolean {
  try {
    const order = Number(readFileSync(REPORTING_ORDER, 'utf8'))
    return order >= 0 && order <= ORDER_MAX
  } catch {
    // Another system, or a kernel that knows nothing of it.
    return false
  }
}
