/** The process of one contender: does what its parent tells it, one verb after the other. */

import { type ArgumentOf, serveVerbs } from '../verb-process.ts'
import { type Loaded, Missing, type Opened } from './contract.ts'
import {
  batchFor,
  drain,
  fill,
  flatOutPut,
  flatOutThrough,
  pacedPut,
  pacedThrough,
  putFor,
  steadyFor,
} from './loads.ts'
import { contenderOf } from './registry.ts'
import type { Lateness, PeerVerbs, Timing } from './verbs.ts'

/** The command of bench/main.ts that runs it; for nobody else. */
export const PEER_CHILD = 'peer-child'

/** A server may answer before it gives anything: a quorum queue elects its leader first. That time counts. */
const FIRST_MS_MAX = 60_000
const FIRST_AGAIN_MS = 5

type Of<N extends keyof PeerVerbs> = ArgumentOf<PeerVerbs, N>

/** Serves until the parent goes. */
export function servePeerVerbs(): void {
  serveVerbs<PeerVerbs>(new PeerChild())
}

class PeerChild implements PeerVerbs {
  #loaded: Loaded | undefined
  #current: Opened | undefined

  async load({ id }: Of<'load'>): Promise<{ version: string } | { missing: string }> {
    const contender = contenderOf(id)
    try {
      this.#loaded = await contender.load()
      return { version: this.#loaded.version }
    } catch (error) {
      if (error instanceof Missing) return { missing: error.message }
      throw error
    }
  }

  async open({ directory }: Of<'open'>) {
    const opened = await this.#open(directory)
    return { takes: opened.take !== undefined, serverPid: opened.serverPid }
  }

  async openToFirst({ directory }: Of<'openToFirst'>) {
    const started = performance.now()
    const opened = await this.#open(directory)
    if (opened.take === undefined) await opened.put(new Uint8Array(1))
    else await takeFirst(opened.take.bind(opened), performance.now() + FIRST_MS_MAX)
    return { seconds: (performance.now() - started) / 1000, serverPid: opened.serverPid }
  }

  put(what: Of<'put'>): Promise<Timing> {
    return putFor(this.#opened, what)
  }

  batch(what: Of<'batch'>): Promise<Timing> {
    return batchFor(this.#opened, what)
  }

  fill(what: Of<'fill'>): Promise<number> {
    return fill(this.#opened, what)
  }

  drain(what: Of<'drain'>): Promise<Timing> {
    return drain(this.#opened, what)
  }

  steady(what: Of<'steady'>): Promise<Timing> {
    return steadyFor(this.#opened, what)
  }

  flatOutPut(what: Of<'flatOutPut'>): Promise<Timing> {
    return flatOutPut(this.#opened, what)
  }

  flatOutThrough(what: Of<'flatOutThrough'>): Promise<Timing> {
    return flatOutThrough(this.#opened, what)
  }

  pacedPut(what: Of<'pacedPut'>): Promise<Lateness> {
    return pacedPut(this.#opened, what)
  }

  pacedThrough(what: Of<'pacedThrough'>): Promise<Lateness> {
    return pacedThrough(this.#opened, what)
  }

  async memory(): Promise<{ pid: number }> {
    if (!gc) throw new Error('the process was not started with --expose-gc')
    for (let i = 0; i < 3; i++) {
      gc()
      // What a collection frees beyond the heap goes in a turn of its own.
      await new Promise(setImmediate)
    }
    return { pid: process.pid }
  }

  async close(): Promise<void> {
    const opened = this.#current
    this.#current = undefined
    await opened?.close()
  }

  async #open(directory: string): Promise<Opened> {
    if (this.#loaded === undefined) throw new Error('nothing is loaded')
    this.#current = await this.#loaded.open(directory)
    return this.#current
  }

  get #opened(): Opened {
    if (this.#current === undefined) throw new Error('nothing is open')
    return this.#current
  }
}

async function takeFirst(take: (count: number) => Promise<number>, endMs: number): Promise<void> {
  while ((await take(1)) !== 1) {
    if (performance.now() > endMs) throw new Error('nothing is left of what was put')
    await new Promise((again) => setTimeout(again, FIRST_AGAIN_MS))
  }
}
