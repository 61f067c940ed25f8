/**
 * A server from its first port to its last answer: binds, becomes its user, opens the store, serves, and
 * stops when it is told. Binding comes first, so that it may need rights that the rest must not have, and
 * whoever connects while the store opens waits instead of being refused.
 */
import { readFileSync } from 'node:fs'
import type { Store, StoreOptions } from '../../index.ts'
import {
  type FiguresServer,
  type Health,
  LateProtocol,
  type Listener,
  type ListenOptions,
  listen,
  listenerMetricsText,
  serveFigures,
  type TlsOptions,
} from '../../server/index.ts'
import { UsageError } from '../usage-error.ts'
import { closeInSteps } from './close-in-steps.ts'
import { logEvents, logWarnings, whenSpaceChanges, whenStoreFails } from './events.ts'
import type { ServePlan } from './plan.ts'
import { refuseBinlog } from './refuse-binlog.ts'
import { requireUsable } from './serve-directory.ts'
import type { ServeLog } from './serve-log.ts'
import { tokensOf } from './token-file.ts'
import { becomeUser } from './user.ts'

/** What a job takes of a record besides its body: headers, key, numbers. */
const RECORD_EXTRA_BYTES = 64 * 1024
const MESSAGE_BYTES_MAX_DEFAULT = 16 * 1024 * 1024

/** A store that has failed answers nothing any more: what is under way has so long to be told. */
const FAILED_GRACE_MS = 2_000

/**
 * Resolves once everything is closed, because it was stopped or because its store has failed, whichever came
 * first: a failure is told also where the stop came before. Rejects where it cannot serve.
 */
export async function runPlan(
  plan: ServePlan,
  version: string,
  interruption: () => AbortSignal,
  log: ServeLog,
): Promise<'stopped' | 'failed'> {
  const server = new Server(plan, version, log)
  // Taken at once: the platform would open its debugger at this signal.
  const drain = (): void => server.drain()
  process.on('SIGUSR1', drain)
  const stopListening = [logWarnings(log), logEvents(log)]
  try {
    return await server.run(interruption())
  } finally {
    process.off('SIGUSR1', drain)
    for (const stop of stopListening) stop()
  }
}

class Server {
  readonly #plan: ServePlan
  readonly #version: string
  readonly #log: ServeLog
  readonly #beanstalkd = new LateProtocol('beanstalkd')
  readonly #memcache = new LateProtocol('memcache')
  readonly #listeners: Listener[] = []
  readonly #figures: FiguresServer[] = []
  #store: Store | undefined
  #isStopping = false
  #isDraining = false
  /** Of the disk: kept here, as the figures of the store look at every queue. */
  #isFull = false
  /** Aborted where the store has failed. */
  readonly #failure = new AbortController()
  #startDraining: () => void = () => undefined

  constructor(plan: ServePlan, version: string, log: ServeLog) {
    this.#plan = plan
    this.#version = version
    this.#log = log
  }

