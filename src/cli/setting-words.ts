/** Settings of queues and groups as words: named like the options that set them. Pure. */
import type { GroupStats, QueueSettings } from '../index.ts'
import { oneLine } from './output.ts'
import { formatSpan } from './store-words.ts'
import { formatCount, plural } from './text.ts'

/** Name, value; undefined where it is not set. */
export type SettingRow = readonly [name: string, value: string | undefined]

export function queueSettingRows(settings: QueueSettings): readonly SettingRow[] {
  const { messagesMax, bytesMax, whenFull, ttlMs, deadLetter, groupIdleMs, retention } = settings
  return [
    ['messages-max', count(messagesMax)],
    ['bytes-max', count(bytesMax)],
    ['when-full', whenFull === 'refuse' ? undefined : whenFull],
    ['ttl', span(ttlMs)],
    ['dead-letter', deadLetter == null ? undefined : oneLine(deadLetter.queue)],
    ['retention', retentionWords(retention)],
    ['group-idle', span(groupIdleMs)],
    ['attempts-max', count(settings.attemptsMax)],
  ]
}

export function groupSettingRows({ leasedMax, promoteAfterMs }: GroupStats): readonly SettingRow[] {
  return [
    ['leased-max', count(leasedMax)],
    ['promote-after', span(promoteAfterMs)],
  ]
}

/** What is set, in one line; empty where nothing is. */
export function setWords(rows: readonly SettingRow[]): string {
  return rows.flatMap(([name, value]) => (value === undefined ? [] : `${name} ${value}`)).join('; ')
}

function retentionWords(retention: QueueSettings['retention']): string | undefined {
  if (retention == null || retention === 'all') return retention ?? undefined
  const { ageMs, messages, bytes } = retention
  const words: string[] = []
  if (ageMs != null) words.push(`age ${span(ageMs)}`)
  if (messages != null) words.push(plural(messages, 'message'))
  if (bytes != null) words.push(plural(bytes, 'byte'))
  return words.join(', ')
}

/** Through a door what is undefined is left out, and a program may send null. */
function count(value: number | undefined): string | undefined {
  return value == null ? undefined : formatCount(value)
}

/** Exactly, as the option takes it, and where that is long as people say it. */
function span(valueMs: number | undefined): string | undefined {
  if (valueMs == null) return undefined
  const exact = `${valueMs / 1000} s`
  return valueMs < 120_000 ? exact : `${exact} (${formatSpan(valueMs)})`
}
