/** What happened since the server began, command by command. Nothing here has to survive. */

/** Commands that `stats` counts, in its order. */
export const COUNTED = [
  'put',
  'peek',
  'peek-ready',
  'peek-delayed',
  'peek-buried',
  'reserve',
  'reserve-with-timeout',
  'delete',
  'release',
  'use',
  'watch',
  'ignore',
  'bury',
  'kick',
  'touch',
  'stats',
  'stats-job',
  'stats-tube',
  'list-tubes',
  'list-tube-used',
  'list-tubes-watched',
  'pause-tube',
] as const

export type Counted = (typeof COUNTED)[number]

export class Counters {
  readonly commands: Record<Counted, number>
  /** Connections that are open, that ever put, that ever reserved, that wait now; and all that ever were. */
  connections = 0
  producers = 0
  workers = 0
  waiting = 0
  connectionsTotal = 0

  constructor() {
    this.commands = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Record<Counted, number>
  }
}
