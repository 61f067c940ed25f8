/** The settings of a queue as its users see them: checked on the way in, told on the way out. */
import { QlogTypeError } from '../errors.ts'
import { checkInteger, checkMs, checkName, checkOptionNames } from './check.ts'
import { DROP_OLDEST, NO_SETTINGS, type SettingValues } from './records/queue-settings.ts'
import type { StoreCore } from './store-core.ts'
import type { QueueRetention, QueueSettings, QueueSettingsChange } from './types/settings.ts'

const NAMES = [
  'messagesMax',
  'bytesMax',
  'whenFull',
  'ttlMs',
  'deadLetter',
  'groupIdleMs',
  'retention',
  'attemptsMax',
]
/** What is shorter would take groups away from readers that come and go. */
const GROUP_IDLE_MS_MIN = 1_000
const WHEN_FULL = ['refuse', 'drop-oldest'] as const

/** A queue for dead letters begins with this, but not before all else is checked. */
export function checkSettings(
  core: StoreCore,
  queue: string,
  change: QueueSettingsChange,
): Partial<SettingValues> {
  checkOptionNames('the settings', change, NAMES)
  const { messagesMax, bytesMax, whenFull, ttlMs, deadLetter, groupIdleMs } = change
  const { retention, attemptsMax } = change
  const letters = deadLetter && checkDeadLetter(queue, deadLetter)
  return {
    ...(messagesMax !== undefined && { messagesMax: checkMax('messagesMax', messagesMax) }),
    ...(bytesMax !== undefined && { bytesMax: checkMax('bytesMax', bytesMax) }),
    ...(whenFull !== undefined && { whenFull: checkWhenFull(whenFull) }),
    ...(ttlMs !== undefined && { ttlMs: ttlMs === null ? 0 : checkMs('ttlMs', ttlMs, 1) }),
    ...(groupIdleMs !== undefined && { groupIdleMs: checkIdleMs(groupIdleMs) }),
    ...(retention !== undefined && checkRetention(retention)),
    ...(attemptsMax !== undefined && { attemptsMax: checkMax('attemptsMax', attemptsMax) }),
    ...(deadLetter !== undefined && {
      deadLetter: letters ? core.registry.queueNumber(letters) : 0,
    }),
  }
}

/** Those of a queue that has none unless given. */
export function shownSettings(core: StoreCore, values = NO_SETTINGS): QueueSettings {
  const deadLetter = core.state.queues.get(values.deadLetter)
  return {
    messagesMax: values.messagesMax === 0 ? undefined : values.messagesMax,
    bytesMax: values.bytesMax === 0 ? undefined : values.bytesMax,
    whenFull: WHEN_FULL[values.whenFull] ?? 'refuse',
    ttlMs: values.ttlMs === 0 ? undefined : values.ttlMs,
    deadLetter: deadLetter && { queue: deadLetter.name },
    groupIdleMs: values.groupIdleMs === 0 ? undefined : values.groupIdleMs,
    retention: shownRetention(values),
    attemptsMax: values.attemptsMax === 0 ? undefined : values.attemptsMax,
  }
}

function shownRetention(values: SettingValues): QueueSettings['retention'] {
  const { retains, retainMs, retainMessages, retainBytes } = values
  if (retains === 0) return undefined
  if (retainMs + retainMessages + retainBytes === 0) return 'all'
  return {
    ...(retainMs > 0 && { ageMs: retainMs }),
    ...(retainMessages > 0 && { messages: retainMessages }),
    ...(retainBytes > 0 && { bytes: retainBytes }),
  }
}

type RetentionValues = Pick<
  SettingValues,
  'retains' | 'retainMs' | 'retainMessages' | 'retainBytes'
>

function checkRetention(retention: unknown): RetentionValues {
  if (retention === null) return { retains: 0, retainMs: 0, retainMessages: 0, retainBytes: 0 }
  if (retention === 'all') return { retains: 1, retainMs: 0, retainMessages: 0, retainBytes: 0 }
  const words = "retention must be 'all', null, or an object with ageMs, messages or bytes"
  if (typeof retention !== 'object') throw new QlogTypeError(words)
  checkOptionNames('retention', retention, ['ageMs', 'messages', 'bytes'])
  const { ageMs, messages, bytes }: QueueRetention = retention
  if (ageMs === undefined && messages === undefined && bytes === undefined) {
    throw new QlogTypeError(words)
  }
  return {
    retains: 1,
    retainMs: ageMs === undefined ? 0 : checkMs('retention.ageMs', ageMs, 1),
    retainMessages: messages === undefined ? 0 : checkCount('retention.messages', messages),
    retainBytes: bytes === undefined ? 0 : checkCount('retention.bytes', bytes),
  }
}

function checkDeadLetter(queue: string, deadLetter: unknown): string {
  if (typeof deadLetter !== 'object' || deadLetter === null) {
    throw new QlogTypeError('deadLetter must be an object with the name of a queue, or null')
  }
  checkOptionNames('deadLetter', deadLetter, ['queue'])
  const name = checkName('deadLetter.queue', (deadLetter as { queue?: unknown }).queue)
  if (name === queue) throw new QlogTypeError('deadLetter.queue must be another queue')
  return name
}

function checkMax(what: string, max: unknown): number {
  return max === null ? 0 : checkCount(what, max)
}

function checkCount(what: string, count: unknown): number {
  return checkInteger(what, count, 1, Number.MAX_SAFE_INTEGER)
}

function checkIdleMs(idleMs: unknown): number {
  return idleMs === null ? 0 : checkMs('groupIdleMs', idleMs, GROUP_IDLE_MS_MIN)
}

function checkWhenFull(whenFull: unknown): number {
  if (whenFull === 'refuse') return 0
  if (whenFull === 'drop-oldest') return DROP_OLDEST
  throw new QlogTypeError(`whenFull must be one of ${WHEN_FULL.join(', ')}`)
}
