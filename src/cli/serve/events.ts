/**
 * What the log and the store publish, and what the platform warns of, as lines of a server's log. Touches
 * the process's listeners for warnings, and gives them back.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ChannelEvents, ChannelName } from '../../index.ts'
import { loopDelayLines } from './loop-delays.ts'
import type { ServeLog } from './serve-log.ts'

/** Warnings come as lines instead of as text. Returns the way back. */
export function logWarnings(log: ServeLog): () => void {
  const before = process.listeners('warning')
  const say = (warning: Error): void => {
    const code = 'code' in warning && typeof warning.code === 'string' ? warning.code : undefined
    log.say('warn', 'warning', warning.message, { code })
  }
  process.removeAllListeners('warning')
  process.on('warning', say)
  return () => {
    process.off('warning', say)
    for (const listener of before) process.on('warning', listener)
  }
}

type Hear<Name extends ChannelName> = (log: ServeLog, event: ChannelEvents[Name]) => void

const HEARD: { readonly [Name in ChannelName]?: Hear<Name> } = {
  'qlog:store-failed': (log, { error }) => {
    log.failed('store-failed', 'the store has stopped for good, open it again', error)
  },
  'qlog:log-failed': (log, { error }) => log.failed('log-failed', 'the log has stopped', error),
  'qlog:space': (log, { state }) => {
    if (state === 'full') log.say('error', 'disk-full', 'the disk is full: puts are refused')
    else log.say('info', 'disk-ok', 'puts are taken again')
  },
  'qlog:damage': (log, { gap }) => {
    const { file, offset, bytes, firstId, endId, why } = gap
    const words = `damage in ${file}: ${why}`
    log.say('error', 'damage', words, { file, offset, bytes, firstId, endId })
  },
  'qlog:slow-flush': (log, { tookMs }) => {
    const ms = Math.round(tookMs)
    log.say('warn', 'slow-flush', `a flush took ${ms} ms`, { tookMs: ms })
  },
  'qlog:snapshot': (log, { tookMs, bytes, error }) => {
    if (error === undefined) {
      log.say('debug', 'snapshot', 'the state was saved', { tookMs: Math.round(tookMs), bytes })
    } else log.failed('snapshot-failed', 'the state could not be saved', error)
  },
  'qlog:segment': (log, { change, file, bytes }) => {
    log.say('debug', 'segment', `${file}: ${change}`, { file, change, bytes })
  },
}

/** Calls once the store has failed. Returns the way to hear no more. */
export function whenStoreFails(call: () => void): () => void {
  const name: ChannelName = 'qlog:store-failed'
  subscribe(name, call)
  return () => void unsubscribe(name, call)
}

/** Tells whether the disk is full, whenever that changes. Returns the way to hear no more. */
export function whenSpaceChanges(call: (isFull: boolean) => void): () => void {
  const name: ChannelName = 'qlog:space'
  const listener = (event: unknown): void =>
    call((event as ChannelEvents['qlog:space']).state === 'full')
  subscribe(name, listener)
  return () => void unsubscribe(name, listener)
}

/** What happens to the store. Returns the way to hear no more. */
export function logEvents(log: ServeLog): () => void {
  const stops: (() => void)[] = Object.entries(HEARD).map(([name, hear]) => {
    const listener = (event: unknown): void =>
      (hear as (log: ServeLog, event: unknown) => void)(log, event)
    subscribe(name, listener)
    return () => void unsubscribe(name, listener)
  })
  stops.push(logLoopDelays(log))
  return () => {
    for (const stop of stops) stop()
  }
}

function logLoopDelays(log: ServeLog): () => void {
  const name: ChannelName = 'qlog:loop-delay'
  const say = loopDelayLines(log)
  const listener = (event: unknown): void => say((event as ChannelEvents[typeof name]).delayMs)
  subscribe(name, listener)
  return () => void unsubscribe(name, listener)
}
