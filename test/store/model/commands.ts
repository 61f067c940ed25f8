/**
 * Random commands for a store and its reference. A command is a kind and a number that decides everything
 * else about it against what there is when it comes, so that any list of commands makes sense and can be
 * shortened.
 */
import type { Random } from '../../../src/system/simulated/random.ts'

/** How often each kind comes, in comparison. */
const WEIGHTS = {
  put: 15,
  'put-many': 5,
  reserve: 16,
  'reserve-by-id': 2,
  'reserve-waiting': 2,
  ack: 9,
  release: 5,
  retry: 5,
  bury: 5,
  extend: 2,
  kick: 4,
  delete: 3,
  redrive: 3,
  purge: 1,
  move: 3,
  seek: 3,
  pause: 1,
  'create-group': 3,
  configure: 2,
  'configure-queue': 4,
  'remove-group': 1,
  'remove-queue': 2,
  'let-idle': 1,
  transaction: 6,
  'open-session': 2,
  watch: 2,
  'close-session': 1,
  check: 5,
  wait: 8,
  jump: 1,
  checkpoint: 3,
  compact: 1,
  settle: 4,
  reopen: 2,
  crash: 2,
} as const

export type CommandKind = keyof typeof WEIGHTS

export const KINDS = Object.keys(WEIGHTS) as readonly CommandKind[]

export interface Command {
  readonly kind: CommandKind
  /** Seeds the choices within it. */
  readonly dice: number
}

const TOTAL = Object.values(WEIGHTS).reduce((sum: number, weight) => sum + weight, 0)

export function randomCommand(random: Random): Command {
  let rest = random.below(TOTAL)
  for (const kind of KINDS) {
    rest -= WEIGHTS[kind]
    if (rest < 0) return { kind, dice: random.uint32() }
  }
  throw new Error('the weights do not add up')
}

export function weightOf(kind: CommandKind): number {
  return WEIGHTS[kind]
}

export function textOf(commands: readonly Command[]): string {
  return commands.map(({ kind, dice }) => `${kind} ${dice}`).join(', ')
}

/** One of these, which may be undefined. */
export function any<T>(random: Random, values: readonly T[]): T {
  return values[random.below(values.length)] as T
}
