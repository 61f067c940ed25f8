/**
 * A writer that was measured and not taken: a worker thread that writes synchronously what it finds in
 * a ring of shared memory, looks at LOCK behind each group, and counts what it has done.
 */

import { Worker } from 'node:worker_threads'
import type { Done, GroupWriter } from './writers.ts'

const RING_BYTES = 8 * 1024 * 1024
const SLOTS = 64
/** Words in front of the slots: groups put into the ring, groups written. */
const PUT = 0
const WRITTEN = 1
const SLOTS_AT = 2
/** Words of a slot: where the bytes begin in the ring, how many they are, their place in the file. */
const SLOT_WORDS = 3

const WORKER = `
const { writeSync, statSync } = require('node:fs')
const { words, bytes, descriptor, lock } = require('node:worker_threads').workerData
for (let done = 0; ; ) {
  Atomics.wait(words, ${PUT}, done)
  while (done !== Atomics.load(words, ${PUT})) {
    const at = ${SLOTS_AT} + (done % ${SLOTS}) * ${SLOT_WORDS}
    writeSync(descriptor, bytes, words[at], words[at + 1], words[at + 2])
    statSync(lock)
    Atomics.store(words, ${WRITTEN}, ++done)
    Atomics.notify(words, ${WRITTEN})
  }
}`

export class RingWriter implements GroupWriter {
  readonly #words = new Int32Array(new SharedArrayBuffer(4 * (SLOTS_AT + SLOTS * SLOT_WORDS)))
  readonly #bytes = new Uint8Array(new SharedArrayBuffer(RING_BYTES))
  readonly #worker: Worker
  readonly #waiting: Done[] = []
  #put = 0
  #written = 0
  #at = 0
  #isWaiting = false

  constructor(descriptor: number, lock: string) {
    const workerData = { words: this.#words, bytes: this.#bytes, descriptor, lock }
    this.#worker = new Worker(WORKER, { eval: true, workerData })
  }

  write(bytes: Uint8Array, position: number, done: Done): void {
    if (this.#at + bytes.length > RING_BYTES) this.#at = 0
    this.#bytes.set(bytes, this.#at)
    this.#words.set([this.#at, bytes.length, position], SLOTS_AT + (this.#put % SLOTS) * SLOT_WORDS)
    this.#at += bytes.length
    this.#waiting.push(done)
    Atomics.store(this.#words, PUT, ++this.#put)
    Atomics.notify(this.#words, PUT)
    this.#wait()
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #wait(): void {
    if (this.#isWaiting || this.#written === this.#put) return
    const { async, value } = waitAsync(this.#words, WRITTEN, this.#written)
    this.#isWaiting = true
    void (async ? value : Promise.resolve()).then(() => {
      this.#isWaiting = false
      const written = Atomics.load(this.#words, WRITTEN)
      for (; this.#written < written; this.#written++) this.#waiting.shift()?.()
      this.#wait()
    })
  }
}

type WaitAsync = (
  words: Int32Array,
  index: number,
  value: number,
) => { readonly async: boolean; readonly value: Promise<unknown> }

/** Node 20 has it, the compiler's library for it has not. */
const waitAsync = Reflect.get(Atomics, 'waitAsync') as WaitAsync