  async run(signal: AbortSignal): Promise<'stopped' | 'failed'> {
    const { pid } = process
    const { directory, notes } = this.#plan
    this.#log.say('info', 'starting', `qlog ${this.#version} starts`, {
      version: this.#version,
      pid,
      directory,
    })
    for (const note of notes) this.#log.say('warn', 'note', note)
    const { signal: failed } = this.#failure
    const forget = whenStoreFails(() => this.#failure.abort())
    const forgetSpace = whenSpaceChanges((isFull) => {
      this.#isFull = isFull
    })
    try {
      await this.#start(signal)
      await aborted(AbortSignal.any([signal, failed]))
      await this.#stop()
    } finally {
      forget()
      forgetSpace()
    }
    return failed.aborted ? 'failed' : 'stopped'
  }

  /** Puts are refused from now on, also once the store is open. */
  drain(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    this.#startDraining()
    this.#log.say('info', 'draining', 'refuses puts of beanstalkd’s protocol from now on')
  }

  /** What cannot be is undone without a word: why it cannot is told last, by whoever gets the error. */
  async #start(signal: AbortSignal): Promise<void> {
    try {
      await this.#bind()
      if (this.#plan.user !== undefined) becomeUser(this.#plan.user)
      await this.#open(signal)
    } catch (error) {
      if (signal.aborted) await this.#stop()
      else await this.#closeAll().catch((also) => this.#log.failed('server-error', 'end', also))
      throw error
    }
  }

  async #bind(): Promise<void> {
    const { beanstalkd, memcache, metrics, connectionsMax, idleTimeoutMs } = this.#plan
    const tls = this.#readTls()
    for (const [protocol, addresses] of [
      [this.#beanstalkd, beanstalkd],
      [this.#memcache, memcache],
    ] as const) {
      for (const address of addresses) {
        const options: ListenOptions = {
          address,
          protocol,
          tls,
          ...(connectionsMax === undefined ? {} : { connectionsMax }),
          ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
          onError: (error, connection) => {
            this.#log.failed('server-error', protocol.name, error, { address, connection })
          },
          onEnded: (connection, why) => {
            const words = `connection ${connection} was ended: ${why}`
            this.#log.say('warn', 'connection-ended', words, {
              protocol: protocol.name,
              address,
              connection,
              why,
            })
          },
        }
        const listener = await listen(options)
        this.#listeners.push(listener)
      }
    }
    for (const address of metrics) await this.#bindFigures(address)
  }

  async #bindFigures(address: string): Promise<void> {
    const figures = await serveFigures({
      address,
      metrics: () => this.#metrics(),
      health: () => this.#health(),
      onError: (error) => this.#log.failed('server-error', 'metrics', error, { address }),
    })
    this.#figures.push(figures)
  }

  /** Said once there is something to serve: whoever connected before has waited. */
  #sayListening(): void {
    const isTls = this.#plan.tlsCert !== undefined
    const figures = this.#figures.map(({ address }) => ({ protocol: 'metrics', address }))
    for (const { protocol, address } of [...this.#listeners, ...figures]) {
      const tls = isTls && protocol !== 'metrics'
      const fields = { protocol, address, tls }
      this.#log.say('info', 'listening', `${protocol} at ${address}`, fields)
    }
  }

  async #open(signal: AbortSignal): Promise<void> {
    const { directory, beanstalkd, memcache } = this.#plan
    const tokens = this.#readTokens()
    requireUsable(directory)
    refuseBinlog(directory)
    const [qlog, beanstalkdModule, memcacheModule] = await Promise.all([
      import('../../index.ts'),
      beanstalkd.length > 0 ? import('../../protocols/beanstalkd/beanstalkd.ts') : undefined,
      memcache.length > 0 ? import('../../protocols/memcache/index.ts') : undefined,
    ])
    const store = await qlog.openStore(directory, { ...this.#storeOptions(), signal })
    this.#store = store
    this.#metricsOfStore = () => qlog.metricsText(store)
    const onError = (error: Error): void => this.#log.failed('protocol-error', 'a protocol', error)
    const common = { version: this.#version, onError }
    const shown = tokens === undefined ? {} : { tokens }
    const { jobBytesMax } = this.#plan
    const size = jobBytesMax === undefined ? {} : { jobBytesMax }
    const jobs = beanstalkdModule?.beanstalkd(store, { ...common, ...size, ...shown })
    if (jobs !== undefined) {
      this.#startDraining = () => jobs.drain()
      if (this.#isDraining) jobs.drain()
      this.#beanstalkd.serve(jobs)
    }
    if (memcacheModule !== undefined)
      this.#memcache.serve(memcacheModule.memcache(store, { ...common, ...shown }))
    if (directory === ':memory:') {
      this.#log.say(
        'warn',
        'nothing-kept',
        'there is no directory (-b): nothing outlives this process',
      )
    }
    this.#sayListening()
    const tookMs = Math.round(performance.now())
    const { messages, space } = store.stats()
    this.#isFull = space === 'full'
    this.#log.say('info', 'ready', `serves, ${tookMs} ms after its start`, { tookMs, messages })
  }

  #storeOptions(): StoreOptions {
    const { directory, sync, jobBytesMax = 0, segmentBytesMax } = this.#plan
    if (directory === ':memory:') return {}
    const messageBytesMax = Math.max(MESSAGE_BYTES_MAX_DEFAULT, jobBytesMax + RECORD_EXTRA_BYTES)
    return {
      log: {
        sync,
        messageBytesMax,
        ...(segmentBytesMax === undefined ? {} : { segmentBytesMax }),
      },
    }
  }

  #readTls(): TlsOptions | undefined {
    const { tlsCert, tlsKey } = this.#plan
    if (tlsCert === undefined || tlsKey === undefined) return undefined
    return { cert: readOptionFile('--tls-cert', tlsCert), key: readOptionFile('--tls-key', tlsKey) }
  }

  #readTokens(): readonly string[] | undefined {
    const { tokenFile } = this.#plan
    if (tokenFile === undefined) return undefined
    return tokensOf(readOptionFile('--token-file', tokenFile), tokenFile)
  }

  #metricsOfStore: () => string = () => ''

  #metrics(): string {
    return `${this.#metricsOfStore()}${listenerMetricsText(this.#listeners)}`
  }

  #health(): Health {
    const store = this.#store
    if (this.#failure.signal.aborted) return { isHealthy: false, status: 'failed' }
    if (this.#isStopping) return { isHealthy: false, status: 'stopping' }
    if (store === undefined) return { isHealthy: false, status: 'starting' }
    if (store.status !== 'open') return { isHealthy: false, status: store.status }
    if (this.#isFull) return { isHealthy: false, status: 'full' }
    return { isHealthy: true, status: this.#isDraining ? 'draining' : 'ok' }
  }

  async #stop(): Promise<void> {
    this.#isStopping = true
    const startedMs = performance.now()
    const connections = this.#listeners.reduce((sum, one) => sum + one.connections, 0)
    this.#log.say('info', 'stopping', 'answers what was accepted', { connections })
    await this.#closeAll()
    const tookMs = Math.round(performance.now() - startedMs)
    this.#log.say('info', 'stopped', `everything is closed, after ${tookMs} ms`, { tookMs })
  }

  async #closeAll(): Promise<void> {
    const { signal: failed } = this.#failure
    const { stopTimeoutMs } = this.#plan
    const openMs = failed.aborted ? Math.min(stopTimeoutMs, FAILED_GRACE_MS) : stopTimeoutMs
    const timeoutMs = this.#store === undefined ? 0 : openMs
    await closeInSteps(
      [
        this.#listeners.map((listener) => () => listener.close({ timeoutMs })),
        [() => this.#closeStore()],
        this.#figures.map((figures) => () => figures.close()),
      ],
      (error) => this.#log.failed('server-error', 'end', error),
    )
  }

  async #closeStore(): Promise<void> {
    try {
      await this.#store?.close()
    } catch (error) {
      if (!this.#failure.signal.aborted) throw error
      this.#log.failed('store-failed', 'cannot be closed either', error)
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function readOptionFile(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new UsageError(`${option}: ${why}`, 'Name a file that this user may read.')
  }
}
