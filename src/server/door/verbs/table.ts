/** Every verb of the door, once: a new one is a line here and its types in `types.ts`. */
import { compact, kick, pause, remove } from './change.ts'
import { exportAll } from './export.ts'
import { importGroup, importMessages, importStates } from './import.ts'
import { groups, list, peek, queues, stats } from './look.ts'
import { put } from './put.ts'
import { settle, take } from './take.ts'
import type { VerbName, VerbTable } from './types.ts'

export const VERBS: VerbTable = {
  put,
  take,
  settle,
  queues,
  groups,
  peek,
  list,
  kick,
  pause,
  delete: remove,
  compact,
  stats,
  export: exportAll,
  import: importMessages,
  importGroup,
  importStates,
}

export function isVerb(name: unknown): name is VerbName {
  return typeof name === 'string' && Object.hasOwn(VERBS, name)
}
