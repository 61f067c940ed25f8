/** Every verb of the door, once: a new one is a line here and its types in `types.ts`. */
import { QlogTypeError } from '../../../errors.ts'
import { compact, kick, move, pause, purge, redrive, remove, seek } from './change.ts'
import { exportAll } from './export.ts'
import { importGroup, importMessages, importStates } from './import.ts'
import { groups, list, peek, queues, stats } from './look.ts'
import { put } from './put.ts'
import { configure, group, removeGroup, removeQueue } from './settings.ts'
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
  redrive,
  move,
  purge,
  seek,
  pause,
  configure,
  group,
  removeGroup,
  removeQueue,
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

/** Throws QLOG_INVALID_ARGUMENT, with the verbs there are. */
export function checkVerb(name: unknown): VerbName {
  if (isVerb(name)) return name
  const verbs = Object.keys(VERBS).join(', ')
  throw new QlogTypeError(`${String(name).slice(0, 40)} is no verb; the verbs are ${verbs}`)
}
