/** The kinds of calls that the simulator counts, orders, fails and crashes at. Pure. */

export const READ_CALLS = ['read', 'readSync'] as const
export const WRITE_CALLS = ['write', 'writeSync', 'writeMany'] as const
export const FLUSH_CALLS = ['flush', 'flushSync'] as const

export const OPEN_CALLS = ['open', 'openSync'] as const
export const STAT_CALLS = ['stat', 'statSync'] as const
export const LINK_CALLS = ['link', 'linkSync'] as const
export const UNLINK_CALLS = ['unlink', 'unlinkSync'] as const
export const FLUSH_DIRECTORY_CALLS = ['flushDirectory', 'flushDirectorySync'] as const

export const CALL_KINDS = [
  ...OPEN_CALLS,
  ...READ_CALLS,
  ...WRITE_CALLS,
  ...FLUSH_CALLS,
  'handleStat',
  'handleStatSync',
  'close',
  'closeSync',
  ...STAT_CALLS,
  'list',
  'makeDirectory',
  ...LINK_CALLS,
  'rename',
  ...UNLINK_CALLS,
  'removeDirectory',
  ...FLUSH_DIRECTORY_CALLS,
  'space',
  'listen',
  'stopListening',
  'probe',
] as const

export type CallKind = (typeof CALL_KINDS)[number]

/** Where within a call something else happens: before its effect, halfway, or after it. */
export type Moment = 'before' | 'during' | 'after'
