/** Whether what is about to be put will have room: a run neither fills somebody's disk nor has a server killed. */

import { statfsSync } from 'node:fs'
import { freemem } from 'node:os'

export interface Needed {
  readonly diskBytes: number
  readonly memoryBytes: number
}

/** What is there, of the file system of `directory` and of the machine. */
export function freeBytes(directory: string): Needed {
  const { bavail, bsize } = statfsSync(directory)
  return { diskBytes: bavail * bsize, memoryBytes: freemem() }
}

/** In words why it has none; undefined where it has. Pure. */
export function roomProblem(needed: Needed, free: Needed): string | undefined {
  if (free.diskBytes < needed.diskBytes) return 'too little room on the disk'
  if (free.memoryBytes < needed.memoryBytes) return 'too little free memory'
  return undefined
}
