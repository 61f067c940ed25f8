/**
 * Scripts that chance would seldom make, or that have to wait for the clock. Waits end half-way between
 * two whole seconds, so that nothing falls together with a deadline. As data.
 */

import { job, type Script, type Step } from './script.ts'
import { WRONG_LINES } from './wrong-lines.ts'

function send(connection: number, ...lines: readonly string[]): Step {
  const commands = lines.map((line) => `${line}\r\n`)
  return { kind: 'send', connection, commands, packetSeed: 1 }
}

/** Waits for every reply, however long a reserve takes. */
function ask(connection: number, ...lines: readonly string[]): Step {
  const commands = lines.map((line) => `${line}\r\n`)
  return { kind: 'send', connection, commands, packetSeed: 1, answered: true }
}

function wait(seconds: number): Step {
  return { kind: 'wait', seconds }
}

const statsJob = `stats-job ${job(0)}`

export const DIRECTED: Readonly<Record<string, Script>> = {
  'every command once, right': [
    send(0, 'use a', 'put 5 0 100 3\r\nabc', 'put 5 1000 100 3\r\ndef', 'list-tube-used'),
    send(0, 'peek-ready', 'peek-delayed', 'peek-buried', `peek ${job(1)}`, 'list-tubes'),
    send(0, 'watch a', 'list-tubes-watched', 'ignore default', 'ignore a', 'reserve'),
    send(
      0,
      `touch ${job(0)}`,
      statsJob,
      `release ${job(0)} 7 0`,
      statsJob,
      `reserve-job ${job(0)}`,
    ),
    send(0, `bury ${job(0)} 9`, 'peek-buried', statsJob, 'kick 5', 'kick 5', 'stats-tube a'),
    send(
      0,
      'reserve-with-timeout 0',
      `bury ${job(0)} 9`,
      `kick-job ${job(0)}`,
      'pause-tube a 1000',
    ),
    send(
      0,
      'reserve-with-timeout 0',
      'stats-tube a',
      `delete ${job(0)}`,
      `delete ${job(1)}`,
      'stats',
    ),
    send(0, 'quit'),
  ],
  'a buried list keeps its order, and is kicked before what is delayed': [
    send(
      0,
      'put 1 0 100 1\r\na',
      'put 1 0 100 1\r\nb',
      'put 1 0 100 1\r\nc',
      'put 1 1000 100 1\r\nd',
    ),
    send(0, 'reserve', 'reserve', 'reserve'),
    send(0, `bury ${job(2)} 3`, `bury ${job(0)} 2`, `bury ${job(1)} 1`, 'peek-buried'),
    send(
      0,
      'kick 1',
      'peek-ready',
      'peek-buried',
      'kick 9',
      'peek-buried',
      'kick 9',
      'peek-delayed',
    ),
    send(0, 'reserve', 'reserve', 'reserve', 'reserve', 'stats-tube default'),
  ],
  'of several who wait, the oldest are served first': [
    send(0, 'reserve'),
    send(1, 'reserve'),
    send(2, 'reserve'),
    send(3, 'put 0 0 100 1\r\na'),
    send(3, 'put 0 0 100 1\r\nb'),
    send(3, 'put 0 0 100 1\r\nc'),
  ],
  'jobs of a connection that goes are ready at once, in their old order': [
    send(0, 'put 0 0 100 1\r\na', 'put 0 0 100 1\r\nb', 'put 0 0 100 1\r\nc'),
    send(1, 'reserve', 'reserve'),
    { kind: 'close', connection: 1 },
    send(0, statsJob, 'reserve', 'reserve', 'reserve'),
  ],
  'of the jobs of a connection that goes, who waits gets the first': [
    send(0, 'put 10 0 100 1\r\na', 'put 0 0 100 1\r\nb', 'put 5 0 100 1\r\nc'),
    send(0, 'reserve', 'reserve', 'reserve'),
    send(1, 'reserve'),
    { kind: 'close', connection: 0 },
  ],
  'of several that are kicked, who waits gets the first': [
    send(0, 'put 1 1000 100 1\r\na', 'put 0 1000 100 1\r\nb', 'put 0 1000 100 1\r\nc'),
    send(1, 'reserve'),
    send(0, 'kick 3', 'stats-tube default'),
    send(1, `bury ${job(0)} 1`, 'reserve', `bury ${job(1)} 0`, 'reserve-with-timeout 0'),
    send(1, `bury ${job(2)} 1`, 'reserve'),
    send(0, 'kick 2', 'peek-ready'),
  ],
  'half-closed while it waits': [send(0, 'reserve'), { kind: 'half-close', connection: 0 }],
  'half-closed while it waits and has more to ask': [
    send(0, 'reserve', 'list-tube-used', 'reserve', 'list-tubes-watched'),
    { kind: 'half-close', connection: 0 },
  ],
  'a job is for others as long as one holds it': [
    send(0, 'put 0 0 100 1\r\na', 'reserve'),
    send(1, `delete ${job(0)}`, `touch ${job(0)}`, `bury ${job(0)} 0`, `release ${job(0)} 0 0`),
    send(
      1,
      `reserve-job ${job(0)}`,
      `kick-job ${job(0)}`,
      `peek ${job(0)}`,
      statsJob,
      'peek-ready',
    ),
  ],
  'the job that waited longest among tubes, by priority': [
    send(0, 'use a', 'put 9 0 100 1\r\na', 'use b', 'put 8 0 100 1\r\nb', 'put 9 0 100 1\r\nc'),
    send(1, 'watch a', 'watch b', 'reserve', 'reserve', 'reserve', 'reserve-with-timeout 0'),
  ],
  'a tube lives as long as somebody refers to it': [
    send(0, 'use a', 'list-tubes', 'use b', 'list-tubes', 'put 0 0 100 1\r\na', 'use default'),
    send(
      0,
      'list-tubes',
      `delete ${job(0)}`,
      'list-tubes',
      'watch c',
      'list-tubes',
      'stats-tube c',
    ),
    send(0, 'ignore c', 'list-tubes', 'stats-tube c'),
  ],
  'a pause ends with its tube': [
    send(0, 'use a', 'pause-tube a 1000', 'stats-tube a', 'use default', 'stats-tube a'),
    send(0, 'use a', 'stats-tube a', 'watch a', 'put 0 0 100 1\r\na', 'reserve-with-timeout 0'),
    send(0, 'stats-tube a'),
  ],
  'a pause ends with the connection that kept its tube': [
    send(0, 'use a', 'pause-tube a 1000'),
    { kind: 'close', connection: 0 },
    send(1, 'use a', 'stats-tube a', 'watch a', 'put 0 0 100 1\r\na', 'reserve-with-timeout 0'),
  ],
  'a pause ends with the last job of its tube': [
    send(0, 'use a', 'put 0 0 100 1\r\na', 'pause-tube a 1000', 'use default', 'stats-tube a'),
    send(0, `reserve-job ${job(0)}`, `delete ${job(0)}`, 'use a', 'stats-tube a'),
    send(0, 'watch a', 'put 0 0 100 1\r\na', 'reserve-with-timeout 0', 'stats-tube a'),
  ],
  'a pause lasts while its tube has a job': [
    send(0, 'use a', 'pause-tube a 1000', 'put 0 0 100 1\r\na', 'use default', 'watch a'),
    send(0, 'reserve-with-timeout 0', 'stats-tube a', 'ignore a', 'watch a', 'stats-tube a'),
    send(0, 'reserve-with-timeout 0'),
  ],
  'what stands behind a waiting reserve counts when its turn comes': [
    send(0, 'reserve', 'reserve', 'reserve', 'peek-ready'),
    send(1, 'stats', 'put 0 0 100 1\r\na'),
    send(1, 'stats', 'put 0 0 100 1\r\nb'),
    send(1, 'stats', 'put 0 0 100 1\r\nc'),
    send(1, 'stats'),
  ],
  'what pause-tube counts': [
    ...['', ' ', ' default', ' default x', ' default 0 x', ' default -1', ' default 4294967296'],
    ...[' -a 0', ' -a x', ' nope 0', ' nope x', 'default 0', ' a:b 0', `  default  0`],
    ...[` ${'n'.repeat(200)} 0`, ` ${'n'.repeat(201)} 0`],
  ].map((rest) => send(0, `pause-tube${rest}`, 'stats')),
  'a buried job that is reserved is not buried while others are kicked': [
    send(0, 'put 0 0 100 1\r\na', 'put 0 1000 100 1\r\nb', 'put 0 1000 100 1\r\nc'),
    send(0, 'reserve', `bury ${job(0)} 0`),
    send(0, `reserve-job ${job(0)}`, 'stats-tube default', 'kick 3', 'stats-tube default'),
  ],
  'a timeout of a whole second': [ask(0, 'reserve-with-timeout 1')],
  'delayed, then ready': [
    send(0, 'put 0 1 100 1\r\na', 'reserve-with-timeout 0', statsJob),
    ask(1, 'reserve-with-timeout 4'),
  ],
  'time to run passes': [
    send(
      0,
      'put 0 0 1 1\r\na',
      'put 0 0 0 1\r\nb',
      'reserve-with-timeout 0',
      'reserve-with-timeout 0',
    ),
    wait(1.5),
    send(1, statsJob, 'stats-tube default', 'reserve-with-timeout 0', 'reserve-with-timeout 0'),
    send(0, `delete ${job(0)}`, `touch ${job(1)}`),
  ],
  'time to run passes, and another waits': [
    send(0, 'put 0 0 2 1\r\na', 'reserve'),
    ask(1, 'reserve-with-timeout 8'),
    send(1, statsJob),
  ],
  'the last second of the time to run': [
    send(0, 'put 0 0 1 1\r\na', 'reserve', 'reserve-with-timeout 0', 'reserve'),
    send(0, 'put 0 0 100 1\r\nb', 'reserve', `release ${job(0)} 0 0`, 'reserve-with-timeout 0'),
  ],
  'the last second comes while it waits': [
    send(0, 'put 0 0 2 1\r\na', 'reserve'),
    ask(0, 'reserve', 'list-tube-used'),
  ],
  'touched in time': [
    send(0, 'put 0 0 2 1\r\na', 'reserve'),
    wait(1.5),
    send(0, 'reserve-with-timeout 0', `touch ${job(0)}`, 'reserve-with-timeout 0'),
    wait(0.5),
    send(0, statsJob, `delete ${job(0)}`),
  ],
  'released with a delay': [
    send(0, 'put 0 0 100 1\r\na', 'reserve', `release ${job(0)} 3 1`, statsJob, 'peek-delayed'),
    ask(1, 'reserve-with-timeout 4'),
  ],
  'paused for a second': [
    send(0, 'put 0 0 100 1\r\na', 'pause-tube default 1', 'reserve-with-timeout 0', 'peek-ready'),
    ask(1, 'reserve-with-timeout 4'),
  ],
  'a pause of 0 ends one': [
    send(0, 'put 0 0 100 1\r\na', 'pause-tube default 1000', 'reserve-with-timeout 0'),
    send(1, 'reserve'),
    ask(0, 'pause-tubedefault 0'),
    wait(0.5),
  ],
  'every wrong line': WRONG_LINES.map((line) => send(0, line)),
}

