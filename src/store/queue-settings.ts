/** The settings of a queue as its users see them: checked on the way in, told on the way out. */
import { QlogTypeError } from '../errors.ts'
import { checkInteger, checkMs, checkOptionNames } from './check.ts'
import { DROP_OLDEST, type SettingValues } from './records/queue-settings.ts'
import type { QueueSettings, QueueSettingsChange } from './types.ts'

const NAMES = ['messagesMax', 'bytesMax', 'whenFull', 'ttlMs']
const WHEN_FULL = ['refuse', 'drop-oldest'] as const

/** What a change asks for; `null` takes a setting away, what is left out stays. */
export function checkSettings(change: QueueSettingsChange): Partial<SettingValues> {
  checkOptionNames('the settings', change, NAMES)
  const { messagesMax, bytesMax, whenFull, ttlMs } = change
  return {
    ...(messagesMax !== undefined && { messagesMax: checkMax('messagesMax', messagesMax) }),
    ...(bytesMax !== undefined && { bytesMax: checkMax('bytesMax', bytesMax) }),
    ...(whenFull !== undefined && { whenFull: checkWhenFull(whenFull) }),
    ...(ttlMs !== undefined && { ttlMs: ttlMs === null ? 0 : checkMs('ttlMs', ttlMs, 1) }),
  }
}

export function shownSettings(values: SettingValues): QueueSettings {
  return {
    messagesMax: values.messagesMax === 0 ? undefined : values.messagesMax,
    bytesMax: values.bytesMax === 0 ? undefined : values.bytesMax,
    whenFull: WHEN_FULL[values.whenFull] ?? 'refuse',
    ttlMs: values.ttlMs === 0 ? undefined : values.ttlMs,
  }
}

function checkMax(what: string, max: unknown): number {
  return max === null ? 0 : checkInteger(what, max, 1, Number.MAX_SAFE_INTEGER)
}

function checkWhenFull(whenFull: unknown): number {
  if (whenFull === 'refuse') return 0
  if (whenFull === 'drop-oldest') return DROP_OLDEST
  throw new QlogTypeError(`whenFull must be one of ${WHEN_FULL.join(', ')}`)
}
