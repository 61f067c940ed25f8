/** The commands of beanstalkd, the replies that each can give, and which of them no script can provoke. As data. */

/** A command as beanstalkd recognises it: by the bytes that a line begins with. The longest match counts. */
const PREFIXES: readonly (readonly [prefix: string, name: string])[] = [
  ['put ', 'put'],
  ['use ', 'use'],
  ['reserve', 'reserve'],
  ['reserve-with-timeout ', 'reserve-with-timeout'],
  ['reserve-job ', 'reserve-job'],
  ['delete ', 'delete'],
  ['release ', 'release'],
  ['bury ', 'bury'],
  ['touch ', 'touch'],
  ['watch ', 'watch'],
  ['ignore ', 'ignore'],
  ['peek ', 'peek'],
  ['peek-ready', 'peek-ready'],
  ['peek-delayed', 'peek-delayed'],
  ['peek-buried', 'peek-buried'],
  ['kick ', 'kick'],
  ['kick-job ', 'kick-job'],
  ['stats', 'stats'],
  ['stats-job ', 'stats-job'],
  ['stats-tube ', 'stats-tube'],
  ['list-tubes', 'list-tubes'],
  ['list-tube-used', 'list-tube-used'],
  ['list-tubes-watched', 'list-tubes-watched'],
  ['pause-tube', 'pause-tube'],
  ['quit', 'quit'],
]

/** What a line counts as that is no command. */
export const NO_COMMAND = 'no command'

export function commandOf(line: string): string {
  let found: readonly [string, string] = ['', NO_COMMAND]
  for (const one of PREFIXES) {
    if (line.startsWith(one[0]) && one[0].length > found[0].length) found = one
  }
  return found[1]
}

/** Where the server closes the connection instead of answering. */
export const CLOSED = '(closed)'

/** Every reply of doc/protocol.txt and of the source, command by command. */
export const REPLIES: Readonly<Record<string, readonly string[]>> = {
  put: [
    'INSERTED',
    'BURIED',
    'EXPECTED_CRLF',
    'JOB_TOO_BIG',
    'DRAINING',
    'OUT_OF_MEMORY',
    'BAD_FORMAT',
  ],
  use: ['USING', 'BAD_FORMAT'],
  reserve: ['RESERVED', 'DEADLINE_SOON', 'TIMED_OUT', 'BAD_FORMAT'],
  'reserve-with-timeout': ['RESERVED', 'DEADLINE_SOON', 'TIMED_OUT'],
  'reserve-job': ['RESERVED', 'NOT_FOUND', 'BAD_FORMAT'],
  delete: ['DELETED', 'NOT_FOUND', 'INTERNAL_ERROR', 'BAD_FORMAT'],
  release: ['RELEASED', 'BURIED', 'NOT_FOUND', 'OUT_OF_MEMORY', 'INTERNAL_ERROR', 'BAD_FORMAT'],
  bury: ['BURIED', 'NOT_FOUND', 'INTERNAL_ERROR', 'BAD_FORMAT'],
  touch: ['TOUCHED', 'NOT_FOUND', 'BAD_FORMAT'],
  watch: ['WATCHING', 'BAD_FORMAT', 'OUT_OF_MEMORY'],
  ignore: ['WATCHING', 'NOT_IGNORED', 'BAD_FORMAT'],
  peek: ['FOUND', 'NOT_FOUND', 'BAD_FORMAT'],
  'peek-ready': ['FOUND', 'NOT_FOUND', 'BAD_FORMAT'],
  'peek-delayed': ['FOUND', 'NOT_FOUND', 'BAD_FORMAT'],
  'peek-buried': ['FOUND', 'NOT_FOUND', 'BAD_FORMAT'],
  kick: ['KICKED', 'BAD_FORMAT'],
  'kick-job': ['KICKED', 'NOT_FOUND', 'BAD_FORMAT'],
  stats: ['OK', 'BAD_FORMAT'],
  'stats-job': ['OK', 'NOT_FOUND', 'BAD_FORMAT'],
  'stats-tube': ['OK', 'NOT_FOUND', 'BAD_FORMAT'],
  'list-tubes': ['OK', 'BAD_FORMAT'],
  'list-tube-used': ['USING', 'BAD_FORMAT'],
  'list-tubes-watched': ['OK', 'BAD_FORMAT'],
  'pause-tube': ['PAUSED', 'NOT_FOUND', 'BAD_FORMAT'],
  quit: [CLOSED],
  [NO_COMMAND]: ['UNKNOWN_COMMAND', 'BAD_FORMAT'],
}

/** Replies that both servers have and no script can make them give. */
export const UNREACHABLE: readonly (readonly [reply: string, commands: string[], why: string])[] = [
  ['OUT_OF_MEMORY', ['put', 'release', 'watch'], 'needs an allocation that fails, or a full disk'],
  ['INTERNAL_ERROR', ['delete', 'release', 'bury'], 'needs a log that cannot be written'],
  ['BURIED', ['put', 'release'], 'given where the heap of the ready jobs cannot grow'],
]

export function whyUnreachable(command: string, reply: string): string | undefined {
  return UNREACHABLE.find(([word, commands]) => word === reply && commands.includes(command))?.[2]
}
