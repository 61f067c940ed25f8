/**
 * The prototype that the engine is measured against: what a few dozen lines reach that keep none of
 * the promises. A batch becomes blocks of about 4 KiB with one CRC each, in one of two buffers that
 * take turns; one write is under way at a time, to a file of zeros opened with O_DSYNC; one promise an
 * append. No recovery, no lock, no segments, no limits: when the file is full it begins again in front.
 */

import * as fs from 'node:fs'
import { prepareFile } from '../src/measure/raw-loop.ts'
import { crc32 } from '../src/system/real/crc.ts'

const BLOCK_BYTES = 4096
/** Length, CRC, and the number of messages. */
const HEADER_BYTES = 12
const BUFFER_BYTES = 32 * 1024 * 1024
const READ_BYTES = 1024 * 1024

class Group {
  readonly bytes = Buffer.allocUnsafe(BUFFER_BYTES)
  used = 0
  #block = -1
  #messages = 0
  readonly resolvers: (() => void)[] = []

  add(body: Uint8Array): void {
    if (this.#block >= 0 && this.used - this.#block + 4 + body.length > BLOCK_BYTES) this.seal()
    if (this.#block < 0) {
      this.#block = this.used
      this.used += HEADER_BYTES
    }
    this.bytes.writeUInt32LE(body.length, this.used)
    this.bytes.set(body, this.used + 4)
    this.used += 4 + body.length
    this.#messages++
  }

  seal(): void {
    const { bytes } = this
    bytes.writeUInt32LE(this.used - this.#block, this.#block)
    bytes.writeUInt32LE(this.#messages, this.#block + 8)
    bytes.writeUInt32LE(crc32(bytes.subarray(this.#block + 8, this.used), 0), this.#block + 4)
    this.#block = -1
    this.#messages = 0
  }
}

export class BareLog {
  readonly #descriptor: number
  readonly #fileBytes: number
  #at = 0
  #pending = new Group()
  #writing = new Group()
  #busy = false
  #scheduled = false

  constructor(file: string, fileBytes: number) {
    const { O_CREAT, O_RDWR } = fs.constants
    const plain = fs.openSync(file, O_RDWR | O_CREAT, 0o644)
    prepareFile(plain, fileBytes)
    fs.closeSync(plain)
    // Undefined where the platform has none, and then the prototype is faster than it may be.
    this.#descriptor = fs.openSync(file, O_RDWR | (fs.constants.O_DSYNC ?? 0))
    this.#fileBytes = fileBytes
  }

  append(body: Uint8Array): Promise<void> {
    this.#pending.add(body)
    return this.#appended()
  }

  appendMany(bodies: readonly Uint8Array[]): Promise<void> {
    for (const body of bodies) this.#pending.add(body)
    return this.#appended()
  }

  appendSync(body: Uint8Array): void {
    const group = this.#pending
    group.add(body)
    group.seal()
    fs.writeSync(this.#descriptor, group.bytes, 0, group.used, this.#place(group.used))
    group.used = 0
  }

  close(): void {
    fs.closeSync(this.#descriptor)
  }

  #appended(): Promise<void> {
    if (!this.#busy && !this.#scheduled) {
      this.#scheduled = true
      queueMicrotask(() => this.#send())
    }
    return new Promise((resolve) => this.#pending.resolvers.push(resolve))
  }

  #send(): void {
    this.#scheduled = false
    const group = this.#pending
    if (this.#busy || group.used === 0) return
    this.#busy = true
    this.#pending = this.#writing
    this.#writing = group
    group.seal()
    const place = this.#place(group.used)
    fs.write(this.#descriptor, group.bytes, 0, group.used, place, (error) => {
      if (error !== null) throw error
      this.#busy = false
      group.used = 0
      const resolvers = group.resolvers.splice(0)
      this.#send()
      for (const resolve of resolvers) resolve()
    })
  }

  #place(byteLength: number): number {
    if (this.#at + byteLength > this.#fileBytes) this.#at = 0
    const place = this.#at
    this.#at += byteLength
    return place
  }
}

/** Writes `count` messages as the prototype would, to be read by {@link readBare}. Tells the length. */
export function writeBare(file: string, body: Uint8Array, count: number): void {
  const descriptor = fs.openSync(file, 'w')
  const group = new Group()
  for (let left = count; left > 0; ) {
    group.used = 0
    for (; left > 0 && group.used < READ_BYTES; left--) group.add(body)
    group.seal()
    fs.writeSync(descriptor, group.bytes, 0, group.used)
  }
  fs.closeSync(descriptor)
}

/** Reads such a file in pieces, checks every CRC and makes one view a message; tells how many. */
export async function readBare(file: string, visit: (body: Uint8Array) => void): Promise<number> {
  const handle = await fs.promises.open(file)
  let count = 0
  try {
    for (let at = 0; ; ) {
      const bytes = Buffer.allocUnsafeSlow(READ_BYTES)
      const { bytesRead } = await handle.read(bytes, 0, READ_BYTES, at)
      let start = 0
      while (start + HEADER_BYTES <= bytesRead) {
        const end = start + bytes.readUInt32LE(start)
        if (end > bytesRead) break
        if (crc32(bytes.subarray(start + 8, end), 0) !== bytes.readUInt32LE(start + 4)) {
          throw new Error(`${file}: the checksum at ${at + start} does not match`)
        }
        for (let record = start + HEADER_BYTES; record < end; count++) {
          const body = record + 4
          record = body + bytes.readUInt32LE(record)
          visit(bytes.subarray(body, record))
        }
        start = end
      }
      if (start === 0) return count
      at += start
    }
  } finally {
    await handle.close()
  }
}
