/** A contender as the runner sees it: a process that is told what to do, its server, and its directory. */

import { mkdirSync } from 'node:fs'
import type { Place } from '../../src/measure/place.ts'
import { VerbProcess } from '../verb-process.ts'
import { PEER_CHILD } from './child.ts'
import type { Contender } from './contract.ts'
import {
  cpuSecondsOf,
  diskBytesOf,
  killed,
  residentBytesOf,
  syncFileSystemOf,
} from './process-facts.ts'
import { contenderOf } from './registry.ts'
import type { ContenderFacts } from './result.ts'
import { Tally } from './tally.ts'
import type { PeerVerbs, Timing } from './verbs.ts'

/** More than the loops that drive a contender wait for what never comes. */
const CALL_SECONDS_MORE = 60
/** As servers.ts gives a server: a store of ten million messages is read before its first answer. */
const OPEN_SECONDS_MAX = 600

/** What is known of a contender before it is opened; `missing` where it cannot be. */
export async function lookAt(contender: Contender): Promise<ContenderFacts> {
  const process = new VerbProcess<PeerVerbs>(PEER_CHILD, { profile: undefined, env: contender.env })
  try {
    // All that is not a function, as a line of JSON has it.
    const { load: _, inFlightMax: __, killSecondsMin: ___, ...facts } = contender
    return { ...facts, version: '', ...(await process.call('load', { id: facts.id })) }
  } finally {
    await process.kill()
  }
}

/** A timing, and what client and server together took of a processor. */
export interface Run {
  /** Messages a second. */
  readonly rate: number
  /** Share of a processor. */
  readonly cpu: number
  readonly seconds: number
}

export class Contestant {
  readonly id: string
  /** Messages are taken from it, not only kept. */
  takes = false
  /** Of the last run that took, messages a second; undefined before the first. */
  takeRate: number | undefined
  readonly #place: Place
  readonly #directory: string
  #process: VerbProcess<PeerVerbs> | undefined
  #serverPid: number | undefined
  #tally = new Tally()
  #openedMs = 0

  constructor(place: Place, id: string) {
    this.id = id
    this.#place = place
    this.#directory = place.nextLog()
  }

  async open(): Promise<void> {
    // The same for all: who makes its directory itself finds it made.
    mkdirSync(this.#directory)
    await this.#start()
    const { takes, serverPid } = await this.#running.call(
      'open',
      { directory: this.#directory },
      OPEN_SECONDS_MAX + CALL_SECONDS_MORE,
    )
    this.takes = takes
    this.#serverPid = serverPid
    this.#openedMs = performance.now()
  }

  /**
   * Whoever takes a minute longer than it was given hangs, and has failed; so has whoever gives more than was put.
   */
  async call<N extends keyof PeerVerbs & string>(
    verb: N,
    argument: Parameters<PeerVerbs[N]>[0],
  ): Promise<Awaited<ReturnType<PeerVerbs[N]>>> {
    const given = Reflect.get(argument, 'secondsMax') ?? Reflect.get(argument, 'seconds') ?? 0
    const answer = await this.#running.call(verb, argument, Number(given) + CALL_SECONDS_MORE)
    this.#tally.note(verb, answer)
    return answer
  }

  async run<N extends 'put' | 'batch' | 'steady' | 'flatOutPut' | 'flatOutThrough'>(
    verb: N,
    argument: Parameters<PeerVerbs[N]>[0],
  ): Promise<Run> {
    const before = this.#serverCpuSeconds()
    return this.#runOf(verb, await this.call(verb, argument), before)
  }

  #runOf(verb: string, { messages, seconds, cpuSeconds }: Timing, before: number): Run {
    if (messages === 0) throw new Error(`${verb} did nothing in ${seconds} s`)
    const server = this.#serverCpuSeconds() - before
    return { rate: messages / seconds, cpu: (cpuSeconds + server) / seconds, seconds }
  }

  /** Puts, as far as fewer than `messages` wait by what was put and taken before. */
  async fillUpTo(messages: number, bytes: number, secondsMax: number): Promise<void> {
    const more = messages - this.#tally.waiting
    if (more > 0) await this.call('fill', { bytes, messages: more, secondsMax })
  }

  /** Takes until time is up, or nothing is left. */
  async drainFor(batch: number, seconds: number): Promise<Run> {
    const before = this.#serverCpuSeconds()
    const timing = await this.call('drain', {
      batch,
      messages: Number.MAX_SAFE_INTEGER,
      secondsMax: seconds,
      // One message at a time is one taker, too.
      ...(batch === 1 && { takers: 1 }),
    })
    this.takeRate = timing.messages / timing.seconds
    return this.#runOf('drain', timing, before)
  }

  /** Resident bytes of client and server. */
  async memoryBytes(): Promise<number> {
    const { pid } = await this.#running.call('memory', {})
    return residentBytesOf(pid) + this.#serverResidentBytes()
  }

  /** What its directory takes on the disk. */
  diskBytes(): number {
    return diskBytesOf(this.#directory)
  }

  /**
   * Has the file system write what is not written yet, and waits: what this one left to be done later shall not
   * be done in the turn of the next.
   */
  async settle(pauseSeconds: number): Promise<void> {
    await syncFileSystemOf(this.#directory)
    await new Promise((resolve) => setTimeout(resolve, pauseSeconds * 1000))
  }

  /** Another process on an empty directory. */
  async startAnew(): Promise<void> {
    await this.end()
    this.#tally = new Tally()
    this.takeRate = undefined
    await this.open()
  }

  /** SIGKILL for client and server; then the time from the next opening to the first message. */
  async reopenKilled(): Promise<number> {
    const { killSecondsMin = 0 } = contenderOf(this.id)
    const leftMs = this.#openedMs + killSecondsMin * 1000 - performance.now()
    if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs))
    await this.kill()
    await this.#start()
    const { seconds, serverPid } = await this.#running.call(
      'openToFirst',
      { directory: this.#directory },
      OPEN_SECONDS_MAX + CALL_SECONDS_MORE,
    )
    this.#serverPid = serverPid
    return seconds
  }

  async kill(): Promise<void> {
    await this.#process?.kill()
    this.#process = undefined
    if (this.#serverPid !== undefined) await killed(this.#serverPid)
    this.#serverPid = undefined
  }

  /** Leaves nothing of one that has failed. */
  async abandon(): Promise<void> {
    await this.kill()
    this.#place.remove(this.#directory)
  }

  /** Closes in order where that goes, and leaves nothing. */
  async end(): Promise<void> {
    try {
      await this.#process?.end()
      // It has ended its server, whose number may be another's by now.
      this.#serverPid = undefined
    } finally {
      await this.kill()
      this.#place.remove(this.#directory)
    }
  }

  async #start(): Promise<void> {
    const { env } = contenderOf(this.id)
    const process = new VerbProcess<PeerVerbs>(PEER_CHILD, { profile: undefined, env })
    this.#process = process
    const found = await process.call('load', { id: this.id })
    if ('missing' in found) throw new Error(`${this.id}: ${found.missing}`)
  }

  get #running(): VerbProcess<PeerVerbs> {
    if (this.#process === undefined) throw new Error(`${this.id} is not open`)
    return this.#process
  }

  #serverCpuSeconds(): number {
    if (this.#serverPid === undefined) return 0
    return cpuSecondsOf(this.#serverPid)
  }

  #serverResidentBytes(): number {
    if (this.#serverPid === undefined) return 0
    return residentBytesOf(this.#serverPid)
  }
}
