/** Takes one command: which function does it, and what has to be so before. */
import { Random } from '../../../src/system/simulated/random.ts'
import type { Command } from './commands.ts'
import type { Driver } from './driver.ts'
import { takeLetIdle } from './take-idle.ts'
import { takeConfigureQueue } from './take-limits.ts'
import { takeMove } from './take-move.ts'
import { takePut, takePutMany, takeTransaction } from './take-puts.ts'
import {
  expectBodies,
  takeConfigure,
  takeCreateGroup,
  takeDelete,
  takeJump,
  takeKick,
  takePause,
  takeSaving,
  takeWait,
} from './take-queues.ts'
import { takeRemoveGroup, takeRemoveQueue } from './take-removals.ts'
import { takeReserve, takeReserveById, takeReserveWaiting } from './take-reserve.ts'
import { takeCloseSession, takeOpenSession, takeWatch } from './take-sessions.ts'
import { takeExtend, takeTell } from './take-verbs.ts'
import { takePurge, takeRedrive, takeSeek } from './take-whole.ts'

/** What a command may mean for the opening it is in. */
export type Ending = 'reopen' | 'crash'

export async function take(driver: Driver, command: Command): Promise<Ending | undefined> {
  const random = new Random(command.dice)
  const { kind } = command
  if (kind === 'reopen' || kind === 'crash') return kind
  await driver.stepAside()
  await driver.whileAlive()
  driver.check()
  if (driver.stopped) return 'reopen'
  try {
    await takeAny(driver, random, kind)
  } catch (error) {
    // Some calls throw at once where the log has stopped.
    await driver.whileAlive()
    if (!driver.isStop(error)) throw error
  }
  await driver.whileAlive()
  driver.check()
  return driver.stopped ? 'reopen' : undefined
}

async function takeAny(
  driver: Driver,
  random: Random,
  kind: Exclude<Command['kind'], Ending>,
): Promise<void> {
  switch (kind) {
    case 'put':
      return takePut(driver, random)
    case 'put-many':
      return takePutMany(driver, random)
    case 'transaction':
      return takeTransaction(driver, random)
    case 'reserve':
      return takeReserve(driver, random)
    case 'reserve-by-id':
      return takeReserveById(driver, random)
    case 'reserve-waiting':
      return takeReserveWaiting(driver, random, () => takePut(driver, random))
    case 'ack':
    case 'release':
    case 'retry':
    case 'bury':
      return takeTell(driver, random, kind)
    case 'extend':
      return takeExtend(driver, random)
    case 'open-session':
      return takeOpenSession(driver, random)
    case 'watch':
      return takeWatch(driver, random)
    case 'close-session':
      return takeCloseSession(driver, random)
    case 'check':
      await driver.expectAll()
      return expectBodies(driver, random)
    case 'settle':
      return driver.settle()
    default:
      return takeOnQueue(driver, random, kind)
  }
}

async function takeOnQueue(
  driver: Driver,
  random: Random,
  kind:
    | 'kick'
    | 'delete'
    | 'redrive'
    | 'purge'
    | 'move'
    | 'seek'
    | 'pause'
    | 'create-group'
    | 'configure'
    | 'configure-queue'
    | 'remove-group'
    | 'remove-queue'
    | 'let-idle'
    | 'wait'
    | 'jump'
    | 'checkpoint'
    | 'compact',
): Promise<void> {
  switch (kind) {
    case 'kick':
      return takeKick(driver, random)
    case 'delete':
      return takeDelete(driver, random)
    case 'redrive':
      return takeRedrive(driver, random)
    case 'seek':
      return takeSeek(driver, random)
    case 'move':
      return takeMove(driver, random)
    case 'purge':
      return takePurge(driver, random)
    case 'pause':
      return takePause(driver, random)
    case 'create-group':
      return takeCreateGroup(driver, random)
    case 'configure':
      return takeConfigure(driver, random)
    case 'configure-queue':
      return takeConfigureQueue(driver, random)
    case 'remove-group':
      return takeRemoveGroup(driver, random)
    case 'remove-queue':
      return takeRemoveQueue(driver, random)
    case 'let-idle':
      return takeLetIdle(driver, random)
    case 'wait':
      return takeWait(driver, random)
    case 'jump':
      return takeJump(driver, random)
    case 'checkpoint':
    case 'compact':
      return takeSaving(driver, random, kind)
  }
}
