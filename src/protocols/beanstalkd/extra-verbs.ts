/** What beanstalkd has not, of tubes: clearing, listing, limits, moving. */
import type { MessageInfo, QueueSettingsChange } from '../../index.ts'
import { isIdKnown } from './job-verbs.ts'
import { LIST_MAX } from './limits.ts'
import { Reply } from './replies.ts'
import { BAD, type Scanner } from './scanner.ts'
import type { Talk } from './talk.ts'
import type { Tube } from './tubes.ts'

const STATES = ['ready', 'delayed', 'buried'] as const
type State = (typeof STATES)[number]

/** clear-tube <tube>: CLEARED <n>. Reserved jobs go, too. */
export function clearTube(talk: Talk, scanner: Scanner): void {
  const name = scanner.lastName()
  if (name === undefined) talk.say(Reply.BAD_FORMAT)
  else {
    withTube(talk, name, async ({ queue }) => `CLEARED ${await queue.purge()}\r\n`)
  }
}

/** limit-tube <tube> <jobs>: LIMITED. Puts beyond it are OUT_OF_MEMORY; 0 takes the limit away. */
export function limitTube(talk: Talk, scanner: Scanner): void {
  limit(talk, scanner, (messagesMax) => ({ messagesMax, whenFull: 'refuse' }))
}

/** limit-tries <tube> <tries>: LIMITED. A job that was reserved so often is buried; 0 takes the limit away. */
export function limitTries(talk: Talk, scanner: Scanner): void {
  limit(talk, scanner, (attemptsMax) => ({ attemptsMax }))
}

/** Sets what the number is a limit of. */
function limit(
  talk: Talk,
  scanner: Scanner,
  changeOf: (max: number | null) => QueueSettingsChange,
): void {
  const name = scanner.name()
  const max = name === undefined ? BAD : scanner.lastU32()
  if (name === undefined || max === BAD) talk.say(Reply.BAD_FORMAT)
  else {
    talk.answer(async () => {
      const { queue } = talk.shared.tubes.get(name)
      await queue.configure(changeOf(max === 0 ? null : max))
      return 'LIMITED\r\n'
    })
  }
}

/** list-jobs <tube> <state> <count> [<after id>]: jobs by id, without their bodies. */
export function listJobs(talk: Talk, scanner: Scanner): void {
  const name = scanner.name()
  const state = scanner.word()
  const count = scanner.u32()
  const after = scanner.isAtEnd ? 0 : scanner.lastId()
  const isState = isJobState(state) || state === 'reserved'
  if (name === undefined || !isState || count < 1 || count > LIST_MAX || after === BAD) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  withTube(talk, name, async (tube) => {
    const last = isIdKnown(after) ? await tube.queue.get(after) : undefined
    const group = await tube.look()
    const jobs = await group?.list({
      state: state === 'reserved' ? 'leased' : (state as State),
      limit: count,
      ...(last !== undefined && { from: last.offset + 1 }),
    })
    const yaml = `---\n${jobs?.map(listedJob).join('') ?? ''}`
    return `OK ${yaml.length}\r\n${yaml}\r\n`
  })
}

/** move-jobs <tube> <state> <count> <other tube>: MOVED <n>. They get new ids. */
export function moveJobs(talk: Talk, scanner: Scanner): void {
  const from = scanner.name()
  const state = scanner.word()
  const count = scanner.u32()
  const to = scanner.name()
  const isWhole = from !== undefined && to !== undefined && from !== to && scanner.isAtEnd
  if (!isWhole || !isJobState(state) || count < 1) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  withTube(talk, from, async (tube) => {
    const group = await tube.look()
    return `MOVED ${(await group?.move(to, { state, count })) ?? 0}\r\n`
  })
}

function isJobState(state: string | undefined): state is State {
  return STATES.some((one) => one === state)
}

function listedJob({ id, priority, bodyBytes, counters }: MessageInfo): string {
  return `- {id: ${id}, pri: ${priority}, bytes: ${bodyBytes}, reserves: ${counters.leases}}\n`
}

function withTube(talk: Talk, name: string, run: (tube: Tube) => Promise<string>): void {
  talk.answer(async () => {
    const tube = talk.shared.tubes.find(name)
    return tube === undefined ? Reply.NOT_FOUND : run(tube)
  })
}