/** Behind it the servers cannot be used any more. */
export const DRAINED: Script = [
  send(0, 'put 0 0 100 1\r\na', 'stats'),
  { kind: 'drain' },
  send(
    0,
    'put 0 0 100 1\r\nb',
    'put 0 0 100 1\r\nlong',
    `put 0 0 9 70000\r\n${'z'.repeat(70_000)}`,
  ),
  send(0, 'put x', 'reserve', `delete ${job(0)}`, 'put 0 0 100 0\r\n', 'stats'),
  send(1, 'use a', 'put 0 0 100 1\r\nc', 'stats-tube a', 'stats-tube default'),
]

/** Answered differently on purpose, each with the reason. Not compared: the answer of each server is told. */
export interface KnownReply {
  readonly name: string
  readonly bytes: string
  readonly beanstalkd: readonly string[]
  readonly qlog: readonly string[]
  readonly reason: string
}

export const KNOWN_REPLIES: readonly KnownReply[] = [
  {
    name: 'a line of 225 bytes',
    bytes: `${'x'.repeat(223)}\r\nlist-tube-used\r\nlist-tube-used\r\n`,
    beanstalkd: ['BAD_FORMAT', 'USING default'],
    qlog: ['BAD_FORMAT', 'USING default', 'USING default'],
    reason: 'a fault: the CRLF straddles the buffer, and the next command is eaten with the line',
  },
]
